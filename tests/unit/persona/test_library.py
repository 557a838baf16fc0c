"""Characters follow their files while the program runs, and stay who they are."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.domain.errors import ConfigurationError, NotFound
from services.domain.events import CharactersChanged, DomainEvent, Notice
from services.domain.ids import PersonaId
from services.persona.library import CharacterLibrary
from services.persona.lore.books import card_lorebook
from services.persona.watching import CharacterWatch
from tests.fakes.card_files import (
    as_json,
    book,
    byaf,
    charx,
    entry,
    exif,
    png,
    text,
    v1,
    v2,
    v3,
    webp,
)

SHIPPED = v3(name="Mira Tallow", nickname="Mira", extensions={"acore": {"id": "mira"}})


class Folders:
    """Shipped and imported characters, a library over them, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.shipped, self.own = folder / "characters", folder / "data" / "characters"
        self.own.mkdir(parents=True)
        self.told: list[DomainEvent] = []
        self.put(self.shipped, "mira/card.json", as_json(SHIPPED))
        self.library = self.opened_anew()

    def opened_anew(self) -> CharacterLibrary:
        return CharacterLibrary(
            self.shipped, self.own, default="mira", own=self.own, publish=self.told.append
        )

    def put(self, shelf: Path, name: str, content: bytes) -> Path:
        path = shelf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def settle(self) -> None:
        """Look twice, as the watch does."""
        await self.library.look_again()
        await self.library.look_again()

    @property
    def slugs(self) -> dict[str, str]:
        return {persona.slug: persona.id for persona in self.library.all()}

    @property
    def changes(self) -> list[CharactersChanged]:
        return [event for event in self.told if isinstance(event, CharactersChanged)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Notice)]

    def description(self, name: str) -> str:
        return self.library.find(name).character.description


@pytest.fixture
async def folders(tmp_path: Path) -> AsyncIterator[Folders]:
    folders = Folders(tmp_path)
    async with folders.library:
        folders.told.clear()
        yield folders


def ada(description: str = "one", **fields: object) -> bytes:
    own = {"acore": {"id": "ada-id"}}
    return as_json(v2(**{"description": description, "extensions": own, **fields}))


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_cards_come_change_and_go_without_a_restart(folders: Folders) -> None:
    async with CharacterWatch(folders.library, seconds=0.02):
        path = folders.put(folders.own, "ada/card.json", ada())
        await until(lambda: "ada" in folders.slugs)
        begun = folders.library.find("ada")
        folders.put(folders.own, "ada/card.json", ada("another text"))
        await until(lambda: folders.description("ada") == "another text")
        assert begun.character.description == "one", "a turn keeps the persona it began with"
        shutil.rmtree(path.parent)
        await until(lambda: "ada" not in folders.slugs)
    own = PersonaId("ada-id")
    assert folders.changes == [
        CharactersChanged(added=(own,)),
        CharactersChanged(changed=(own,)),
        CharactersChanged(removed=(own,)),
    ]
    assert folders.notices == []


async def test_what_did_not_change_is_not_read_again(folders: Folders) -> None:
    before = folders.library.find("mira")
    folders.put(folders.own, "ada.json", ada())
    await folders.settle()
    assert folders.library.find("mira") is before
    await folders.settle()
    await folders.library.reload()
    assert len(folders.changes) == 1


async def test_a_file_being_written_is_left_until_it_rests(folders: Folders) -> None:
    whole = ada("x" * 3000)
    path = folders.put(folders.own, "ada.json", whole[:100])
    for end in range(400, len(whole), 400):
        await folders.library.look_again()
        path.write_bytes(whole[:end])
        assert "ada" not in folders.slugs
    await folders.library.look_again()
    path.write_bytes(whole)
    await folders.settle()
    assert folders.slugs["ada"] == "ada-id"
    assert folders.notices == []


async def test_a_card_that_breaks_stays_as_it_was_and_is_told_once(folders: Folders) -> None:
    folders.put(folders.own, "ada.json", ada())
    await folders.settle()
    folders.put(folders.own, "ada.json", b'{"data": ')
    for _ in range(4):
        await folders.library.look_again()
    assert folders.description("ada") == "one"
    (notice,) = folders.notices
    assert "ada.json" in notice
    assert "not valid JSON" in notice
    assert "stays as it was" in notice
    folders.put(folders.own, "ada.json", b"[1, 2]")
    await folders.settle()
    assert len(folders.notices) == 2
    folders.put(folders.own, "ada.json", ada("mended"))
    await folders.settle()
    assert folders.description("ada") == "mended"
    assert len(folders.notices) == 2
    assert [change.changed for change in folders.changes[1:]] == [("ada-id",)]


async def test_a_card_that_never_could_be_read_is_told_and_others_work(folders: Folders) -> None:
    folders.put(folders.own, "bad/card.json", b"nothing")
    folders.put(folders.own, "plain.png", png())
    folders.put(folders.own, "ada.json", ada())
    await folders.settle()
    assert set(folders.slugs) == {"mira", "ada"}
    assert len(folders.notices) == 2
    assert not any("stays" in notice for notice in folders.notices)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", png(text("chara", v2()))),
        ("a.json", as_json(v1())),
        ("a.charx", charx(v3())),
        ("a.webp", webp(exif=exif(b"ASCII\0\0\0" + as_json(v2())))),
        ("a.byaf", byaf({"name": "Ada", "displayName": "Ada"}, [{}])),
        ("a.PNG", charx(v3())),
        ("a/card.json", png(text("ccv3", v3()))),
    ],
)
async def test_every_form_can_be_dropped_in_and_the_content_decides(
    folders: Folders, name: str, content: bytes
) -> None:
    folders.put(folders.own, name, content)
    await folders.settle()
    assert folders.library.find("a").name == "Ada"
    assert (folders.own / name).read_bytes() == content


async def test_hidden_unfinished_and_other_files_are_no_cards(folders: Folders) -> None:
    for name in (".a.json", "a.json.part", "notes.txt", "ada/avatar.png", ".x/card.json"):
        folders.put(folders.own, name, ada())
    await folders.settle()
    assert set(folders.slugs) == {"mira"}
    assert folders.told == []


async def test_a_given_id_lasts_over_edits_renames_and_restarts(folders: Folders) -> None:
    path = folders.put(folders.own, "Ada B.json", as_json(v1()))
    folders.put(folders.own, "dora/card.json", as_json(v1(name="Dora")))
    await folders.settle()
    given, dora = folders.slugs["ada-b"], folders.slugs["dora"]
    path.write_bytes(as_json(v1(description="edited")))
    await folders.settle()
    assert folders.slugs["ada-b"] == given
    moved = path.rename(path.with_name("Countess.json"))
    (folders.own / "dora").rename(folders.own / "theodora")
    await folders.settle()
    assert folders.slugs == {"mira": "mira", "countess": given, "theodora": dora}
    assert set(folders.changes[-1].changed) == {given, dora}
    folders.library = folders.opened_anew()
    async with folders.library:
        assert folders.slugs == {"mira": "mira", "countess": given, "theodora": dora}
    assert moved.read_bytes() == as_json(v1(description="edited"))


async def test_a_rename_while_the_program_is_off_is_noticed_by_the_content(
    folders: Folders,
) -> None:
    path = folders.put(folders.own, "a.json", as_json(v1()))
    await folders.settle()
    given = folders.slugs["a"]
    path.rename(path.with_name("b.json"))
    folders.library = folders.opened_anew()
    async with folders.library:
        assert folders.slugs["b"] == given


async def test_a_copy_is_another_character(folders: Folders) -> None:
    folders.put(folders.own, "a.json", as_json(v1()))
    await folders.settle()
    folders.put(folders.own, "b.json", as_json(v1()))
    folders.put(folders.own, "a.png", png(text("chara", v1())))
    await folders.settle()
    assert len(set(folders.slugs.values())) == 4
    assert set(folders.slugs) == {"mira", "a", "a-2", "b"}


async def test_nobody_gets_the_id_of_one_who_is_gone(folders: Folders) -> None:
    path = folders.put(folders.own, "a.json", as_json(v1()))
    await folders.settle()
    given = folders.slugs["a"]
    path.rename(path.with_name("b.json"))
    await folders.settle()
    folders.put(folders.own, "a.json", as_json(v1(description="somebody else")))
    await folders.settle()
    assert folders.slugs["b"] == given
    assert folders.slugs["a"] != given


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"a.json": 3}', b"\xff" * 9, b"[" * 99_999])
async def test_a_damaged_index_costs_no_character(folders: Folders, damage: bytes) -> None:
    folders.put(folders.own, "a.json", as_json(v1()))
    folders.put(folders.own, ".index.json", damage)
    folders.library = folders.opened_anew()
    async with folders.library:
        assert folders.slugs["a"] == "a"
    kept = json.loads((folders.own / ".index.json").read_bytes())
    assert kept["a.json"]["id"] == "a"


async def test_an_own_copy_wins_over_a_shipped_character_and_is_the_same(
    folders: Folders,
) -> None:
    folders.put(folders.own, "mira/card.json", as_json(v2(name="Mira", description="mine")))
    await folders.settle()
    assert folders.slugs == {"mira": "mira"}
    assert folders.description("mira") == "mine"
    shutil.rmtree(folders.own / "mira")
    await folders.settle()
    assert folders.description("mira") == "Keeps bees."
    assert [change.changed for change in folders.changes] == [("mira",), ("mira",)]


async def test_two_cards_with_one_id_are_told_once_and_the_first_is_seen(
    folders: Folders,
) -> None:
    folders.put(folders.own, "a.json", ada("first"))
    folders.put(folders.own, "b.json", ada("second"))
    await folders.settle()
    folders.put(folders.own, "c.json", as_json(v1()))
    await folders.settle()
    assert folders.description("a") == "first"
    assert "b" not in folders.slugs
    (notice,) = folders.notices
    assert "same id" in notice


async def test_a_lorebook_beside_a_card_is_its_book_unless_it_has_one(folders: Folders) -> None:
    world = {"entries": {"0": {"uid": 7, "key": ["bee"], "content": "Bees dance.", "order": 5}}}
    folders.put(folders.own, "ada/card.json", ada())
    await folders.settle()
    bare = folders.library.find("ada").version
    beside = folders.put(folders.own, "ada/lorebook.json", as_json(world))
    await folders.settle()
    persona = folders.library.find("ada")
    assert persona.version != bare, "books are kept by version"
    raw = persona.character.character_book
    assert raw is not None
    (told,) = card_lorebook(raw, name="x").entries
    assert (told.uid, told.keys, told.content, told.order) == (7, ("bee",), "Bees dance.", 5)
    beside.write_bytes(b"broken")
    await folders.settle()
    (notice,) = folders.notices
    assert "lorebook.json" in notice
    assert folders.library.find("ada").character.character_book is None
    own = book(entry(content="Its own."))
    folders.put(folders.own, "ada/card.json", ada(character_book=own))
    folders.put(folders.own, "ada/lorebook.json", as_json(world))
    await folders.settle()
    raw = folders.library.find("ada").character.character_book
    assert raw is not None
    assert [each.content for each in card_lorebook(raw, name="x").entries] == ["Its own."]


async def test_a_default_that_goes_is_stood_in_for_and_told_once(folders: Folders) -> None:
    folders.put(folders.own, "ada.json", ada())
    await folders.settle()
    card = folders.shipped / "mira" / "card.json"
    kept = card.read_bytes()
    card.unlink()
    await folders.settle()
    assert folders.library.default().slug == "ada"
    folders.put(folders.own, "bea.json", as_json(v1(name="Bea")))
    await folders.settle()
    (notice,) = folders.notices
    assert "mira" in notice
    assert "Ada" in notice
    card.write_bytes(kept)
    await folders.settle()
    assert folders.library.default().slug == "mira"


async def test_a_renamed_default_is_still_the_default(folders: Folders) -> None:
    folders.put(folders.own, "ada.json", ada())
    card = folders.shipped / "mira" / "card.json"
    card.write_bytes(as_json(v3(name="Ada Z", extensions={"acore": {"id": "mira"}})))
    (folders.shipped / "mira").rename(folders.shipped / "zora")
    await folders.settle()
    assert folders.library.default().slug == "zora"


async def test_a_default_that_never_was_there_is_an_error(folders: Folders) -> None:
    library = CharacterLibrary(folders.shipped, default="nobody")
    async with library:
        with pytest.raises(ConfigurationError, match="mira"):
            library.default()
        with pytest.raises(ConfigurationError):
            library.check_default("nobody")
        with pytest.raises(NotFound, match="mira"):
            library.find("miro")


async def test_a_slug_names_before_an_alias_does(folders: Folders) -> None:
    own = {"acore": {"aliases": ["mira"]}}
    folders.put(folders.own, "abe.json", as_json(v2(name="Abe", extensions=own)))
    await folders.settle()
    assert folders.library.find("MIRA").slug == "mira"


async def test_shipped_folders_are_never_written(tmp_path: Path) -> None:
    shipped = tmp_path / "characters"
    (shipped / "ada").mkdir(parents=True)
    (shipped / "ada" / "card.json").write_bytes(as_json(v1()))
    own = tmp_path / "data" / "characters"
    async with CharacterLibrary(shipped, own, default="ada", own=own) as library:
        assert [persona.id for persona in library.all()] == ["ada"]
    left = [path.name for path in tmp_path.rglob("*")]  # noqa: ASYNC240
    assert left == ["characters", "ada", "card.json"]


async def test_a_folder_that_cannot_be_listed_keeps_its_characters(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> list[object]:
        raise OSError(5, f"Input/output error: {folder}")

    monkeypatch.setattr("services.persona.shelving.places_in", refused)
    await folders.settle()
    assert folders.slugs == {"mira": "mira"}
    monkeypatch.undo()
    folders.put(folders.own, "ada.json", ada())
    await folders.settle()
    assert set(folders.slugs) == {"mira", "ada"}
