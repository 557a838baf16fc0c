"""Which books a character brings: its own, and the world its card names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from services.domain.errors import NotFound
from services.domain.ids import PersonaId
from services.persona.character import Character, Persona
from services.persona.lore.entry import Lorebook, Scope
from services.persona.lore.shelf import LoreShelf
from tests.fakes.lore import entry


def written(path: Path, *uids: int, name: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = {"entries": [entry(uid, "key") for uid in uids]}
    path.write_text(json.dumps(book if name is None else {"name": name, **book}))
    return path


def persona(world: str = "", own: Mapping[str, object] | None = None) -> Persona:
    character = Character(name="Mira", world=world, character_book=own)
    return Persona(id=PersonaId("p"), slug="mira", version="1", character=character)


def card_book(name: str, uid: int) -> dict[str, object]:
    return {"name": name, "entries": [{"id": uid, "keys": ["key"], "content": "x"}]}


@pytest.fixture
def shelf(tmp_path: Path) -> LoreShelf:
    beside = [tmp_path / "data" / "characters", tmp_path / "characters"]
    return LoreShelf(tmp_path / "lorebooks", beside=beside)


def ids(books: list[Lorebook]) -> list[tuple[str, Scope, list[object]]]:
    return [(book.name, book.scope, [one.uid for one in book.entries]) for book in books]


async def test_a_character_brings_its_own_book_and_the_world_it_names(shelf, tmp_path):
    written(tmp_path / "lorebooks" / "world.json", 7)
    books, missing = await shelf.of_persona(persona("world", card_book("own", 1)))
    assert ids(books) == [("own", Scope.CHARACTER, [1]), ("world", Scope.CHARACTER, [7])]
    assert missing == []


async def test_a_world_is_found_beside_a_card_by_the_name_it_gives_itself(shelf, tmp_path):
    card = written(tmp_path / "characters" / "cosima" / "card.json")
    written(card.with_name("lorebook.json"), 5, name="The Late Hour")
    books, missing = await shelf.of_persona(persona("The Late Hour"))
    assert (ids(books), missing) == ([("The Late Hour", Scope.CHARACTER, [5])], [])
    again, _ = await shelf.of_persona(persona("The Late Hour"))
    assert again[0] is books[0]
    with pytest.raises(NotFound):
        await shelf.book("The Late Hour", Scope.CHAT)


async def test_a_world_beside_a_card_is_read_again_when_it_changes(shelf, tmp_path):
    card = written(tmp_path / "characters" / "cosima" / "card.json")
    path = written(card.with_name("lorebook.json"), 5, name="Late")
    assert (await shelf.of_persona(persona("Late")))[1] == []
    written(path, 5, 6, name="Later")
    assert (await shelf.of_persona(persona("Late")))[1] == ["Late"]
    assert ids((await shelf.of_persona(persona("Later")))[0])[0][2] == [5, 6]


async def test_the_folder_of_lorebooks_comes_before_books_beside_cards(shelf, tmp_path):
    written(tmp_path / "lorebooks" / "world.json", 1)
    for number, root in enumerate(("data/characters", "characters"), 2):
        card = written(tmp_path / root / "any" / "card.json")
        written(card.with_name("lorebook.json"), number, name="world")
    assert ids((await shelf.of_persona(persona("world")))[0])[0][2] == [1]
    (tmp_path / "lorebooks" / "world.json").unlink()
    assert ids((await shelf.of_persona(persona("world")))[0])[0][2] == [2]


async def test_a_copy_of_the_world_in_the_card_does_not_count_twice(shelf, tmp_path):
    own = persona("world", card_book("world", 1))
    assert ids((await shelf.of_persona(own))[0]) == [("world", Scope.CHARACTER, [1])]
    written(tmp_path / "lorebooks" / "world.json", 7)
    assert ids((await shelf.of_persona(own))[0]) == [("world", Scope.CHARACTER, [7])]


@pytest.mark.parametrize("world", ["nowhere", "../world", "a\x00b", "x" * 300, "broken"])
async def test_a_world_that_is_not_there_is_named_and_the_own_book_holds(shelf, tmp_path, world):
    written(tmp_path / "world.json", 1)
    (tmp_path / "lorebooks").mkdir()
    (tmp_path / "lorebooks" / "broken.json").write_text("{")
    books, missing = await shelf.of_persona(persona(world, card_book("own", 1)))
    assert (ids(books), missing) == ([("own", Scope.CHARACTER, [1])], [world])


async def test_a_broken_book_beside_a_card_is_passed_over(shelf, tmp_path):
    for name, content in (("a", "{"), ("b", None)):
        card = written(tmp_path / "characters" / name / "card.json")
        if content is None:
            written(card.with_name("lorebook.json"), 5, name="world")
        else:
            card.with_name("lorebook.json").write_text(content)
    assert ids((await shelf.of_persona(persona("world")))[0])[0][2] == [5]


async def test_without_world_and_book_there_is_nothing(shelf):
    assert await shelf.of_persona(persona()) == ([], [])
    broken = replace(persona(), character=Character(name="M", character_book={"entries": [5]}))
    assert await shelf.of_persona(broken) == ([], [])
