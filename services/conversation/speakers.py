"""Speakers' names before lines: one's own is taken out, another's ends the reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DECORATION = "*_["
_CLOSING = "*_]"
_MOST_DECORATION = 3
_COLONS = ":\uff1a"
_FENCE = 3


@dataclass(frozen=True, slots=True)
class _Label:
    """A name before a line, ending at ``end``."""

    own: bool
    end: int


class SpeakerFilter:
    """Drops ``Name:`` before lines of the persona and ends before such a line of another.

    A label may be decorated: ``**Name:**``, ``[Name]:``, ``*Name*:``. Case does not matter, nor
    do labels inside code fences.
    """

    def __init__(self, *, own_names: Sequence[str], other_names: Sequence[str]) -> None:
        own = {name.strip(): True for name in own_names}
        others = {name.strip(): False for name in other_names}
        self._names = sorted(
            (item for item in (others | own).items() if item[0]),
            key=lambda item: (-len(item[0]), not item[1]),
        )
        self._held = ""
        self._heads_line = True
        self._after_label = False
        self._ticks = 0
        self._fenced = False
        self.finished = False

    def feed(self, text: str) -> str:
        """Take more text and return what cannot be part of a label."""
        return self._take(text, final=False)

    def close(self) -> str:
        """Return what was held back."""
        return self._take("", final=True)

    def _take(self, text: str, *, final: bool) -> str:
        self._held += text
        shown: list[str] = []
        while self._held and not self.finished:
            if self._after_label:
                self._held = self._held.lstrip()
                self._after_label = not self._held
            elif not self._heads_line:
                shown.append(self._rest_of_line())
            elif self._held[0].isspace():
                shown.append(self._pass(len(self._held) - len(self._held.lstrip())))
            elif not self._head(final=final):
                break
        if self.finished:
            self._held = ""
        return "".join(shown)

    def _head(self, *, final: bool) -> bool:
        """Look at the head of a line; ``False`` if it is too short to tell."""
        label = None
        if not self._fenced:
            label = _label(self._held, self._names, final=final)
        if label == "open":
            return False
        if isinstance(label, _Label):
            self._held = self._held[label.end :]
            self.finished = not label.own
            self._after_label = label.own
        else:
            self._heads_line = False
        return True

    def _rest_of_line(self) -> str:
        end = self._held.find("\n")
        return self._pass(len(self._held) if end < 0 else end + 1)

    def _pass(self, length: int) -> str:
        words, self._held = self._held[:length], self._held[length:]
        for letter in words:
            if letter == "`":
                self._ticks += 1
                continue
            if self._ticks >= _FENCE:
                self._fenced = not self._fenced
            self._ticks = 0
        self._heads_line = self._heads_line or words.endswith("\n")
        return words


def _label(head: str, names: Sequence[tuple[str, bool]], *, final: bool) -> _Label | str | None:
    """Return the label ``head`` begins with, ``"open"`` if more text must tell, or ``None``."""
    start = _past(head, 0, _DECORATION)
    if start == len(head) and not final:
        return "open"
    for name, own in names:
        for begin in range(start, -1, -1):
            if _differ(head[begin : begin + len(name)], name):
                continue
            end = _label_end(head, begin + len(name), final=final)
            if end is None:
                return "open"
            if end:
                return _Label(own=own, end=end)
    return None


def _differ(word: str, name: str) -> bool:
    return any(one.casefold() != two.casefold() for one, two in zip(word, name, strict=False))


def _label_end(head: str, named: int, *, final: bool) -> int | None:
    """Return where a label ends whose name ends at ``named``, 0 if it is none, ``None`` if open."""
    colon = _past(head, named, _CLOSING)
    colon += head[colon : colon + 1] == " "
    end = _past(head, colon + 1, _CLOSING)
    if end >= len(head) and not final and head[colon : colon + 1] in ("", *_COLONS):
        return None
    if head[colon : colon + 1] not in tuple(_COLONS):
        return 0
    clock = head[named - 1].isdigit() and head[end : end + 1].isdigit()
    return 0 if clock else end


def _past(text: str, start: int, letters: str) -> int:
    end = start
    while end < min(len(text), start + _MOST_DECORATION) and text[end] in letters:
        end += 1
    return end
