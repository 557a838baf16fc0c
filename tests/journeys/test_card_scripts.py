"""Text replacements of cards in a running conversation: kept, sent to the model, shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from services.conversation.inbound import Receipt
from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.domain.messages import HistoryEntry
from services.domain.replies import TurnBrief
from services.llm.model import ChatRequest
from services.persona.activation import Activation
from services.toolbox.spec import ToolContext, ToolSpec
from tests.fakes.app import KIM, PLACE, SAM, App, opened_app
from tests.fakes.recording import RecordingDelivery, assert_grammar
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.troupe import Stage, cast_settings
from tests.journeys.test_scenery import write_card

BOTH = [1, 2]


class Nothing(BaseModel):
    """No arguments."""


def script(find: str, replacement: str, **more: object) -> dict[str, object]:
    return {
        "scriptName": f"s {find}",
        "findRegex": find,
        "replaceString": replacement,
        "placement": BOTH,
        **more,
    }


def card(folder: Path, *scripts: Mapping[str, object], **fields: object) -> Any:
    return write_card(folder / "cards", extensions={"regex_scripts": list(scripts)}, **fields)


def said(request: ChatRequest) -> list[str]:
    return [m.content for m in request.messages if m.source == "chatHistory"]


async def entries(app: App) -> list[HistoryEntry]:
    return list(await app.conversations.recent(PLACE, 20))


# -- what the model sees


@pytest.mark.parametrize("layout", ["cache", "sillytavern"])
async def test_what_is_for_prompts_changes_the_prompt_and_nothing_that_is_kept(
    tmp_path: Path, layout: str
) -> None:
    persona = card(tmp_path, script("/tea/g", "{{user}}'s coffee", promptOnly=True))
    model = ScriptedModel("More tea?")
    settings: dict[str, Any] = {"persona": persona, "conversation": {"layout": layout}}
    async with opened_app(tmp_path, model, **settings) as app:
        _, delivery = await app.say("Some tea, please")
        await app.say("Yes, tea")
        assert delivery.sink.text == "More tea?"
        assert [text for _, text in await app.history()][:2] == ["Some tea, please", "More tea?"]
    assert said(model.requests[1]) == [
        "Some Sam's coffee, please",
        "More Sam's coffee?",
        "Yes, Sam's coffee",
    ]


async def test_lore_is_found_by_what_the_model_sees(tmp_path: Path) -> None:
    book = {"entries": [{"keys": ["coffee"], "content": "It is Turkish.", "enabled": True,
                         "insertion_order": 1, "extensions": {}},
                        {"keys": ["tea"], "content": "It is green.", "enabled": True,
                         "insertion_order": 2, "extensions": {}}]}  # fmt: skip
    persona = card(tmp_path, script("/tea/g", "coffee", promptOnly=True), character_book=book)
    model = ScriptedModel("Gladly.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Some tea, please")
    prompt = "\n".join(message.content for message in model.requests[0].messages)
    assert "It is Turkish." in prompt
    assert "It is green." not in prompt


async def test_depth_and_placement_are_those_of_the_running_conversation(tmp_path: Path) -> None:
    persona = card(
        tmp_path,
        script("/^/", "[old] ", promptOnly=True, minDepth=2),
        script("/^/", "[hers] ", promptOnly=True, placement=[2], maxDepth=2),
    )
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        for text in ("one", "two", "three"):
            await app.say(text)
        receipt = await app.conversations.continue_reply(PLACE, RecordingDelivery(), by=SAM)
        await receipt.outcome()
    assert said(model.requests[2]) == [
        "[old] one",
        "[old] Yes.",
        "[old] two",
        "[hers] Yes.",
        "three",
    ]
    assert said(model.requests[3])[-3:] == ["[hers] Yes.", "three", "[hers] Yes."]


async def test_a_script_that_runs_away_costs_little_and_is_named(tmp_path: Path) -> None:
    runaways = [script(f"/^(a+)+{n}$/", "", promptOnly=True) for n in range(60)]
    persona = card(tmp_path, *runaways, script("/please/", "now", promptOnly=True))
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        began = time.monotonic()
        outcome, _ = await app.say("a" * 40 + "!")
        assert time.monotonic() - began < 4
        assert outcome.terminals[0].kind == "turn_finished"
        explained = await app.conversations.why(PLACE)
        assert explained is not None
        skipped = explained.account["scripts_skipped"]
        assert isinstance(skipped, list)
        assert len(skipped) == 61
    assert said(model.requests[0]) == ["a" * 40 + "!"]


# -- what is kept


async def test_a_persons_words_are_kept_as_the_card_has_them(tmp_path: Path) -> None:
    persona = card(tmp_path, script("/\\bbrb\\b/g", "{{user}} comes back to {{char}}"))
    model = ScriptedModel("Fine.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("brb")
        assert (await app.history())[0] == ("sam", "Sam comes back to Nell")
    assert said(model.requests[0]) == ["Sam comes back to Nell"]


async def test_a_card_has_no_say_in_what_others_hear_too(tmp_path: Path) -> None:
    mine = {"extensions": {"talkativeness": 0, "regex_scripts": [script("/tea/", "X")]}}
    theirs = {"extensions": {"talkativeness": 0, "regex_scripts": [script("/tea/", "Y")]}}
    settings = cast_settings(tmp_path, ann=mine, ben=theirs)
    async with opened_app(tmp_path, ScriptedModel("Yes."), **settings) as app:
        play = Stage(app)
        await play.say("Ann, tea in the open?")
        await play.enter("ann", mode=Activation.LIST)
        await play.say("tea for Ann alone")
        await play.enter("ben")
        await play.say("tea for both")
        await play.change(leave="ann")
        await play.say("tea without her")
        told = [text for who, text in await app.history() if who == "sam"]
    assert told == ["Ann, tea in the open?", "X for Ann alone", "tea for both", "Y without her"]


@pytest.mark.parametrize("seconds", [0.0, 0.002])
async def test_a_reply_is_delivered_as_it_is_kept(tmp_path: Path, seconds: float) -> None:
    persona = card(tmp_path, script("/<thought>.*?<\\/thought>\\s*/gs", ""), script("/ok/", "fine"))
    reply = Script(text="<thought>Hm. A long\none.</thought> All ok. Good?", token_seconds=seconds)
    async with opened_app(tmp_path, ScriptedModel(reply), persona=persona) as app:
        outcome, delivery = await app.say("How is it?")
        assert_grammar(delivery.events)
        assert delivery.sink.text == "All fine. Good?"
        assert (await app.history())[-1] == ("nell", "All fine. Good?")
        [ended] = outcome.terminals
        assert ended.kind == "turn_finished"
        assert ended.reply.text == "All fine. Good?"
        sentences = [event.text for event in delivery.events if event.kind == "sentence_ready"]
        assert sentences == ["All fine.", "Good?"]


async def test_replies_of_other_cards_still_come_word_by_word(tmp_path: Path) -> None:
    shown_only = card(tmp_path, script("/tea/", "X", markdownOnly=True))
    async with opened_app(tmp_path, ScriptedModel("Some tea now."), persona=shown_only) as app:
        _, delivery = await app.say("Hello there")
    assert delivery.sink.kinds.count("text_delta") > 1


async def test_text_around_a_tool_call_is_changed_as_a_whole(tmp_path: Path) -> None:
    async def run(_arguments: Nothing, _context: ToolContext) -> str:
        return "Noon."

    tool = ToolSpec(name="clock", description="Tells the time.", parameters=Nothing, handler=run)
    persona = write_card(
        tmp_path / "cards",
        extensions={
            "regex_scripts": [script("/one(.*)two/s", "[$1]")],
            "acore": {"tools": ["clock"]},
        },
    )
    calls = [ToolCall(id="c", name="clock", arguments={})]
    model = ScriptedModel([Script(text="one ", calls=calls), "and two."])
    async with opened_app(tmp_path, model, persona=persona, tools=[tool]) as app:
        _, delivery = await app.say("What time is it?")
        assert_grammar(delivery.events)
        assert "tool_finished" in delivery.sink.kinds
        assert delivery.sink.text.startswith("[ and ]")
        assert (await app.history())[-1][1] == delivery.sink.text


async def test_what_came_before_a_failure_is_shown_and_kept(tmp_path: Path) -> None:
    persona = card(tmp_path, script("/tea/", "coffee"))
    error = ProviderError("scripted", ProviderFault.UNREACHABLE, "Gone.")
    reply = Script(text="Some tea is here. And then", error=error, fail_after=4)
    async with opened_app(tmp_path, ScriptedModel(reply), persona=persona) as app:
        outcome, delivery = await app.say("Hello there")
        assert outcome.terminals[0].kind == "turn_failed"
        assert delivery.sink.text == "Some coffee is here."
        assert (await app.history())[-1] == ("nell", "Some coffee is here.")


async def test_variables_that_scripts_set_in_a_reply_last(tmp_path: Path) -> None:
    persona = card(
        tmp_path,
        script("/mood: (\\w+)/", "{{setvar::mood::$1}}", placement=[2]),
        scenario="Mood: {{getvar::mood}}.",
    )
    model = ScriptedModel("mood: merry Good morning.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Hello there")
        await app.say("And now?")
    assert any("Mood: merry." in message.content for message in model.requests[1].messages)


async def test_greetings_are_kept_as_the_card_has_them_and_swipes_find_the_next(
    tmp_path: Path,
) -> None:
    persona = card(
        tmp_path,
        script("/HELLO/", "Hello"),
        first_mes="HELLO {{user}}.",
        alternate_greetings=["HELLO again."],
    )
    async with opened_app(tmp_path, ScriptedModel("Yes."), persona=persona) as app:
        nell = await app.conversations.persona_of(PLACE)
        greeting = await app.conversations.greet(PLACE, nell, author=SAM)
        assert greeting is not None
        assert greeting.text == "Hello Sam."
        swiped = await app.conversations.swipe(PLACE, 1, RecordingDelivery(), by=SAM)
        assert not isinstance(swiped, Receipt)
        assert swiped.entries[swiped.active].text == "Hello again."


async def test_edits_are_changed_by_scripts_that_say_so(tmp_path: Path) -> None:
    persona = card(tmp_path, script("/a/", "A"), script("/b/", "B", runOnEdit=True))
    async with opened_app(tmp_path, ScriptedModel("a b"), persona=persona) as app:
        await app.say("a b")
        edited = await app.conversations.edit(PLACE, "a b again", by=SAM)
        assert edited.text == "a B again"
        reply = (await entries(app))[-1]
        assert reply.text == "A B"
        edited = await app.conversations.edit(PLACE, "b", by=SAM, message=reply.message.id)
        assert edited.text == "B"


async def test_what_is_edited_on_the_platform_is_kept_as_if_it_had_been_said_so(
    tmp_path: Path,
) -> None:
    persona = card(tmp_path, script("/a/", "A"), script("/b/", "B", runOnEdit=True))
    async with opened_app(tmp_path, ScriptedModel("Yes."), persona=persona) as app:
        await app.say("a b", external=["q1"])
        assert not await app.conversations.corrected(PLACE, "q1", "a b", by=SAM)
        assert await app.conversations.corrected(PLACE, "q1", "a b again", by=SAM)
        assert (await entries(app))[0].text == "A B again"


# -- what people see


async def test_what_is_for_the_eye_changes_neither_what_is_kept_nor_the_prompt(
    tmp_path: Path,
) -> None:
    persona = card(
        tmp_path,
        script("/tea/g", "☕ for {{user}}", markdownOnly=True),
        script("/^/", "> ", markdownOnly=True, minDepth=2),
    )
    model = ScriptedModel("More tea?")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Some tea, please")
        await app.say("Yes")
        said_so_far = await entries(app)
        assert [entry.text for entry in said_so_far] == [
            "Some tea, please", "More tea?", "Yes", "More tea?",
        ]  # fmt: skip
        shown = await app.conversations.shown(said_so_far, viewer=KIM)
        assert shown == [
            "> Some ☕ for Kim, please",
            "> More ☕ for Kim?",
            "Yes",
            "More ☕ for Kim?",
        ]
        older = await app.conversations.shown(said_so_far[:2], viewer=KIM, newer=2)
        assert older == shown[:2]
    assert said(model.requests[1]) == ["Some tea, please", "More tea?", "Yes"]


class Dressed(RecordingDelivery):
    """Shows replies to Sam as a frontend would."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Any]:
        yield (self.app.conversations.dressed(turn, self.sink, viewer=SAM),)


async def test_a_streamed_reply_is_seen_as_it_should_look_and_kept_as_it_was_said(
    tmp_path: Path,
) -> None:
    persona = card(tmp_path, script("/\\*(.+?)\\*/g", "_$1_", markdownOnly=True))
    async with opened_app(tmp_path, ScriptedModel("*waves at you* Hi."), persona=persona) as app:
        delivery = Dressed(app)
        await app.say("Hello there", delivery)
        assert delivery.sink.text == "_waves at you_ Hi."
        assert delivery.sink.kinds[-1] == "turn_finished"
        assert (await app.history())[-1] == ("nell", "*waves at you* Hi.")


async def test_without_such_scripts_the_sink_is_left_as_it_is(tmp_path: Path) -> None:
    persona = card(tmp_path, script("/tea/", "X", promptOnly=True))
    async with opened_app(tmp_path, ScriptedModel("Some tea now."), persona=persona) as app:
        delivery = Dressed(app)
        await app.say("Hello there", delivery)
        assert delivery.sink.kinds.count("text_delta") > 1


async def test_what_was_held_back_when_an_answer_is_stopped_is_not_kept(tmp_path: Path) -> None:
    persona = card(tmp_path, script("/tea/", "X", markdownOnly=True))
    reply = Script(text="Some tea and more and more and more.", token_seconds=0.02)
    async with opened_app(tmp_path, ScriptedModel(reply), persona=persona) as app:
        delivery = Dressed(app)
        receipt = await app.post("Hello there", delivery)
        await asyncio.sleep(0.1)
        assert app.conversations.stop(PLACE)
        await receipt.outcome()
        assert delivery.sink.text == ""
        assert delivery.sink.kinds[-1] == "turn_interrupted"
        assert [who for who, _ in await app.history()] == ["sam"]
