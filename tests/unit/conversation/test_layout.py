"""How much history fits, and from where it is cut."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.layout import (
    ANCHOR,
    MESSAGE_OVERHEAD,
    clip,
    newest_that_fit,
    prompt_history,
)
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import HistoryEntry, Message, TextPart
from services.domain.people import Author, AuthorKind
from services.persona.character import Character, Persona

PLACE = ConversationId("test", "local", "main")
MIRA = Persona(
    id=PersonaId("mira"), slug="mira", version="1", character=Character(name="Mira Tallow")
)


def entry(ordinal: int, text: str, *, who: str = "sam", persona: str | None = None) -> HistoryEntry:
    kind = AuthorKind.PERSONA if persona else AuthorKind.HUMAN
    author = Author(
        id=AuthorId("test", persona or who),
        display_name=(persona or who).title(),
        kind=kind,
        persona=PersonaId(persona) if persona else None,
    )
    return HistoryEntry(
        message=Message(
            id=MessageId(f"m{ordinal}"),
            conversation=PLACE,
            author=author,
            parts=(TextPart(text=text),),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        ordinal=ordinal,
        parent=MessageId(f"m{ordinal - 1}") if ordinal > 1 else None,
    )


def talk(count: int, words: int = 10) -> list[HistoryEntry]:
    return [
        entry(n, " ".join(["word"] * words), persona="mira" if n % 2 == 0 else None)
        for n in range(1, count + 1)
    ]


def count_words(text: str) -> int:
    return len(text.split())


def test_own_words_are_the_assistants_and_others_are_users() -> None:
    turns = prompt_history([entry(1, "hi"), entry(2, "hello", persona="mira")], MIRA)
    assert [(turn.prompt.role, turn.prompt.content) for turn in turns] == [
        ("user", "hi"),
        ("assistant", "hello"),
    ]


def test_speakers_are_named_as_soon_as_there_are_two() -> None:
    turns = prompt_history([entry(1, "hi"), entry(2, "me too", who="kim")], MIRA)
    assert [turn.prompt.content for turn in turns] == ["Sam: hi", "Kim: me too"]


def test_another_personas_words_are_not_taken_for_ones_own() -> None:
    turns = prompt_history([entry(1, "hi"), entry(2, "tick", persona="orin")], MIRA)
    assert turns[1].prompt.role == "user"
    assert turns[1].prompt.content == "Orin: tick"


def test_voice_is_remembered_as_heard_not_as_written() -> None:
    from dataclasses import replace

    heard = replace(entry(2, "All of it. Never heard.", persona="mira"), heard="All of it.—")
    assert prompt_history([heard], MIRA)[0].prompt.content == "All of it.—"


def test_everything_is_kept_when_it_fits() -> None:
    turns = prompt_history(talk(10), MIRA)
    fitted = newest_that_fit(turns, 10_000, count=count_words, keep=set())
    assert (len(fitted.turns), fitted.dropped) == (10, 0)


def test_the_cut_stays_put_while_the_conversation_grows() -> None:
    budget = 40 * (10 + MESSAGE_OVERHEAD)
    starts = []
    for length in range(60, 72):
        turns = prompt_history(talk(length), MIRA)
        kept = newest_that_fit(turns, budget, count=count_words, keep=set()).turns
        starts.append(kept[0].ordinal)
    assert all(start % ANCHOR == 0 for start in starts)
    assert len(set(starts)) <= 2, "a start that moves every turn evaluates the prompt anew"


def test_an_anchor_that_would_cost_most_of_the_history_is_not_used() -> None:
    turns = prompt_history(talk(40, words=100), MIRA)
    assert len(newest_that_fit(turns, 3 * 110, count=count_words, keep=set()).turns) >= 2


def test_a_message_longer_than_the_budget_is_clipped_not_dropped() -> None:
    turns = prompt_history([entry(1, "old"), entry(2, "word " * 5000)], MIRA)
    fitted = newest_that_fit(turns, 100, count=count_words, keep={"m2"})
    kept = fitted.turns
    assert [turn.ref for turn in kept] == ["m2"]
    assert fitted.dropped == 1
    assert count_words(kept[0].prompt.content) <= 100
    assert "[…]" in kept[0].prompt.content


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=60),
    budget=st.integers(20, 2000),
)
def test_what_is_kept_never_exceeds_the_budget(lengths: list[int], budget: int) -> None:
    history = [entry(n, " ".join(["w"] * size)) for n, size in enumerate(lengths, start=1)]
    turns = prompt_history(history, MIRA)
    fitted = newest_that_fit(turns, budget, count=count_words, keep=set())
    kept, dropped = fitted.turns, fitted.dropped
    cost = sum(count_words(turn.prompt.content) + MESSAGE_OVERHEAD for turn in kept)
    assert sum(fitted.costs) == cost <= budget
    assert len(kept) + dropped == len(turns)
    assert [turn.ordinal for turn in kept] == list(range(dropped + 1, len(turns) + 1))


@given(text=st.text(min_size=1, max_size=2000), tokens=st.integers(3, 50))
def test_clipping_keeps_both_ends_and_the_limit(text: str, tokens: int) -> None:
    clipped = clip(text, tokens, len)
    if len(text) <= tokens:
        assert clipped == text
    else:
        assert "[…]" in clipped
        if tokens > 7:
            assert len(clipped) <= tokens


@pytest.mark.parametrize("blank", ["", "   ", "\n"])
def test_blank_entries_are_left_out(blank: str) -> None:
    assert prompt_history([entry(1, blank)], MIRA) == []
