"""What a reload reaches: every live setting, for the next turn, never for a running one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from pydantic import BaseModel

from frontends.following import appliers, check_default, check_rules
from services.conversation.moderation.rules import NO_RULES
from services.domain.calls import ToolCall
from services.domain.errors import ConfigurationError
from services.domain.ids import ConversationId, PersonaId
from services.llm.model import ModelInfo
from services.persona.character import Character, Persona
from services.reloading import joined
from services.settings import Settings
from services.settings_schema import setting_fields
from services.toolbox.spec import ToolContext, ToolSpec
from tests.fakes.app import PLACE, App, OneModel, opened_app
from tests.fakes.scripted_model import Script, ScriptedModel


class Where(BaseModel):
    """Where to look."""

    n: int


async def look(arguments: BaseModel, context: ToolContext) -> str:
    return "x" * 5000


LOOK = ToolSpec(name="look", description="Looks.", parameters=Where, handler=look)


def changed(app: App, **sections: Mapping[str, object]) -> None:
    """Take over ``sections`` as a reload does."""
    running = app.factory.settings()
    values = {
        name: {**dict(getattr(running, name)), **section} for name, section in sections.items()
    }
    loaded = Settings.model_validate({**dict(running), **values})
    for apply in appliers(app.factory):
        apply(joined(running, loaded))


async def test_how_the_model_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model) as app:
        changed(
            app,
            llm={
                "top_p": 0.2,
                "repeat_penalty": 1.5,
                "max_tokens": 17,
                "think": True,
                "thinking_model": "cheap",
            },
        )
        await app.say("Hello")
        await app.factory.thinking().yes_no("Is it?", "It is.")
        asked = cast("OneModel", app.factory.models()).asked
    request = model.requests[0]
    assert request.sampling is not None
    assert request.sampling.top_p == 0.2
    assert (request.sampling.repeat_penalty, request.sampling.max_tokens) == (1.5, 17)
    assert request.think is True
    assert asked[-1] == "cheap"


async def test_when_characters_answer(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        assert (await app.say("One"))[0].withheld is None
        changed(app, gate={"user_limit": 1, "limit_window_seconds": 3600.0})
        refused, _ = await app.say("Two")
        assert refused.withheld is not None
        assert refused.withheld.reason == "user_limit"
        assert (refused.withheld.retry_after or 0.0) > 60.0
        changed(app, gate={"triggers": ("mention",), "user_limit": 9})
        refused, _ = await app.say("Three")
        assert refused.withheld is not None
        assert refused.withheld.reason == "no_trigger"


async def test_limits_given_while_running_hold_at_the_terminal_too(tmp_path: Path) -> None:
    place = ConversationId("console", "local", "main")
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        changed(app, gate={"user_limit": 1})
        choices, now = app.factory.choices(), app.factory.clock().now()
        rules = await choices.rules(place)
        assert choices.overrides(place, rules, now).user_limit is None


async def test_who_answers_by_default_and_what_people_are_called(tmp_path: Path) -> None:
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model) as app:
        before = app.factory.library().default()
        other = next(one for one in app.factory.library().all() if one.id != before.id)
        changed(app, persona={"default": other.slug, "user_name": "Wanderer"})
        assert (await app.conversations.persona_of(PLACE)).id == other.id
        opening = app.factory.assembler().beginning(_NAMING, _INFO, reserve=100)
        assert "for Wanderer" in "".join(part.content for part in opening)
        with pytest.raises(ConfigurationError, match="nobody"):
            check_default(Settings.model_validate({"persona": {"default": "nobody"}}), app.factory)


_NAMING = Persona(
    id=PersonaId("cook"),
    slug="cook",
    version="1",
    character=Character(name="Cook", description="Cooks for {{user}}.", first_mes="Hello."),
)
_INFO = ModelInfo(provider="scripted", name="scripted", context_tokens=8192)


async def test_how_turns_run(tmp_path: Path) -> None:
    calls = [ToolCall(id=str(n), name="look", arguments={"n": n}) for n in range(5)]
    scripts = [Script(calls=[call]) for call in calls]
    model = ScriptedModel([scripts[0], "Seen.", scripts[1], scripts[2], "Seen."])
    folder = tmp_path / "characters" / "tess"
    folder.mkdir(parents=True)
    extensions = {"acore": {"id": "tess", "tools": ["look"]}}
    card = {"spec": "chara_card_v3", "data": {"name": "Tess", "extensions": extensions}}
    (folder / "card.json").write_text(json.dumps(card))
    tess = {"characters": folder.parent, "default": "tess"}
    async with opened_app(tmp_path / "d", model, tools=[LOOK], persona=tess) as app:
        changed(app, conversation={"tool_rounds": 1, "tool_result_characters": 100})
        await app.say("Look")
        assert len(model.requests) == 2
        assert len(model.requests[1].messages[-2].content) < 400
        changed(app, conversation={"tool_rounds": 2, "tool_result_characters": 100})
        await app.say("Look again")
        assert len(model.requests) == 5


async def test_what_nobody_may_say(tmp_path: Path) -> None:
    model = ScriptedModel("A grue.")
    async with opened_app(tmp_path, model) as app:
        assert (await app.say("One"))[1].sinks[0].text == "A grue."
        changed(app, moderation={"words": ("grue",), "model": "guard"})
        assert (await app.say("Two"))[1].sinks[0].text == "A ▮▮▮."
        judged = await app.factory.moderation().judge(app.message("a grue"), NO_RULES)
        assert judged.refused
        await app.factory.moderation().judge(app.message("hello"), NO_RULES)
        assert cast("OneModel", app.factory.models()).asked[-1] == "guard"
    with pytest.raises(ConfigurationError, match=r"\(a"):
        check_rules(Settings.model_validate({"moderation": {"patterns": ["(a"]}}))


class SlowToOpen(ScriptedModel):
    """Loads until it is told that it has."""

    def __init__(self) -> None:
        super().__init__("Yes.")
        self.opening = asyncio.Event()
        self.loaded = asyncio.Event()

    async def open(self) -> ModelInfo:
        self.opening.set()
        await self.loaded.wait()
        return await super().open()


async def test_a_running_turn_keeps_the_settings_it_began_with(tmp_path: Path) -> None:
    model = SlowToOpen()
    async with (
        opened_app(tmp_path, model, llm={"max_tokens": 100}) as app,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(app.say("One"))
        await model.opening.wait()
        changed(app, llm={"top_p": 0.1, "think": True, "max_tokens": 17})
        model.loaded.set()
        await first
        await app.say("Two")
    one, two = model.requests
    assert one.sampling is not None
    assert two.sampling is not None
    assert (one.sampling.top_p, one.sampling.max_tokens, one.think) == (0.95, 100, None)
    assert (two.sampling.top_p, two.sampling.max_tokens, two.think) == (0.1, 17, True)


async def test_facts_are_no_longer_recalled_once_a_reload_says_so(tmp_path: Path) -> None:
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model) as app:
        await app.say("My name is Theodora and I live in Trondheim.")
        await app.factory.learner().caught_up()
        await app.say("Hello!")
        assert "Trondheim" in notes_of(model)
        changed(app, memory={"recalled_facts": 0, "recalled_turns": 0})
        await app.say("Hello again!")
        assert "Trondheim" not in notes_of(model)


def notes_of(model: ScriptedModel) -> str:
    """Return what the last request said beside the conversation itself."""
    return "\n".join(
        message.content
        for message in model.requests[-1].messages
        if message.source not in {"chatHistory", "history"}
    )


def test_sections_with_live_settings_are_those_a_reload_hands_on() -> None:
    live = {field.section for field in setting_fields(Settings).values() if field.live}
    assert live == {
        "llm",
        "persona",
        "gate",
        "lore",
        "conversation",
        "memory",
        "moderation",
        "logging",
    }
