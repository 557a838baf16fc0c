"""Speech that the voice benchmark makes for itself, with the moments at which it really sounds."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import tempfile
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from services.voice.engines.model_catalog import KOKORO, PIPER_JOE
from services.voice.engines.process_engines import kokoro, piper
from services.voice.pcm import Samples, from_pcm, resampled, to_pcm
from services.voice.synthesis import TextToSpeech, Voice
from tests.bench.voice_corpus_texts import (
    BACK_CHANNELS,
    COMPLETE,
    INTERRUPTIONS,
    PAUSED,
    PAUSES,
    SHORT,
    STORIES,
)

RATE = 16_000
LEAD = 0.3
FIRST_REMARK = 3.5
"""Seconds from the end of a question to what is said into the answer."""
REMARK_EVERY = 5.0
_REMARKS_A_FILE = 5
_LONGEST_REMARK = 0.7
_TAIL = 0.1
_QUIET = 10 ** (-45 / 20)
_WINDOW = 80
_LOUDNESS = 0.08
_VERSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Something said in a file, from its first sound above -45 dB to its last, in seconds."""

    text: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file; ``spoken`` is all that is said in it, ``voice`` whose voice says it."""

    name: str
    kind: str
    voice: str
    spoken: Sequence[Spoken]

    @property
    def text(self) -> str:
        return " ".join(each.text for each in self.spoken)

    @property
    def ends(self) -> float:
        return self.spoken[-1].ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A folder of WAV files and what is in them."""

    folder: Path
    items: Sequence[Item]

    def of(self, *kinds: str) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]

    def path(self, item: Item) -> Path:
        return self.folder / f"{item.name}.wav"

    def sound(self, item: Item) -> bytes:
        with wave.open(str(self.path(item)), "rb") as reader:
            return reader.readframes(reader.getnframes())


async def corpus(folder: Path | None = None) -> Corpus:
    """Return the corpus, made once for each state of this module and set of voices."""
    made = (folder or Path(tempfile.gettempdir())) / f"acore-voice-corpus-{_state()}"
    listing = made / "items.json"
    if not listing.exists():
        with tempfile.TemporaryDirectory(dir=made.parent) as name:
            items = await _made(Path(name))
            (Path(name) / "items.json").write_text(json.dumps([asdict(each) for each in items]))
            shutil.copytree(name, made, dirs_exist_ok=True)
    return Corpus(folder=made, items=[_read(each) for each in json.loads(listing.read_text())])


def _state() -> str:
    texts = (COMPLETE, PAUSED, PAUSES, SHORT, STORIES, BACK_CHANNELS, INTERRUPTIONS)
    state = f"{_VERSION}{texts}{KOKORO.folder() is not None}"
    return hashlib.sha256(state.encode()).hexdigest()[:12]


def _read(fields: Mapping[str, object]) -> Item:
    spoken = [Spoken(**each) for each in fields["spoken"]]  # type: ignore[attr-defined]
    return Item(**{**fields, "spoken": spoken})  # type: ignore[arg-type]


class _Cast:
    """The voices, of which three in five are Piper's where Kokoro is installed."""

    def __init__(self) -> None:
        voices = PIPER_JOE.folder()
        if voices is None:
            raise SystemExit("The benchmark needs Piper's voice: run `make setup` first.")
        self._piper = piper([voices], noise=0.0)
        self._kokoro: TextToSpeech | None = None
        if (folder := KOKORO.folder()) is not None:
            self._kokoro = kokoro(folder / "kokoro.onnx", folder / "voices.npz")
        self._names: Sequence[str] = ()

    async def open(self) -> None:
        await self._piper.open()
        if self._kokoro is not None:
            self._names = [each.name for each in await self._kokoro.voices()]

    def turn(self, number: int) -> tuple[str, TextToSpeech, Voice]:
        if self._kokoro is None or number % 5 in (0, 2, 4):
            return "piper", self._piper, Voice()
        name = self._names[number * 2 // 5 % len(self._names)]
        return f"kokoro {name}", self._kokoro, Voice(name=name, language="en-us")

    async def close(self) -> None:
        await self._piper.close()
        if self._kokoro is not None:
            await self._kokoro.close()


async def _made(folder: Path) -> list[Item]:
    cast = _Cast()
    await cast.open()
    try:
        items = [item async for item in _items(cast, folder)]
    finally:
        await cast.close()
    return items


async def _items(cast: _Cast, folder: Path):
    for number, text in enumerate(COMPLETE):
        yield await _plain(cast, folder, f"complete-{number:02}", number, [text], [])
    for number, (parts, pause) in enumerate(zip(PAUSED, PAUSES, strict=True)):
        yield await _plain(cast, folder, f"paused-{number:02}", number, parts, [pause])
    for number, text in enumerate(SHORT):
        yield await _plain(cast, folder, f"short-{number:02}", number, [text], [])
    for number, remarks in enumerate(_batches(BACK_CHANNELS, _REMARKS_A_FILE)):
        name = f"remarks-{number:02}"
        yield await _over(cast, folder, name, number, STORIES[number], remarks)
    for number, text in enumerate(INTERRUPTIONS):
        story = STORIES[number % len(STORIES)]
        yield await _over(cast, folder, f"interruption-{number:02}", number, story, [text])


def _batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in itertools.count(0, size):
        if start >= len(texts):
            return
        yield texts[start : start + size]


async def _plain(
    cast: _Cast,
    folder: Path,
    name: str,
    number: int,
    parts: Sequence[str],
    pauses: Sequence[float],
) -> Item:
    """Say parts one after the other with pauses between them."""
    voice, engine, how = cast.turn(number)
    reel = _Reel()
    for part, pause in zip(parts, [0.0, *pauses], strict=True):
        reel.say(part, await _speech(engine, how, part), after=pause)
    reel.write(folder / f"{name}.wav")
    return Item(name=name, kind=name.partition("-")[0], voice=voice, spoken=reel.spoken)


async def _over(
    cast: _Cast, folder: Path, name: str, number: int, question: str, remarks: Sequence[str]
) -> Item:
    """Ask for something long and talk into the answer."""
    voice, engine, how = cast.turn(number)
    reel = _Reel()
    reel.say(question, await _speech(engine, how, question))
    due = reel.spoken[0].ends + FIRST_REMARK
    for remark in remarks:
        sound = await _speech(engine, how, remark)
        if len(remarks) > 1:
            sound = await _of_length(engine, how, remark, sound)
        reel.say(remark, sound, after=due - reel.seconds)
        due += REMARK_EVERY
    reel.write(folder / f"{name}.wav")
    return Item(name=name, kind=name.partition("-")[0], voice=voice, spoken=reel.spoken)


async def _of_length(engine: TextToSpeech, how: Voice, text: str, sound: Samples) -> Samples:
    """Return a back-channel that is as short as one, said faster where need be."""
    for speed in (1.3, 1.6, 2.0):
        if len(sound) / RATE <= _LONGEST_REMARK:
            break
        faster = Voice(name=how.name, language=how.language, speed=speed)
        sound = await _speech(engine, faster, text)
    return sound[: int(_LONGEST_REMARK * RATE)]


async def _speech(engine: TextToSpeech, voice: Voice, text: str) -> Samples:
    """Return the sound of a text at one loudness, from its first to its last above -45 dB."""
    pcm, rate = b"", RATE
    async with aclosing(engine.synthesize(text, voice=voice)) as frames:
        async for frame in frames:
            pcm, rate = pcm + frame.pcm, frame.rate
    sound = resampled(from_pcm(pcm), rate=rate, wanted=RATE)
    sound = sound * (_LOUDNESS / max(1e-4, float(np.sqrt(np.mean(sound**2)))))
    whole = sound[: len(sound) // _WINDOW * _WINDOW]
    loud = np.flatnonzero(np.abs(whole).reshape(-1, _WINDOW).max(axis=1) > _QUIET)
    trimmed: Samples = sound[loud[0] * _WINDOW : (loud[-1] + 1) * _WINDOW]
    return trimmed


class _Reel:
    """A file in the making."""

    def __init__(self) -> None:
        self._pieces: list[Samples] = [np.zeros(int(LEAD * RATE), np.float32)]
        self.spoken: list[Spoken] = []

    @property
    def seconds(self) -> float:
        return sum(map(len, self._pieces)) / RATE

    def say(self, text: str, sound: Samples, *, after: float = 0.0) -> None:
        self._pieces.append(np.zeros(max(0, round(after * RATE)), np.float32))
        begins = self.seconds
        self._pieces.append(sound)
        self.spoken.append(Spoken(text=text, begins=begins, ends=self.seconds))

    def write(self, path: Path) -> None:
        self._pieces.append(np.zeros(int(_TAIL * RATE), np.float32))
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(RATE)
            writer.writeframes(to_pcm(np.concatenate(self._pieces)))
