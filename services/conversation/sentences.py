"""Streaming text cut into sentences."""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
import unicodedata

from services.conversation.sentence_ends import SPACE, STOPS, Undecided, View

LONGEST = 400

_POINTS = re.compile(rf"[{STOPS}`\n\r]")
_CLAUSE = re.compile(r"[,;:–][\"'”’)]*\s+|[，、；：—]\s*")
_GAP = re.compile(r"\s+")
_TICKS = re.compile("`+")
_FENCE = 3


class SentenceSplitter:
    """Cuts a stream into sentences; joined, they are the input again, however it was chunked.

    Whitespace belongs to the sentence before it. A sentence is given out once what follows proves
    it complete. Newlines end sentences; a code fence is never cut; without any stop the text is
    cut between clauses or words within 400 characters, or within 800 where it has no gap.
    """

    def __init__(self) -> None:
        self._text = ""
        self._heads_line = True
        self._restart()

    def feed(self, text: str) -> list[str]:
        """Take more text and return the sentences it completes."""
        self._text += text
        return self._sentences(final=False)

    def flush(self) -> list[str]:
        """Return what is left, as the end of the text; the splitter starts afresh."""
        sentences = self._sentences(final=True)
        if self._text:
            sentences.append(self._text)
        self._text = ""
        self._heads_line = True
        self._restart()
        return sentences

    def _restart(self) -> None:
        self._position = 0
        self._open_run = 0  # where the text began that has neither stop nor fence
        self._longest = LONGEST
        self._fenced = False

    def _sentences(self, *, final: bool) -> list[str]:
        sentences: list[str] = []
        while self._text:
            try:
                end = self._next_end(
                    View(self._text, final=final, heads_line=self._heads_line),
                )
            except Undecided:
                break
            if end == len(self._text):
                break
            sentence = self._text[:end]
            sentences.append(sentence)
            self._text = self._text[end:]
            self._heads_line = any(mark in sentence[len(sentence.rstrip()) :] for mark in "\r\n")
            self._restart()
        return sentences

    def _next_end(self, view: View) -> int:
        while True:
            if self._fenced:
                self._leave_fence(view)
            bound = self._open_run + self._longest
            point = _POINTS.search(self._text, self._position, min(len(self._text), bound))
            if point is not None:
                self._position = point.start()
                end = self._end_at(view, point.group())
            else:
                self._position = max(self._position, min(len(self._text), bound))
                if len(self._text) <= bound:
                    raise Undecided
                end = self._gap(bound)
            if end is not None:
                return end

    def _end_at(self, view: View, point: str) -> int | None:
        """Return where the sentence ends that may stop here, or move past this point."""
        start = self._position
        if point == "`":
            self._position = view.past(_TICKS, start)
            self._fenced = self._position - start >= _FENCE
            return None
        if point in "\r\n":
            self._position = view.past(SPACE, start)
            return self._position if self._text[:start].strip() else None
        end, self._position = view.sentence_end(start)
        return end

    def _leave_fence(self, view: View) -> None:
        close = self._text.find("`" * _FENCE, self._position)
        if close < 0:
            self._position = max(self._position, len(self._text) - _FENCE + 1)
            raise Undecided
        self._position = view.past(_TICKS, close)
        self._open_run = self._position
        self._longest = LONGEST
        self._fenced = False

    def _gap(self, bound: int) -> int | None:
        """Return the best place to cut before ``bound``, or allow a longer run."""
        first, late = self._open_run + 1, bound - LONGEST // 2
        for pattern, earliest in ((_CLAUSE, late), (_GAP, first), (_CLAUSE, first)):
            ends = [
                gap.end()
                for gap in pattern.finditer(self._text, self._open_run, bound + 1)
                if earliest <= gap.end() <= bound and self._text[: gap.start()].strip()
            ]
            if ends:
                return ends[-1]
        if self._longest == LONGEST:
            self._longest = 2 * LONGEST
            return None
        return next((end for end in range(bound, first, -1) if not _sticks(self._text, end)), bound)


def _sticks(text: str, end: int) -> bool:
    """Tell whether a cut at ``end`` would tear one visible sign apart."""
    before, after = text[end - 1], text[end]
    return (
        before == "\u200d"
        or after in "\u200d\ufe0e\ufe0f"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or unicodedata.combining(after) != 0
    )
