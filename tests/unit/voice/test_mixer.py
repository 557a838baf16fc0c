"""Speech comes out of the mixer as it was written, block by block, and is accounted for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from services.domain.audio import AudioFrame
from services.voice.mixing.clause_sound import MOST_REPEATED_SECONDS, ClauseSound
from services.voice.mixing.heard import Heard
from services.voice.mixing.mixer import Mixer
from services.voice.mixing.mixer_events import (
    ClauseFinished,
    ClauseStarted,
    MixerEvent,
    SpeechBegan,
    SpeechDried,
)
from services.voice.mixing.speech_track import MOST_PENDING_SECONDS
from tests.fakes.clock import ManualClock
from tests.fakes.mixing import BLOCK, FADE, PlayedMixer, frame_of, noise_of, sine_of, steepest


@pytest.fixture
def mixer() -> PlayedMixer:
    return PlayedMixer()


def test_nothing_to_say_is_none_so_that_the_sender_can_stop(mixer: PlayedMixer):
    assert mixer.play() is None
    mixer.say(1, sine_of(300, 0.03))
    assert mixer.play() is not None
    assert mixer.play() is not None
    assert mixer.play() is None


def test_speech_is_on_both_sides_and_exact_after_its_first_5_ms(mixer: PlayedMixer):
    said = noise_of(3 * BLOCK, seed=1)
    mixer.say(1, said)
    blocks = [mixer.play() for _ in range(3)]
    played = np.concatenate([block for block in blocks if block is not None])
    assert np.array_equal(played[:, 0], played[:, 1])
    assert np.array_equal(played[FADE:, 0], said[FADE:])
    assert played[0, 0] == 0


def test_clauses_follow_each_other_without_a_gap(mixer: PlayedMixer):
    first, second = noise_of(BLOCK + 123, seed=1), noise_of(BLOCK + 77, seed=2)
    mixer.say(1, first)
    mixer.say(2, second)
    played = mixer.left(3)
    assert np.array_equal(played[FADE : 2 * BLOCK + 200], np.concatenate([first, second])[FADE:])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
def test_any_rate_keeps_its_pitch_and_length_however_it_is_cut(rate: int, mixer: PlayedMixer):
    sound = sine_of(440, 1.0, rate=rate)
    mixer.speech.begin(1)
    for at in range(0, rate, 333):
        mixer.speech.write(frame_of(sound[at : at + 333], rate=rate))
    mixer.speech.end()
    assert mixer.speech.pending == pytest.approx(1.0, abs=0.002)
    played = mixer.left(50)
    wanted = sine_of(440, 1.0)
    assert np.abs(played[FADE:-FADE] - wanted[FADE:-FADE]).max() < 0.01


def test_a_rate_that_changes_within_a_clause_and_stereo_frames_are_taken(mixer: PlayedMixer):
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(sine_of(200, 0.1, rate=16000), rate=16000))
    both = np.repeat(sine_of(200, 0.1), 2)
    mixer.speech.write(frame_of(both, channels=2))
    mixer.speech.end()
    assert mixer.speech.pending == pytest.approx(0.2, abs=0.002)
    assert steepest(mixer.left(11)) < 0.05


def test_half_a_sample_and_an_empty_frame_do_no_harm(mixer: PlayedMixer):
    mixer.speech.begin(1)
    mixer.speech.write(AudioFrame(pcm=b"\x01\x02\x03", rate=48000, channels=1, started_at=0.0))
    mixer.speech.write(AudioFrame(pcm=b"", rate=22050, channels=1, started_at=0.0))
    mixer.speech.end()
    mixer.left(2)
    assert mixer.speech.heard == Heard(clauses=1)


def test_events_come_in_the_order_of_what_sounds(mixer: PlayedMixer):
    mixer.say(1, noise_of(BLOCK // 2, seed=1))
    mixer.say(2)
    mixer.say(3, noise_of(BLOCK, seed=2))
    mixer.play()
    one = mixer.clock.monotonic()
    mixer.play()
    two = mixer.clock.monotonic()
    assert mixer.play() is None
    assert mixer.told == [
        SpeechBegan(at=one),
        ClauseStarted(clause=1, at=one),
        ClauseFinished(clause=1, at=one),
        ClauseStarted(clause=2, at=one),
        ClauseFinished(clause=2, at=one),
        ClauseStarted(clause=3, at=one),
        ClauseFinished(clause=3, at=two),
        SpeechDried(at=two),
    ]


def test_a_clause_without_sound_is_over_at_once_and_says_nothing_of_speech(mixer: PlayedMixer):
    mixer.say(1)
    assert mixer.play() is None
    assert [type(event) for event in mixer.told] == [ClauseStarted, ClauseFinished]
    assert mixer.speech.heard == Heard(clauses=1)


def test_a_starving_clause_dries_up_softly_and_goes_on_when_more_comes(mixer: PlayedMixer):
    said = sine_of(200, 0.2)
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(said[:2000]))
    starved = mixer.left(5)
    assert steepest(starved) < 0.02
    assert isinstance(mixer.told[-1], SpeechDried)
    assert mixer.speech.heard == Heard(seconds=2000 / 48000)
    assert mixer.play() is None
    mixer.speech.write(frame_of(said[2000:]))
    mixer.speech.end()
    rest = mixer.left(9)
    assert np.allclose(rest[FADE:7600], said[2000 + FADE :], atol=1e-4)
    assert steepest(rest) < 0.02
    told = [type(event) for event in mixer.told]
    assert told == [
        *(SpeechBegan, ClauseStarted, SpeechDried),
        *(SpeechBegan, ClauseFinished, SpeechDried),
    ]
    assert mixer.speech.heard == Heard(clauses=1)


def test_a_clause_that_ends_late_counts_at_once_and_is_told_with_the_next_block(
    mixer: PlayedMixer,
):
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(noise_of(BLOCK, seed=1)))
    mixer.left(3)
    mixer.speech.end()
    assert mixer.speech.heard == Heard(clauses=1)
    assert not any(isinstance(event, ClauseFinished) for event in mixer.told)
    assert mixer.play() is None
    assert isinstance(mixer.told[-1], ClauseFinished)


def test_heard_counts_samples_and_knows_the_length_once_the_clause_is_complete(
    mixer: PlayedMixer,
):
    mixer.say(1, noise_of(BLOCK, seed=1))
    mixer.speech.begin(2)
    mixer.speech.write(frame_of(noise_of(2 * BLOCK, seed=1)))
    assert mixer.speech.pending == pytest.approx(0.06)
    mixer.left(2)
    assert mixer.speech.heard == Heard(clauses=1, seconds=0.02)
    assert mixer.speech.pending == pytest.approx(0.02)
    mixer.speech.end()
    assert mixer.speech.heard == Heard(clauses=1, seconds=0.02, length=0.04)


def test_sound_outside_a_clause_is_dropped_and_an_open_clause_ends_with_the_next(
    mixer: PlayedMixer,
):
    mixer.speech.write(frame_of(noise_of(BLOCK, seed=1)))
    assert mixer.play() is None
    mixer.speech.begin(1)
    mixer.speech.write(frame_of(noise_of(BLOCK, seed=1)))
    mixer.speech.begin(2)
    mixer.left(3)
    assert mixer.speech.heard == Heard(clauses=1)
    with pytest.raises(ValueError, match="clause 2 after 2"):
        mixer.speech.begin(2)


def test_a_new_answer_counts_from_one_again_at_full_loudness(mixer: PlayedMixer):
    mixer.say(1, noise_of(5 * BLOCK, seed=1))
    mixer.left(2)
    mixer.speech.duck()
    mixer.left(1)
    mixer.speech.reset()
    assert mixer.speech.heard == Heard()
    assert mixer.speech.pending == 0
    said = noise_of(2 * BLOCK, seed=3)
    mixer.told.clear()
    mixer.say(1, said)
    assert np.array_equal(mixer.left(2)[FADE:], said[FADE:])
    assert isinstance(mixer.told[0], SpeechBegan)


def test_no_more_than_two_minutes_wait_and_the_rest_is_counted(mixer: PlayedMixer):
    mixer.speech.begin(1)
    frame = frame_of(np.zeros(4800, np.float32))
    for _ in range(1300):
        mixer.speech.write(frame)
    assert mixer.speech.pending == pytest.approx(MOST_PENDING_SECONDS)
    assert mixer.speech.lost == pytest.approx(10.0)
    mixer.left(10)
    mixer.speech.write(frame)
    assert mixer.speech.lost == pytest.approx(10.0)
    mixer.speech.reset()
    assert mixer.speech.lost == 0


def test_an_endless_clause_lets_go_of_what_was_heard_long_ago():
    sound = ClauseSound(1)
    into = np.zeros(9600, np.float32)
    for second in range(200):
        for _ in range(10):
            sound.write(np.full(4800, second, np.float32))
        for _ in range(5):
            assert sound.read(into) == len(into)
    sound.rewind()
    assert sound.left / 48000 == pytest.approx(MOST_REPEATED_SECONDS, abs=0.3)
    assert sound.heard == 200 * 48000
    sound.read(into)
    assert into[0] == 200 - MOST_REPEATED_SECONDS


def test_tiny_frames_do_not_pile_up():
    sound = ClauseSound(1)
    for number in range(20_000):
        sound.write(np.full(1, number % 100, np.float32))
    into = np.zeros(20_000, np.float32)
    assert sound.read(into) == 20_000
    assert np.array_equal(into, np.arange(20_000) % 100)
    assert len(sound._pieces) < 10


def test_a_listener_may_ask_the_track_and_may_fail_without_stopping_the_sound():
    heard: list[Heard] = []

    def tell(event: MixerEvent) -> None:
        heard.append(asked.speech.heard)
        raise RuntimeError(event)

    asked = Mixer(clock=ManualClock(), tell=tell)
    asked.speech.begin(1)
    asked.speech.write(frame_of(noise_of(2 * BLOCK, seed=1)))
    assert asked.read() is not None
    assert asked.read() is not None
    assert heard == [Heard(seconds=0.02)] * 2


def _until_stopped(stop: threading.Event, step: Callable[[], object]) -> None:
    while not stop.is_set():
        step()


def test_one_thread_reads_while_another_writes_holds_and_resumes():
    told: list[MixerEvent] = []
    mixer = Mixer(clock=ManualClock(), tell=told.append)
    stop = threading.Event()
    reader = threading.Thread(target=_until_stopped, args=(stop, mixer.read))
    reader.start()
    last = Heard()
    try:
        for clause in range(1, 41):
            mixer.speech.begin(clause)
            for number in range(20):
                mixer.speech.write(frame_of(noise_of(997, seed=number, loudness=0.2)))
                if number % 7 == 3:
                    mixer.speech.hold()
                    mixer.speech.duck()
                    now = mixer.speech.heard
                    assert (now.clauses, now.seconds) >= (last.clauses, last.seconds)
                    last = now
                    mixer.speech.restore()
                    mixer.speech.resume()
            mixer.speech.end()
        patience = threading.Event()
        for _ in range(3000):
            if mixer.speech.heard.clauses == 40:
                break
            patience.wait(0.01)
    finally:
        stop.set()
        reader.join(30)
    mixer.read()
    assert mixer.speech.heard == Heard(clauses=40)
    clauses = [event.clause for event in told if isinstance(event, ClauseFinished)]
    assert clauses == list(range(1, 41))
