"""The wording around cards, from the prompt templates."""

from __future__ import annotations

from services.persona.assembly.material import LayoutTexts
from services.persona.prompts import PromptLibrary

_CHAR, _USER = "{{char}}", "{{user}}"


def layout_texts(prompts: PromptLibrary, *, auxiliary: str = "") -> LayoutTexts:
    """Return what the templates say, names left as macros; ``auxiliary`` is said by nobody else."""
    render = prompts.render
    return LayoutTexts(
        main=render("persona/main", char=_CHAR),
        auxiliary=auxiliary,
        personality=render("layout/personality", char=_CHAR, personality="{{personality}}"),
        scenario=render("layout/scenario", char=_CHAR, scenario="{{scenario}}"),
        new_chat=render("layout/new_chat"),
        new_group_chat=render("layout/new_group_chat", group="{{group}}"),
        new_example=render("layout/new_example"),
        group_nudge=render("layout/group_nudge", char=_CHAR),
        continue_nudge=render("conversation/continue"),
        impersonate=render("layout/impersonate", char=_CHAR, user=_USER),
    )
