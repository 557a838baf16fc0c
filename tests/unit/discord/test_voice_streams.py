"""One speaker's frames become sound; what is lost is guessed, and pauses are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.discord.voice.jitter import Arrived
from frontends.discord.voice.opus_ears import OpusEars
from frontends.discord.voice.opus_mouth import OpusMouth
from frontends.discord.voice.streams import MOST_GUESSED, Stream, StreamCounts
from services.voice.audio_io import BLOCK_BYTES
from tests.discord_standin.voice.sound import tone

SAMPLES = 320


def frames(count: int, frequency: float = 300) -> list[bytes]:
    mouth, pcm = OpusMouth(), tone(frequency, count / 50)
    return [mouth.encode(pcm[at : at + BLOCK_BYTES]) for at in range(0, len(pcm), BLOCK_BYTES)]


def loudness(pcm: bytes) -> float:
    return float(np.abs(np.frombuffer(pcm, dtype="<i2").astype(float)).mean())


class Speaker:
    """Sends frames to a stream, some of which get lost."""

    def __init__(self) -> None:
        self.counts = StreamCounts()
        self.stream = Stream(1, self.counts)
        self.sound: list[bytes] = []
        self.moments: list[float] = []

    def send(self, number: int, frame: bytes, *, slot: int | None = None, at: float = 0.0) -> None:
        timestamp = 960 * (number if slot is None else slot)
        self._note(self.stream.push(Arrived(number, timestamp, frame, at)))

    def wait(self) -> None:
        self._note(self.stream.release(1e9))

    def _note(self, found) -> None:
        for each in found:
            self.sound.append(each.pcm)
            self.moments.append(each.started_at)


@pytest.mark.parametrize("missing", [1, 2, MOST_GUESSED])
def test_lost_frames_are_guessed_as_many_as_there_were(missing):
    speaker = Speaker()
    said = frames(30)
    for number, frame in enumerate(said):
        if not 15 <= number < 15 + missing:
            speaker.send(number, frame)
    speaker.wait()
    assert (speaker.counts.heard, speaker.counts.guessed) == (30 - missing, missing)
    assert len(b"".join(speaker.sound)) == 30 * SAMPLES * 2
    assert loudness(speaker.sound[15]) > loudness(speaker.sound[10]) / 4


def test_what_is_lost_for_long_is_a_gap_after_a_hundred_milliseconds():
    speaker = Speaker()
    said = frames(60)
    for number in (*range(10), *range(50, 60)):
        speaker.send(number, said[number])
    speaker.wait()
    assert (speaker.counts.lost, speaker.counts.guessed) == (40, MOST_GUESSED)


def test_a_frame_lost_in_a_pause_is_guessed_once_and_the_pause_stays():
    speaker = Speaker()
    said = frames(4)
    speaker.send(0, said[0], slot=0)
    speaker.send(2, said[2], slot=500)
    speaker.wait()
    assert (speaker.counts.lost, speaker.counts.guessed) == (1, 1)


def test_numbers_that_leap_while_the_clock_stands_still_are_not_filled():
    speaker = Speaker()
    said = frames(4)
    speaker.send(0, said[0], slot=0)
    speaker.send(3, said[1], slot=1)
    speaker.wait()
    assert (speaker.counts.lost, speaker.counts.guessed) == (2, 0)


def test_moments_never_go_backwards():
    speaker = Speaker()
    said = frames(3)
    for number, at in ((0, 5.0), (2, 6.0), (1, 5.5)):
        speaker.send(number, said[number], at=at)
    assert speaker.moments == [5.0, 5.5, 6.0]
    speaker.send(3, said[0], at=5.9)
    assert speaker.moments[-1] == 6.0


def test_a_packet_of_120_ms_comes_in_pieces_of_at_most_100():
    speaker = Speaker()
    speaker.send(0, packet_of_120_ms())
    assert [len(each) // 2 for each in speaker.sound] == [1600, 320]


@given(frame=st.binary(max_size=200))
def test_no_bytes_make_the_decoder_fail(frame):
    ears = OpusEars()
    for found in (ears.hear(frame), ears.guess(frame), ears.guess()):
        assert found is None or 0 < len(found) <= 1920 * 2
    assert ears.hear(frames(1)[0]) is not None


def test_what_is_no_opus_leaves_the_decoder_as_it_was():
    said = frames(20)
    clean, troubled = OpusEars(), OpusEars()
    expected = [clean.hear(frame) for frame in said]
    found = []
    for frame in said:
        assert troubled.hear(b"") is None
        assert troubled.hear(b"\xff" * 3) is None
        found.append(troubled.hear(frame))
    assert found == expected


def packet_of_120_ms() -> bytes:
    """Join six frames of 20 ms into one packet, as RFC 6716 has it (code 3, constant size)."""
    found = frames(8)[2:]
    size = min(map(len, found))
    assert size
    body = [frame[1:] for frame in found]
    lengths = b"".join(length_of(each) for each in body[:-1])
    return bytes([found[0][0] | 3, 0x80 | 6]) + lengths + b"".join(body)


def length_of(frame: bytes) -> bytes:
    """Encode a frame's length as RFC 6716, section 3.2.1, has it."""
    if len(frame) < 252:
        return bytes([len(frame)])
    first = 252 + (len(frame) & 3)
    return bytes([first, (len(frame) - first) // 4])
