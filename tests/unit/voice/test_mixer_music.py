"""Music makes room for speech, never bends it, and comes out without a gap."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.voice.mixing.bed_track import MOST_HELD_SECONDS, BedTrack
from services.voice.mixing.limiter import Limiter
from services.voice.mixing.mixer import MOST_BEDS
from services.voice.mixing.ring import Ring
from tests.fakes.mixing import BLOCK, FADE, PlayedMixer, frame_of, noise_of, sine_of, steepest

DUCKED = 10 ** (-12 / 20)
SILENCE = np.zeros(48_000, np.float32)


@pytest.fixture
def mixer() -> PlayedMixer:
    return PlayedMixer()


def stereo(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([left, right], axis=1)


def feed(bed: BedTrack, sound: NDArray[np.float32], at: int, size: int = BLOCK) -> int:
    """Write as much of ``sound`` from ``at`` on as the bed takes; return how far it came."""
    while at < len(sound):
        part = sound[at : at + size]
        if not bed.write(frame_of(part.reshape(-1), channels=2)):
            break
        at += len(part)
    return at


def played_with(
    mixer: PlayedMixer, bed: BedTrack, sound: NDArray[np.float32], *, blocks: int, at: int = 0
) -> NDArray[np.float32]:
    """Play ``blocks`` while the bed is kept full; return both channels."""
    played = []
    for _ in range(blocks):
        at = feed(bed, sound, at)
        block = mixer.play()
        assert block is not None
        played.append(block)
    return np.concatenate(played)


@pytest.mark.parametrize("size", [77, BLOCK, 1001, 4800])
def test_music_is_exact_in_both_channels_after_its_first_5_ms(size: int, mixer: PlayedMixer):
    music = stereo(noise_of(60 * BLOCK, seed=1), noise_of(60 * BLOCK, seed=2))
    bed, at, blocks = mixer.bed(), 0, []
    for _ in range(60):
        at = feed(bed, music, at, size)
        blocks.append(mixer.play())
    played = np.concatenate([block for block in blocks if block is not None])
    assert np.array_equal(played[FADE:], music[FADE:])
    assert not any(mixer.told)


def test_music_is_12_db_softer_within_100_ms_of_speech_and_returns_in_400(mixer: PlayedMixer):
    level = np.full(100 * BLOCK, 0.5, np.float32)
    music, bed = stereo(level, level), mixer.bed()
    at = 10 * BLOCK
    played_with(mixer, bed, music[:at], blocks=10)
    mixer.say(1, SILENCE[: 20 * BLOCK])
    under = played_with(mixer, bed, music, blocks=20, at=at)[:, 0]
    decibels = 20 * np.log10(under / 0.5)
    assert np.all(np.abs(decibels[4800:] + 12) < 0.2)
    assert decibels[int(0.02 * 48_000)] > -4
    after = played_with(mixer, bed, music, blocks=25, at=at)[:, 0]
    assert np.allclose(after[BLOCK + 19_200 :], 0.5, atol=1e-3)
    assert after[BLOCK + 9600] < 0.4
    assert np.abs(np.diff(np.concatenate([under, after]))).max() < 0.001


def test_ducked_music_stays_sample_continuous(mixer: PlayedMixer):
    tone, bed = sine_of(500, 4.0, loudness=0.8), mixer.bed()
    music = stereo(tone, -tone)
    at = feed(bed, music, 0)
    played = []
    for number in range(150):
        if number in (20, 90):
            mixer.say(number, SILENCE[: 25 * BLOCK + 333])
        block = mixer.play()
        assert block is not None
        played.append(block)
        at = feed(bed, music, at)
    sound = np.concatenate(played)
    assert np.array_equal(sound[:, 0], -sound[:, 1])
    loud = np.abs(tone[: len(sound)]) > 0.3
    loud[:FADE] = False
    gains = sound[loud, 0] / tone[: len(sound)][loud]
    assert gains.min() == pytest.approx(DUCKED, abs=0.001)
    assert gains.max() == pytest.approx(1.0, abs=0.001)
    assert np.abs(np.diff(gains)).max() < 0.02, "a lost or repeated sample would show as a jump"
    assert bed.played == pytest.approx(150 * 0.02)


def test_speech_is_never_clipped_by_music_only_turned_down_with_it(mixer: PlayedMixer):
    speech = sine_of(190, 2.0, loudness=0.999)
    tone = sine_of(1000, 3.0, loudness=0.999)
    bed = mixer.bed()
    feed(bed, stereo(tone, tone), 0)
    mixer.left(2)
    mixer.say(1, speech)
    at = 20 * BLOCK
    sound = played_with(mixer, bed, stereo(tone, tone), blocks=60, at=at)[:, 0]
    assert np.abs(sound).max() <= 1.0
    steady = slice(5 * BLOCK, 55 * BLOCK)
    window = np.hanning(50 * BLOCK)
    spectrum = np.abs(np.fft.rfft(sound[steady] * window))
    hertz = np.fft.rfftfreq(50 * BLOCK, 1 / 48_000)
    wanted = (np.abs(hertz - 190) < 12) | (np.abs(hertz - 1000) < 12)
    assert spectrum[~wanted].max() < spectrum[wanted].max() * 10 ** (-55 / 20)
    alone = spectrum[np.abs(hertz - 1000) < 12].max() / spectrum[np.abs(hertz - 190) < 12].max()
    assert 20 * np.log10(alone) == pytest.approx(-12, abs=0.2)
    peak = np.abs(sound[steady]).max()
    assert 0.97 < peak <= 1.0


def test_two_loud_beds_are_turned_down_and_not_clipped(mixer: PlayedMixer):
    tone = sine_of(300, 0.4, loudness=0.9)
    beds = [mixer.bed(), mixer.bed()]
    for bed in beds:
        feed(bed, stereo(tone, tone), 0)
    sound = mixer.left(19)
    assert np.abs(sound).max() <= 1.0
    assert steepest(sound[: 18 * BLOCK]) < 0.15
    spectrum = np.abs(np.fft.rfft(sound[2 * BLOCK : 17 * BLOCK] * np.hanning(15 * BLOCK)))
    third = spectrum[int(900 * 15 * BLOCK / 48_000)]
    assert third < spectrum.max() * 10 ** (-50 / 20)


def test_what_was_turned_down_comes_back_slowly():
    limiter = Limiter()
    loud = np.full((BLOCK, 2), 2.0, np.float32)
    loud[: BLOCK // 2] = 0.4
    limiter.apply(loud)
    assert loud.max() == pytest.approx(1.0)
    assert np.abs(np.diff(loud[: BLOCK // 2, 0])).max() < 0.001
    assert loud[BLOCK // 2 - 1, 0] == pytest.approx(0.2, abs=0.001), "down before the peak, not at"
    levels = [0.2]
    for _ in range(30):
        soft = np.full((BLOCK, 2), 0.4, np.float32)
        limiter.apply(soft)
        assert np.abs(np.diff(soft[:, 0])).max() < 1e-4
        levels.append(float(soft[-1, 0]))
    assert np.diff(levels).max() < 0.01
    assert levels[-1] == pytest.approx(0.4)


def test_a_full_bed_refuses_whole_frames_until_there_is_room(mixer: PlayedMixer):
    bed = mixer.bed()
    sound = stereo(noise_of(60 * BLOCK, seed=1), noise_of(60 * BLOCK, seed=2))
    at = feed(bed, sound, 0)
    assert at / 48_000 <= MOST_HELD_SECONDS
    assert bed.room < 0.021
    assert not bed.write(frame_of(sound[at : at + BLOCK].reshape(-1), channels=2))
    mixer.play()
    mixer.play()
    assert bed.write(frame_of(sound[at : at + BLOCK].reshape(-1), channels=2))
    rest = mixer.left(at // BLOCK - 1)
    assert np.array_equal(rest, sound[2 * BLOCK : at + BLOCK, 0])
    with pytest.raises(ValueError, match="never fits"):
        bed.write(frame_of(sound.reshape(-1), channels=2))


def test_a_ring_gives_back_what_it_took_wherever_its_ends_are():
    sizes, ring = np.random.default_rng(1), Ring(100, 2)
    taken: list[float] = []
    given = 0
    for _ in range(300):
        count = int(sizes.integers(0, ring.room + 1))
        fresh = np.arange(given, given + count, dtype=np.float32)
        ring.write(stereo(fresh, -fresh))
        given += count
        into = np.zeros((int(sizes.integers(0, 70)), 2), np.float32)
        read = ring.read(into)
        assert np.array_equal(into[:read, 0], -into[:read, 1])
        taken.extend(into[:read, 0].tolist())
        assert given - len(taken) == ring.filled == 100 - ring.room
    assert taken == list(range(len(taken)))
    assert len(taken) > 1000


def test_mono_music_at_another_rate_is_brought_to_both_channels(mixer: PlayedMixer):
    bed, tone = mixer.bed(), sine_of(440, 0.3, rate=44_100)
    for at in range(0, len(tone), 4410):
        assert bed.write(frame_of(tone[at : at + 4410], rate=44_100))
    block = [mixer.play() for _ in range(10)]
    sound = np.concatenate([one for one in block if one is not None])
    assert np.array_equal(sound[:, 0], sound[:, 1])
    assert np.allclose(sound[FADE:, 0], sine_of(440, 0.2)[FADE:], atol=0.01)


def test_a_bed_that_runs_dry_falls_silent_and_goes_on_unclicked(mixer: PlayedMixer):
    bed, tone = mixer.bed(), sine_of(200, 0.1)
    feed(bed, stereo(tone, tone)[:2000], 0)
    sound = [mixer.left(3)]
    assert mixer.play() is None
    feed(bed, stereo(tone, tone)[2000:], 0)
    sound.append(mixer.left(4))
    assert steepest(np.concatenate(sound)) < 0.02


def test_a_new_gain_is_reached_smoothly_and_a_closed_bed_is_let_go(mixer: PlayedMixer):
    bed = mixer.bed()
    level = np.full(60 * BLOCK, 0.5, np.float32)
    at = feed(bed, stereo(level, level), 0)
    mixer.left(2)
    bed.gain = 0.25
    assert bed.gain == 0.25
    before = mixer.left(4)
    assert before[-1] == pytest.approx(0.125, abs=1e-3)
    bed.close()
    bed.close()
    assert not bed.write(frame_of(stereo(level, level)[at : at + BLOCK].reshape(-1), channels=2))
    after = mixer.left(1)
    assert not after[FADE:].any()
    assert np.abs(np.diff(np.concatenate([before, after]))).max() < 0.001
    assert mixer.play() is None
    assert bed.gone


def test_beds_that_are_closed_make_place_for_others(mixer: PlayedMixer):
    beds = [mixer.bed() for _ in range(MOST_BEDS)]
    with pytest.raises(ValueError, match="more than"):
        mixer.bed()
    beds[0].close()
    mixer.play()
    mixer.bed()
