"""What people, typed messages and readings do to each other in a call, told event by event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from services.conversation.scenes import SceneChange
from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.domain.people import Author, Role
from services.toolbox.spec import ToolContext, ToolSpec
from services.voice import answering
from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    ClauseSpoken,
    Interrupted,
    Resumed,
    Troubled,
)
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import (
    DropReason,
    SpeechEnded,
    SpeechProgress,
    SpeechStarted,
    Stage,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)
from services.voice.mouth import CallOver
from tests.fakes.app import SAM
from tests.fakes.live_call import HERE, LiveCall, live_call
from tests.fakes.recording import RecordingDelivery, RecordingSink
from tests.fakes.scripted_model import Script, Scripted, ScriptedModel
from tests.fakes.voice_call import ANN, BOB
from tests.fakes.voice_engines import FakeSpeech

STORY = "Once there was a long road. It went over nine hills. At its end stood a small house."
AWAY = ProviderError("model", ProviderFault.UNREACHABLE, "The model is away.")


class Nothing(BaseModel):
    """No arguments."""


class Talk:
    """One turn of somebody, as a listener tells of it."""

    def __init__(
        self, live: LiveCall, number: int, *, by: Author = ANN, continues: int | None = None
    ) -> None:
        self._live = live
        self._number = number
        self._by = by
        self._continues = continues

    def starts(self, *, resumed: bool = False) -> Talk:
        now = time.monotonic()
        self._live.call.heard(
            SpeechStarted(
                speaker=self._by, turn=self._number, at=now, since=now - 0.06, resumed=resumed,
                continues=self._continues,
            )
        )  # fmt: skip
        return self

    def words(self, text: str, *, stage: Stage = Stage.PARTIAL) -> Talk:
        now = time.monotonic()
        self._live.call.heard(
            TranscriptReady(speaker=self._by, turn=self._number, at=now, text=text, stage=stage)
        )
        return self

    def pauses(self, text: str | None = None) -> Talk:
        now = time.monotonic()
        self._live.call.heard(
            SpeechEnded(speaker=self._by, turn=self._number, at=now, since=now - 0.1)
        )
        return self if text is None else self.words(text, stage=Stage.SPECULATIVE)

    def over(self, text: str, *, addressed: bool = True) -> None:
        now = time.monotonic()
        self.words(text, stage=Stage.FINAL)
        self._live.call.heard(
            TurnDecided(
                speaker=self._by, turn=self._number, at=now, text=text, ending=Ending.COMPLETE,
                addressed=addressed, started_at=now - 1, ended_at=now - 0.2,
                continues=self._continues,
            )
        )  # fmt: skip

    def said(self, text: str, *, addressed: bool = True) -> None:
        """Tell all of it."""
        self.starts().pauses().over(text, addressed=addressed)

    def lasts(self, seconds: float) -> None:
        self._live.call.heard(
            SpeechProgress(speaker=self._by, turn=self._number, at=time.monotonic(), voiced=seconds)
        )

    def lost(self, reason: DropReason = DropReason.EMPTY) -> None:
        self._live.call.heard(
            TurnDropped(speaker=self._by, turn=self._number, at=time.monotonic(), reason=reason)
        )


@asynccontextmanager
async def told_call(data: Path, model: ScriptedModel, **how: object) -> AsyncIterator[LiveCall]:
    """Hold a call of quick speech."""
    speech = FakeSpeech(seconds_per_character=0.02)
    async with live_call(data, model, speech=speech, **how) as live:  # type: ignore[arg-type]
        yield live


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing that is stuck come free by waiting."""
    monkeypatch.setattr(answering, "LONGEST_WAIT", 1000.0)


def said_by_mira(history: Sequence[tuple[str, str]]) -> list[str]:
    return [text for who, text in history if who == "mira"]


async def test_whoever_interrupts_a_reading_is_answered(tmp_path):
    async with told_call(tmp_path, ScriptedModel("All right.")) as live:
        async with asyncio.TaskGroup() as group:
            group.create_task(live.call.say(STORY))
            await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
            talk = Talk(live, 1).starts().words("but I wanted tea")
            await live.comes(Interrupted)
            talk.pauses().over("but I wanted tea please")
            await live.comes(AnswerEnded, count=2)
        assert [one.whole for one in live.of(AnswerEnded)] == [False, True]


async def test_an_answer_that_fails_while_its_asker_goes_on_leaves_the_mouth_free(tmp_path):
    fail = asyncio.Event()
    scripts = {"apple boat": Script(hold=fail, error=AWAY)}
    model = ScriptedModel(lambda request: scripts.pop(request.messages[-1].content, "Here."))
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).said("apple boat")
        await live.until(lambda: model.requests)
        going_on = Talk(live, 2, continues=1).starts()
        fail.set()
        await live.comes(Troubled)
        going_on.pauses().over("apple boat cloud")
        await live.until(lambda: "Here." in [one.text for one in live.of(ClauseSpoken)])
        await live.until(lambda: not live.call.busy)


async def test_a_typed_message_and_somebody_who_speaks_do_not_wait_for_each_other(tmp_path):
    answers = iter(["To what was typed.", "To what was said."])
    async with told_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        talk = Talk(live, 1).starts()
        receipt = await live.app.post("hi", live.service.aloud(HERE, None), place=HERE)
        await asyncio.sleep(0.2)
        talk.pauses("apple boat")
        await asyncio.sleep(0.2)
        talk.over("apple boat")
        await live.comes(AnswerEnded, count=2)
        assert (await receipt.outcome()).terminals
        assert all(one.whole for one in live.of(AnswerEnded))


async def test_a_reading_begun_while_an_answer_is_only_presumed_comes_to_its_end(tmp_path):
    busy = asyncio.Event()
    answers: dict[int, Scripted] = {0: Script(hold=busy, text="Typed.")}
    model = ScriptedModel(lambda _: answers.pop(0, "Spoken."))
    async with told_call(tmp_path, model) as live:
        await live.app.post("hi", RecordingDelivery(), place=HERE)
        await live.until(lambda: model.requests)
        talk = Talk(live, 1).starts().pauses("apple boat")
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(live.call.say("Dinner is ready."))
            await live.until(lambda: live.speech.said)
            talk.starts(resumed=True).pauses().over("apple boat cloud")
            busy.set()
        await live.comes(AnswerEnded, count=2)


async def test_an_answer_to_half_a_turn_never_sounds(tmp_path):
    answers = iter([Script(text="An answer to half of it."), Script(text="An answer to all.")])
    async with told_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        talk.starts(resumed=True).pauses("apple boat cloud").over("apple boat cloud")
        await live.comes(AnswerEnded)
        assert [one.text for one in live.of(ClauseSpoken)] == ["An answer to all."]
        await live.app.conversations.drain(2.0)
        assert await live.history() == [("ann", "apple boat cloud"), ("mira", "An answer to all.")]


async def test_whoever_interrupts_what_was_typed_keeps_the_floor_until_answered(tmp_path):
    answers = iter([STORY, "To Ann, who was first to ask.", "To Bob, who had to wait."])
    model = ScriptedModel(lambda _: next(answers))
    async with told_call(tmp_path, model) as live:
        await live.app.post("hi", live.service.aloud(HERE, None), place=HERE)
        await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        Talk(live, 1, by=BOB).starts().pauses()
        interrupting = Talk(live, 2).starts().words("but I wanted tea")
        await live.comes(Interrupted)
        Talk(live, 1, by=BOB).over("cloud drum engine")
        interrupting.pauses().over("but I wanted tea please")
        await live.comes(AnswerEnded, count=3)
        assert [one.whole for one in live.of(AnswerEnded)] == [False, True, True]
        await live.app.conversations.drain(2.0)
        asked = [who for who, _ in await live.history()]
        assert asked == ["sam", "mira", "ann", "mira", "bob", "mira"]


async def test_what_is_overheard_never_cuts_an_answer_off(tmp_path):
    model = ScriptedModel(STORY)
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).said("apple boat")
        await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        Talk(live, 2).starts().pauses().over("Mhm, Mira.")
        Talk(live, 3, by=BOB).starts().pauses().over("Mhm, Mira.", addressed=False)
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        await live.app.conversations.drain(2.0)
        assert len(model.requests) == 1


async def test_an_answer_without_a_word_to_say_waits_for_the_rest_of_the_turn(tmp_path):
    answers = iter(["*smiles*", "All of it."])
    async with told_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await asyncio.sleep(0.5)
        talk.starts(resumed=True).pauses("apple boat cloud").over("apple boat cloud")
        await live.comes(AnswerEnded)
        await live.app.conversations.drain(2.0)
        assert await live.history() == [("ann", "apple boat cloud"), ("mira", "All of it.")]


async def test_a_hard_word_before_anything_is_heard_gives_the_answer_up(tmp_path):
    model = ScriptedModel(Script(hold=asyncio.Event()))
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).said("apple boat")
        await live.until(lambda: model.requests)
        Talk(live, 2).said("Stop.")
        await live.until(lambda: not live.call.busy)
        await live.app.conversations.drain(2.0)
        assert len(model.requests) == 1
        assert await live.history() == [("ann", "apple boat")]


async def test_what_was_only_presumed_when_the_call_is_left_is_not_kept(tmp_path):
    busy = asyncio.Event()

    async def light(_: Nothing, __: ToolContext) -> str:
        return "It is lit."

    lamp = ToolSpec(name="weather", description="Tell it.", parameters=Nothing, handler=light)
    call = Script(calls=[ToolCall(id="1", name="weather", arguments={})])
    scripts: dict[int, Scripted] = {0: Script(hold=busy, text="Typed.")}
    model = ScriptedModel(lambda _: scripts.pop(0, call))
    async with told_call(tmp_path, model, tools=[lamp]) as live:
        receipt = await live.app.post("hi", RecordingDelivery(), place=HERE)
        await live.until(lambda: model.requests)
        Talk(live, 1).starts().pauses("apple boat")
        await asyncio.sleep(0.2)
        await live.leave()
        busy.set()
        outcome = await receipt.outcome()
        assert outcome.terminals[0].kind == "turn_finished", "what is written only goes on"
        await live.app.conversations.drain(2.0)
        assert await live.history() == [("sam", "hi"), ("mira", "Typed.")]


async def test_what_is_typed_while_the_call_is_left_is_answered_in_writing(tmp_path):
    async with told_call(tmp_path, ScriptedModel("Written.")) as live:
        shown = RecordingDelivery()
        reading = asyncio.get_running_loop().create_task(live.call.say(STORY))
        await live.comes(AnswerBegun)
        receipt = await live.app.post("hi", live.service.aloud(HERE, shown), place=HERE)
        await asyncio.sleep(0.2)
        reading.cancel()
        await live.leave()
        outcome = await receipt.outcome()
        assert outcome.terminals[0].kind == "turn_finished"
        assert shown.sink.events[-1].kind == "turn_finished"


@pytest.mark.parametrize("how", ["hushed", "stopped"])
async def test_what_waits_for_quiet_can_be_given_up(tmp_path, how):
    model = ScriptedModel("By the way.")
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).starts()
        receipt = await live.app.post("hi", live.service.aloud(HERE, None), place=HERE)
        await live.until(lambda: model.requests)
        if how == "hushed":
            await live.until(live.call.hush)
        else:
            assert live.app.conversations.stop(HERE)
        async with asyncio.timeout(10):
            outcome = await receipt.outcome()
        assert outcome.terminals[0].kind == "turn_interrupted"
        await live.app.conversations.drain(2.0)
        assert await live.history() == [("sam", "hi")]
        assert not live.of(AnswerBegun)
        assert not live.call.hush()


async def test_what_waits_for_quiet_is_written_at_once(tmp_path):
    async with told_call(tmp_path, ScriptedModel("Written.")) as live:
        shown = RecordingDelivery()
        talk = Talk(live, 1).starts()
        await live.app.post("hi", live.service.aloud(HERE, shown), place=HERE)
        await live.until(lambda: shown.sink.text == "Written.")
        assert not live.of(AnswerBegun)
        talk.pauses().lost()
        await live.comes(AnswerEnded)


async def test_what_is_said_and_typed_by_the_same_person_is_answered_as_one(tmp_path):
    busy = asyncio.Event()
    scripts: dict[int, Scripted] = {0: Script(hold=busy, text="To Sam.")}
    model = ScriptedModel(lambda _: scripts.pop(0, "To Ann."))
    async with told_call(tmp_path, model) as live:
        await live.app.post("hi", RecordingDelivery(), place=HERE)
        await live.until(lambda: model.requests)
        Talk(live, 1).said("apple boat")
        await asyncio.sleep(0.2)
        await live.app.post("and this", live.service.aloud(HERE, None), place=HERE, by=ANN)
        await asyncio.sleep(0.2)
        busy.set()
        await live.comes(AnswerEnded)
        await live.until(lambda: not live.call.busy)
        assert len(model.requests) == 2


async def test_whoever_watches_and_fails_does_not_end_the_call(tmp_path):
    async with told_call(tmp_path, ScriptedModel("Hello.")) as live:
        live.events.failing = RuntimeError("a view is gone")
        Talk(live, 1).said("apple boat")
        await live.until(lambda: not live.call.busy)
        live.events.failing = None
        Talk(live, 2).said("cloud drum")
        await live.comes(AnswerEnded)


async def test_a_reading_ends_when_the_call_is_left(tmp_path):
    async with told_call(tmp_path, ScriptedModel("unused")) as live:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(live.call.say(STORY))
            await live.comes(AnswerBegun)
            await live.leave()
        with pytest.raises(CallOver):
            await live.call.say("Hello?")
        assert [one.whole for one in live.of(AnswerEnded)] == [False]


async def test_a_stop_that_turns_out_to_be_a_hard_word_is_not_answered(tmp_path):
    model = ScriptedModel(STORY)
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).said("apple boat")
        await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        talk = Talk(live, 2).starts().words("stock")
        await live.comes(Interrupted)
        talk.pauses().over("Stop.")
        ended = await live.comes(AnswerEnded)
        assert not ended.whole
        assert [one.hard for one in live.of(Interrupted)] == [False, True]
        await live.until(lambda: not live.call.busy)
        await live.app.conversations.drain(2.0)
        assert len(model.requests) == 1


async def test_a_long_back_channel_begun_before_the_answer_lets_it_go_on(tmp_path):
    model = ScriptedModel(STORY)
    async with told_call(tmp_path, model) as live:
        talk = Talk(live, 2, by=BOB).starts()
        Talk(live, 1).said("apple boat")
        await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        talk.lasts(1.5)
        await live.comes(Interrupted)
        talk.pauses().over("Yeah, yeah.")
        await live.comes(Resumed)
        ended = await live.comes(AnswerEnded)
        assert ended.whole


@pytest.mark.parametrize("presumed", [True, False])
async def test_shutting_down_waits_no_longer_than_its_patience(tmp_path, presumed):
    async with told_call(tmp_path, ScriptedModel(STORY)) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        if not presumed:
            talk.over("apple boat")
            await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        began = time.monotonic()
        await live.app.conversations.drain(0.3)
        assert time.monotonic() - began < 2.5
        assert not live.call.busy or presumed
        (said,) = said_by_mira(await live.history()) or [""]
        assert STORY.startswith(said.rstrip("—"))
        assert bool(said) is not presumed


async def test_an_answer_whose_text_cannot_be_shown_is_spoken_to_its_end(tmp_path):
    async with told_call(tmp_path, ScriptedModel(STORY)) as live:
        broken = RecordingDelivery(sinks=[RecordingSink(fail_at=1)])
        outcome, _ = await live.app.say("hi", live.service.aloud(HERE, broken), place=HERE)
        assert outcome.terminals[0].kind == "turn_finished"
        assert live.of(AnswerEnded)[0].whole


async def test_somebody_else_who_interrupts_while_a_turn_is_unsure_waits_for_it(tmp_path):
    answers = iter(["To Ann.", "To Bob."])
    async with told_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        Talk(live, 2, by=BOB).said("cloud drum engine")
        await asyncio.sleep(0.3)
        assert not live.loudspeaker.sounding()
        talk.over("apple boat")
        await live.comes(AnswerEnded, count=2)
        await live.app.conversations.drain(2.0)
        assert [who for who, _ in await live.history()] == ["ann", "mira", "bob", "mira"]


@pytest.mark.parametrize("how", ["lost", "left", "deafened"])
async def test_the_mouth_is_free_after_what_came_to_nothing(tmp_path, how):
    async with told_call(tmp_path, ScriptedModel("Hello.")) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        talk.lost(DropReason.EMPTY if how == "lost" else DropReason.LEFT)
        if how == "deafened":
            live.call.deafen()
            live.call.listen()
        await live.until(lambda: not live.call.busy)
        await live.call.say("Dinner.")
        Talk(live, 2, by=BOB).said("cloud drum")
        await live.comes(AnswerEnded, count=2)
        assert [who for who, _ in await live.history()][:1] == ["bob"]


async def test_hushing_what_is_only_presumed_gives_it_up(tmp_path):
    answers = iter([STORY, "Hello."])
    async with told_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        assert live.call.hush()
        talk.over("apple boat")
        await live.until(lambda: not live.call.busy)
        assert not live.loudspeaker.sounding()
        Talk(live, 2).said("cloud drum")
        await live.comes(AnswerEnded)


async def test_in_a_scene_a_back_channel_is_not_meant_for_it(tmp_path):
    model = ScriptedModel(STORY)
    async with told_call(tmp_path, model) as live:
        await live.app.conversations.change_scene(
            HERE, SceneChange(join="Mira"), by=SAM, role=Role.MODERATOR
        )
        Talk(live, 1).said("apple boat")
        await live.until(lambda: len(live.loudspeaker.sounding()) > 25)
        Talk(live, 2).starts().pauses().over("Mhm.")
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        await live.app.conversations.drain(2.0)
        assert len(model.requests) == 1


async def test_an_answer_is_shown_only_once_it_is_certain_what_it_is_to(tmp_path):
    shown = RecordingDelivery()
    answers = iter(["An answer to half of it.", "An answer to all.", "To noise."])
    model = ScriptedModel(lambda _: next(answers))
    async with told_call(tmp_path, model, text=shown) as live:
        talk = Talk(live, 1).starts().pauses("apple boat")
        await live.until(lambda: live.speech.said)
        assert shown.sink.kinds == []
        talk.starts(resumed=True).pauses("apple boat cloud")
        await live.until(lambda: len(live.speech.said) == 2)
        talk.over("apple boat cloud")
        await live.comes(AnswerEnded)
        await live.until(lambda: not live.call.busy)
        assert shown.sink.text == "An answer to all."
        assert shown.sink.kinds[-1] == "turn_finished"
        noise = Talk(live, 2).starts().pauses("cloud")
        await live.until(lambda: len(live.speech.said) == 3)
        noise.lost()
        await live.until(lambda: not live.call.busy)
        await live.app.conversations.drain(2.0)
        assert shown.sink.text == "An answer to all."
        assert await live.history() == [("ann", "apple boat cloud"), ("mira", "An answer to all.")]
        (entry,) = (await live.app.conversations.recent(HERE, 9))[1:]
        versions = await live.app.conversations.versions(entry.message.id)
        assert len(versions.entries) == 1, "what nobody heard or saw is no version"


async def test_an_answer_is_shown_while_it_is_heard_once_it_is_certain(tmp_path):
    shown = RecordingDelivery()
    async with told_call(tmp_path, ScriptedModel(STORY), text=shown) as live:
        Talk(live, 1).starts().pauses("apple boat").over("apple boat")
        await live.comes(AnswerBegun)
        await live.until(lambda: shown.sink.text == STORY)
        assert not live.of(AnswerEnded)
        await live.comes(AnswerEnded)
        await live.until(lambda: not live.call.busy)
        assert shown.sink.kinds[0] == "turn_started"
        assert shown.sink.kinds[-1] == "turn_finished"


async def test_a_hard_word_does_not_stop_what_somebody_else_wrote_for(tmp_path):
    busy = asyncio.Event()
    scripts: dict[int, Scripted] = {0: Script(hold=busy, text="Typed.")}
    model = ScriptedModel(lambda _: scripts.pop(0, "Spoken."))
    async with told_call(tmp_path, model) as live:
        receipt = await live.app.post("hi", RecordingDelivery(), place=HERE)
        await live.until(lambda: model.requests)
        Talk(live, 1).said("apple boat")
        await asyncio.sleep(0.2)
        Talk(live, 2).said("Stop.")
        await asyncio.sleep(0.2)
        busy.set()
        assert (await receipt.outcome()).terminals[0].kind == "turn_finished"
        await live.until(lambda: not live.call.busy)


async def test_hushing_a_reading_lets_the_answer_that_waits_be_spoken(tmp_path):
    async with told_call(tmp_path, ScriptedModel("Spoken.")) as live:
        async with asyncio.TaskGroup() as group:
            group.create_task(live.call.say(STORY))
            await live.comes(AnswerBegun)
            receipt = await live.app.post("hi", live.service.aloud(HERE, None), place=HERE)
            await asyncio.sleep(0.2)
            assert live.call.hush()
            outcome = await receipt.outcome()
        assert outcome.terminals[0].kind == "turn_finished"
        assert [one.whole for one in live.of(AnswerEnded)] == [False, True]
        Talk(live, 1).said("apple boat")
        await live.comes(AnswerEnded, count=3)


async def test_what_is_typed_while_people_speak_does_not_wait_for_a_call_that_is_left(tmp_path):
    async with told_call(tmp_path, ScriptedModel("Written.")) as live:
        shown = RecordingDelivery()
        Talk(live, 1).starts()
        receipt = await live.app.post("hi", live.service.aloud(HERE, shown), place=HERE)
        await asyncio.sleep(0.2)
        await live.leave()
        async with asyncio.timeout(10):
            outcome = await receipt.outcome()
        assert outcome.terminals[0].kind == "turn_finished"
        assert shown.sink.text == "Written."


async def test_a_back_channel_begun_over_an_answer_is_not_answered_after_it(tmp_path):
    model = ScriptedModel("A few words to hear.")
    async with told_call(tmp_path, model) as live:
        Talk(live, 1).said("apple boat")
        await live.comes(AnswerBegun)
        talk = Talk(live, 2).starts().pauses()
        await live.comes(AnswerEnded)
        await live.until(lambda: not live.call.busy)
        talk.starts(resumed=True).pauses("Mhm.").over("Mhm.")
        assert not live.call.busy
        await live.app.conversations.drain(2.0)
        assert len(model.requests) == 1
