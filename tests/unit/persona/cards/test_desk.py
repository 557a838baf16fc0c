"""Cards that come in and go out while acore runs."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import UlidSource
from services.persona.cards.desk import CardDesk, Sent
from services.persona.cards.importing import CardTaken
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from services.persona.library import CharacterLibrary
from tests.fakes.card_files import png
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def library(tmp_path):
    own = tmp_path / "own"
    async with CharacterLibrary(own, default="ada", own=own) as found:
        yield found


@pytest.fixture
def desk(library, tmp_path, clock):
    ids = UlidSource(clock, random.Random(7))
    return CardDesk(
        library, into=tmp_path / "own", shelves=(), ids=ids, limits=CardLimits(archive_files=20)
    )


def card(name, **fields):
    data = {"name": name, "description": "Keeps bees.", "first_mes": "Hello.", **fields}
    text = json.dumps({"spec": "chara_card_v3", "spec_version": "3.0", "data": data})
    return Sent(name=f"{name}.json", content=text.encode())


def archive(name, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for path, content in files.items():
            packed.writestr(path, content)
    return Sent(name=name, content=out.getvalue())


async def test_card_is_in_the_library_when_it_is_taken(desk, library):
    imported = await desk.take(card("Ada"))
    assert (imported.outcome, library.find("ada").name) == ("new", "Ada")


async def test_taken_name_is_not_replaced_unless_asked_to(desk, library):
    await desk.take(card("Ada"))
    other = card("Ada", description="Other.")
    with pytest.raises(CardTaken):
        await desk.take(other)
    assert library.find("ada").character.description == "Keeps bees."
    assert (await desk.take(other, replace=True)).outcome == "replaced"
    assert library.find("ada").character.description == "Other."
    await desk.roll_back("ada", "1")
    assert library.find("ada").character.description == "Keeps bees."
    assert len(await desk.versions("ada")) == 3


async def test_problem_names_the_file_as_its_sender_does(desk):
    with pytest.raises(InvalidRequest) as refused:
        await desk.take(Sent(name="../../etc/evil.json", content=b"{"))
    assert "../../etc/evil.json" in refused.value.user_message
    assert "card-" not in refused.value.user_message


async def test_nameless_card_is_called_after_its_file(desk):
    assert (await desk.take(Sent(name="", content=card("").content))).slug == "upload"
    nameless = Sent(name="Grace H.json", content=card("").content)
    assert (await desk.take(nameless)).slug == "grace-h"


async def test_files_of_an_archive_come_out_as_they_went_in(desk):
    picture = png()
    data = json.loads(card("Ada").content)
    data["data"]["assets"] = [
        {"type": "icon", "name": "main", "uri": "embeded://assets/icon/main.png", "ext": "png"},
        {"type": "x-note", "name": "note", "uri": "embeded://notes/note.txt", "ext": "txt"},
    ]
    files = {
        "card.json": json.dumps(data),
        "assets/icon/main.png": picture,
        "notes/note.txt": b"remember the bees",
    }
    await desk.take(archive("ada.charx", files))
    out = await desk.export("ada", form="charx")
    read = read_card(out.content, name=out.name, limits=CardLimits())
    assert read.assets["notes/note.txt"] == b"remember the bees"
    assert read.assets["assets/icon/main.png"] == picture
    pictured = await desk.export("ada", form="png")
    assert read_card(pictured.content, name="x", limits=CardLimits()).picture is not None


async def test_bad_card_or_archive_stops_no_other(desk):
    done = await desk.take_all(
        [
            archive("all.zip", {"a/ada.json": card("Ada").content, "b.json": b"[", "t.txt": "x"}),
            archive("none.zip", {"t.txt": "x"}),
            archive("many.zip", {f"{n}.json": b"{}" for n in range(30)}),
            card("Ada"),
            card("Bea"),
        ]
    )
    assert [one.imported.slug if one.imported else one.name for one in done] == [
        "ada",
        "b.json",
        "none.zip",
        "many.zip",
        "Ada.json",
        "bea",
    ]
    assert "no card in the archive" in done[2].problem
    assert "left as it is" in done[4].problem


async def test_unknown_character_is_not_exported(desk):
    await desk.take(card("Ada"))
    with pytest.raises(NotFound):
        await desk.export("nobody", form="png")
