"""What cards give to a prompt: one alone, or those of a scene's members together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.conversation.scenery import Scenery
from services.conversation.scenes import Cast
from services.persona.assembly.gathering import AssemblyRequest
from services.persona.assembly.layouts import Layout
from services.persona.assembly.material import LayoutTexts
from services.persona.assembly.wording import layout_texts
from services.persona.character import Character, Persona
from services.persona.prompts import PromptLibrary
from services.persona.style import style_text

_KEPT = 256


class PromptCards:
    """Makes requests for prompts; the wording of the 256 characters last asked for is held."""

    def __init__(self, prompts: PromptLibrary) -> None:
        self._prompts = prompts
        self._texts: OrderedDict[tuple[str, str], LayoutTexts] = OrderedDict()

    def request(
        self, scenery: Scenery, persona: Persona, cast: Cast, layout: Layout
    ) -> AssemblyRequest:
        """Return what the prompt of ``persona`` is made of, without the conversation."""
        texts, card = self._wording(persona), scenery.card.character
        common = cast.joined and layout == "cache"
        if common:
            texts = common_texts(texts, scenery.members, self._prompts)
            card = common_card(card, scenery.members, self._prompts)
        elif cast.joined:
            card = joined_card(card, scenery.members)
        return AssemblyRequest(
            character=card,
            environment=scenery.environment,
            texts=texts,
            lore=scenery.lore,
            user_description=scenery.card.user,
            group=cast.group,
            disabled=scenery.result.disabled_prompts if scenery.result else frozenset(),
            filled=True,
            common_opening=common,
        )

    def _wording(self, persona: Persona) -> LayoutTexts:
        key = persona.id, persona.version
        if key not in self._texts:
            style = style_text(persona, self._prompts)
            self._texts[key] = layout_texts(self._prompts, auxiliary=style)
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


def joined_card(speaker: Character, members: Sequence[Character]) -> Character:
    """Return the speaker's card with the descriptive texts of all, in the order of the scene."""
    return replace(
        speaker,
        description=_together(one.description for one in members),
        personality=_together(one.personality for one in members),
        scenario=_together(one.scenario for one in members),
        mes_example=_examples(members),
    )


def common_card(
    speaker: Character, members: Sequence[Character], prompts: PromptLibrary
) -> Character:
    """Do ``joined_card`` in words that do not depend on who speaks: each text names its owner."""

    def framed(name: str, texts: Iterable[tuple[Character, str]]) -> str:
        said = (
            prompts.render(f"layout/{name}", char=one.called, **{name: text})
            for one, text in texts
            if text.strip()
        )
        return _together(dict.fromkeys(said))

    return replace(
        speaker,
        description=framed("description", ((one, one.description) for one in members)),
        personality=framed("personality", ((one, one.personality) for one in members)),
        scenario=framed("scenario", ((one, one.scenario) for one in members)),
        mes_example=_examples(members),
    )


def common_texts(
    texts: LayoutTexts, members: Sequence[Character], prompts: PromptLibrary
) -> LayoutTexts:
    """Return the wording around a ``common_card``."""
    names = ", ".join(one.called for one in members)
    return replace(
        texts,
        main=prompts.render("persona/group_main", group=names),
        personality="{{personality}}",
        scenario="{{scenario}}",
    )


def _examples(members: Sequence[Character]) -> str:
    return _together(
        f"<START>\n{one.mes_example}" if one.mes_example.strip() else "" for one in members
    )


def _together(texts: Iterable[str]) -> str:
    return "\n".join(text.strip() for text in texts if text.strip())
