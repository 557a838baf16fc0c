"""Whether a stop ends a sentence, judged by what stands before and after it."""

# ruff: noqa: RUF001, SIM905 - punctuation of every script; word lists read best as text

from __future__ import annotations

import re

from services.conversation.glyphs import EMOJI, EMOJI_JOINERS

WIDE_STOPS = "。！？｡؟।"  # end a sentence without a gap
STOPS = ".!?…‼⁇⁈⁉" + WIDE_STOPS
SPACE = re.compile(r"\s*")

_RUN = re.compile(rf"[{STOPS}\ufe0e\ufe0f]+")
_QUOTES = "\"'”’»›)]}」』）】〉》"
_CLOSERS = re.compile(rf"[{re.escape(_QUOTES)}*_~`]*")
_OPENERS = re.compile(r"""["'“‘«‹(\[{「『（【〈《*_~`¿¡]*""")
_EMOJI_RUN = re.compile(rf"(?:[^\S\r\n]*[{EMOJI}][{EMOJI_JOINERS}{EMOJI}]*)*")
_WORD = re.compile(r"[^\W_]*(?:['’][^\W_]+)?")
_BEFORE = re.compile(r"[\w.]*\Z")
_LOOK_BACK = 24
_LIST_MARKER = re.compile(r"[ \t>#*-]*\d{1,3}\Z")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")

_TITLES = frozenset(
    "Mr Mrs Ms Mx Dr Prof St Sgt Capt Cpt Col Gen Lt Maj Rev Hon Pres Gov Sen Rep Fr Sr Mme Mlle "
    "Ph.D Fig Figs Vol".split()
)
_NEVER_LAST = frozenset("e.g i.e vs cf ca approx viz fig figs eq vol pp bzw z.b d.h".split())
_BEFORE_NUMBERS = frozenset("no nos nr art sec ch p".split())
_LAST_BEFORE_CAPITALS = frozenset({"etc", "usw", "a.m", "p.m"})
_RARELY_LAST = frozenset(
    "inc ltd co corp jr dept est al jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# Words that open a sentence far more often than they continue a name.
_STARTERS = frozenset(
    "the a an he she it they we you i this that these those there here then but and so or if when "
    "what who where why how is are was do did my your his her its our their now well yes no oh let "
    "please".split()
)


class Undecided(Exception):  # noqa: N818
    """Only more text can tell."""


class View:
    """The text so far, ``final`` if there will be no more.

    Every question about it raises ``Undecided`` where the answer lies beyond the end.
    ``heads_line`` says that the text begins a line.
    """

    def __init__(self, text: str, *, final: bool, heads_line: bool) -> None:
        self._text = text
        self._final = final
        self._heads_line = heads_line

    def past(self, pattern: re.Pattern[str], start: int) -> int:
        """Return where the run of ``pattern`` that begins at ``start`` ends."""
        match = pattern.match(self._text, start)
        end = match.end() if match else start
        if end == len(self._text) and not self._final:
            raise Undecided
        return end

    def sentence_end(self, start: int) -> tuple[int | None, int]:
        """Tell where the sentence ends if the stops at ``start`` end it, and where they end.

        The end lies after closing quotes and brackets, emoji and whitespace.
        """
        stopped = self.past(_RUN, start)
        closed = self.past(_CLOSERS, stopped)
        pictured = self.past(_EMOJI_RUN, closed)
        end = self.past(SPACE, pictured)
        stops, gap = self._text[start:stopped], self._text[pictured:end]
        certain = (
            "\n" in gap
            or "\r" in gap
            or stops[-1] in WIDE_STOPS
            or (pictured > closed and stops != ".")
        )
        if certain or (gap and self._complete(start, stops, self._text[stopped:closed], end)):
            return end, stopped
        return None, stopped

    def _complete(self, start: int, stops: str, closers: str, end: int) -> bool:
        begin = self.past(_OPENERS, end)
        following = self._text[begin : begin + 1]
        if following.islower() and any(closer in _QUOTES for closer in closers):
            return False
        if not set(stops) <= {".", "…"}:
            return True
        if stops != ".":
            return not (following.islower() or following.isdigit())
        return not self._is_list_marker(start) and (closers != "" or self._full_stop(start, begin))

    def _full_stop(self, start: int, begin: int) -> bool:
        found = _BEFORE.search(self._text, max(0, start - _LOOK_BACK), start)
        before = found.group() if found else ""
        known = before.casefold()
        following = self._text[begin : begin + 1]
        if before in _TITLES or known in _NEVER_LAST:
            return False
        if known in _BEFORE_NUMBERS:
            return not following.isdigit()
        if known in _LAST_BEFORE_CAPITALS:
            return not following.islower()
        initial = len(before) == 1 and before.isupper() and before != "I"
        if initial or known in _RARELY_LAST or _ACRONYM.fullmatch(before):
            word = self._text[begin : self.past(_WORD, begin)]
            return word.casefold() in _STARTERS and not following.islower()
        return True

    def _is_list_marker(self, start: int) -> bool:
        line = max(self._text.rfind("\n", 0, start), self._text.rfind("\r", 0, start)) + 1
        if line == 0 and not self._heads_line:
            return False
        return (
            start - line <= _LOOK_BACK
            and _LIST_MARKER.fullmatch(self._text, line, start) is not None
        )
