"""A recording is heard as fast as it was spoken, and answers are kept where they were said."""

from __future__ import annotations

import asyncio
import itertools
import time
import wave
from contextlib import aclosing
from pathlib import Path

import pytest

from frontends.console.talking.timeline import Timeline
from frontends.console.talking.wav_input import WavInput
from frontends.console.talking.wav_output import WavOutput, recording
from services.domain.audio import SpeakerFrame
from services.domain.clock import SystemClock
from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.voice.audio_io import BLOCK_BYTES, BLOCK_RATE
from tests.fakes.clock import ManualClock

ANN = Author(id=AuthorId("console", "ann"), display_name="Ann")
PATIENCE = 10.0
FRAME = 640


class LoopClock(ManualClock):
    """The time of the running event loop."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def block(value: int) -> bytes:
    return value.to_bytes(2, "little") * (BLOCK_BYTES // 2)


def sounds(path: Path) -> list[tuple[int, int]]:
    """The (first frame, value) of each run of equal samples of a recording."""
    with wave.open(str(path), "rb") as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, BLOCK_RATE)
        left = reader.readframes(reader.getnframes())
    values = [int.from_bytes(left[at : at + 2], "little") for at in range(0, len(left), 4)]
    return [(n, v) for n, v in enumerate(values) if n == 0 or values[n - 1] != v]


# -- in


async def taken(source: WavInput, count: int) -> list[SpeakerFrame]:
    found: list[SpeakerFrame] = []
    async with aclosing(source.frames()) as frames:
        async for frame in frames:
            found.append(frame)
            if len(found) == count:
                break
    return found


@pytest.mark.virtual_time
async def test_frames_come_when_they_have_been_spoken_and_silence_follows():
    clock = LoopClock()
    timeline = Timeline(clock)
    source = WavInput(b"\1" * 1000, speaker=ANN, clock=clock, timeline=timeline)
    begun = clock.monotonic()
    frames = await taken(source, 50)
    assert clock.monotonic() - begun == pytest.approx(1.0, abs=0.05)
    assert [round((each.frame.started_at - begun) * 50) for each in frames] == list(range(1, 51))
    pcm = b"".join(each.frame.pcm for each in frames)
    assert pcm == b"\1" * 1000 + bytes(50 * FRAME - 1000)
    assert {(each.speaker, each.frame.rate, each.frame.channels) for each in frames} == {
        (ANN, 16_000, 1)
    }


@pytest.mark.virtual_time
async def test_late_frames_keep_the_times_at_which_they_were_spoken():
    clock = LoopClock()
    timeline = Timeline(clock)
    source = WavInput(bytes(10 * FRAME), speaker=ANN, clock=clock, timeline=timeline)
    async with aclosing(source.frames()) as frames:
        first = await anext(frames)
        await asyncio.sleep(1.0)
        late = [await anext(frames) for _ in range(40)]
        behind = clock.monotonic() - late[-1].frame.started_at
    spacing = [b.frame.started_at - a.frame.started_at for a, b in itertools.pairwise(late)]
    assert spacing == pytest.approx([0.02] * 39)
    assert late[0].frame.started_at - first.frame.started_at == pytest.approx(0.02)
    assert behind >= 0.1


@pytest.mark.virtual_time
async def test_the_input_goes_on_after_the_recording_until_it_is_told_to_end():
    clock = LoopClock()
    source = WavInput(bytes(FRAME), speaker=ANN, clock=clock, timeline=Timeline(clock))
    assert source.seconds == pytest.approx(0.02)
    count = 0
    async with aclosing(source.frames()) as frames:
        async for _ in frames:
            count += 1
            if count == 100:
                source.end()
    assert count == 100


def test_the_timeline_begins_with_the_first_sample_and_only_once():
    clock = ManualClock()
    timeline = Timeline(clock)
    assert (timeline.now, timeline.of(clock.monotonic() + 5)) == (0.0, 0.0)
    origin = timeline.begin()
    clock.advance(2.0)
    assert timeline.begin() == origin
    assert timeline.now == pytest.approx(2.0)
    assert timeline.of(origin - 0.5) == pytest.approx(-0.5)


# -- out


def test_blocks_lie_where_they_sounded_with_silence_between(tmp_path):
    path = tmp_path / "out.wav"
    with recording(path) as kept:
        kept.add(block(7), at=0.5)
        kept.add(block(8), at=0.52)
        kept.add(block(9), at=1.0)
        kept.end_part(2.0)
        kept.add(block(5), at=0.1)
        kept.end_part(0.5)
    assert sounds(path) == [
        (0, 0),
        (24_000, 7),
        (24_960, 8),
        (25_920, 0),
        (48_000, 9),
        (48_960, 0),
        (100_800, 5),
        (101_760, 0),
    ]
    with wave.open(str(path), "rb") as reader:
        assert reader.getnframes() == 120_000


def test_a_block_that_is_a_little_late_or_early_is_put_after_the_one_before(tmp_path):
    path = tmp_path / "out.wav"
    with recording(path) as kept:
        for number, late in enumerate((0.0, 0.004, -0.006, 0.0)):
            kept.add(block(number + 1), at=number * 0.02 + late)
    assert sounds(path) == [(0, 1), (960, 2), (1920, 3), (2880, 4)]


def test_where_nothing_can_be_written_is_said_in_one_sentence(tmp_path):
    with pytest.raises(InvalidRequest, match="cannot be written"), recording(tmp_path / "a" / "b"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_ends_the_recording_and_is_told_at_the_end():
    def fill() -> None:
        with recording(Path("/dev/full")) as kept:
            for number in range(100):
                kept.add(block(1), at=number * 0.02)

    with pytest.raises(OSError, match="space"):
        fill()


async def test_a_block_is_taken_every_twenty_milliseconds_whatever_the_loop_does(tmp_path):
    clock = SystemClock()
    timeline = Timeline(clock)
    times: list[float] = []

    def source() -> bytes | None:
        times.append(clock.monotonic())
        return block(3) if len(times) > 10 else None

    path = tmp_path / "out.wav"
    with recording(path) as kept:
        timeline.begin()
        async with WavOutput(clock=clock, timeline=timeline, kept=kept).playing(source):
            time.sleep(0.4)  # noqa: ASYNC251  the loop is to stand still
            deadline = clock.monotonic() + PATIENCE
            while len(times) < 30:
                assert clock.monotonic() < deadline
                await asyncio.sleep(0.02)
        count = len(times)
        await asyncio.sleep(0.1)
    assert len(times) == count, "somebody still plays"
    assert (times[-1] - times[0]) / (count - 1) == pytest.approx(0.02, rel=0.5)
    silent, spoken, *_ = sounds(path)
    assert silent == (0, 0)
    assert spoken[1] == 3
    assert abs(spoken[0] / BLOCK_RATE - (times[10] - times[0])) < 0.3


async def test_what_sounds_before_the_input_begins_is_not_kept(tmp_path):
    clock = SystemClock()
    read: list[bool] = []

    def source() -> bytes:
        read.append(True)
        return block(3)

    path = tmp_path / "out.wav"
    with recording(path) as kept:
        async with WavOutput(clock=clock, timeline=Timeline(clock), kept=kept).playing(source):
            deadline = clock.monotonic() + PATIENCE
            while len(read) < 5:
                assert clock.monotonic() < deadline
                await asyncio.sleep(0.02)
    assert path.stat().st_size < 100
