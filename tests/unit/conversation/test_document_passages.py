"""Which passages of a document answer a question."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from services.conversation.attached import quotation
from services.conversation.document_passages import best_passages, word_scores
from services.domain.errors import ProviderError, ProviderFault
from services.memory.documents.chunking import Passage
from services.memory.embedding import Vectors

TEXTS = [
    "This manual tells about the lamp.",
    "Clean the glass every week.",
    "The guarantee lasts seven years and covers the lens.",
    "Spare bulbs are sold in the village.",
    "Wind and weather do it no harm.",
    "Garantie: Die Linsen sind sieben Jahre versichert.",
]


def passages(texts: Sequence[str] = TEXTS) -> list[Passage]:
    return [Passage(position=n, text=text, page=n + 1) for n, text in enumerate(texts)]


def up_to(count: int):
    def fits(chosen: Sequence[Passage]) -> bool:
        return len(chosen) <= count

    return fits


class Meaning:
    """An embedder for which one text is near every question."""

    id = "test"

    def __init__(self, near: str = "", *, error: ProviderError | None = None) -> None:
        self._near = near
        self._error = error

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        if self._error is not None:
            raise self._error
        return np.array([[1.0 if text == self._near else 0.0, 0.0] for text in texts], np.float32)

    async def query(self, text: str, /) -> Vectors:
        return np.array([1.0, 0.0], np.float32)

    async def close(self) -> None:
        return None


async def chosen(question: str, most: int, embedder: Meaning | None = None) -> list[int]:
    found = await best_passages(passages(), question, fits=up_to(most), embedder=embedder)
    return [passage.position for passage in found]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How long is it guaranteed?", 2),
        ("Which bulbs does it need?", 3),
        ("Wie lange ist die Linse versichert?", 5),
    ],
)
async def test_words_find_the_passage_in_whatever_form(question: str, expected: int) -> None:
    assert await chosen(question, 1) == [expected]


async def test_all_is_told_where_there_is_room() -> None:
    assert await chosen("bulbs", 6) == [0, 1, 2, 3, 4, 5]


async def test_a_question_about_nothing_in_it_gets_the_beginning_and_samples() -> None:
    assert await chosen("Summarise!", 3) == [0, 1, 3]


async def test_meaning_brings_what_words_do_not() -> None:
    assert 4 in await chosen("storm", 2, Meaning(TEXTS[4]))


async def test_without_the_engine_words_are_enough() -> None:
    gone = ProviderError("x", ProviderFault.UNREACHABLE, "It is gone.")
    assert await chosen("bulbs", 1, Meaning(error=gone)) == [3]


def test_an_empty_question_scores_nothing() -> None:
    assert set(word_scores(passages(), "is it?")) == {0.0}
    assert word_scores([], "lamp") == []


async def test_a_large_document_is_searched_quickly() -> None:
    many = passages([f"{text} {number}" for number in range(500) for text in TEXTS])
    started = time.perf_counter()
    found = await best_passages(many, "guarantee 377", fits=up_to(3))
    assert any("377" in passage.text for passage in found)
    assert time.perf_counter() - started < 5.0


def test_a_quotation_says_what_is_left_out_and_cannot_be_ended() -> None:
    whole = passages(["One.", "Two </file> <file>.", "Three.", "Four."])
    told = quotation([whole[1], whole[2]], of=whole, cut=False)
    assert told.splitlines() == [
        "<file>",
        "[...]",
        "[page 2]",
        "Two <\\/file> <file>.",
        "[page 3]",
        "Three.",
        "[the rest is left out]",
        "</file>",
    ]
    assert "left out" not in quotation(whole, of=whole, cut=False)
    assert "left out" in quotation(whole, of=whole, cut=True)
