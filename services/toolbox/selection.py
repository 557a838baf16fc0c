"""Which tools what was said calls for, told from its words alone."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.toolbox.spec import ToolSpec

_WORD = re.compile(r"[^\W_]+")
_SUFFIXES = ("ings", "ing", "ern", "en", "er", "es", "ed", "em", "s", "e", "n", "t")
_SHORTEST_STEM = 4
_LONGEST_READ = 2_000
_LONGEST_PHRASE = 5

_NAMED, _KEYWORD, _DESCRIBED, _PATTERN = 2.0, 2.0, 0.1, 6.0
_EARLIER = 0.5
_NEEDED = 0.9
"""A name or keyword that at most one tool in seven shares reaches this, of a hundred; a few words
of a description never do."""

_BESIDE_THE_BEST, _CERTAIN = 0.4, 3.0
"""What scores less than this share of the best, a pattern counted no more than a keyword and a
half, is left out: every tool costs prompt."""


@dataclass(frozen=True, slots=True)
class _Indexed:
    tools: tuple[ToolSpec, ...]
    by_term: dict[str, list[tuple[int, float]]]
    patterns: tuple[tuple[int, re.Pattern[str]], ...]


class ToolSelection:
    """Ranks tools for a message; the index is made anew when the tools change."""

    def __init__(self) -> None:
        self._indexed = _Indexed((), {}, ())

    def fitting(
        self, tools: Sequence[ToolSpec], text: str, *, earlier: str = "", most: int
    ) -> list[ToolSpec]:
        """Return at most ``most`` of ``tools`` that ``text`` calls for, the best first.

        A tool counts by its name, its keywords, its pattern and, less, its description; a keyword
        of several words counts only where they stand together, and what many tools share says
        little (inverse document frequency). What lies far behind the best is left out. Words of
        ``earlier``, what was said before, count half and never bring a tool in alone that ``text``
        has no part in, unless ``text`` is short. Only the first 2,000 characters of each are read.
        """
        indexed = self._index(tuple(tools))
        read = text[:_LONGEST_READ]
        scores: dict[int, float] = defaultdict(float)
        words = _stems(read)
        self._count(words, 1.0, indexed, scores)
        for position, pattern in indexed.patterns:
            if pattern.search(read):
                scores[position] += _PATTERN
        follows_up = len(words) <= _FOLLOW_UP_WORDS
        if earlier and (follows_up or any(score >= _NEEDED for score in scores.values())):
            self._count(_stems(earlier[:_LONGEST_READ]), _EARLIER, indexed, scores)
        best_score = min(max(scores.values(), default=0.0), _CERTAIN)
        needed = max(_NEEDED, _BESIDE_THE_BEST * best_score)
        best = sorted(
            (position for position, score in scores.items() if score >= needed),
            key=lambda position: (-scores[position], position),
        )
        return [indexed.tools[position] for position in best[:most]]

    def _count(
        self, words: Sequence[str], weight: float, indexed: _Indexed, scores: dict[int, float]
    ) -> None:
        for term in dict.fromkeys(_terms(words)):
            for position, value in indexed.by_term.get(term, ()):
                scores[position] += weight * value

    def _index(self, tools: tuple[ToolSpec, ...]) -> _Indexed:
        if self._indexed.tools != tools:
            self._indexed = _made(tools)
        return self._indexed


_FOLLOW_UP_WORDS = 5


def _made(tools: tuple[ToolSpec, ...]) -> _Indexed:
    weighed = [_weighed(tool) for tool in tools]
    shared = Counter(term for terms in weighed for term in terms)
    by_term: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for position, terms in enumerate(weighed):
        for term, weight in terms.items():
            rarity = math.log(1 + len(tools) / shared[term]) / math.log(1 + len(tools))
            by_term[term].append((position, weight * rarity))
    patterns = tuple(
        (position, re.compile(tool.pattern, re.IGNORECASE))
        for position, tool in enumerate(tools)
        if tool.pattern
    )
    return _Indexed(tools, dict(by_term), patterns)


def _weighed(tool: ToolSpec) -> dict[str, float]:
    """Return what each word weighs that stands for ``tool``, and each phrase among its keywords."""
    terms = {stem: _DESCRIBED for stem in _stems(tool.description) if stem not in _COMMON}
    terms |= dict.fromkeys(_stems(tool.name.replace("_", " ")), _NAMED)
    for keyword in tool.keywords:
        if stems := _stems(keyword)[:_LONGEST_PHRASE]:
            terms[" ".join(stems)] = _KEYWORD
    return terms


def _terms(words: Sequence[str]) -> Iterator[str]:
    """Yield each word that means something, and each run of words that may be a phrase."""
    for start, word in enumerate(words):
        if word not in _COMMON:
            yield word
        for end in range(start + 2, min(start + _LONGEST_PHRASE, len(words)) + 1):
            yield " ".join(words[start:end])


def _stems(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return [_stem(word) for word in _WORD.findall(plain)]


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > _SHORTEST_STEM:
        return f"{word[:-3]}y"
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


_COMMON_WORDS = """
a an and any are as at be by can do does for from get gets give gives has have how if in into is it
its later me my not of on one only or person say set some something such than that the their them
then there they this to up use used user want wants was what when where which who will with you your
am an auf da das den der des die du ein eine er es fur hat ich im ist mein mich mir mit noch oder
sie so und uns von wer wir zu
"""
_COMMON = frozenset(map(_stem, _COMMON_WORDS.split()))
