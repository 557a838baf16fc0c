"""Which passages of a document answer a question."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

from services.domain.errors import ProviderError
from services.memory.documents.chunking import Passage
from services.memory.embedding import Embedder
from services.memory.recall.words import STOP_WORDS, terms, tokens

logger = logging.getLogger(__name__)

_K1, _B = 1.2, 0.75
"""Saturation and length normalisation of BM25, at the values its authors recommend (Robertson and
Zaragoza, 2009)."""

_MEANT = 24
_MEANING_SECONDS = 3.0
_FUSION = 60.0  # of reciprocal rank fusion (Cormack et al., SIGIR 2009)
_STEM = 6
_SHORT = 4
_ENDING = re.compile(r"(e?[sn]|e)$")


async def best_passages(
    passages: Sequence[Passage],
    question: str,
    *,
    fits: Callable[[Sequence[Passage]], bool],
    embedder: Embedder | None = None,
) -> Sequence[Passage]:
    """Return as many passages as ``fits`` allows, in the order of the document.

    All of them where there is room. Else those that share most with the question, by words and,
    with an ``embedder``, by meaning; a question that shares nothing gets the beginning and samples
    of the rest.
    """
    if fits(passages):
        return passages
    scores = await asyncio.to_thread(word_scores, passages, question)
    order = sorted(range(len(passages)), key=lambda n: -scores[n])
    hits = [n for n in order if scores[n] > 0.0]
    ranked: Sequence[int] = hits or _spread(len(passages))
    if embedder is not None and question.strip():
        ranked = await _by_meaning(passages, question, ranked, embedder)
    chosen: list[int] = []
    for number in ranked:
        tried = sorted([*chosen, number])
        if not fits([passages[n] for n in tried]):
            break
        chosen = tried
    return [passages[n] for n in chosen]


def word_scores(passages: Sequence[Passage], question: str) -> Sequence[float]:
    """Return the BM25 score of each passage; words count by their beginnings."""
    wanted = {_stem(form) for term in terms(question) for form in term.forms}
    counts = [_counted(passage) for passage in passages]
    lengths = [sum(count.values()) for count in counts]
    mean = max(1.0, sum(lengths) / max(1, len(lengths)))
    scores = [0.0] * len(passages)
    for word in wanted:
        having = sum(1 for count in counts if word in count)
        if not having:
            continue
        weight = math.log(1.0 + (len(passages) - having + 0.5) / (having + 0.5))
        for number, count in enumerate(counts):
            if often := count[word]:
                longer = 1.0 - _B + _B * lengths[number] / mean
                scores[number] += weight * often * (_K1 + 1.0) / (often + _K1 * longer)
    return scores


def _counted(passage: Passage) -> Counter[str]:
    words = tokens(f"{passage.heading} {passage.text}")
    return Counter(_stem(word) for word in words if word not in STOP_WORDS)


def _stem(word: str) -> str:
    """Return a word's beginning: enough for most inflections of English and German."""
    if word.isdecimal() or len(word) < _SHORT:
        return word
    return _ENDING.sub("", word)[:_STEM]


def _spread(count: int) -> list[int]:
    """Return all numbers below ``count``: the first, then ever finer samples of the rest."""
    order: dict[int, None] = {0: None}
    parts = 2
    while len(order) < count and parts < 4 * count:
        for part in range(1, parts):
            order.setdefault(part * count // parts, None)
        parts *= 2
    return [*order, *(n for n in range(count) if n not in order)]


async def _by_meaning(
    passages: Sequence[Passage], question: str, ranked: Sequence[int], embedder: Embedder
) -> Sequence[int]:
    """Return ``ranked`` with the first ones ordered by meaning too, if it is known in time."""
    first = [*dict.fromkeys([*ranked[:_MEANT], *_spread(len(passages))])][:_MEANT]
    try:
        async with asyncio.timeout(_MEANING_SECONDS):
            asked = await embedder.query(question)
            near = await embedder.passages([passages[n].text for n in first]) @ asked
    except (ProviderError, TimeoutError):
        logger.info("passages are chosen by words alone")
        return ranked
    closest = sorted(range(len(first)), key=lambda place: -float(near[place]))
    fused: dict[int, float] = dict.fromkeys(first, 0.0)
    for rank, number in enumerate(n for n in ranked if n in set(first)):
        fused[number] += 1.0 / (_FUSION + rank)
    for rank, place in enumerate(closest):
        fused[first[place]] += 1.0 / (_FUSION + rank)
    best = sorted(first, key=lambda number: -fused[number])
    return [*best, *(number for number in ranked if number not in set(best))]
