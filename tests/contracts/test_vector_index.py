"""What every vector index does, whichever it is."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from services.memory.engines import chroma_installed
from services.memory.index.chroma import ChromaIndex
from services.memory.index.exact import ExactIndex
from services.memory.index.vectors import VectorRecord

DIMENSIONS = 24


def exact(folder: Path):
    return ExactIndex()


def chroma(folder: Path):
    return ChromaIndex(folder / "chroma" / "turns")


KINDS = [
    pytest.param(exact, id="exact"),
    pytest.param(
        chroma,
        id="chroma",
        marks=pytest.mark.skipif(not chroma_installed(), reason="chromadb is not installed"),
    ),
]


@pytest.fixture(params=KINDS)
async def index(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    await made.close()


def vectors_for(count, *, dimensions=DIMENSIONS, seed=1):
    made = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def records_for(rows, group=1):
    return [VectorRecord(row, group) for row in rows]


async def rows_near(index, vector, *, groups=None, limit=5):
    return [near.row for near in await index.search(vector, groups=groups, limit=limit)]


async def test_the_nearest_come_first_with_their_cosines(index):
    vectors = vectors_for(40)
    await index.upsert(records_for(range(1, 41)), vectors)
    found = await index.search(vectors[6], groups=None, limit=40)
    cosines = vectors @ vectors[6]
    assert found[0].row == 7
    assert len(found) == 40
    assert [near.score for near in found] == sorted((n.score for n in found), reverse=True)
    for near in found:
        assert near.score == pytest.approx(cosines[near.row - 1], abs=0.01)


async def test_equal_vectors_come_by_row(index):
    same = np.repeat(vectors_for(1), 9, axis=0)
    await index.upsert(records_for([9, 3, 7, 1, 8, 2, 6, 5, 4]), same)
    assert await rows_near(index, same[0], limit=4) == [1, 2, 3, 4]
    assert len({near.score for near in await index.search(same[0], groups=None, limit=9)}) == 1


async def test_an_upsert_replaces_vector_and_group(index):
    vectors = vectors_for(2)
    await index.upsert([VectorRecord(5, 1)], vectors[:1])
    await index.upsert([VectorRecord(5, 2)], vectors[1:])
    assert await index.count() == 1
    assert await index.search(vectors[0], groups=[1], limit=5) == []
    (near,) = await index.search(vectors[1], groups=[2], limit=5)
    assert near.score == pytest.approx(1, abs=0.01)


async def test_the_last_of_one_row_in_a_batch_counts(index):
    vectors = vectors_for(3)
    await index.upsert([VectorRecord(5, 1), VectorRecord(6, 1), VectorRecord(5, 2)], vectors)
    assert await index.count() == 2
    assert await rows_near(index, vectors[2], groups=[2]) == [5]


async def test_only_groups_asked_for_are_found(index):
    vectors = vectors_for(60)
    await index.upsert([VectorRecord(row, row % 4) for row in range(60)], vectors)
    assert {row % 4 for row in await rows_near(index, vectors[0], groups=[1, 3], limit=60)} == {
        1,
        3,
    }
    assert len(await rows_near(index, vectors[0], groups=[1, 3], limit=60)) == 30
    assert await rows_near(index, vectors[0], groups=[], limit=60) == []
    assert await rows_near(index, vectors[0], groups=[77], limit=60) == []


async def test_more_groups_than_fit_into_one_question(index):
    vectors = vectors_for(1200)
    await index.upsert([VectorRecord(row, row) for row in range(1200)], vectors)
    wanted = [row for row in range(5000) if row != 3]
    assert await rows_near(index, vectors[900], groups=wanted, limit=1) == [900]
    assert 3 not in await rows_near(index, vectors[3], groups=wanted, limit=50)


async def test_deleted_rows_are_found_no_more_and_unknown_ones_ignored(index):
    vectors = vectors_for(10)
    await index.upsert(records_for(range(10)), vectors)
    await index.delete([4, 999])
    await index.delete([])
    assert await index.count() == 9
    assert 4 not in await rows_near(index, vectors[4], limit=10)
    await index.upsert(records_for([4]), vectors[4:5])
    assert (await rows_near(index, vectors[4]))[0] == 4


async def test_a_cleared_index_takes_vectors_of_another_length(index):
    await index.upsert(records_for(range(5)), vectors_for(5))
    await index.clear()
    await index.clear()
    assert await index.count() == 0
    assert await rows_near(index, vectors_for(1)[0]) == []
    other = vectors_for(3, dimensions=7)
    await index.upsert(records_for(range(3)), other)
    assert (await rows_near(index, other[2]))[0] == 2


async def test_vectors_of_another_length_are_refused_and_found_nowhere(index):
    await index.upsert(records_for(range(5)), vectors_for(5))
    with pytest.raises(ValueError, match="length"):
        await index.upsert(records_for([9]), vectors_for(1, dimensions=7))
    assert await rows_near(index, vectors_for(1, dimensions=7)[0]) == []
    assert await rows_near(index, np.zeros(0, np.float32)) == []
    assert await index.count() == 5


async def test_an_empty_index_answers(index):
    assert await index.count() == 0
    assert await rows_near(index, vectors_for(1)[0], groups=[1]) == []
    await index.delete([1, 2])
    await index.upsert([], np.zeros((0, DIMENSIONS), np.float32))
    assert await index.count() == 0


async def test_a_limit_of_none_is_none(index):
    await index.upsert(records_for(range(5)), vectors_for(5))
    assert await rows_near(index, vectors_for(1)[0], limit=0) == []


async def test_thousands_of_rows_in_batches(index):
    vectors = vectors_for(6000)
    for start in range(0, 6000, 1500):
        rows = range(start, start + 1500)
        await index.upsert([VectorRecord(row, row % 5) for row in rows], vectors[rows])
    await index.delete(list(range(0, 6000, 3)))
    assert await index.count() == 4000
    kept = np.array([row for row in range(6000) if row % 3])
    hits = 0
    for asked in range(20):
        truth = kept[np.argsort(-(vectors[kept] @ vectors[asked]), kind="stable")][:10]
        hits += len(set(truth.tolist()) & set(await rows_near(index, vectors[asked], limit=10)))
    assert hits >= 190


async def test_calls_at_the_same_time_are_all_done(index):
    vectors = vectors_for(50)
    await asyncio.gather(
        *(index.upsert(records_for([row]), vectors[row : row + 1]) for row in range(50))
    )
    found = await asyncio.gather(*(rows_near(index, vector, limit=1) for vector in vectors))
    assert found == [[row] for row in range(50)]


async def test_closing_twice_is_fine(index):
    await index.upsert(records_for([1]), vectors_for(1))
    await index.close()
    await index.close()
