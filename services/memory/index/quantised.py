"""Vectors of one byte per dimension, in blocks, each row with its group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
_AT_ONCE = 512
_LARGEST = 127


class QuantisedRows:
    """Rows in no order: the place of a removed one is taken by the last and overwritten.

    A row is its vector divided by a scale of its own, the largest of its values being 127. For one
    thread at a time.
    """

    def __init__(self) -> None:
        self._codes: list[NDArray[np.int8]] = []
        self._scales = np.zeros(0, np.float32)
        self._rows = np.zeros(0, np.int64)
        self._groups = np.zeros(0, np.int64)
        self._count = 0
        self._dimensions = 0

    def __len__(self) -> int:
        return self._count

    def put(
        self,
        rows: NDArray[np.int64],
        groups: NDArray[np.int64],
        vectors: NDArray[np.float32],
    ) -> None:
        """Add or replace distinct rows; raises ``ValueError`` for vectors of another length."""
        if vectors.ndim != 2 or len(vectors) != len(rows) or not vectors.shape[1]:
            raise ValueError("one vector per row is needed")  # noqa: TRY003
        if self._count and vectors.shape[1] != self._dimensions:
            raise ValueError("vectors of another length are held")  # noqa: TRY003
        self._dimensions = vectors.shape[1]
        places = self._places(rows)
        new = int(np.count_nonzero(places < 0))
        self._reserve(self._count + new)
        places[places < 0] = np.arange(self._count, self._count + new)
        self._count += new
        scales = np.abs(vectors).max(axis=1) / np.float32(_LARGEST)
        divisors = np.where(scales > 0, scales, np.float32(1))[:, np.newaxis]
        codes = np.rint(vectors / divisors).astype(np.int8)
        for place, code in zip(places.tolist(), codes, strict=True):
            self._codes[place // _BLOCK][place % _BLOCK] = code
        self._scales[places] = scales
        self._rows[places] = rows
        self._groups[places] = groups

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Remove rows; unknown ones are ignored."""
        places = self._places(np.unique(rows))
        for place in sorted(places[places >= 0].tolist(), reverse=True):
            last = self._count - 1
            code, tail = self._codes[place // _BLOCK], self._codes[last // _BLOCK]
            code[place % _BLOCK] = tail[last % _BLOCK]
            tail[last % _BLOCK] = 0
            for values in (self._scales, self._rows, self._groups):
                values[place] = values[last]
                values[last] = 0
            self._count = last
        self._shrink()

    def clear(self) -> None:
        """Remove everything."""
        for block in self._codes:
            block.fill(0)
        self.__init__()  # type: ignore[misc]

    def scores(
        self, vector: NDArray[np.float32], groups: Sequence[int] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows of ``groups`` (``None`` = all) and the dot product of each."""
        if not self._count or vector.shape != (self._dimensions,):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        chosen = None if groups is None else self._members(groups)
        products = np.empty(self._count if chosen is None else len(chosen), np.float32)
        filled = 0
        buffer = np.empty((_AT_ONCE, self._dimensions), np.float32)
        for number, block in enumerate(self._codes):
            start = number * _BLOCK
            size = min(_BLOCK, self._count - start)
            if chosen is None:
                filled = _multiply(block[:size], vector, products, filled, buffer)
                continue
            first, end = np.searchsorted(chosen, (start, start + size))
            filled = _multiply(block, vector, products, filled, buffer, chosen[first:end] - start)
        places = slice(0, self._count) if chosen is None else chosen
        products *= self._scales[places]
        # Equal vectors must score equal, whatever the last bits of their sums.
        return self._rows[places], np.round(products, 6)

    def _members(self, groups: Sequence[int]) -> NDArray[np.intp]:
        within = np.isin(self._groups[: self._count], np.asarray(groups, np.int64))
        return np.flatnonzero(within)

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where each of distinct ``rows`` is, -1 where it is not."""
        found = np.flatnonzero(np.isin(self._rows[: self._count], rows))
        order = np.argsort(rows)
        places = np.full(len(rows), -1, np.int64)
        places[order[np.searchsorted(rows, self._rows[found], sorter=order)]] = found
        return places

    def _reserve(self, count: int) -> None:
        while len(self._codes) * _BLOCK < count:
            self._codes.append(np.zeros((_BLOCK, self._dimensions), np.int8))
        room = len(self._codes) * _BLOCK
        if room > len(self._rows):
            for name in ("_scales", "_rows", "_groups"):
                values = getattr(self, name)
                wider = np.zeros(room, values.dtype)
                wider[: self._count] = values[: self._count]
                setattr(self, name, wider)

    def _shrink(self) -> None:
        while self._codes and (len(self._codes) - 1) * _BLOCK >= self._count:
            self._codes.pop()


def _multiply(
    codes: NDArray[np.int8],
    vector: NDArray[np.float32],
    products: NDArray[np.float32],
    filled: int,
    buffer: NDArray[np.float32],
    chosen: NDArray[np.intp] | None = None,
) -> int:
    """Write the products of ``codes`` (or the ``chosen`` of them) behind those ``filled``."""
    size = len(codes) if chosen is None else len(chosen)
    for start in range(0, size, _AT_ONCE):
        end = min(start + _AT_ONCE, size)
        part = codes[start:end] if chosen is None else codes[chosen[start:end]]
        floats = buffer[: end - start]
        np.copyto(floats, part)
        # A matrix product would wake the other threads of the linear algebra library.
        np.vecdot(floats, vector, out=products[filled : filled + end - start])
        filled += end - start
    return filled
