"""One reply from first word to stored row, under every way it can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from services.conversation.answers import AnswerSource
from services.conversation.generation import Done, GenerationEvent, NeedsConfirmation, Text
from services.conversation.ledger import (
    Confirmation,
    Ending,
    Ledger,
    TurnResult,
    _terminal,
    persona_author,
)
from services.conversation.runner import TurnRunner
from services.conversation.turn import Turn
from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault, StorageError
from services.domain.ids import ActionId, ConversationId, MessageId, PersonaId, TurnId
from services.domain.messages import HistoryEntry, Message, TextPart
from services.domain.replies import Delivered, InterruptReason, TurnBrief, TurnKind, Usage
from services.lifecycle import Lull
from services.observability.metrics import Metrics
from services.persona.character import Character, Persona
from services.toolbox.spec import ToolSpec
from tests.fakes.recording import RecordingDelivery, RecordingSink, SpokenSink, assert_grammar

pytestmark = pytest.mark.virtual_time

MIRA = Persona(id=PersonaId("mira"), slug="mira", version="1", character=Character(name="Mira"))


@dataclass
class MemoryLedger:
    """Keeps what a turn leaves behind in the order it was left."""

    log: list[str] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    stored: list[Ending] = field(default_factory=list)
    write_seconds: float = 0.0
    full: bool = False

    async def open(self, turn: Turn) -> None:
        self.log.append("open")

    async def checkpoint(self, turn: Turn, delivered: str, sentences: int) -> None:
        await asyncio.sleep(self.write_seconds)
        if self.full:
            raise StorageError("disk_full", "There is no space left.")
        self.checkpoints.append(delivered)

    async def propose(self, turn: Turn, call: ToolCall) -> Confirmation:
        return Confirmation(
            action=ActionId("a1"), tool=call.name, arguments=call.arguments, question="May I?"
        )

    async def commit(self, turn: Turn, ending: Ending) -> TurnResult:
        await asyncio.sleep(self.write_seconds)
        if self.full:
            raise StorageError("disk_full", "There is no space left.")
        self.log.append("commit")
        self.stored.append(ending)
        entry = None
        if ending.written.strip():
            entry = HistoryEntry(
                message=Message(
                    id=MessageId("r1"),
                    conversation=turn.brief.conversation,
                    author=persona_author(MIRA),
                    parts=(TextPart(text=ending.written),),
                    created_at=turn.brief.started_at,
                ),
                ordinal=2,
                parent=None,
            )
        return TurnResult(_terminal(turn, ending, entry), entry)


Step = GenerationEvent | Exception | float | Callable[[], None]


class ScriptedAnswers:
    """Plays generation events with pauses before each."""

    def __init__(self, events: Sequence[Step], *, excuse: str | None = None) -> None:
        self.events = events
        self.closed = False
        self._excuse = excuse

    def excuse(self) -> str | None:
        return self._excuse

    async def cleaned(self, turn: Turn, text: str) -> str:
        return text

    async def stream(self, turn: Turn, /) -> AsyncGenerator[GenerationEvent, None]:
        try:
            for event in self.events:
                if isinstance(event, float):
                    await asyncio.sleep(event)
                elif isinstance(event, Exception):
                    raise event
                elif callable(event):
                    event()
                else:
                    yield event
        finally:
            self.closed = True


def turn_for(delivery: RecordingDelivery) -> Turn:
    brief = TurnBrief(
        turn=TurnId("t1"),
        conversation=ConversationId("test", "local", "main"),
        persona=MIRA.id,
        persona_name="Mira",
        kind=TurnKind.REPLY,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Turn(brief=brief, persona=MIRA, delivery=delivery, history=())


def runner(answers: ScriptedAnswers, ledger: MemoryLedger, *, lane_events: int = 64) -> TurnRunner:
    return TurnRunner(
        answers=cast(AnswerSource, answers),
        ledger=cast(Ledger, ledger),
        metrics=Metrics(),
        lane_events=lane_events,
        lull=Lull(),
    )


DONE = Done(Usage(), 1, cut=False)
TALK: list[Step] = [Text("One is here. "), 0.1, Text("Two is here. "), 0.1, Text("Three."), DONE]


async def test_a_finished_reply_is_stored_before_it_is_announced() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    seen: list[int] = []
    sink = delivery.sink
    emit = sink.emit

    async def watch(event: object, /) -> None:
        if getattr(event, "kind", "") == "turn_finished":
            seen.append(len(ledger.stored))
        await emit(event)  # type: ignore[arg-type]

    sink.emit = watch  # type: ignore[method-assign]
    result = await runner(ScriptedAnswers(TALK), ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_finished"
    assert seen == [1]
    assert ledger.stored[0].written == "One is here. Two is here. Three."
    assert_grammar(delivery.events)


async def test_each_sentence_is_stored_before_it_is_announced() -> None:
    ledger, delivery = MemoryLedger(write_seconds=0.5), RecordingDelivery()
    stored_at: list[tuple[str, list[str]]] = []
    emit = delivery.sink.emit

    async def watch(event: object, /) -> None:
        if getattr(event, "kind", "") == "sentence_ready":
            stored_at.append((event.text, list(ledger.checkpoints)))  # type: ignore[attr-defined]
        await emit(event)  # type: ignore[arg-type]

    delivery.sink.emit = watch  # type: ignore[method-assign]
    await runner(ScriptedAnswers(TALK), ledger).run(turn_for(delivery))
    assert [text for text, _ in stored_at] == ["One is here.", "Two is here.", "Three."]
    for text, stored in stored_at:
        assert any(text in checkpoint for checkpoint in stored)


async def test_an_interruption_keeps_exactly_what_was_shown() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    turn = turn_for(delivery)
    answers = ScriptedAnswers(TALK)
    asyncio.get_running_loop().call_later(0.15, turn.interrupt, InterruptReason.USER_STOP)
    result = await runner(answers, ledger).run(turn)
    assert result.terminal.kind == "turn_interrupted"
    assert ledger.stored[0].written == delivery.sink.text == "One is here. Two is here. "
    assert delivery.sink.aborted == [InterruptReason.USER_STOP]
    assert answers.closed
    assert_grammar(delivery.events)


async def test_a_barge_in_after_the_last_word_still_stops_the_voice() -> None:
    ledger, voice = MemoryLedger(), SpokenSink(seconds=2.0)
    turn = turn_for(RecordingDelivery([voice]))
    asyncio.get_running_loop().call_later(3.0, turn.interrupt, InterruptReason.BARGE_IN)
    await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert ledger.stored[0].heard == "One is here. "
    assert ledger.stored[0].interrupted is InterruptReason.BARGE_IN


async def test_text_beside_a_voice_is_kept_whole_while_heard_is_what_was_spoken() -> None:
    ledger = MemoryLedger()
    turn = turn_for(RecordingDelivery([RecordingSink(), SpokenSink(seconds=2.0)]))
    asyncio.get_running_loop().call_later(3.0, turn.interrupt, InterruptReason.BARGE_IN)
    await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert ledger.stored[0].written == "One is here. Two is here. Three."
    assert ledger.stored[0].heard == "One is here. "


async def test_an_interruption_before_the_start_stores_no_reply() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    turn = turn_for(delivery)
    turn.interrupt(InterruptReason.SUPERSEDED)
    result = await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert result.entry is None
    assert delivery.sink.kinds == ["turn_interrupted"]


async def test_an_interruption_that_comes_too_late_changes_nothing() -> None:
    ledger, delivery = MemoryLedger(write_seconds=1.0), RecordingDelivery()
    turn = turn_for(delivery)
    asyncio.get_running_loop().call_later(4.5, turn.interrupt, InterruptReason.USER_STOP)
    result = await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert result.terminal.kind == "turn_finished"


async def test_a_provider_that_fails_midway_keeps_the_part_that_was_shown() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    broken = ProviderError("x", ProviderFault.BROKEN_STREAM, "The model stopped; try again.")
    answers = ScriptedAnswers([Text("One is here. And "), 0.1, broken])
    result = await runner(answers, ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_failed"
    assert result.terminal.user_message == "The model stopped; try again."
    assert ledger.stored[0].written == "One is here. And "
    assert_grammar(delivery.events)


async def test_a_bug_in_the_answer_shows_a_plain_sentence_not_the_bug() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    result = await runner(ScriptedAnswers([ValueError("secret")]), ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_failed"
    assert result.terminal.code == "internal"
    assert "secret" not in result.terminal.user_message


@pytest.mark.parametrize("events", [[DONE], [Text("  \n"), DONE]])
async def test_an_empty_answer_is_never_delivered(events: list[Step]) -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    result = await runner(ScriptedAnswers(events), ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_failed"
    assert result.terminal.code == "provider_empty"
    assert result.entry is None


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([DONE], "Hm?"),
        ([ProviderError("ollama", ProviderFault.TIMEOUT, "Wait.")], "Hm?"),
        ([Text("Well. "), ProviderError("ollama", ProviderFault.TIMEOUT, "Wait.")], "Wait."),
        ([ValueError("defect")], None),
    ],
)
async def test_fallback_text_stands_in_only_for_a_model_that_said_nothing(
    events: list[Step], said: str | None
) -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    result = await runner(ScriptedAnswers(events, excuse="Hm?"), ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_failed"
    if said is None:
        assert result.terminal.user_message != "Hm?"
    else:
        assert result.terminal.user_message == said


async def test_a_slow_voice_slows_the_model_and_loses_nothing() -> None:
    ledger, voice = MemoryLedger(), SpokenSink(seconds=1.0)
    words = [Text(f"Sentence number {n} is here. ") for n in range(40)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    fed: list[float] = []
    events: list[Step] = []
    for word in words:
        events += [word, lambda: fed.append(loop.time() - began)]
    await runner(ScriptedAnswers([*events, DONE]), ledger, lane_events=4).run(
        turn_for(RecordingDelivery([voice]))
    )
    assert voice.heard == 40
    assert fed[-1] > 30, "the model must wait for the lane instead of filling memory"


async def test_a_broken_sink_loses_only_its_own_lane() -> None:
    ledger, good, bad = MemoryLedger(), RecordingSink(), RecordingSink(fail_at=1)
    result = await runner(ScriptedAnswers(TALK), ledger).run(
        turn_for(RecordingDelivery([good, bad]))
    )
    assert result.terminal.kind == "turn_finished"
    assert good.text == "One is here. Two is here. Three."
    assert_grammar(good.events)


async def test_a_turn_without_a_living_sink_fails_and_stops_the_model() -> None:
    ledger, answers = MemoryLedger(), ScriptedAnswers([Text("Hi. "), 1.0, *TALK])
    sinks = [RecordingSink(fail_at=0), RecordingSink(fail_at=0)]
    result = await runner(answers, ledger).run(turn_for(RecordingDelivery(sinks)))
    assert result.terminal.kind == "turn_failed"
    assert result.terminal.code == "delivery_lost"
    assert answers.closed


async def test_a_barge_in_with_a_dead_voice_lane_still_stops_the_text() -> None:
    ledger, text, dead = MemoryLedger(), RecordingSink(), RecordingSink(fail_at=0)
    turn = turn_for(RecordingDelivery([text, dead]))
    asyncio.get_running_loop().call_later(0.15, turn.interrupt, InterruptReason.BARGE_IN)
    await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert ledger.stored[0].written == text.text


async def test_a_sink_that_hangs_when_stopped_is_given_up_after_a_second() -> None:
    class Hanging(RecordingSink):
        async def abort(self, reason: InterruptReason, /) -> Delivered:
            await asyncio.sleep(3600)
            return Delivered()

    ledger, sink = MemoryLedger(), Hanging()
    turn = turn_for(RecordingDelivery([sink]))
    loop = asyncio.get_running_loop()
    loop.call_later(0.15, turn.interrupt, InterruptReason.USER_STOP)
    began = loop.time()
    result = await runner(ScriptedAnswers(TALK), ledger).run(turn)
    assert loop.time() - began < 2.0
    assert result.terminal.kind == "turn_interrupted"


async def test_a_place_that_cannot_be_opened_fails_the_turn_and_closes_its_row() -> None:
    ledger = MemoryLedger()
    result = await runner(ScriptedAnswers(TALK), ledger).run(
        turn_for(RecordingDelivery(refuses=True))
    )
    assert result.terminal.kind == "turn_failed"
    assert ledger.log == ["open", "commit"]


async def test_a_full_disk_is_told_in_one_sentence() -> None:
    ledger, delivery = MemoryLedger(full=True), RecordingDelivery()
    result = await runner(ScriptedAnswers(TALK), ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_failed"
    assert result.terminal.code == "disk_full"
    assert_grammar(delivery.events)


async def test_shutdown_closes_the_generator_and_leaves_the_row_open() -> None:
    ledger, answers = MemoryLedger(), ScriptedAnswers([Text("One is here. "), 60.0, DONE])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner(answers, ledger).run(turn_for(RecordingDelivery())))
        await asyncio.sleep(1.0)
        running.cancel()
    assert answers.closed
    assert ledger.log == ["open"]


async def test_a_confirmation_ends_the_turn_with_the_question_as_its_text() -> None:
    ledger, delivery = MemoryLedger(), RecordingDelivery()
    call = ToolCall(id="c1", name="send", arguments={"to": "kim"})
    answers = ScriptedAnswers([Text("Sure."), NeedsConfirmation(call, cast(ToolSpec, None)), DONE])
    result = await runner(answers, ledger).run(turn_for(delivery))
    assert result.terminal.kind == "turn_finished"
    assert ledger.stored[0].written == "Sure.\nMay I?"
    assert "confirmation_requested" in delivery.sink.kinds
    assert_grammar(delivery.events)
