"""How much of a conversation fits, and from where it is cut."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from services.llm.model import PromptRole
from services.persona.assembly.fitting import Fitted, clip, newest_that_fit
from services.persona.assembly.material import Piece
from services.persona.assembly.measuring import Ration

OVERHEAD = 8


def count_words(text: str) -> int:
    return len(text.split())


def piece(ordinal: int, text: str) -> Piece:
    role = PromptRole.USER if ordinal % 2 else PromptRole.ASSISTANT
    return Piece(role=role, content=text, source="chatHistory", ordinal=ordinal)


def talk(count: int, words: int = 10) -> list[Piece]:
    return [piece(n, " ".join(["word"] * words)) for n in range(1, count + 1)]


def fitted(
    history: list[Piece], budget: int, *, keep: Collection[int] = (), cut: bool = False
) -> Fitted:
    ration = Ration(budget, count_words, overhead=OVERHEAD)
    return newest_that_fit(history, ration, keep=frozenset(keep), cut=cut)


def test_everything_is_kept_when_it_fits() -> None:
    found = fitted(talk(10), 10_000)
    assert (len(found.pieces), found.dropped) == (10, 0)


def test_the_cut_stays_put_while_the_conversation_grows() -> None:
    budget = 40 * (10 + OVERHEAD)
    starts = [fitted(talk(length), budget).pieces[0].ordinal for length in range(60, 124)]
    assert starts == sorted(starts)
    assert all(start % 8 == 0 for start in starts)
    # Forty messages fit and 13 may be given up, so every eighth can be a beginning.
    assert len(set(starts)) <= 64 / 8 + 1


def test_a_cut_gives_up_at_most_a_third_of_what_would_fit() -> None:
    for length in range(45, 300):
        kept = fitted(talk(length), 40 * (10 + OVERHEAD)).pieces
        assert len(kept) >= 26


def test_the_cut_of_short_memories_lasts_several_turns_too() -> None:
    starts = [fitted(talk(length), 9 * 18).pieces[0].ordinal for length in range(20, 84, 2)]
    assert all(start % 2 == 0 for start in starts)
    assert len(set(starts)) <= 16 + 1, "every turn of two messages would begin anew"


def test_the_highest_power_of_two_wins_over_an_earlier_beginning() -> None:
    # Of the 12 newest of 68 messages, 4 may go: the candidates are 57 to 61, and 60 is 4 * 15.
    assert fitted(talk(68), 12 * 18).pieces[0].ordinal == 60
    # 64 is reached only by giving up 7 of them.
    assert fitted(talk(68), 15 * 18).pieces[0].ordinal == 56


def test_a_history_of_which_the_window_is_full_is_cut_like_one_without_room() -> None:
    window = talk(60)[20:]
    assert fitted(window, 10_000).pieces[0].ordinal == 21
    assert fitted(window, 10_000, cut=True).pieces[0].ordinal == 32


def test_the_beginning_is_never_behind_what_is_answered() -> None:
    assert fitted(talk(64), 12 * 18).pieces[0].ordinal == 56
    assert fitted(talk(64), 12 * 18, keep={55, 64}).pieces[0].ordinal == 54


def test_a_message_longer_than_the_budget_is_clipped_not_dropped() -> None:
    found = fitted([piece(1, "old"), piece(2, "word " * 5000)], 100, keep={2})
    assert [each.ordinal for each in found.pieces] == [2]
    assert found.dropped == 1
    assert count_words(found.pieces[0].content) <= 100
    assert "[…]" in found.pieces[0].content


def test_of_several_answered_messages_the_long_one_is_clipped_and_none_lost() -> None:
    history = [piece(1, "word " * 500), piece(2, "and this"), piece(3, "well?")]
    found = fitted(history, 100, keep={1, 3})
    assert [each.ordinal for each in found.pieces] == [1, 2, 3]
    assert [each.content for each in found.pieces[1:]] == ["and this", "well?"]
    assert count_words(found.pieces[0].content) > 50
    assert sum(found.costs) <= 100


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=60),
    budget=st.integers(0, 2000),
    asked=st.integers(0, 4),
    cut=st.booleans(),
)
def test_what_is_kept_never_exceeds_the_budget(
    lengths: list[int], budget: int, asked: int, cut: bool
) -> None:
    history = [piece(n, " ".join(["w"] * size)) for n, size in enumerate(lengths, start=1)]
    keep = {each.ordinal for each in history[len(history) - asked :]} if asked else set()
    found = fitted(history, budget, keep=keep, cut=cut)
    cost = sum(count_words(each.content) + OVERHEAD for each in found.pieces)
    assert sum(found.costs) == cost <= budget
    assert len(found.pieces) + found.dropped == len(history)
    assert [each.ordinal for each in found.pieces] == list(
        range(found.dropped + 1, len(history) + 1)
    )
    if budget >= 5 * (OVERHEAD + 1):
        assert keep <= {each.ordinal for each in found.pieces}


@given(text=st.text(min_size=1, max_size=2000), tokens=st.integers(3, 50))
def test_clipping_keeps_both_ends_and_the_limit(text: str, tokens: int) -> None:
    clipped = clip(text, tokens, len)
    if len(text) <= tokens:
        assert clipped == text
    else:
        assert "[…]" in clipped
        assert len(clipped) <= max(tokens, 3)


def test_clipping_uses_most_of_what_it_may() -> None:
    clipped = clip("one two three four " * 500, 200, count_words)
    assert 150 <= count_words(clipped) <= 200
    assert clipped.startswith("one two")
    assert clipped.rstrip().endswith("three four")
