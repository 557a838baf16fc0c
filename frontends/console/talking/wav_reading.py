"""WAV files of every usual kind, as what a call listens to: mono samples at 16 kHz."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from services.domain.errors import InvalidRequest
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.pcm import Resampler, Samples, to_pcm

LOWEST_RATE, HIGHEST_RATE = 2_000, 768_000

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_KINDS = (b"RIFF", b"RF64")
_HEAD, _CHUNK_HEAD, _FORMAT, _EXTENDED_FORMAT = 12, 8, 16, 26
_MOST_CHUNKS = 1_000
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How samples lie in a file."""

    kind: int
    channels: int
    rate: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


def read_wav(path: Path, /) -> bytes:
    """Return the sound of a WAV file as signed 16-bit samples, mono at 16 kHz. Blocks.

    Samples may be integers of 8, 16, 24 or 32 bits or floats of 32 or 64, at any usual rate and in
    any number of channels, which are averaged. A length in the header that goes beyond the file's
    end is not believed. Raises ``InvalidRequest`` with a sentence that names the file.
    """
    try:
        with path.open("rb") as file:
            return _sound(file, path)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise InvalidRequest("wav_unreadable", f"{path} cannot be read: {reason}.") from error


def _sound(file: BinaryIO, path: Path) -> bytes:
    head = file.read(_HEAD)
    if head[:4] not in _KINDS or head[8:] != b"WAVE":
        raise InvalidRequest("wav_none", f"{path} is no WAV file; convert it to one first.")
    form, length = _found(file, path)
    reading = _READERS.get((form.kind, form.bits))
    if reading is None or not form.channels or not LOWEST_RATE <= form.rate <= HIGHEST_RATE:
        raise InvalidRequest(
            "wav_form",
            f"{path} holds a kind of sound that cannot be read; save it as 16-bit PCM.",
        )
    pcm = b"".join(_converted(file, form, length, reading))
    if not pcm:
        raise InvalidRequest("wav_empty", f"{path} holds no sound.")
    return pcm


def _found(file: BinaryIO, path: Path) -> tuple[_Form, int]:
    """Go to where the samples begin; return their form and how many bytes there may be."""
    form: _Form | None = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(_CHUNK_HEAD)
        if len(head) < _CHUNK_HEAD:
            break
        kind, size = struct.unpack("<4sI", head)
        if kind == b"data" and form is not None:
            return form, size
        start = file.tell()
        if kind == b"fmt ":
            form = _form(file.read(_EXTENDED_FORMAT)[:size])
        file.seek(start + size + size % 2)
    raise InvalidRequest("wav_broken", f"{path} is a WAV file in which no sound can be found.")


def _form(chunk: bytes) -> _Form | None:
    if len(chunk) < _FORMAT:
        return None
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and len(chunk) == _EXTENDED_FORMAT:
        (kind,) = struct.unpack_from("<H", chunk, _EXTENDED_FORMAT - 2)
    return _Form(kind=kind, channels=channels, rate=rate, bits=bits)


def _converted(
    file: BinaryIO, form: _Form, length: int, reading: Callable[[bytes], Samples]
) -> Iterator[bytes]:
    resampler = Resampler(form.rate / SAMPLE_RATE) if form.rate != SAMPLE_RATE else None
    size, left, read = max(1, _BLOCK_BYTES // form.frame_bytes) * form.frame_bytes, length, 0
    # Who writes a stream knows no length, and says 0 or the most there can be.
    while data := file.read(min(size, left) if length else size):
        left -= len(data)
        whole = data[: len(data) // form.frame_bytes * form.frame_bytes]
        samples = reading(whole).reshape(-1, form.channels).mean(axis=1, dtype=np.float32)
        read += len(samples)
        yield to_pcm(resampler.feed(samples) if resampler else samples)
    if resampler is not None and read:
        yield to_pcm(resampler.flush())


def _unsigned(data: bytes) -> Samples:
    return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)


def _three_bytes(data: bytes) -> Samples:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return _scaled(wide.view("<i4").reshape(-1), 32)


def _scaled(numbers: NDArray[np.integer], bits: int) -> Samples:
    return (numbers / np.float64(1 << (bits - 1))).astype(np.float32)


def _plain(numbers: NDArray[np.floating]) -> Samples:
    """Return floats without those that are none."""
    known = np.nan_to_num(numbers.astype(np.float64), posinf=1.0, neginf=-1.0)
    return np.clip(known, -1.0, 1.0).astype(np.float32)


_READERS: Mapping[tuple[int, int], Callable[[bytes], Samples]] = {
    (_PCM, 8): _unsigned,
    (_PCM, 16): lambda data: _scaled(np.frombuffer(data, "<i2"), 16),
    (_PCM, 24): _three_bytes,
    (_PCM, 32): lambda data: _scaled(np.frombuffer(data, "<i4"), 32),
    (_FLOAT, 32): lambda data: _plain(np.frombuffer(data, "<f4")),
    (_FLOAT, 64): lambda data: _plain(np.frombuffer(data, "<f8")),
}
