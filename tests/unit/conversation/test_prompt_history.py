"""How history becomes messages of a prompt."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.conversation.prompt_history import retell
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import HistoryEntry, Message, TextPart
from services.domain.people import Author, AuthorKind
from services.persona.assembly.material import Piece
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


def pieces(*arguments: Any, **named: Any) -> Sequence[Piece]:
    return retell(*arguments, **named).pieces


def test_own_words_are_the_assistants_and_others_are_users() -> None:
    turns = pieces([entry(1, "hi"), entry(2, "hello", persona="mira")], MIRA)
    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", "hi"),
        ("assistant", "hello"),
    ]


def test_speakers_are_named_as_soon_as_there_are_two() -> None:
    turns = pieces([entry(1, "hi"), entry(2, "me too", who="kim")], MIRA)
    assert [turn.content for turn in turns] == ["Sam: hi", "Kim: me too"]


def test_another_personas_words_are_not_taken_for_ones_own() -> None:
    turns = pieces([entry(1, "hi"), entry(2, "tick", persona="orin")], MIRA)
    assert turns[1].role == "user"
    assert turns[1].content == "Orin: tick"


def test_voice_is_remembered_as_heard_not_as_written() -> None:
    from dataclasses import replace

    heard = replace(entry(2, "All of it. Never heard.", persona="mira"), heard="All of it.—")
    assert pieces([heard], MIRA)[0].content == "All of it.—"


@pytest.mark.parametrize("blank", ["", "   ", "\n"])
def test_blank_entries_are_left_out(blank: str) -> None:
    assert pieces([entry(1, blank)], MIRA) == []


def test_what_scripts_have_made_of_a_message_is_what_the_model_reads() -> None:
    said = [entry(1, "a"), entry(2, "b", persona="mira"), entry(3, "c")]
    turns = pieces(said, MIRA, texts={MessageId("m1"): "A", MessageId("m2"): " "})
    assert [(turn.content, turn.ordinal) for turn in turns] == [("A", 1), ("c", 3)]


def test_macros_and_lorebooks_read_words_without_the_speakers_and_attachments() -> None:
    said = [
        entry(1, "hi"),
        entry(2, "me too", who="kim"),
        entry(3, " "),
        entry(4, "a", persona="mira"),
    ]
    lines = retell(said, MIRA, names={AuthorId("test", "kim"): "Queen"}).lines
    assert [(line.name, line.text, line.is_user) for line in lines] == [
        ("Sam", "hi", True), ("Queen", "me too", True), ("Mira", "a", False),
    ]  # fmt: skip
