"""Recordings in and out: every kind of WAV file becomes 16 kHz mono, and nothing else gets in."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontends.console.talking.wav_reading import HIGHEST_RATE, LOWEST_RATE, read_wav
from services.domain.errors import InvalidRequest

RATE = 16_000
Encoder = Callable[[np.ndarray], bytes]


def _three_bytes(samples: np.ndarray) -> bytes:
    wide = (samples * (2**31 - 1)).astype("<i4")
    return wide.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


FORMS: dict[str, tuple[int, int, Encoder]] = {
    "8 bits": (1, 8, lambda s: (s * 127 + 128).astype(np.uint8).tobytes()),
    "16 bits": (1, 16, lambda s: (s * 32767).astype("<i2").tobytes()),
    "24 bits": (1, 24, _three_bytes),
    "32 bits": (1, 32, lambda s: (s * (2**31 - 1)).astype("<i4").tobytes()),
    "floats": (3, 32, lambda s: s.astype("<f4").tobytes()),
    "long floats": (3, 64, lambda s: s.astype("<f8").tobytes()),
}


def tone(seconds: float, rate: int, *, hertz: float = 220.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def wav_bytes(
    data: bytes,
    *,
    rate: int,
    channels: int = 1,
    kind: int = 1,
    bits: int = 16,
    extensible: bool = False,
    length: int | None = None,
    before: bytes = b"",
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)
    if extensible:
        form = struct.pack("<H", 0xFFFE) + form[2:]
        form += struct.pack("<HHIH", 22, bits, 0, kind) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + before
    chunks += b"data" + struct.pack("<I", len(data) if length is None else length) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "in.wav"
        path.write_bytes(data)
        return path

    return write


def heard(path: Path) -> np.ndarray:
    return np.frombuffer(read_wav(path), "<i2") / 32768


def likeness(found: np.ndarray, wanted: np.ndarray) -> float:
    """How alike two sounds are, from 0 to 1, away from their ends."""
    size = min(len(found), len(wanted))
    a, b = found[200 : size - 200], wanted[200 : size - 200]
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("extensible", [False, True])
def test_every_width_is_the_same_sound(form, extensible, written):
    kind, bits, encode = FORMS[form]
    data = wav_bytes(
        encode(tone(0.5, RATE)), rate=RATE, kind=kind, bits=bits, extensible=extensible
    )
    found = heard(written(data))
    assert len(found) == RATE // 2
    assert np.abs(found - tone(0.5, RATE)).max() < 0.02


@pytest.mark.property
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rate=st.one_of(
        st.sampled_from([8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000, 192000]),
        st.integers(LOWEST_RATE, HIGHEST_RATE),
    ),
    channels=st.integers(1, 8),
    form=st.sampled_from(sorted(FORMS)),
)
def test_every_rate_and_number_of_channels_keeps_length_and_pitch(rate, channels, form, written):
    kind, bits, encode = FORMS[form]
    one = tone(0.25, rate)
    data = encode(np.repeat(one, channels))
    found = heard(written(wav_bytes(data, rate=rate, channels=channels, kind=kind, bits=bits)))
    assert abs(len(found) - RATE / 4) <= 40
    assert likeness(found, tone(0.25, RATE)) > 0.98


def test_channels_are_averaged(written):
    both = np.stack([tone(0.2, RATE), -tone(0.2, RATE)], axis=1)
    data = wav_bytes((both * 32767).astype("<i2").tobytes(), rate=RATE, channels=2)
    assert np.abs(heard(written(data))).max() < 0.001


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 1 << 30])
def test_a_length_nobody_knew_is_not_believed(length, written):
    data = (tone(0.5, RATE) * 32767).astype("<i2").tobytes()
    assert len(heard(written(wav_bytes(data, rate=RATE, length=length)))) == RATE // 2


def test_what_follows_the_sound_is_not_heard(written):
    data = (tone(0.5, RATE) * 32767).astype("<i2").tobytes()
    whole = wav_bytes(data, rate=RATE) + b"LIST" + struct.pack("<I", 400) + b"x" * 400
    assert len(heard(written(whole))) == RATE // 2


def test_other_chunks_are_passed_over_odd_ones_too(written):
    data = (tone(0.5, RATE) * 32767).astype("<i2").tobytes()
    note = b"note" + struct.pack("<I", 3) + b"abc\0"
    assert len(heard(written(wav_bytes(data, rate=RATE, before=note)))) == RATE // 2


def test_half_a_sample_at_the_end_is_dropped(written):
    data = (tone(0.5, RATE) * 32767).astype("<i2").tobytes()
    assert len(heard(written(wav_bytes(data + b"\1", rate=RATE, length=0)))) == RATE // 2


def test_floats_that_are_no_numbers_are_silence_or_as_loud_as_can_be(written):
    samples = np.array([np.nan, np.inf, -np.inf, 7.0, 0.0], "<f4")
    found = heard(written(wav_bytes(samples.tobytes(), rate=RATE, kind=3, bits=32)))
    assert found == pytest.approx([0, 1, -1, 1, 0], abs=0.001)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"OggS" + bytes(100),
        b"RIFF" + bytes(4) + b"AVI " + bytes(100),
        wav_bytes(bytes(100), rate=RATE)[:30],
        wav_bytes(b"", rate=RATE),
        wav_bytes(bytes(100), rate=0),
        wav_bytes(bytes(100), rate=RATE, channels=0),
        wav_bytes(bytes(100), rate=HIGHEST_RATE + 1),
        wav_bytes(bytes(100), rate=RATE, kind=85),
        wav_bytes(bytes(100), rate=RATE, bits=12),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(data, written):
    path = written(data)
    with pytest.raises(InvalidRequest) as refused:
        read_wav(path)
    assert str(path) in refused.value.user_message
    assert refused.value.user_message.endswith(".")


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(InvalidRequest, match="cannot be read"):
            read_wav(path)


@pytest.mark.property
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=300), cut=st.integers(0, 60), at=st.integers(0, 60))
def test_garbage_is_read_or_refused_and_never_crashes(junk, cut, at, written):
    good = wav_bytes((tone(0.01, 8000) * 32767).astype("<i2").tobytes(), rate=8000)
    for data in (junk, good[:cut] + junk, good[:at] + junk + good[at + len(junk) :]):
        with suppress(InvalidRequest):
            assert len(read_wav(written(data))) % 2 == 0


def test_a_file_of_the_standard_library_is_read(tmp_path):
    path = tmp_path / "plain.wav"
    with wave.open(str(path), "wb") as writer:
        writer.setparams((2, 2, 44100, 0, "NONE", ""))
        writer.writeframes(np.repeat((tone(1, 44100) * 32767).astype("<i2"), 2).tobytes())
    assert likeness(heard(path), tone(1, RATE)) > 0.99
