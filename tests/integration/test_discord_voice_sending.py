"""A call's sound reaches the stand-in through an unmodified voice client, whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import discord
import numpy as np
import pytest

from frontends.discord.voice import sender as sending
from frontends.discord.voice import transmission
from frontends.discord.voice.sender import Sender
from services.domain.clock import SystemClock
from services.observability.metrics import Metrics
from services.voice.audio_io import BlockSource
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.opus import RATE, load_opus
from tests.discord_standin.voice.recorder import Heard, Recorder
from tests.discord_standin.voice.rtp import SAMPLES_PER_FRAME
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.block_source import BlockQueue, blocks_of_tone

pytestmark = pytest.mark.timeout(60)
VERSIONS = pytest.mark.parametrize("version", [0, 1], ids=["plain", "encrypted"])
JOINING = 5
"""Frames of silence with which a connection begins."""


class Studio:
    """A call with Alice in it, and a sender for the bot."""

    def __init__(self, here: Stage, vc: discord.VoiceClient, queue: BlockQueue) -> None:
        self.here = here
        self.vc = vc
        self.queue = queue
        self.metrics = Metrics()

    def sender(self, source: BlockSource | None = None) -> Sender:
        return Sender(self.vc, source or self.queue.read, SystemClock(), self.metrics)

    @property
    def recorder(self) -> Recorder:
        return self.here.town.alice.voice.recorder

    @property
    def heard(self) -> list[Heard]:
        """What Alice heard of the bot."""
        return self.recorder.of(self.here.bot_id)

    @property
    def kinds(self) -> str:
        """The same as a string: ``#`` is sound, ``.`` silence, ``?`` unreadable."""
        return "".join(
            "." if each.silent else "?" if each.opus is None else "#" for each in self.heard
        )

    @property
    def lights(self) -> list[int]:
        """What op 5 said."""
        said = [data for op, data in self.here.session.taken if op is Op.SPEAKING]
        return [data["speaking"] for data in said if not isinstance(data, bytes)]

    async def greeted(self) -> None:
        """Wait until the silence of joining is over, and forget it."""
        await eventually(lambda: len(self.heard) >= JOINING)
        assert self.kinds == "." * JOINING
        self.recorder.heard.clear()


@asynccontextmanager
async def studio(settings: VoiceSettings | None = None) -> AsyncIterator[Studio]:
    """Set up; in the end nobody has broken the protocol, by a nonce used twice for example."""
    async with stage(settings) as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        yield Studio(here, vc, BlockQueue())
        assert here.board.problems == []


@VERSIONS
async def test_what_the_source_gives_is_heard_and_five_frames_of_silence_end_it(version):
    assert load_opus()
    async with studio(VoiceSettings(dave_version=version)) as here:
        async with here.sender():
            await here.greeted()
            here.queue.put(blocks_of_tone(25, frequency=300))
            await eventually(lambda: len(here.heard) >= 30)
            await eventually(lambda: here.lights == [0, 1, 0])
            reads = here.queue.reads
            await eventually(lambda: here.queue.reads > reads + 3)
        assert here.kinds == "#" * 25 + "." * 5
        assert {each.encrypted for each in here.heard if not each.silent} == {bool(version)}
        sound = np.frombuffer(here.recorder.pcm_of(here.here.bot_id), dtype="<i2")[::2][: RATE // 2]
        loudest = np.argmax(np.abs(np.fft.rfft(sound)))
        assert loudest * RATE / len(sound) == pytest.approx(300, abs=5)


async def test_over_a_pause_timestamps_go_on_but_neither_sequences_nor_what_was_said():
    async with studio() as here:
        async with here.sender():
            await here.greeted()
            for stretch in (1, 2):
                here.queue.put(blocks_of_tone(3))
                await eventually(lambda so_far=stretch * 8: len(here.heard) >= so_far)  # type: ignore[misc]
                await asyncio.sleep(0.3)
        heard = here.heard
        assert here.kinds == "###....." * 2
        assert {b.sequence - a.sequence for a, b in itertools.pairwise(heard)} == {1}
        steps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(heard)]
        assert all(step > 0 and step % SAMPLES_PER_FRAME == 0 for step in steps)
        pause_us = heard[8].at_us - heard[7].at_us
        assert steps[7] / RATE >= 0.25
        assert [each.opus for each in heard[8:]] == [each.opus for each in heard[:8]]
        assert steps[7] / RATE == pytest.approx(pause_us / 1e6, abs=0.5)


async def test_a_stretch_that_goes_on_during_its_closing_silence_stays_announced():
    async with studio() as here, here.sender():
        await here.greeted()
        blocks = blocks_of_tone(4)
        holes: list[bytes | None] = [*blocks[:2], None, None, *blocks[2:]]
        here.queue.put(holes)  # type: ignore[arg-type]
        await eventually(lambda: len(here.heard) >= 11)
        await eventually(lambda: here.lights == [0, 1, 0])
        assert here.kinds == "##..##....."


async def test_a_silent_bot_shows_now_and_then_that_it_is_there(monkeypatch):
    monkeypatch.setattr(transmission, "_KEEPALIVE_SLOTS", 10)
    async with studio() as here, here.sender():
        await here.greeted()
        await eventually(lambda: here.here.session.keepalives >= 2)
        assert here.kinds == ""
        here.queue.put(blocks_of_tone(1))
        await eventually(lambda: len(here.heard) == 6)
        seen = here.here.session.keepalives
        await eventually(lambda: here.here.session.keepalives > seen)


async def test_without_a_key_sound_is_held_back_rather_than_sent_in_the_clear():
    async with stage() as here:
        vc = await here.connects()
        studio = Studio(here, vc, BlockQueue(blocks_of_tone(10)))
        async with studio.sender():
            await eventually(lambda: not studio.queue)
            await eventually(lambda: here.session.opened_packets >= 5)
            await here.joins(here.town.alice)
            studio.queue.put(blocks_of_tone(5))
            await eventually(lambda: studio.kinds.count("#") == 5)
        assert all(each.encrypted for each in studio.heard if not each.silent)
        assert here.session.opened_packets == len(studio.heard) + 5
        assert studio.metrics.counted("voice_packets_unsent", reason="no_key") == 10
        assert here.board.problems == []


async def test_sound_goes_on_in_another_region_with_op_5_told_anew():
    async with studio() as here:
        async with here.sender():
            await here.greeted()
            here.queue.put(blocks_of_tone(200))
            await eventually(lambda: here.kinds.count("#") > 5)
            await here.here.board.move_region(here.here.lounge)
            await eventually(lambda: here.here.board.servers[1].sessions and here.vc.is_connected())
            await here.here.settles()
            here.queue.put(blocks_of_tone(50))
            here.recorder.heard.clear()
            await eventually(lambda: here.kinds.endswith("#....."))
            await eventually(lambda: here.lights == [0, 1, 0])
        assert here.metrics.counted("voice_packets_unsent", reason="failed") == 0
        numbers = [each.sequence for each in here.heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_new_transport_key_in_mid_sound_reuses_no_nonce():
    async with studio(VoiceSettings(dave_version=0)) as here:
        async with here.sender():
            await here.greeted()
            here.queue.put(blocks_of_tone(100))
            await eventually(lambda: here.kinds.count("#") > 5)
            key = list(here.vc.secret_key)
            here.here.board.give_new_key(here.here.town.bot)
            await eventually(lambda: here.vc.secret_key != key)
            await eventually(lambda: here.kinds.endswith("#....."))
        nonces = [each.nonce for each in here.heard]
        assert nonces == sorted(set(nonces))


async def test_while_disconnected_the_source_is_read_on_and_its_sound_is_gone():
    async with stage() as here:
        vc = await here.connects()
        studio = Studio(here, vc, BlockQueue())
        async with studio.sender():
            await vc.disconnect()
            studio.queue.put(blocks_of_tone(5))
            await eventually(lambda: not studio.queue)
            reads = studio.queue.reads
            await eventually(lambda: studio.queue.reads > reads + 2)
        assert studio.metrics.counted("voice_packets_unsent", reason="unconnected") == 5


async def test_a_source_that_fails_and_blocks_of_a_wrong_size_harm_only_themselves():
    failure = LookupError()
    moves: Iterator[LookupError | bytes] = iter([failure, b"short", failure, *blocks_of_tone(3)])

    def source() -> bytes | None:
        move = next(moves, None)
        if isinstance(move, LookupError):
            raise move
        return move

    async with studio() as here, here.sender(source):
        await eventually(lambda: here.kinds.endswith("###....."))
        assert "#" not in here.kinds.removesuffix("###.....")
    assert here.metrics.counted("voice_packets_unsent", reason="failed") == 1


async def test_whoever_leaves_in_mid_sound_hears_it_ended():
    async with studio() as here:
        async with here.sender():
            await here.greeted()
            here.queue.put(blocks_of_tone(500))
            await eventually(lambda: here.kinds.count("#") > 5)
        assert len(here.queue) > 0
        await eventually(lambda: here.kinds.endswith("....."))
        assert here.kinds.strip("#") == "....."
        await eventually(lambda: here.lights == [0, 1, 0])
        await eventually(lambda: "voice sender" not in [one.name for one in threading.enumerate()])
        sent = here.metrics.counted("voice_packets_sent", kind="sound")
        assert sent == here.kinds.count("#")
        assert len(here.metrics.timed("voice_send_late_seconds")) > sent


async def test_op_5_may_be_slow_and_is_not_forgotten(monkeypatch):
    async with studio() as here:
        speak = here.vc.ws.speak

        async def slowly(state: discord.SpeakingState) -> None:
            await asyncio.sleep(0.08)
            await speak(state)

        monkeypatch.setattr(here.vc.ws, "speak", slowly)
        async with here.sender():
            await here.greeted()
            here.queue.put(blocks_of_tone(500))
            await eventually(lambda: here.kinds.count("#") > 20)
            assert here.lights == [0, 1]
        await eventually(lambda: here.lights == [0, 1, 0])
        late = here.metrics.timed("voice_send_late_seconds")
        assert sorted(late)[len(late) // 2] < 0.02


async def test_leaving_does_not_wait_for_a_source_that_blocks_and_nothing_is_sent_later():
    stuck, free = threading.Event(), threading.Event()
    block = blocks_of_tone(1)[0]

    def source() -> bytes:
        stuck.set()
        free.wait()
        return block

    async with studio() as here:
        begun = time.monotonic()
        async with here.sender(source):
            await eventually(stuck.is_set)
        assert time.monotonic() - begun < 10.0
        lock = sending._turns[here.vc]
        assert lock.locked()
        free.set()
        await eventually(lambda: not lock.locked())
        assert here.here.session.opened_packets == 0


async def test_one_sender_after_another_goes_on_where_the_first_stopped():
    async with studio() as here:
        for _ in range(3):
            here.queue.put(blocks_of_tone(4))
            async with here.sender():
                await eventually(lambda: not here.queue)
        await eventually(lambda: here.kinds.endswith("....."))
        numbers = [each.sequence for each in here.heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        stamps = [each.timestamp for each in here.heard]
        assert stamps == sorted(set(stamps))


async def test_of_two_senders_at_once_only_the_first_touches_the_client():
    async with studio() as here:
        second = BlockQueue()
        async with here.sender(), here.sender(second.read):
            here.queue.put(blocks_of_tone(5))
            await eventually(lambda: here.kinds.endswith("#####....."))
            assert second.reads == 0


async def test_threads_take_short_turns_while_somebody_sends():
    before = sys.getswitchinterval()
    async with studio() as here:
        async with here.sender():
            async with here.sender():
                assert sys.getswitchinterval() == pytest.approx(0.0005)
            assert sys.getswitchinterval() == pytest.approx(0.0005)
        assert sys.getswitchinterval() == before
