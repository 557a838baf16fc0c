"""An answer to half a turn is neither shown nor ended before the turn is over."""

from __future__ import annotations

import asyncio

import pytest

from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.replies import (
    Delivered,
    DrainingSink,
    InterruptReason,
    ReplyEvent,
    TextDelta,
    TurnInterrupted,
    TurnStarted,
)
from services.voice.certain_sinks import Attempt, PatientSink, ReticentSink
from tests.fakes.recording import RecordingSink

BEGUN = TurnStarted(
    turn=TurnId("t"),
    conversation=ConversationId("test", "local", "call"),
    persona=PersonaId("mira"),
    persona_name="Mira",
)
CUT = TurnInterrupted(turn=TurnId("t"), reason=InterruptReason.SUPERSEDED, delivered="")


class Voice(RecordingSink):
    """Says everything at once."""

    drained = False

    async def drain(self) -> None:
        self.drained = True

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        return Delivered(sentences=1, characters=5)


def text(words: str) -> ReplyEvent:
    return TextDelta(text=words)


async def test_a_voice_says_all_and_ends_only_when_it_is_certain():
    attempt, voice = Attempt(asyncio.Event()), Voice()
    patient = PatientSink(voice, attempt)
    assert isinstance(patient, DrainingSink)
    await patient.emit(BEGUN)
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(patient.drain())
        await asyncio.sleep(0.01)
        assert voice.drained
        assert voice.kinds == ["turn_started"]
        assert not draining.done()
        attempt.certain.set()
    assert await patient.abort(InterruptReason.BARGE_IN) == Delivered(sentences=1, characters=5)


async def test_a_text_is_shown_in_order_from_when_it_is_certain():
    attempt, shown = Attempt(asyncio.Event()), RecordingSink()
    sink = ReticentSink(shown, attempt)
    for event in (BEGUN, text("One "), text("two ")):
        await sink.emit(event)
    assert shown.events == []
    attempt.certain.set()
    await sink.emit(text("three."))
    assert shown.kinds[0] == "turn_started"
    assert shown.text == "One two three."
    await sink.emit(text(" Four."))
    assert shown.text == "One two three. Four."
    assert await sink.abort(InterruptReason.BARGE_IN) == Delivered()


async def test_a_text_that_was_written_before_it_is_certain_is_shown_then():
    attempt, voice = Attempt(asyncio.Event()), Voice()
    sink = ReticentSink(voice, attempt)
    await sink.emit(text("One."))
    async with asyncio.TaskGroup() as group:
        group.create_task(sink.drain())
        await asyncio.sleep(0.01)
        assert voice.events == []
        attempt.certain.set()
    assert voice.text == "One."
    assert voice.drained


@pytest.mark.parametrize("late", [True, False])
async def test_of_an_answer_to_half_a_turn_nothing_is_shown_but_its_end(late: bool):
    attempt, shown = Attempt(asyncio.Event()), RecordingSink()
    sink = ReticentSink(shown, attempt)
    await sink.emit(BEGUN)
    await sink.emit(text("One."))
    if late:
        attempt.void = True
        attempt.certain.set()
        await sink.emit(text(" Two."))
        await sink.drain()
    assert shown.events == []
    assert await sink.abort(InterruptReason.SUPERSEDED) == Delivered(characters=0)
    assert shown.aborted == [InterruptReason.SUPERSEDED]
    await sink.emit(CUT)
    assert shown.events == [CUT]
