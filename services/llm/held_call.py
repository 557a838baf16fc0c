"""Decides whether a stretch of streamed text is a tool call, with as little waiting as can be."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.llm.tool_text import CALL, WrittenCall, may_begin_call, names_tool, read_calls

HOLD_CHARACTERS = 8192
CALL_CHARACTERS = 65_536
_SPACE = " \t\r\n"
_INFO = re.compile(r"[ \t]*([\w-]*)")
_FENCE_INFOS = ("", "json", "tool_call", "tool", "tool_code", "function_call")
_TAG_END = re.compile(r"</(?:tool_call|function_call)>", re.IGNORECASE)
_TAG_STOP = re.compile(r"(?=<(?:tool_call|function_call)>)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``calls`` is ``None`` when the first ``length`` characters are ordinary text.

    Otherwise they were tool syntax; without calls it was beyond repair.
    """

    length: int
    calls: Sequence[WrittenCall] | None = None


class HeldCall(ABC):
    """A possible call that begins with ``opener``.

    ``decide`` gets the text from the opener on, ever longer, and never changes its mind with more
    of it: a verdict depends on what stands there, not on how it was cut.
    """

    opener = ""
    tagged = False

    def __init__(self, offered: Collection[str]) -> None:
        self._offered = offered
        self._limit = HOLD_CHARACTERS
        self._asked = False

    def decide(self, text: str, *, ended: bool) -> Verdict | None:
        """Return the verdict, or ``None`` while more text is needed."""
        ordinary = Verdict(length=len(self.opener))
        if not self._plausible(text):
            return ordinary
        end = self._end(text)
        length = end if end is not None else len(text)
        if length > HOLD_CHARACTERS and not self._asked:
            self._asked = True
            if names_tool(text[:HOLD_CHARACTERS], self._offered):
                self._limit = CALL_CHARACTERS
        if length > self._limit:
            return ordinary
        if end is None and not ended:
            return None
        calls = read_calls(self._body(text[:length]), self._offered, tagged=self.tagged)
        return ordinary if calls is None else Verdict(length=length, calls=calls)

    @abstractmethod
    def _plausible(self, text: str) -> bool:
        """Say whether this can still become a call; once false it stays false."""

    @abstractmethod
    def _end(self, text: str) -> int | None:
        """Return how long the construct is once its end has come."""

    @abstractmethod
    def _body(self, text: str) -> str:
        """Return the JSON inside the whole construct."""


class HeldObject(HeldCall):
    """Bare JSON, an object or a list of them."""

    opener = "{"

    def __init__(self, offered: Collection[str]) -> None:
        super().__init__(offered)
        self._scan = _JsonScan()

    def _plausible(self, text: str) -> bool:
        return may_begin_call(text)

    def _end(self, text: str) -> int | None:
        return self._scan.end_of_value(text)

    def _body(self, text: str) -> str:
        return text


class HeldFence(HeldCall):
    """A fenced block that holds JSON."""

    opener = "```"

    def __init__(self, offered: Collection[str]) -> None:
        super().__init__(offered)
        self._scan = _JsonScan(len(self.opener))

    def _plausible(self, text: str) -> bool:
        rest = text[len(self.opener) :]
        info = _INFO.match(rest)
        if info is None or not any(known.startswith(info[1].lower()) for known in _FENCE_INFOS):
            return False
        if info.end() == len(rest):
            return True
        body = rest[info.end() :].lstrip(_SPACE)
        known = info[1].lower() in _FENCE_INFOS
        return known and (not body or (body[0] in "{[" and may_begin_call(body)))

    def _end(self, text: str) -> int | None:
        return self._scan.end_of_fence(text)

    def _body(self, text: str) -> str:
        info = _INFO.match(text, len(self.opener))
        return text[info.end() if info else 0 :].strip(_SPACE).removesuffix(self.opener)


class HeldMark(HeldCall):
    """One JSON object after the word that announces a call."""

    opener = CALL

    def __init__(self, offered: Collection[str]) -> None:
        super().__init__(offered)
        self._scan: _JsonScan | None = None

    def _plausible(self, text: str) -> bool:
        body = self._body(text)
        return not body or (body[0] == "{" and may_begin_call(body))

    def _end(self, text: str) -> int | None:
        if self._scan is None:
            begin = text.find("{")
            if begin < 0:
                return None
            self._scan = _JsonScan(begin)
        return self._scan.end_of_value(text)

    def _body(self, text: str) -> str:
        return text[len(self.opener) :].strip(_SPACE)


class HeldTag(HeldCall):
    """A call between tags; the closing one may be missing."""

    tagged = True

    def __init__(self, offered: Collection[str], opener: str) -> None:
        super().__init__(offered)
        self.opener = opener
        self._searched = len(opener)

    def _plausible(self, text: str) -> bool:
        body = text[len(self.opener) :].lstrip(_SPACE)[:128]
        return (
            not body
            or body[0] in "{[<`"
            or any(name.startswith(body) or body.startswith(name) for name in self._offered)
        )

    def _end(self, text: str) -> int | None:
        closed = _TAG_END.search(text, self._searched)
        stopped = _TAG_STOP.search(text, self._searched)
        ends = [match.end() for match in (closed, stopped) if match]
        if not ends:
            self._searched = max(self._searched, len(text) - 20)
        return min(ends) if ends else None

    def _body(self, text: str) -> str:
        body = _TAG_END.sub("", text[len(self.opener) :]).strip(_SPACE)
        if body.startswith("```"):
            info = _INFO.match(body, 3)
            body = body[info.end() if info else 3 :].strip(_SPACE).removesuffix("```")
        return body


class _JsonScan:
    """Follows brackets and quotes through text that grows, looking at each character once."""

    def __init__(self, start: int = 0) -> None:
        self._next = start
        self._depth = 0
        self._quote = ""
        self._escaped = False

    def end_of_value(self, text: str) -> int | None:
        """Return where the first value's brackets are balanced."""
        while self._next < len(text):
            self._step(text[self._next])
            if self._depth == 0 and not self._quote:
                return self._next
        return None

    def end_of_fence(self, text: str) -> int | None:
        """Return where a fence closes: outside a string, or at the start of a line."""
        while self._next < len(text):
            character = text[self._next]
            closes = character == "`" and text.endswith("```", 3, self._next + 1)
            if closes and (not self._quote or self._starts_line(text)):
                return self._next + 1
            self._step(character)
        return None

    def _starts_line(self, text: str) -> bool:
        fence = self._next - 2
        line = text.rfind("\n", 0, fence) + 1
        return not text[line:fence].strip(_SPACE)

    def _step(self, character: str) -> None:
        self._next += 1
        if self._escaped:
            self._escaped = False
        elif self._quote:
            self._escaped = character == "\\"
            if character == self._quote:
                self._quote = ""
        elif character in "\"'":
            self._quote = character
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1
