"""Where a text may be cut for a voice, and how much of it there is to say."""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
from itertools import accumulate

_CLOSING = "\"'”’»)\\]」』）"
_CLOSERS = f"[{_CLOSING}]*"
_CLAUSE = re.compile(
    rf"(?:[,;:–—…،؛]|\.{{2,}}|(?<=\s)-){_CLOSERS}\s+(?=\S)"
    r"|—(?=\w)"
    rf"|[，、；：]{_CLOSERS}\s*(?=[^\s{_CLOSING}])"
)
# What follows must not be a number or a mark that would read as the beginning of a list.
_GAP = re.compile(r"(?<=[^\W\d])[\"'”’)]*\s+(?=[^\W\d]|[\"'“‘(])")
_UNSPACED = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_UNSPACED_SIGN = re.compile(f"[{_UNSPACED}]")
_UNSPACED_WEIGHT = 3

# Stretches that are cut nowhere; the last of them may still go on.
_WHOLE = re.compile(
    "|".join(
        (
            r"(?s:```.*?(?:```|\Z))",
            r"`[^`\n]*(?:[`\n]|\Z)",
            r"!?\[[^\[\]\n]*(?:\]\([^)\n]*(?:\)|\Z)|\]|\Z)",
            r"https?://\S+",
            r"<[a-zA-Z/:@\#!][^<>\n]{0,100}(?:>|\Z)",
            r"(?<![\w*])(?P<stars>\*{1,3})(?=[^\s*])[^\n]*?(?:(?<=\S)(?P=stars)(?![\w*])|\n|\Z)",
            r"\d+(?:(?:[.,:/'’–-]\s?|\s[–-]?\s?)\d+){0,5}",
        )
    )
)


def clause_ends(text: str, /) -> list[int]:
    """Return where clauses end, after the whitespace, in ascending order.

    Actions between asterisks, code, links and numbers are not cut. More text adds ends and moves
    none, so the end of the text is never one.
    """
    return _ends(_CLAUSE, text)


def word_ends(text: str, /) -> list[int]:
    """Return where a word ends beside which one may cut in need, as ``clause_ends`` does."""
    return _ends(_GAP, text)


def words(text: str, /) -> list[int]:
    """Return where words end; a sign of a script without gaps is one."""
    return [match.end() for match in _WORD.finditer(text)]


def weight(text: str, /) -> int:
    """Return how long it takes to say something, in Latin letters; a Han or Kana sign is three."""
    return len(text) + (_UNSPACED_WEIGHT - 1) * len(_UNSPACED_SIGN.findall(text))


def pieces(sentence: str, /, *, longest: int) -> list[str]:
    """Cut a sentence that weighs more than ``longest`` into clauses, or between words.

    Joined, the pieces are the sentence. One without a place to cut stays as it is.
    """
    if weight(sentence) <= longest:
        return [sentence]
    reach = list(accumulate(map(weight, sentence)))
    clauses, gaps = clause_ends(sentence), word_ends(sentence)
    cut: list[str] = []
    start, before = 0, 0
    while reach[-1] - before > longest:
        end = _last(clauses, start, reach, before + longest)
        end = end or _last(gaps, start, reach, before + longest)
        end = end or min((each for each in (*clauses, *gaps) if each > start), default=None)
        if end is None:
            break
        cut.append(sentence[start:end])
        start, before = end, reach[end - 1]
    return [*cut, sentence[start:]]


def _last(ends: list[int], start: int, reach: list[int], bound: int) -> int | None:
    return max((end for end in ends if end > start and reach[end - 1] <= bound), default=None)


def _ends(pattern: re.Pattern[str], text: str) -> list[int]:
    ends = [match.end() for match in pattern.finditer(text)]
    for whole in _WHOLE.finditer(text) if ends else ():
        start, stop = whole.span()
        ends = [end for end in ends if not start < end < stop]
    return ends
