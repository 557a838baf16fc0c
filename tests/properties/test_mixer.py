"""What the mixer says was heard is what came out of it, whatever the order of things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.voice.mixing.heard import Heard
from services.voice.mixing.mixer_events import (
    ClauseFinished,
    ClauseStarted,
    MixerEvent,
    SpeechBegan,
    SpeechDried,
)
from tests.fakes.mixing import BLOCK, FADE, PlayedMixer, frame_of, noise_of

pytestmark = pytest.mark.property

RATE = 48_000


@dataclass
class Said:
    """A clause as it ought to be known to the mixer."""

    number: int
    samples: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    ended: bool = False
    started: bool = False
    at: int = 0
    most: int = 0

    @property
    def over(self) -> bool:
        return self.ended and self.at == len(self.samples)


class Model:
    """The mixer's promises, kept the simple way, one sample at a time where it matters."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.reset()
        self.flowing = False

    def reset(self) -> None:
        self.clauses: list[Said] = []
        self.held = self.cleared = self.flowing = False
        self.frozen = Heard()

    def begin(self) -> None:
        self.end()
        if not self.cleared:
            self.clauses.append(Said(len(self.clauses) + 1))

    def write(self, samples: NDArray[np.float32]) -> None:
        if self.clauses and not self.clauses[-1].ended and not self.cleared:
            self.clauses[-1].samples = np.concatenate([self.clauses[-1].samples, samples])

    def end(self) -> None:
        if self.clauses:
            self.clauses[-1].ended = True

    def hold(self) -> None:
        self.held, self.flowing = True, False

    def resume(self) -> None:
        current = next((each for each in self.clauses if not each.over), None)
        if self.held and current is not None and not self.cleared:
            current.at = 0
        self.held = False

    def clear(self) -> None:
        self.frozen = self.heard()
        self.cleared, self.held, self.flowing = True, False, False

    def heard(self) -> Heard:
        if self.cleared:
            return self.frozen
        for clause in self.clauses:
            if not clause.over:
                length = len(clause.samples) / RATE if clause.ended else None
                return Heard(clauses=clause.number - 1, seconds=clause.most / RATE, length=length)
        return Heard(clauses=len(self.clauses))

    def pending(self) -> float:
        if self.cleared:
            return 0.0
        return sum(len(each.samples) - each.at for each in self.clauses) / RATE

    def read(self) -> NDArray[np.float32]:
        """Return what of the clauses sounds in the next block."""
        told: list[str] = []
        block: list[float] = []
        for clause in [] if self.held or self.cleared else self.clauses:
            if clause.over and f"finished {clause.number}" in self.events + told:
                continue
            taken = clause.samples[clause.at : clause.at + BLOCK - len(block)]
            block.extend(taken.tolist())
            clause.at += len(taken)
            clause.most = max(clause.most, clause.at)
            if not clause.started and (len(taken) or clause.over):
                clause.started = True
                told.append(f"started {clause.number}")
            if not clause.over:
                break
            told.append(f"finished {clause.number}")
        if block and not self.flowing:
            self.events.append("began")
        self.events += told
        if (block or self.flowing) and len(block) < BLOCK:
            self.events.append("dried")
        self.flowing = len(block) == BLOCK
        return np.array(block, np.float32)


def named(event: MixerEvent) -> str:
    match event:
        case SpeechBegan():
            return "began"
        case SpeechDried():
            return "dried"
        case ClauseStarted():
            return f"started {event.clause}"
        case ClauseFinished():
            return f"finished {event.clause}"


ORDERS = st.one_of(
    st.just("read"),
    st.sampled_from(["begin", "begin", "end", "hold", "resume"]),
    st.integers(1, 2500),
    st.integers(1, 2500),
    st.sampled_from(["read", "read", "clear", "reset", "duck", "restore"]),
)


class Bench:
    """A mixer and its model, given the same orders."""

    def __init__(self) -> None:
        self.mixer = PlayedMixer()
        self.model = Model()
        self.clause = 0
        self.written = 0
        self.loud = True
        self._acts: dict[str, Callable[[], None]] = {
            "begin": self._begin,
            "clear": self._clear,
            "reset": self._reset,
            "duck": partial(self._duck, ducked=True),
            "restore": partial(self._duck, ducked=False),
            "read": self._read,
        }

    def obey(self, order: str | int) -> None:
        track, model = self.mixer.speech, self.model
        before = track.heard
        if isinstance(order, int):
            self._write(order)
        elif order in ("end", "hold", "resume"):
            getattr(track, order)()
            getattr(model, order)()
        else:
            self._acts[order]()
        heard = track.heard
        assert heard == model.heard()
        assert track.pending == pytest.approx(model.pending(), abs=1e-9)
        if order != "reset":
            assert (heard.clauses, heard.seconds) >= (before.clauses, before.seconds)
        if order not in ("read", "end", "begin", "reset"):
            assert (heard.clauses, heard.seconds) == (before.clauses, before.seconds)

    def _begin(self) -> None:
        self.clause += 1
        self.mixer.speech.begin(self.clause)
        self.model.begin()

    def _write(self, count: int) -> None:
        self.written += 1
        samples = noise_of(count, seed=self.written)
        self.mixer.speech.write(frame_of(samples))
        self.model.write(samples)

    def _clear(self) -> None:
        heard = self.mixer.speech.clear()
        self.model.clear()
        assert heard == self.model.heard()

    def _reset(self) -> None:
        self.mixer.speech.reset()
        self.model.reset()
        self.model.events.clear()
        self.mixer.told.clear()
        self.clause, self.loud = 0, True

    def _duck(self, *, ducked: bool) -> None:
        (self.mixer.speech.duck if ducked else self.mixer.speech.restore)()
        self.loud = False

    def _read(self) -> None:
        wanted = self.model.read()
        block = self.mixer.play()
        assert [named(event) for event in self.mixer.told] == self.model.events
        if block is None:
            assert not len(wanted)
            return
        if self.loud:
            assert np.array_equal(block[FADE : len(wanted), 0], wanted[FADE:])
        assert not block[max(FADE, len(wanted) + FADE) :].any()


@given(st.lists(ORDERS, max_size=60))
def test_heard_is_exact_to_the_sample_in_any_order_of_events(orders: list[str | int]) -> None:
    bench = Bench()
    for order in orders:
        bench.obey(order)


@given(st.lists(ORDERS, max_size=40))
def test_after_the_rest_is_read_every_clause_was_heard_and_nothing_sounds(
    orders: list[str | int],
) -> None:
    bench = Bench()
    for order in orders:
        bench.obey(order)
    bench.obey("resume")
    bench.obey("end")
    for _ in range(int(bench.mixer.speech.pending * 50) + 3):
        bench.obey("read")
    assert bench.mixer.speech.pending == 0
    assert bench.mixer.play() is None
    if not bench.model.cleared:
        assert bench.mixer.speech.heard == Heard(clauses=bench.clause)


@given(st.lists(st.integers(1, 4800), min_size=1, max_size=20), st.sampled_from([16000, 22050]))
def test_the_cuts_of_the_frames_cannot_be_heard(cuts: list[int], rate: int) -> None:
    sound = noise_of(sum(cuts), seed=1)
    whole, parts = PlayedMixer(), PlayedMixer()
    whole.say(1, sound, rate=rate)
    parts.speech.begin(1)
    at = 0
    for count in cuts:
        parts.speech.write(frame_of(sound[at : at + count], rate=rate))
        at += count
    parts.speech.end()
    assert parts.speech.pending == whole.speech.pending
    blocks = int(whole.speech.pending * 50) + 2
    assert np.allclose(parts.left(blocks), whole.left(blocks), atol=1e-4)
