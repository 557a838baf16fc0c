"""A sink behind which a reply waits until it can be shown as it should look."""

from __future__ import annotations

from services.conversation.dressing import DressedSink
from services.domain.ids import ActionId, TurnId
from services.domain.replies import (
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    SentenceReady,
    TextDelta,
    TurnFailed,
    TurnInterrupted,
)
from tests.fakes.recording import RecordingSink, SpokenSink


async def upper(text: str) -> str:
    return text.upper()


def dressed() -> tuple[RecordingSink, DressedSink]:
    sink = RecordingSink()
    return sink, DressedSink(sink, upper)


async def test_text_comes_in_one_piece_before_what_ends_it() -> None:
    sink, behind = dressed()
    for text in ("ab", "cd"):
        await behind.emit(TextDelta(text=text))
    await behind.emit(SentenceReady(index=1, text="abcd", speech_text="abcd"))
    assert sink.kinds == ["sentence_ready"]
    await behind.emit(TurnFailed(turn=TurnId("t"), code="c", user_message="m"))
    assert sink.kinds == ["sentence_ready", "text_delta", "turn_failed"]
    assert sink.text == "ABCD"


async def test_a_question_is_shown_before_it_waits_for_its_answer() -> None:
    sink, behind = dressed()
    await behind.emit(TextDelta(text="may i?"))
    asked = ConfirmationRequested(action=ActionId("a"), tool="t", arguments={}, question="may i?")
    await behind.emit(asked)
    await behind.emit(TextDelta(text=" more"))
    assert sink.events == [TextDelta(text="MAY I?"), asked]


async def test_what_is_held_back_at_a_stop_has_reached_nobody() -> None:
    sink, behind = dressed()
    await behind.emit(TextDelta(text="question?"))
    asked = ConfirmationRequested(action=ActionId("a"), tool="t", arguments={}, question="q")
    await behind.emit(asked)
    await behind.emit(TextDelta(text="never seen"))
    assert await behind.abort(InterruptReason.USER_STOP) == Delivered(characters=9)
    stopped = TurnInterrupted(
        turn=TurnId("t"), reason=InterruptReason.USER_STOP, delivered="question?"
    )
    await behind.emit(stopped)
    assert sink.events[-1] == stopped
    assert "NEVER" not in sink.text


async def test_a_voice_behind_says_itself_what_was_heard() -> None:
    voice = SpokenSink(seconds=0)
    behind = DressedSink(voice, upper)
    await behind.emit(SentenceReady(index=1, text="a", speech_text="a"))
    assert await behind.abort(InterruptReason.BARGE_IN) == Delivered(sentences=1)
