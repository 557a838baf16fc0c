"""A voice that has to be waited for: what comes meanwhile, and what ends the wait."""

from __future__ import annotations

import asyncio

import pytest

from services.domain.ids import TurnId
from services.domain.replies import Delivered, InterruptReason, TextDelta, TurnInterrupted
from services.voice.late_sink import LateSink
from services.voice.mouth import CallOver
from tests.fakes.recording import RecordingSink

HELLO = TextDelta(text="Hello.")
CUT = TurnInterrupted(turn=TurnId("t"), reason=InterruptReason.USER_STOP, delivered="")


class Drained(RecordingSink):
    """A voice that can be drained."""

    async def drain(self) -> None:
        self.events.append(CUT)


class Door:
    """Opens a voice once it is let."""

    def __init__(self) -> None:
        self.voice = Drained()
        self.asked = 0
        self.free = asyncio.Event()

    async def open(self) -> Drained:
        self.asked += 1
        await self.free.wait()
        return self.voice


async def test_events_wait_for_the_voice_which_is_opened_once():
    door = Door()
    sink = LateSink(door.open)
    waiting = asyncio.get_running_loop().create_task(sink.emit(HELLO))
    await asyncio.sleep(0)
    assert not waiting.done()
    door.free.set()
    await waiting
    await sink.emit(HELLO)
    await sink.drain()
    assert door.voice.events == [HELLO, HELLO, CUT]
    assert door.asked == 1


async def test_a_wait_that_is_cut_has_said_nothing_and_its_end_opens_no_voice():
    door = Door()
    sink = LateSink(door.open)
    waiting = asyncio.get_running_loop().create_task(sink.emit(HELLO))
    await asyncio.sleep(0)
    waiting.cancel()
    heard = await sink.abort(InterruptReason.USER_STOP)
    assert heard == Delivered(sentences=0, characters=0)
    await sink.emit(CUT)
    await sink.drain()
    assert door.asked == 1
    assert door.voice.events == []


async def test_a_call_that_is_over_is_told_to_whoever_speaks_in_it():
    async def over() -> Drained:
        raise CallOver

    with pytest.raises(CallOver):
        await LateSink(over).emit(HELLO)
