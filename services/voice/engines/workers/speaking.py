"""What engines that speak have in common inside their process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from services.voice.engines.jobs import Job
from services.voice.engines.pcm import SpeechShaper
from services.voice.engines.wire import Header
from services.voice.pcm import Samples

_SPACE = ord(" ")
_SENTENCE = re.compile(r"[^.!?。！？…]+[.!?。！？…]*[\"'”’)]*\s*")  # noqa: RUF001
_SHORTEST_FIRST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A text and how to say it; ``speed`` and ``pitch`` multiply."""

    text: str
    voice: str | None
    speed: float
    pitch: float
    language: str | None

    @property
    def own_speed(self) -> float:
        """The speed to speak at when the pitch is moved afterwards, which changes it too."""
        return self.speed / self.pitch


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some sound; ``pitched`` says that the engine has moved the pitch itself."""

    samples: Samples
    rate: int
    pitched: bool = False


def sayable(text: str) -> str:
    """Return the text without what libraries in C stumble over; empty if it has no words."""
    whole = text.encode("utf-8", "ignore").decode()
    clean = " ".join("".join(" " if ord(sign) < _SPACE else sign for sign in whole).split())
    return clean if any(sign.isalnum() for sign in clean) else ""


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; one that is very short takes the next along."""
    held = ""
    for match in _SENTENCE.finditer(text):
        held += match.group()
        if len(held.strip()) >= _SHORTEST_FIRST:
            yield held.strip()
            held = ""
    if held.strip():
        yield held.strip()


class Speaker(Protocol):
    """An engine as its SDK gives it."""

    def speak(self, wanted: Wanted, job: Job, /) -> Iterable[Piece]:
        """Yield sound as soon as there is some; ``job`` is checked between the pieces."""
        ...

    def voices(self) -> list[dict[str, str]]:
        """Return ``name``, ``language`` and ``description`` of each voice."""
        ...


class SpeakingEngine:
    """Answers ``speak`` and ``voices``."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    def about(self) -> Header:
        """Say nothing."""
        return {}

    def run(self, job: Job, /) -> None:
        """Answer a job."""
        if job.header["op"] == "voices":
            job.finish(voices=self._speaker.voices())
        else:
            self._speak(job)

    def _speak(self, job: Job) -> None:
        header = job.header
        text = sayable(header["text"])
        if not text:
            job.finish()
            return
        wanted = Wanted(
            text=text,
            voice=header.get("voice"),
            speed=header["speed"],
            pitch=header["pitch"],
            language=header.get("language"),
        )
        shaper: SpeechShaper | None = None
        rate = 0
        for piece in self._speaker.speak(wanted, job):
            if shaper is None:
                rate = piece.rate
                shaper = SpeechShaper(rate, pitch=1.0 if piece.pitched else wanted.pitch)
            for pcm in shaper.feed(piece.samples):
                job.answer(pcm, rate=rate)
        if shaper is not None:
            for pcm in shaper.flush():
                job.answer(pcm, rate=rate)
        job.finish()
