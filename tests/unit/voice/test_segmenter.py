"""Speech is cut by the clock: packets stop when a speaker does."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice.listening.samples import BYTES_PER_SECOND, duration
from services.voice.listening.segment_events import (
    Capped,
    EndCandidate,
    Onset,
    Pause,
    Resume,
    SegmentEvent,
)
from services.voice.listening.segmenter import Segmenter, SegmenterLimits
from tests.fakes.speech import LoudnessProbability, hush, spoken, tone, understood

FRAME = 0.02
START = 100.0


class Line:
    """One speaker's segmenter, its clock and all that it told."""

    def __init__(self, limits: SegmenterLimits | None = None) -> None:
        self.probability = LoudnessProbability()
        self.segmenter = Segmenter(self.probability, limits=limits)
        self.now = START
        self.events: list[SegmentEvent] = []

    def send(self, pcm: bytes) -> None:
        size = int(FRAME * BYTES_PER_SECOND)
        for start in range(0, len(pcm), size):
            self.now += FRAME
            self.events += self.segmenter.push(pcm[start : start + size], at=self.now)
            self.events += self.segmenter.tick(self.now)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            self.now += FRAME
            self.events += self.segmenter.tick(self.now)

    def kinds(self) -> list[type[SegmentEvent]]:
        return [type(event) for event in self.events]


def test_onset_is_told_after_64_ms_and_dated_to_where_speech_began():
    line = Line()
    line.send(hush(0.5))
    line.send(spoken("apple", seconds=0.12))
    (onset,) = line.events
    assert isinstance(onset, Onset)
    assert onset.since == pytest.approx(START + 0.5, abs=0.04)
    assert onset.at - onset.since == pytest.approx(0.064)


def test_one_loud_window_is_no_speech():
    line = Line()
    for _ in range(20):
        line.send(tone(900, 0.003))
        line.send(hush(0.3))
    assert line.events == []


def test_a_click_in_a_pause_is_no_resumption_and_does_not_put_the_end_off():
    line = Line()
    line.send(spoken("apple", "boat"))
    line.send(hush(0.12) + tone(900, 0.003) + hush(0.3))
    assert Resume not in line.kinds()
    assert line.segmenter.silence > 0.4


@pytest.mark.parametrize("sound", [b"", hush(0.4)], ids=["packets stop", "microphone open"])
def test_pause_candidate_and_silence_whether_or_not_packets_go_on(sound: bytes):
    line = Line()
    line.send(spoken("apple", "boat"))
    spoke_until = line.now
    line.send(sound)
    line.wait(0.4 - duration(sound))
    onset, pause, candidate, *again = line.events
    assert isinstance(onset, Onset)
    assert isinstance(pause, Pause)
    assert isinstance(candidate, EndCandidate)
    assert pause.since == pytest.approx(spoke_until, abs=0.05)
    assert pause.at - spoke_until < 0.17
    assert candidate.at - spoke_until < 0.27
    assert {type(event) for event in again} == {EndCandidate}
    assert line.segmenter.silence == pytest.approx(0.4, abs=0.06)


def test_late_packets_are_no_pause():
    line = Line()
    pcm = spoken("apple", "boat", "cloud", "drum")
    size = int(FRAME * BYTES_PER_SECOND)
    frames = [pcm[start : start + size] for start in range(0, len(pcm), size)]
    for first in range(0, len(frames), 3):  # three at a time, as out of a jittery network
        line.wait(3 * FRAME)
        for frame in frames[first : first + 3]:
            line.events += line.segmenter.push(frame, at=line.now)
    assert line.kinds() == [Onset]


def test_no_silence_is_put_where_a_packet_is_a_little_late():
    line = Line()
    line.send(spoken("apple", "boat"))
    length = line.segmenter.length
    assert not line.segmenter.tick(line.now + 0.05)
    assert line.segmenter.silence == 0
    assert line.segmenter.length == length


def test_going_on_is_told_with_the_length_of_the_pause():
    line = Line()
    line.send(spoken("apple"))
    line.wait(0.5)
    line.send(spoken("boat"))
    resume = line.events[-1]
    assert isinstance(resume, Resume)
    assert resume.pause == pytest.approx(0.5, abs=0.08)
    assert line.segmenter.voiced == pytest.approx(0.48, abs=0.08)


def test_the_clip_has_the_sound_before_the_onset_and_little_of_the_silence_after():
    line = Line()
    line.send(hush(1.0) + spoken("apple", "boat"))
    line.wait(1.5)
    clip = line.segmenter.clip()
    assert understood(clip) == "apple boat"
    assert duration(clip) == pytest.approx(0.3 + 0.48 + 0.2, abs=0.1)


def test_parts_split_off_are_not_in_the_clip_again():
    line = Line()
    line.send(spoken("apple", "boat"))
    line.wait(0.5)
    line.send(spoken("cloud"))
    line.segmenter.split(0.5)
    line.wait(0.2)
    assert understood(line.segmenter.clip()) == "cloud"
    assert len(line.segmenter.recent(8.0)) / 16_000 > 1.0


def test_nothing_of_a_turn_is_in_the_next():
    line = Line()
    line.send(spoken("apple", "boat"))
    line.wait(0.3)
    line.segmenter.end()
    assert not line.segmenter.active
    line.send(spoken("cloud", "drum"))
    assert understood(line.segmenter.clip()) == "cloud drum"


def test_a_speaker_who_never_stops_is_capped_once_and_takes_no_more_memory():
    line = Line(SegmenterLimits(longest=2.0))
    for _ in range(40):
        line.send(spoken("apple", "boat"))
    assert line.kinds() == [Onset, Capped]
    assert duration(line.segmenter.clip()) <= 2.1
    line.segmenter.end()
    line.send(spoken("cloud"))
    assert line.kinds()[-1] is Onset


@pytest.mark.parametrize(
    "pcm",
    [b"", b"\x01", bytes(321), bytes(2 * 32_000), np.zeros(20_000, "<i2").tobytes()],
    ids=["nothing", "half a sample", "odd", "two seconds", "more than one second"],
)
def test_frames_that_make_no_sense_are_dropped_and_counted(pcm: bytes):
    line = Line()
    assert line.segmenter.push(pcm, at=START) == ()
    assert line.segmenter.dropped == 1


def test_times_that_make_no_sense_are_dropped_and_counted():
    line = Line()
    line.send(spoken("apple"))
    for at in (math.nan, math.inf, line.now - 5):
        line.segmenter.push(spoken("boat"), at=at)
    assert line.segmenter.dropped == 3


def test_a_flood_is_dropped_beyond_two_seconds_ahead_of_the_clock():
    line = Line()
    for _ in range(1000):
        line.segmenter.push(tone(900, FRAME), at=START)
    assert line.segmenter.dropped > 850
    assert line.segmenter.length < 3


def test_digital_silence_costs_no_judgement():
    line = Line()
    line.send(spoken("apple"))
    line.wait(0.2)
    asked = line.probability.asked
    line.send(bytes(BYTES_PER_SECOND))
    line.wait(5)
    assert line.probability.asked <= asked + 1


def test_while_the_bot_is_heard_unclear_speech_does_not_begin():
    class Unclear(LoudnessProbability):
        def __call__(self, window: np.ndarray, /) -> float:
            return min(super().__call__(window), 0.6)

    segmenter = Segmenter(Unclear())
    segmenter.raised = True
    assert not segmenter.push(tone(900, 0.5), at=START)
    segmenter.raised = False
    assert segmenter.push(tone(900, 0.5), at=START + 0.5)


_STEPS = st.lists(
    st.tuples(st.sampled_from(["speak", "hush", "wait", "end", "split"]), st.floats(0.0, 0.7)),
    max_size=25,
)
_AFTER: dict[type[SegmentEvent] | None, set[type[SegmentEvent]]] = {
    None: {Onset},
    Onset: {Pause, Capped},
    Pause: {EndCandidate, Resume, Capped},
    EndCandidate: {EndCandidate, Resume, Capped},
    Resume: {Pause, Capped},
    Capped: set(),
}


@given(steps=_STEPS)
def test_events_come_in_order_and_memory_is_bounded(steps: Sequence[tuple[str, float]]):
    line = Line(SegmenterLimits(longest=2.0))
    last: type[SegmentEvent] | None = None
    for action, seconds in steps:
        match action:
            case "speak":
                line.send(tone(700, seconds))
            case "hush":
                line.send(hush(seconds))
            case "wait":
                line.wait(seconds)
            case "split":
                line.segmenter.split(seconds)
        for event in line.events:
            assert type(event) in _AFTER[last]
            assert event.since <= event.at
            last = type(event)
        line.events.clear()
        if action == "end":
            line.segmenter.end()
            last = None
        assert line.segmenter.active == (last is not None)
        assert duration(line.segmenter.clip()) <= 2.0 + 0.4
        assert line.segmenter.silence >= 0
        assert line.segmenter.voiced >= 0
