"""Vectors from hashed words, so that texts with words in common are near each other."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from services.domain.errors import ProviderError
from services.memory.embedding import Vectors

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """An ``Embedder`` that is the same in every process.

    ``failure`` is raised while set. ``refused`` are pieces of text that make a call fail with
    ``refusal``. ``seconds`` is what a text takes. ``passed`` keeps what was embedded.
    """

    def __init__(self, dimensions: int = 64, *, name: str = "hash:1", seconds: float = 0) -> None:
        self.dimensions = dimensions
        self.name = name
        self.seconds = seconds
        self.failure: ProviderError | None = None
        self.refused: tuple[str, ...] = ()
        self.refusal: ProviderError | None = None
        self.passed: list[str] = []
        self.calls = 0
        self.closed = False

    @property
    def id(self) -> str:
        return self.name

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        self.calls += 1
        await asyncio.sleep(self.seconds * len(texts))
        if self.failure is not None:
            raise self.failure
        if self.refusal and any(bad in text for bad in self.refused for text in texts):
            raise self.refusal
        self.passed += texts
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return np.stack([self.vector(text) for text in texts])

    async def query(self, text: str, /) -> Vectors:
        if self.failure is not None:
            raise self.failure
        return self.vector(text)

    async def close(self) -> None:
        self.closed = True

    def vector(self, text: str) -> Vectors:
        """Add up a direction per word and per pair of words."""
        words = _WORD.findall(text[:2000].lower())
        total = np.full(self.dimensions, 1e-3, np.float32)
        for feature in [*words, *map(" ".join, pairwise(words))]:
            seed = hashlib.blake2b(feature.encode(errors="replace"), digest_size=8).digest()
            total += np.random.default_rng(int.from_bytes(seed)).standard_normal(
                self.dimensions, np.float32
            )
        length = np.linalg.norm(total)
        return np.asarray(total / length, np.float32)
