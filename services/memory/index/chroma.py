"""Vectors in Chroma, which keeps them on disk: row numbers, vectors and groups, nothing else."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from services.domain.errors import Busy, StorageError
from services.memory.embedding import Vectors
from services.memory.index.vectors import Near, VectorRecord
from services.storage.lock import ProcessLock

logger = logging.getLogger(__name__)

T = TypeVar("T")
V = TypeVar("V")

_COLLECTION = "vectors"
_AT_ONCE = 1000
_GROUPS_AT_ONCE = 500
_SPARE = 16
# How many candidates a search keeps: at 200 it finds 99 of the 100 nearest among 100,000.
_CANDIDATES = 200


class ChromaIndex:
    """A ``VectorIndex`` in ``folder``, for one process; scores are cosines, the search approximate.

    Deleted vectors are found no more, but their numbers stay in Chroma's files until ``clear``,
    which removes the files: whoever must be forgotten without a trace needs that, and the index
    filled anew. A store that cannot be read or written is removed, so that it is empty when it is
    next used: a search then finds nothing, and every other call raises ``StorageError`` once.
    Vectors of another length than those held are refused with ``ValueError``, and a search with one
    finds nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = ProcessLock(folder.with_name(f"{folder.name}.lock"))
        self._locked = False
        self._executor: ThreadPoolExecutor | None = None
        self._client: Any = None
        self._collection: Any = None
        # Chroma keeps a broken store by its path for as long as the process lives.
        self._generation = 0

    async def upsert(self, records: Sequence[VectorRecord], vectors: Vectors, /) -> None:
        """Add or replace; the last of several records of one row counts."""
        latest = {record.row: place for place, record in enumerate(records)}
        places = list(latest.values())
        chosen = np.asarray(vectors, np.float32)[places] if places else vectors

        def work() -> None:
            for part in _portions(range(len(places)), _AT_ONCE):
                self._opened().upsert(
                    ids=[str(records[places[at]].row) for at in part],
                    embeddings=chosen[part.start : part.stop],
                    metadatas=[{"group": records[places[at]].group} for at in part],
                )

        if places:
            await self._run(work)

    async def search(
        self, vector: Vectors, /, *, groups: Sequence[int] | None, limit: int
    ) -> Sequence[Near]:
        """Return the nearest rows of ``groups``, best first, ties by row."""
        if limit < 1 or (groups is not None and not groups) or not vector.size:
            return []
        try:
            return await self._run(lambda: self._nearest(vector, groups, limit))
        except (StorageError, ValueError):
            return []

    async def delete(self, rows: Sequence[int], /) -> None:
        """Forget rows; their numbers stay on disk until ``clear``."""

        def work() -> None:
            for part in _portions(list(rows), _AT_ONCE):
                self._opened().delete(ids=[str(row) for row in part])

        if rows:
            await self._run(work)

    async def clear(self) -> None:
        """Remove the store's files."""
        await self._run(self._discard)

    async def count(self) -> int:
        """Return how many vectors there are; without a store, Chroma is not even loaded."""
        return await self._run(lambda: int(self._opened().count()) if self._stored() else 0)

    async def close(self) -> None:
        """Close the store and give up the lock; a later call opens it again."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._release)
            executor.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="chroma")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._guarded, work)

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except StorageError:
            raise
        except ImportError as error:
            raise StorageError(
                "chroma_missing",
                "Chroma is not installed; run `make engines`, or set memory.turn_index and "
                "memory.document_index to exact.",
            ) from error
        except BaseException as error:  # its native part raises what is no Exception
            if type(error).__name__ == "InvalidArgumentError":
                raise ValueError("vectors of another length are held") from error  # noqa: TRY003
            logger.warning(
                "vector store damaged; removed",
                extra={"folder": self._folder.name, "cause": type(error).__name__},
            )
            self._discard()
            raise StorageError(
                "vector_store_damaged",
                "The vectors of memory were damaged and are read again from the database.",
            ) from error

    def _nearest(self, vector: Vectors, groups: Sequence[int] | None, limit: int) -> Sequence[Near]:
        if not self._stored():
            return []
        collection = self._opened()
        held = int(collection.count())
        found: list[Near] = []
        for part in [None] if groups is None else _portions(list(groups), _GROUPS_AT_ONCE):
            answer = collection.query(
                query_embeddings=[np.asarray(vector, np.float32)],
                n_results=max(1, min(2 * limit + _SPARE, held)),
                where=None if part is None else {"group": {"$in": part}},
                include=["distances"],
            )
            pairs = zip(answer["ids"][0], answer["distances"][0], strict=True)
            found += [Near(int(row), round(1 - float(distance), 6)) for row, distance in pairs]
        return sorted(found, key=lambda near: (-near.score, near.row))[:limit]

    def _stored(self) -> bool:
        return self._collection is not None or self._folder.exists()

    def _opened(self) -> Any:  # noqa: ANN401
        if self._collection is None:
            self._take_lock()
            chromadb = import_module("chromadb")
            settings = import_module("chromadb.config").Settings(anonymized_telemetry=False)
            self._client = chromadb.PersistentClient(path=str(self._current()), settings=settings)
            self._collection = self._client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": _CANDIDATES}},
            )
        return self._collection

    def _current(self) -> Path:
        """Return the folder of the store, and remove what earlier ones have left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._generation = max(self._generation, _newest(self._folder), 1)
        current = self._folder / str(self._generation)
        for path in self._folder.iterdir():
            if path != current:
                _remove(path)
        return current

    def _take_lock(self) -> None:
        if self._locked:
            return
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Busy as error:
            raise StorageError(
                "vector_store_in_use",
                f"Another acore is using {self._folder}; stop it, or choose another folder with "
                "--data.",
            ) from error
        self._locked = True

    def _discard(self) -> None:
        self._take_lock()
        self._forget_client()
        self._generation = max(self._generation, _newest(self._folder)) + 1
        _remove(self._folder)

    def _forget_client(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            try:
                client.close()
            except Exception:  # noqa: BLE001  what is broken may fail to close as well
                logger.warning("vector store not closed", extra={"folder": self._folder.name})

    def _release(self) -> None:
        self._forget_client()
        if self._locked:
            self._lock.release()
            self._locked = False


def _newest(folder: Path) -> int:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max((int(name) for name in names if name.isdecimal()), default=0)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _portions(values: Sequence[V], size: int) -> Iterator[Any]:
    return (values[start : start + size] for start in range(0, len(values), size))
