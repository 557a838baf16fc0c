"""Choosing what of a few pages bears on a question, by its words alone."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from services.memory.documents.chunking import Section, passages_of

_WORD = re.compile(r"\w{2,}")
_STEM = 6
_K1, _B = 1.2, 0.75
_MOST_PASSAGES = 80


def best_passages(
    question: str, texts: Sequence[str], *, characters: int, share: int
) -> list[list[str]]:
    """Return for each text the passages that fit ``question`` best, in their own order.

    They are ranked together by BM25 (Robertson and Zaragoza 2009, k1 1.2, b 0.75) over words cut
    to six letters, which joins most inflections, and taken while they fit into ``characters`` in
    all and ``share`` for each text. A text of which nothing fits gives its beginning, as long as
    there is room.
    """
    pieces = [
        (number, position, passage)
        for number, text in enumerate(texts)
        for position, passage in enumerate(_split(text))
    ]
    scores = _scores(_stems(question), [passage for _, _, passage in pieces])
    ranked = sorted(
        zip(scores, pieces, strict=True), key=lambda one: (-one[0], one[1][1], one[1][0])
    )
    taken: list[list[tuple[int, str]]] = [[] for _ in texts]
    room = characters
    shares = [share] * len(texts)
    for score, (number, position, passage) in ranked:
        beginning = position == 0 and not taken[number]
        if (score > 0 or beginning) and len(passage) <= min(room, shares[number]):
            taken[number].append((position, passage))
            room -= len(passage)
            shares[number] -= len(passage)
    return [[passage for _, passage in sorted(chosen)] for chosen in taken]


def _split(text: str) -> list[str]:
    found: list[str] = []
    for passage in passages_of([Section(text=text)]):
        found.append(passage.text)
        if len(found) == _MOST_PASSAGES:
            break
    return found


def _scores(wanted: Sequence[str], passages: Sequence[str]) -> list[float]:
    counts = [Counter(_stems(passage)) for passage in passages]
    sizes = [count.total() for count in counts]
    mean = sum(sizes) / len(sizes) if any(sizes) else 1.0
    weights = {
        word: math.log(1 + (len(counts) - held + 0.5) / (held + 0.5))
        for word in set(wanted)
        if (held := sum(word in count for count in counts))
    }
    return [
        sum(
            weight * count[word] * (_K1 + 1) / (count[word] + _K1 * (1 - _B + _B * size / mean))
            for word, weight in weights.items()
            if count[word]
        )
        for count, size in zip(counts, sizes, strict=True)
    ]


def _stems(text: str) -> list[str]:
    return [word[:_STEM] for word in _WORD.findall(text.casefold())]
