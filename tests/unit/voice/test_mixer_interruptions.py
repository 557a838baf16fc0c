"""Speech gets softer, falls silent, goes on and is given up, all in the next block, unclicked."""

from __future__ import annotations

import numpy as np
import pytest

from services.voice.mixing.heard import Heard
from services.voice.mixing.mixer_events import ClauseStarted, SpeechBegan, SpeechDried
from tests.fakes.mixing import BLOCK, FADE, PlayedMixer, frame_of, noise_of, sine_of, steepest

SMOOTH = 0.02
"""A 200 Hz tone at half loudness steps by 0.013 at most, a 5 ms fade adds 0.002."""


@pytest.fixture
def mixer() -> PlayedMixer:
    return PlayedMixer()


def test_ducked_speech_is_12_db_softer_within_80_ms_and_back_within_200(mixer: PlayedMixer):
    mixer.say(1, np.full(48_000, 0.5, np.float32))
    mixer.left(2)
    mixer.speech.duck()
    # The call came just after a block was read: 20 ms are already gone.
    down = mixer.left(5)
    decibels = 20 * np.log10(down / 0.5)
    assert decibels[0] == pytest.approx(0, abs=0.05)
    assert np.all(np.abs(decibels[int(0.06 * 48_000) :] + 12) < 0.05)
    mixer.speech.restore()
    up = mixer.left(10)
    assert np.allclose(up[int(0.18 * 48_000) :], 0.5, atol=1e-3)
    assert np.abs(np.diff(np.concatenate([down, up]))).max() < 0.001


def test_a_duck_taken_back_half_way_never_jumps(mixer: PlayedMixer):
    mixer.say(1, np.full(48_000, 0.5, np.float32))
    mixer.left(1)
    parts = []
    for order in (mixer.speech.duck, mixer.speech.restore, mixer.speech.duck):
        order()
        parts.append(mixer.left(2))
    assert np.abs(np.diff(np.concatenate(parts))).max() < 0.001


def test_speech_that_begins_ducked_is_soft_from_its_first_sample(mixer: PlayedMixer):
    mixer.speech.duck()
    mixer.play()
    mixer.say(1, np.full(4800, 0.5, np.float32))
    assert mixer.left(3).max() == pytest.approx(0.5 * 10 ** (-12 / 20), abs=1e-3)


def test_held_speech_is_silent_5_ms_into_the_next_block_without_a_click(mixer: PlayedMixer):
    mixer.say(1, sine_of(200, 1.0))
    before = mixer.left(5)
    mixer.speech.hold()
    after = mixer.left(1)
    assert np.abs(after[:FADE]).max() > 0.05
    assert not after[FADE:].any()
    assert steepest(np.concatenate([before, after])) < SMOOTH
    assert mixer.play() is None
    assert not any(isinstance(event, SpeechDried) for event in mixer.told)


def test_resumed_speech_repeats_the_clause_that_was_cut(mixer: PlayedMixer):
    first, second, third = (noise_of(4 * BLOCK, seed=seed) for seed in (1, 2, 3))
    mixer.say(1, first)
    mixer.say(2, second)
    mixer.left(6)
    mixer.speech.hold()
    mixer.left(3)
    mixer.say(3, third)
    assert mixer.play() is None
    assert mixer.speech.heard == Heard(clauses=1, seconds=0.04, length=0.08)
    assert mixer.speech.pending == pytest.approx(0.12)
    mixer.speech.resume()
    assert mixer.speech.pending == pytest.approx(0.16)
    played = mixer.left(8)
    assert np.array_equal(played[FADE:], np.concatenate([second, third])[FADE:])
    assert [e.clause for e in mixer.told if isinstance(e, ClauseStarted)] == [1, 2, 3]
    assert sum(isinstance(event, SpeechBegan) for event in mixer.told) == 2
    assert mixer.speech.heard == Heard(clauses=3)


def test_what_was_heard_stays_heard_while_the_clause_is_repeated(mixer: PlayedMixer):
    mixer.say(1, noise_of(10 * BLOCK, seed=1))
    mixer.left(6)
    mixer.speech.hold()
    mixer.speech.resume()
    mixer.left(2)
    assert mixer.speech.heard.seconds == pytest.approx(0.12)
    assert mixer.speech.clear() == Heard(seconds=0.12, length=0.2)


def test_a_cut_between_two_clauses_repeats_neither(mixer: PlayedMixer):
    first, second = noise_of(2 * BLOCK, seed=1), noise_of(2 * BLOCK, seed=2)
    mixer.say(1, first)
    mixer.say(2, second)
    mixer.left(2)
    mixer.speech.hold()
    assert mixer.speech.heard == Heard(clauses=1, length=0.04)
    mixer.left(2)
    mixer.speech.resume()
    assert np.array_equal(mixer.left(2)[FADE:], second[FADE:])


def test_speech_held_before_it_began_waits_and_an_open_clause_still_fills(mixer: PlayedMixer):
    said = noise_of(2 * BLOCK, seed=1)
    mixer.speech.hold()
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(said[:BLOCK]))
    assert mixer.play() is None
    mixer.speech.write(frame_of(said[BLOCK:]))
    mixer.speech.end()
    mixer.speech.resume()
    assert np.array_equal(mixer.left(2)[FADE:], said[FADE:])


def test_a_fade_goes_on_under_what_is_cut_after_it(mixer: PlayedMixer):
    mixer.say(1, np.full(48_000, 0.4, np.float32))
    played = [mixer.left(3)]
    mixer.speech.hold(fade=0.1)
    played.append(mixer.left(1))
    mixer.speech.resume()
    played.append(mixer.left(1))
    mixer.speech.hold(fade=0.01)
    played.append(mixer.left(5))
    assert steepest(np.concatenate(played)) < 0.003
    assert mixer.play() is None


def test_a_clause_heard_whole_before_it_was_known_to_be_is_not_repeated(mixer: PlayedMixer):
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(noise_of(BLOCK, seed=1)))
    mixer.left(1)
    mixer.speech.hold()
    second = noise_of(2 * BLOCK, seed=2)
    mixer.say(2, second)
    mixer.left(1)
    assert mixer.speech.heard == Heard(clauses=1, length=0.04)
    mixer.speech.resume()
    assert np.array_equal(mixer.left(2)[FADE:], second[FADE:])


def test_cleared_speech_is_gone_with_the_next_block_and_says_what_was_heard(
    mixer: PlayedMixer,
):
    mixer.say(1, sine_of(200, 0.02))
    mixer.say(2, sine_of(200, 1.0))
    before = mixer.left(5)
    heard = mixer.speech.clear()
    assert heard == Heard(clauses=1, seconds=0.08, length=1.0)
    after = mixer.left(1)
    assert not after[FADE:].any()
    assert steepest(np.concatenate([before, after])) < SMOOTH
    assert mixer.play() is None
    assert mixer.speech.pending == 0
    assert mixer.speech.heard == mixer.speech.clear() == heard


def test_a_synthesis_that_comes_too_late_does_not_sound_after_the_answer_was_given_up(
    mixer: PlayedMixer,
):
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(sine_of(200, 0.1)))
    mixer.left(1)
    heard = mixer.speech.clear()
    mixer.speech.write(frame_of(sine_of(200, 0.1)))
    mixer.speech.end()
    mixer.say(2, sine_of(200, 0.1))
    mixer.speech.resume()
    mixer.left(1)
    assert mixer.play() is None
    assert mixer.speech.heard == heard
    mixer.speech.reset()
    mixer.say(1, sine_of(200, 0.1))
    assert mixer.play() is not None


def test_ducked_speech_is_cut_at_the_loudness_it_has(mixer: PlayedMixer):
    mixer.say(1, sine_of(200, 1.0))
    mixer.speech.duck()
    before = mixer.left(6)
    mixer.speech.clear()
    after = mixer.left(1)
    assert np.abs(after).max() < 0.2
    assert steepest(np.concatenate([before, after])) < SMOOTH


@pytest.mark.parametrize("count", [BLOCK, BLOCK + 1, BLOCK + 700, 2 * BLOCK - 1, 3])
def test_speech_that_ends_on_a_loud_sample_falls_softly(count: int, mixer: PlayedMixer):
    mixer.say(1, np.full(count, 0.5, np.float32))
    assert steepest(mixer.left(4)) < 0.005
