"""Cutting a document into passages that can be understood by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TARGET = 700
"""Characters a passage aims at: about 150 tokens, well inside what small embedders read (512)."""
LONGEST = 1000
"""Characters no passage exceeds."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCE = re.compile(
    r"(?<=[.!?…][\"'”’)\]])\s+|(?<=[.!?…])\s+(?=[\"'“‘(\[]?[^\W\d_a-z])|(?<=[。！？])"  # noqa: RUF001
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|cf|e\.g|i\.e|z\.B|d\.h|Fig|Vol|pp?)\.\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of a document under one heading; ``page`` counts from 1 where there are pages."""

    text: str
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of at most ``LONGEST`` characters; ``position`` counts from 0 in its document."""

    position: int
    text: str
    heading: str = ""
    page: int | None = None


def passages_of(sections: Iterable[Section]) -> Iterator[Passage]:
    """Yield the passages of a document in order.

    They end where sentences do, or paragraphs where that is near, and never reach over a heading or
    a page. A passage begins with the last sentence of the one before when that is short. What
    is longer than ``LONGEST`` without a sentence's end is cut at a space, or anywhere.
    """
    position = 0
    for section in sections:
        for text in _packed(_sentences(section.text)):
            yield Passage(position=position, text=text, heading=section.heading, page=section.page)
            position += 1


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    ends_paragraph: bool


def _sentences(text: str) -> Iterator[_Sentence]:
    for paragraph in _PARAGRAPH.split(text):
        parts = list(_split(" ".join(paragraph.split())))
        for number, part in enumerate(parts, 1):
            yield _Sentence(part, number == len(parts))


def _split(paragraph: str) -> Iterator[str]:
    held = ""
    for part in _SENTENCE.split(paragraph):
        if not part:
            continue
        held = f"{held} {part}" if held else part
        if not _ABBREVIATED.search(held[-12:]):
            yield from _cut(held)
            held = ""
    yield from _cut(held)


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        space = sentence.rfind(" ", LONGEST // 2, LONGEST)
        end = space if space > 0 else LONGEST
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    if sentence:
        yield sentence


def _packed(sentences: Iterable[_Sentence]) -> Iterator[str]:
    held: list[str] = []
    carried = 0
    size = 0
    for sentence in sentences:
        if len(held) > carried and size + len(sentence.text) + 1 > LONGEST:
            yield " ".join(held)
            held, size = _overlap(held, room=LONGEST - len(sentence.text) - 1)
            carried = len(held)
        held.append(sentence.text)
        size += len(sentence.text) + 1
        if size >= TARGET and (sentence.ends_paragraph or size >= (TARGET + LONGEST) // 2):
            yield " ".join(held)
            held, size = _overlap(held, room=LONGEST // 2)
            carried = len(held)
    if len(held) > carried:
        yield " ".join(held)


def _overlap(held: list[str], *, room: int) -> tuple[list[str], int]:
    last = held[-1]
    if len(held) > 1 and len(last) <= min(TARGET // 4, room):
        return [last], len(last) + 1
    return [], 0
