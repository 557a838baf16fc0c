"""What goes into every embedder, and what may come out of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.memory.embedding import Vectors

MOST_CHARACTERS = 2000
"""What is embedded of a text, from its start: beyond about 512 tokens small embedders read nothing,
or take as many times longer."""

_BLANK = "."


def clean(text: str) -> str:
    """Return the text as engines take it: not too long, not empty, and valid Unicode."""
    part = text[:MOST_CHARACTERS].replace("\x00", " ")
    return part.encode(errors="ignore").decode().strip() or _BLANK


def checked(found: object, *, count: int, provider: str) -> Vectors:
    """Return the vectors an engine made, each of length one.

    Raises ``ProviderError`` unless there are ``count`` of them, all of the same length, and all
    their values are numbers.
    """
    try:
        vectors: Vectors = np.asarray(found, np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise unusable(provider, "not vectors of one length") from error
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
        raise unusable(provider, f"shape {vectors.shape} for {count} texts")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise unusable(provider, "values that are no numbers, or all zero")
    return np.asarray(vectors / lengths, np.float32)


def unusable(provider: str, detail: str) -> ProviderError:
    """Return the error for vectors that mean nothing."""
    return ProviderError(
        provider,
        ProviderFault.MALFORMED,
        "The embedder gave vectors that cannot be used; choose another one with memory.embedder.",
        detail=detail,
    )


def nothing(dimensions: int = 0) -> Vectors:
    """Return no vectors."""
    return np.zeros((0, dimensions), np.float32)


def batches(texts: Sequence[str], size: int) -> list[list[str]]:
    """Return the cleaned texts in portions of at most ``size``."""
    return [
        [clean(text) for text in texts[start : start + size]]
        for start in range(0, len(texts), size)
    ]
