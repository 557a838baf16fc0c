"""From datagrams in one thread to sound in another: bounded, and nothing makes it raise."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

import davey
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.discord.voice.opus_ears import OpusEars
from frontends.discord.voice.packets import SILENCE
from frontends.discord.voice.receiver import (
    MOST_FRAMES,
    MOST_HELD,
    MOST_STRANGERS,
    TOO_MANY_FAILURES,
    Heard,
    Receiver,
)
from frontends.discord.voice.speakers import Opener, Speakers
from services.domain.clock import SystemClock
from tests.discord_standin.voice.rtp import Header
from tests.discord_standin.voice.sealing import XCHACHA, Sealing
from tests.discord_standin.voice.sound import frames_of_pcm, tone
from tests.fakes.clock import ManualClock

OWN, ALICE, BOB = 1, 11, 12
FRAMES = frames_of_pcm(tone(300, 0.2))


class Session:
    """Stands for a group: a frame of user 11 begins with "11:" and ends like an encrypted one."""

    def __init__(self, *members: int) -> None:
        self.user_id = OWN
        self.members = set(members)
        self.tries = 0

    def get_user_ids(self) -> list[str]:
        return [str(each) for each in (OWN, *sorted(self.members))]

    def decrypt(self, user_id: int, kind: davey.MediaType, frame: bytes) -> bytes:
        self.tries += 1
        mark = f"{user_id}:".encode()
        if user_id not in self.members or not frame.startswith(mark):
            raise ValueError("NoValidCryptorFound")
        return frame.removeprefix(mark)[: -len(TAIL)]


TAIL = bytes(8) + b"\x01\x0c\xfa\xfa"


def encrypted(user_id: int, frame: bytes) -> bytes:
    return f"{user_id}:".encode() + frame + TAIL


@dataclass
class Line:
    """A connection that is not one, with a sender at the other end."""

    ssrc: int = OWN
    secret_key: list[int] = field(default_factory=lambda: list(range(32)))
    dave_session: Session | None = None
    dave_protocol_version: int = 0
    clock: ManualClock = field(default_factory=ManualClock)
    speakers: Speakers = field(default_factory=Speakers)
    asked: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sealing = Sealing(XCHACHA, bytes(self.secret_key))
        self.sequences: dict[int, int] = {}
        self.receiver = Receiver(
            self,  # type: ignore[arg-type]
            self.speakers,
            self.clock,
            deaf=lambda: self.asked.append(None),
        )

    def send(self, frame: bytes, *, ssrc: int = 100, number: int | None = None) -> None:
        sequence = self.sequences.get(ssrc, 0) if number is None else number
        self.sequences[ssrc] = sequence + 1
        header = Header(sequence=sequence % 65_536, timestamp=960 * sequence % 2**32, ssrc=ssrc)
        self.receiver.take(self.sealing.seal(header.pack(), frame))
        self.receiver.pass_on()

    async def heard(self) -> list[Heard]:
        """Return what is there within a moment."""
        async with asyncio.timeout(10):
            return await self.receiver.heard()


def users(found: list[Heard]) -> list[int]:
    return [each.user_id for each in found]


async def test_sound_comes_out_on_the_loop_with_the_moment_it_arrived():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    line.clock.advance(5.0)
    moment = line.clock.monotonic()

    def send() -> None:
        for frame in FRAMES:
            line.send(frame)

    await asyncio.to_thread(send)
    found = await line.heard()
    ears = OpusEars()
    assert [each.frame.pcm for each in found] == [ears.hear(each) for each in FRAMES]
    assert {each.frame.started_at for each in found} == {moment}
    assert set(users(found)) == {ALICE}


async def test_the_loop_is_woken_once_however_much_comes_meanwhile(monkeypatch):
    line = Line()
    line.speakers.speaks(ALICE, 100)
    loop = asyncio.get_running_loop()
    ring = loop.call_soon_threadsafe
    woken: list[object] = []

    def count(*called: object) -> object:
        woken.append(called)
        return ring(*called)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    for frame in FRAMES:
        line.send(frame)
    assert len(woken) == 1
    assert len(await line.heard()) == len(FRAMES)
    await asyncio.sleep(0)
    line.send(FRAMES[0])
    assert len(woken) == 2


async def test_nobody_who_reads_means_the_oldest_are_dropped_and_counted():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    for number in range(MOST_FRAMES + 30):
        line.clock.advance(1.0)
        line.send(SILENCE, number=number)
    found = await line.heard()
    assert len(found) == MOST_FRAMES
    assert line.receiver.counts.overflowed == 30
    assert found[-1].frame.started_at == line.clock.monotonic()


async def test_a_key_that_changes_is_used_from_the_next_packet_on():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    line.send(FRAMES[0])
    line.secret_key = list(range(1, 33))
    line.send(FRAMES[1])
    assert line.receiver.counts.strange == 1
    line.sealing = Sealing(XCHACHA, bytes(line.secret_key))
    line.send(FRAMES[2], number=1)
    assert len(await line.heard()) == 2


@pytest.mark.parametrize("key", [[], None, [1, 2, 3]])
async def test_before_there_is_a_key_nothing_is_heard(key):
    line = Line()
    line.secret_key = key
    line.send(FRAMES[0])
    assert line.receiver.counts.strange == 1


async def test_keys_name_the_speaker_and_frames_from_before_the_keys_are_heard_late():
    line = Line(dave_session=Session(), dave_protocol_version=1)
    for number in range(5):
        line.send(encrypted(ALICE, FRAMES[number]), ssrc=100)
        line.send(encrypted(BOB, FRAMES[number]), ssrc=200)
    assert not line.receiver._sound
    assert line.dave_session
    line.dave_session.members = {ALICE, BOB}
    line.send(encrypted(ALICE, FRAMES[5]), ssrc=100)
    found = await line.heard()
    assert users(found) == [ALICE] * 6
    ears = OpusEars()
    assert [each.frame.pcm for each in found] == [ears.hear(each) for each in FRAMES[:6]]
    async with asyncio.timeout(10):  # the other's are tried again without another packet
        assert users(await line.heard()) == [BOB] * 5
    assert line.receiver.counts.locked == 0


async def test_frames_that_waited_for_more_than_three_seconds_are_not_heard():
    line = Line(dave_session=Session(), dave_protocol_version=1)
    line.send(encrypted(ALICE, FRAMES[0]))
    line.clock.advance(4.0)
    assert line.dave_session
    line.dave_session.members = {ALICE}
    line.send(encrypted(ALICE, FRAMES[1]))
    assert len(await line.heard()) == 1
    assert line.receiver.counts.locked == 1


async def test_what_waits_is_bounded_and_so_is_what_is_tried():
    line = Line(dave_session=Session(*range(50, 75)), dave_protocol_version=1)
    for _ in range(3 * MOST_HELD):
        line.send(encrypted(ALICE, FRAMES[0]))
    assert line.dave_session
    assert line.dave_session.tries <= 3 * MOST_HELD * 25
    for ssrc in range(1_000, 1_000 + 3 * MOST_STRANGERS):
        line.send(encrypted(ALICE, FRAMES[0]), ssrc=ssrc)
    waiting = line.receiver._waiting
    assert len(waiting) <= MOST_STRANGERS
    assert all(len(each.packets) <= MOST_HELD for each in waiting.values())
    assert line.receiver.counts.locked >= 2 * MOST_HELD


async def test_keys_are_asked_for_after_36_failures_in_a_row_and_only_then():
    line = Line(dave_session=Session(ALICE), dave_protocol_version=1)
    for _ in range(TOO_MANY_FAILURES - 1):
        line.send(encrypted(BOB, FRAMES[0]))
    line.send(encrypted(ALICE, FRAMES[0]))
    for _ in range(TOO_MANY_FAILURES - 1):
        line.send(encrypted(BOB, FRAMES[0]))
    await asyncio.sleep(0)
    assert not line.asked
    line.send(encrypted(BOB, FRAMES[0]))
    await asyncio.sleep(0)
    assert len(line.asked) == 1


async def test_frames_without_a_name_or_key_are_no_reason_to_ask_for_keys():
    line = Line()
    for _ in range(3 * TOO_MANY_FAILURES):
        line.send(FRAMES[0])
    await asyncio.sleep(0)
    assert not line.asked


async def test_unencrypted_sound_in_an_encrypted_call_is_not_heard():
    line = Line(dave_session=Session(ALICE), dave_protocol_version=1)
    line.speakers.speaks(ALICE, 100)
    line.send(FRAMES[0])
    line.send(SILENCE)
    assert len(await line.heard()) == 1
    assert line.receiver.counts.heard == 1


async def test_an_encrypted_frame_is_never_given_to_opus_as_it_is():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    line.send(encrypted(ALICE, FRAMES[0]))
    assert line.receiver.counts.heard == line.receiver.counts.broken == 0


async def test_whom_nobody_wants_to_hear_is_not_decoded_until_that_is_over():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    line.receiver.ignored = {ALICE: line.clock.monotonic() + 10.0}
    line.send(FRAMES[0])
    assert line.receiver.counts.heard == 0
    line.clock.advance(11.0)
    line.send(FRAMES[1])
    assert len(await line.heard()) == 1


async def test_another_ssrc_of_the_same_person_begins_a_stream_of_its_own():
    line = Line()
    line.speakers.speaks(ALICE, 100)
    line.send(FRAMES[0], number=5_000)
    line.send(FRAMES[2], number=5_002)  # held, for what is missing before it
    line.speakers.speaks(ALICE, 101)
    line.send(FRAMES[0], ssrc=101, number=3)
    assert users(await line.heard()) == [ALICE] * 4
    assert list(line.receiver._streams) == [101]


async def test_closing_lets_whoever_waits_go():
    line = Line()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(line.receiver.heard())
        await asyncio.sleep(0)
        line.receiver.close()
        async with asyncio.timeout(10):
            assert await waiting == []


@given(
    packets=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 65_535), st.binary(max_size=80)), max_size=40
    ),
    version=st.integers(0, 1),
)
@pytest.mark.property
def test_whatever_the_server_seals_makes_nothing_fail(packets, version):
    async def take() -> None:
        session = davey.DaveSession(1, OWN, 7)
        line = Line(dave_session=session if version else None, dave_protocol_version=version)  # type: ignore[arg-type]
        line.speakers.speaks(ALICE, 101)
        for ssrc, number, frame in packets:
            line.send(frame, ssrc=100 + ssrc, number=number)
            line.receiver.take(frame)
            line.clock.advance(0.01)
            await asyncio.sleep(0)
        line.receiver._tick()
        line.receiver.close()

    with asyncio.Runner() as runner:
        runner.run(take())


async def test_a_reader_and_the_loop_at_once_lose_nothing():
    line = Line()
    line.receiver._clock = SystemClock()
    line.speakers.speaks(ALICE, 100)
    count = 1_500

    def send() -> None:
        for number in range(count):
            line.send(SILENCE, number=number)
            if number % 50 == 0:
                time.sleep(0.001)

    thread = threading.Thread(target=send)
    thread.start()
    found = 0
    while found < count:
        found += len(await line.heard())
    thread.join()
    assert found == count


def test_the_key_of_a_stranger_is_never_taken_for_ones_own():
    speakers, session = Speakers(), Session(ALICE)
    line = type("Keys", (), {"dave_session": session, "dave_protocol_version": 1})()
    opener = Opener(line, speakers)
    assert opener.open(5, encrypted(OWN, b"x")) is None
    opened = opener.open(5, encrypted(ALICE, b"x"))
    assert opened is not None
    assert (opened.user_id, opened.frame) == (ALICE, b"x")
    assert speakers.owner_of(5) == ALICE
