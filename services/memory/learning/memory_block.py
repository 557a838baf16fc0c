"""The memory block some models end an answer with, taken out of the stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from services.domain.ids import ConversationId, MessageId, PersonaId

LONGEST_BLOCK = 8000
"""Characters of a block that are kept; a longer one is taken out and thrown away."""

_FENCE = "```"
_MEMORIES = '"memories"'
_TELLING = _MEMORIES[:4]  # so much of a block at the very end is one that was cut off
_LABELS = ("", "json", "jsonc", "json5", "memory", "memories")
_LABEL = re.compile(r"[ \t]*(?P<word>\w*)[ \t]*")
_CANDIDATE = re.compile(r"`|(?<![^\n])[ \t]*\{")
_MOST_MEMORIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A memory block and the turn whose answer ended with it; the learner checks what it says."""

    conversation: ConversationId
    persona: PersonaId
    trigger: MessageId
    block: str


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing a model suggests to remember."""

    key: str
    value: str
    context: str = ""


class MemoryBlockFilter:
    """Takes memory blocks out of a streamed answer; the result does not depend on the chunks.

    A block is ``{"memories": …}``, alone on its line or in a fence. What may still become one is
    held back, and one that is cut off by the end is dropped. ``blocks`` are those taken out whole.
    """

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self._held = ""
        self._line_begun = False
        self._block: _Block | None = None

    def feed(self, text: str) -> str:
        """Take more of the answer and return what is certainly no part of a block."""
        return self._take(text, final=False)

    def close(self) -> str:
        """Return what was held back and is no block after all."""
        rest = self._take("", final=True)
        if self._block is not None and self._block.whole:
            self._end_block()
        return rest

    def _take(self, text: str, *, final: bool) -> str:
        self._held += text
        shown: list[str] = []
        while self._held:
            if self._block is not None:
                rest = self._block.feed(self._held)
                self._held = ""
                if rest is None:
                    break
                self._end_block()
                self._held = rest
                continue
            at = self._candidate()
            self._show(shown, len(self._held) if at is None else at)
            if not self._held:
                break
            verdict = _judge(self._held)
            if verdict is None and not final:
                break
            if verdict is None and _TELLING in self._held:
                self._held = ""
            elif verdict:
                self._block = _Block(fenced=self._held.startswith(_FENCE))
            else:
                self._show(shown, len(_FENCE) if self._held.startswith(_FENCE) else 1)
        return "".join(shown)

    def _candidate(self) -> int | None:
        """Return where something begins that may become a block."""
        for found in _CANDIDATE.finditer(self._held):
            inside_line = found.start() == 0 and self._line_begun
            if found[0] == "`" or not inside_line:
                return found.start()
        blank = re.search(r"(?<![^\n])[ \t]+\Z", self._held)
        if blank is not None and not (blank.start() == 0 and self._line_begun):
            return blank.start()
        return None

    def _show(self, shown: list[str], length: int) -> None:
        words, self._held = self._held[:length], self._held[length:]
        shown.append(words)
        _, broken, last = words.rpartition("\n")
        self._line_begun = bool(last.strip()) or (self._line_begun and not broken)

    def _end_block(self) -> None:
        if self._block is not None and len(self._block.text) <= LONGEST_BLOCK:
            self.blocks.append(self._block.text)
        self._block = None


class _Block:
    """A block being taken out: up to its closing fence, or to the brace that closes it."""

    def __init__(self, *, fenced: bool) -> None:
        self.text = ""
        self._fenced = fenced
        self._seen = ""
        self._opened = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    @property
    def whole(self) -> bool:
        """Whether its braces are closed, only the fence is not."""
        return self._opened and self._depth == 0

    def feed(self, text: str) -> str | None:
        """Take more; return what follows the block once it is over."""
        for at, letter in enumerate(text):
            if self._ends_with(letter):
                return text[at + 1 :]
        return None

    def _ends_with(self, letter: str) -> bool:
        if self._fenced and not self._in_string:
            self._seen = (self._seen + letter)[-len(_FENCE) :]
            if self._seen == _FENCE and self._opened:
                self.text = self.text.removesuffix(_FENCE[:-1])
                return True
        if letter == "{" and not self._in_string:
            self._opened = True
        if self._opened and len(self.text) <= LONGEST_BLOCK:
            self.text += letter
        return self._opened and self._nested(letter)

    def _nested(self, letter: str) -> bool:
        """Follow strings and braces; tell whether an unfenced block is over."""
        if self._in_string:
            closes = letter == "\n" or (letter == '"' and not self._escaped)
            self._escaped = letter == "\\" and not self._escaped
            self._in_string = not closes
        elif letter == '"':
            self._in_string = True
        elif letter in "{}":
            self._depth += 1 if letter == "{" else -1
        return self._depth == 0 and not self._fenced


def _judge(text: str) -> bool | None:
    """Tell whether ``text`` begins with a block; ``None`` while that is open."""
    rest = text.lstrip(" \t")
    if not rest:
        return None
    if rest.startswith("`"):
        if not rest.startswith(_FENCE):
            return None if _FENCE.startswith(rest) else False
        rest = rest[len(_FENCE) :]
        label = _LABEL.match(rest)
        word = label["word"].lower() if label else ""
        rest = rest[label.end() :] if label else rest
        if not rest:
            return None if any(each.startswith(word) for each in _LABELS) else False
        if word not in _LABELS:
            return False
    rest = rest.lstrip()
    if not rest:
        return None
    if not rest.startswith("{"):
        return False
    rest = rest[1:].lstrip()
    if rest.startswith(_MEMORIES):
        return True
    return None if _MEMORIES.startswith(rest) else False


class _Entry(BaseModel):
    key: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    context: Annotated[str, StringConstraints(max_length=400)] = ""


class _Entries(BaseModel):
    memories: Annotated[list[object], Field(max_length=_MOST_MEMORIES)]


def memories_in(block: str) -> list[Memory]:
    """Return the well-formed memories of a block; nothing of what is no block at all."""
    try:
        entries = _Entries.model_validate_json(block).memories
    except ValidationError:
        return []
    found = []
    for each in entries:
        try:
            entry = _Entry.model_validate(each)
        except ValidationError:
            continue
        found.append(Memory(entry.key, entry.value, entry.context))
    return found
