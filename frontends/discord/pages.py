"""Cutting a long answer into messages that Discord takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT = 2000
"""Characters of one message of a bot."""

_FENCE = re.compile(r"```([\w+#.-]*)")
_CLOSING = "\n```"
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s)")  # noqa: RUF001  other scripts' marks
_LONGEST_LABEL = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One message: ``content`` shows ``text[start:end]`` of the answer."""

    start: int
    end: int
    content: str


def paginate(text: str, *, lead: str = "", limit: int = LIMIT) -> list[Page]:
    """Cut ``text`` where it reads best: between paragraphs, lines, sentences, then words.

    Every page but the last stays as it is when ``text`` grows at its end. The pages' spans follow
    each other without a gap. A code block that goes on beyond a page is closed there and opened
    again on the next; one that begins late on a page begins the next one instead. ``lead`` stands
    before the first page. Characters count as UTF-16 counts them, the strictest reading of the
    limit. Blank pages are left out, their spans belong to a neighbour.
    """
    pages: list[Page] = []
    start, label, before = 0, None, lead
    while start < len(text):
        opening = "" if label is None else f"```{label}\n"
        room = limit - _width(before + opening) - len(_CLOSING)
        end = _end_of_page(text, start, room, inside=label is not None)
        shown = text[start:end]
        label = _label_at_end(shown, label)
        content = before + opening + shown.strip("\n") + (_CLOSING if label is not None else "")
        if shown.strip():
            pages.append(Page(start=start, end=end, content=content.rstrip()))
            before = ""
        elif pages:
            last = pages[-1]
            pages[-1] = Page(start=last.start, end=end, content=last.content)
        start = end
    return pages


def _end_of_page(text: str, start: int, room: int, *, inside: bool) -> int:
    end = _fitting(text, start, room)
    if end == len(text):
        return end
    window = text[start:end]
    half = len(window) // 2
    fence = _open_fence(window, inside=inside)
    if fence is not None and fence > len(window) // 4:
        return start + fence
    for mark in ("\n\n", "\n"):
        found = window.rfind(mark, half)
        if found > 0:
            return start + found + len(mark)
    if fence is None and not inside:
        sentences = [match.end() for match in _SENTENCE_END.finditer(window, half)]
        if sentences:
            return _past_spaces(text, start + sentences[-1], end)
    space = window.rfind(" ", half)
    return start + space + 1 if space > 0 else end


def _past_spaces(text: str, position: int, end: int) -> int:
    while position < end and text[position] == " ":
        position += 1
    return position


def _open_fence(window: str, *, inside: bool) -> int | None:
    """Return where the code block begins that is still open at the end of ``window``."""
    opened = None
    for match in _FENCE.finditer(window):
        inside = not inside
        opened = match.start() if inside else None
    return opened


def _label_at_end(shown: str, label: str | None) -> str | None:
    """Return the language of the code block that is open after ``shown``; ``None`` without one."""
    for match in _FENCE.finditer(shown):
        label = match[1][:_LONGEST_LABEL] if label is None else None
    return label


def _fitting(text: str, start: int, room: int) -> int:
    """Return the end of the longest stretch from ``start`` that is at most ``room`` wide."""
    end = min(len(text), start + room)
    while _width(text[start:end]) > room:
        end -= max(1, (_width(text[start:end]) - room + 1) // 2)
    return end


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
