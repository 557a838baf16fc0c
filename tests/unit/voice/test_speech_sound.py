"""Silence cut, pitch moved, pieces joined, Whisper's short windows guarded."""

from __future__ import annotations

import numpy as np
import pytest

from services.voice.engines.pcm import LeadingSilence, SpeechShaper
from services.voice.engines.prosody import prosody_of
from services.voice.engines.rvc.pitch import coarse_pitch, pitch_of
from services.voice.engines.stitching import Cutter, Joiner
from services.voice.engines.wav import PcmStream, WavError, clip_of, wav_of
from services.voice.engines.workers.short_window import (
    Decoded,
    doubtful,
    silent,
    spoken_segments,
    window_frames,
    without_repeats,
)
from services.voice.pcm import Resampler, Samples, from_pcm, resampled
from services.voice.synthesis import Voice
from tests.fakes.voice_engines import sine

RATE = 16000


def tone(hertz: float, seconds: float, rate: int = RATE) -> Samples:
    return from_pcm(sine(hertz, seconds, rate))


def loudest_hertz(samples: Samples, rate: int) -> float:
    window = samples * np.hanning(len(samples))
    return float(np.argmax(np.abs(np.fft.rfft(window))) * rate / len(samples))


@pytest.mark.parametrize("size", [1, 37, 160, 100_000])
def test_leading_silence_goes_however_it_is_cut(size: int):
    sound = np.concatenate([np.zeros(8000, np.float32), tone(440, 0.5)])
    trimmer = LeadingSilence(RATE)
    parts = [trimmer.feed(sound[at : at + size]) for at in range(0, len(sound), size)]
    heard = np.concatenate(parts)
    assert 0.5 * RATE <= len(heard) <= 0.53 * RATE
    assert np.array_equal(heard[-8000:], sound[-8000:])


def test_silence_alone_is_let_through_after_two_seconds():
    trimmer = LeadingSilence(RATE)
    heard = sum(len(trimmer.feed(np.zeros(1600, np.float32))) for _ in range(50))
    assert 2.5 * RATE < heard < 3.5 * RATE


@pytest.mark.parametrize("step", [0.75, 1.1, 1.5, 2.75])
def test_resampling_moves_the_pitch_and_does_not_depend_on_the_cuts(step: float):
    sound = tone(440, 1)
    whole, parts = Resampler(step), Resampler(step)
    once = np.concatenate([whole.feed(sound), whole.flush()])
    many = [parts.feed(sound[at : at + 333]) for at in range(0, len(sound), 333)]
    pieces = np.concatenate([*many, parts.flush()])
    assert abs(len(once) - len(sound) / step) < 20
    assert abs(loudest_hertz(once, RATE) - 440 * step) < 4
    size = min(len(once), len(pieces))
    assert np.allclose(once[:size], pieces[:size], atol=1e-4)


def test_a_higher_rate_and_back_is_the_same_sound():
    sound = tone(440, 0.5)
    back = resampled(resampled(sound, rate=16000, wanted=22050), rate=22050, wanted=16000)
    assert len(back) == len(sound)
    assert np.abs(back[200:-200] - sound[200:-200]).max() < 0.01


def test_what_the_new_rate_cannot_hold_is_filtered_out_not_folded_back():
    assert np.abs(resampled(tone(7000, 0.5), rate=16000, wanted=8000)[200:-200]).max() < 0.02


def test_shaped_speech_is_higher_and_in_short_frames():
    shaper = SpeechShaper(RATE, pitch=1.25)
    frames = [*shaper.feed(tone(400, 1)), *shaper.flush()]
    assert all(0 < len(frame) <= RATE // 10 * 2 for frame in frames)
    assert abs(loudest_hertz(from_pcm(b"".join(frames)), RATE) - 500) < 5


def test_moods_colour_and_extremes_are_bounded():
    plain, sad = prosody_of(Voice()), prosody_of(Voice(mood="Sad"))
    assert (plain.speed, plain.pitch) == (1.0, 1.0)
    assert sad.speed < 1
    assert sad.pitch < 1
    assert prosody_of(Voice(speed=99, pitch=99)).speed == 2.0
    assert prosody_of(Voice(pitch=12)).pitch == pytest.approx(2 ** (8 / 12))


def test_pieces_come_back_as_the_stream_they_were():
    stream = tone(200, 3.3, 22050)
    cutter, joiner = Cutter(22050), Joiner(22050)
    heard = []
    for at in range(0, len(stream), 2205):
        cutter.add(stream[at : at + 2205])
        while (piece := cutter.take()) is not None:
            heard.append(joiner.add(piece.samples, context=piece.context, last=False))
    if (piece := cutter.take(last=True)) is not None:
        heard.append(joiner.add(piece.samples, context=piece.context, last=True))
    joined = np.concatenate([*heard, joiner.flush()])
    assert abs(len(joined) - len(stream)) < 0.03 * 22050
    # A click would be a jump that no sine of this loudness makes.
    assert np.abs(np.diff(joined)).max() < 2 * np.abs(np.diff(stream)).max()


def test_pieces_that_come_back_out_of_phase_are_joined_without_a_hole():
    joiner = Joiner(RATE)
    first, second = tone(200, 1), np.roll(tone(200, 1), 40)
    joined = np.concatenate(
        [
            joiner.add(first, context=0, last=False),
            joiner.add(second, context=1600, last=True),
        ]
    )
    loud = np.abs(joined[: len(joined) // 80 * 80]).reshape(-1, 80).max(axis=1)
    assert loud[2:-2].min() > 0.8 * loud.max()


@pytest.mark.parametrize("hertz", [80, 130, 220, 440, 800])
def test_pitch_is_found_with_overtones_and_noise(hertz: float):
    noise = np.random.default_rng(1).normal(0, 0.005, RATE).astype(np.float32)
    sound = tone(hertz, 1) + 0.5 * tone(2 * hertz, 1) + 0.3 * tone(3 * hertz, 1) + noise
    sound = sound.astype(np.float32)
    found = pitch_of(sound, rate=RATE, frames=100)[5:-5]
    assert np.abs(found / hertz - 1).max() < 0.02


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    assert (pitch_of(noise, rate=RATE, frames=100) == 0).mean() > 0.9
    assert not pitch_of(np.zeros(RATE, np.float32), rate=RATE, frames=100).any()
    assert list(coarse_pitch(np.array([0, 50, 1100, 9999], np.float32))) == [1, 1, 255, 255]


@pytest.mark.parametrize("size", [1, 7, 44, 10_000])
def test_wav_is_read_as_it_arrives(size: int):
    clip_pcm = sine(440, 0.05, 24000)
    from services.domain.audio import AudioClip

    data = wav_of(AudioClip(pcm=clip_pcm, rate=24000))
    data = data[:40] + b"\xff\xff\xff\xff" + data[44:]  # a server that does not know the length
    stream = PcmStream(rate=16000)
    pcm = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert pcm == clip_pcm
    assert stream.rate == 24000


def test_bare_samples_and_nonsense():
    assert PcmStream(rate=16000).feed(b"\x01" * 100) == b"\x01" * 100
    with pytest.raises(WavError):
        clip_of(b"<html>no sound here</html>")


def test_windows_are_short_where_that_is_safe():
    assert window_frames(0.5) == 1000
    assert window_frames(2.0) == 500
    assert window_frames(6.0) == 650
    assert window_frames(28.0) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("how are you? how are", "how are you?"),
        ("Stop the music. Stop the music.", "Stop the music."),
        ("What time is it? What time is it? What time", "What time is it?"),
        ("louder louder", "louder louder"),
        ("no no no no no", "no no"),
        ("I said I said stop", "I said I said stop"),
        ("come on then come", "come on then come"),
        ("one two three", "one two three"),
        ("", ""),
    ],
)
def test_a_text_that_begins_again_is_cut_there(text: str, kept: str):
    assert without_repeats(text) == kept


def test_segments_after_the_end_of_the_clip_are_dropped():
    segments = [(0.0, "How are you?"), (1.6, "How are you?"), (2.1, "How")]
    assert spoken_segments(segments, seconds=1.7) == "How are you?"


def decoded(text: str, *, logprob: float = -0.3, no_speech: float = 0.1) -> Decoded:
    return Decoded(text=text, language="en", logprob=logprob, no_speech=no_speech)


def test_what_looks_wrong_is_decoded_again():
    assert not doubtful(decoded("Hello there."))
    assert doubtful(decoded("..."))
    assert doubtful(decoded("you", no_speech=0.98))
    assert doubtful(decoded("Hello", logprob=-1.5))
    assert doubtful(decoded("dot " * 60))
    assert silent(decoded("Thanks.", logprob=-1.5, no_speech=0.9))
    assert not silent(decoded("Thanks.", logprob=-0.5, no_speech=0.9))
