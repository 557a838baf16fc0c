"""Commands about characters: who answers, what is told of them, cards in and out."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from frontends.discord import bot as bot_module
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.scene import scene
from tests.fakes.card_files import as_json
from tests.fakes.discord_commands import answer_in, attached, command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("characters",))


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    people = {"owners": [f"discord:{town.alice.user.id}"]}
    async with command_app(town, ScriptedModel("As you wish."), tmp_path, people=people) as app:
        yield app


def card(name, **fields):
    data = {"name": name, "description": f"{name} counts stars.", "first_mes": "Hm?", **fields}
    return as_json({"spec": "chara_card_v3", "spec_version": "3.0", "data": data})


def file_of(town, asked):
    """Return the file in the last answer to a command."""
    return town.alice.answers_to(asked)[-1].attachments[0]


async def import_card(town, name, **fields):
    file = attached(town.alice, town.general, f"{name}.json", card(name, **fields))
    return await used(town, town.alice, "characters import", file=file)


async def test_moderators_choose_who_answers_and_everybody_sees_why(town, live):
    assert "the default" in await used(town, town.bob, "characters here")
    assert "moderators" in await used(town, town.bob, "characters set", name="orin")
    assert "Orin" in await used(town, town.alice, "characters set", name="orin")
    here = await used(town, town.bob, "characters here")
    assert here.startswith("Orin")
    assert "chosen for this channel" in here


async def test_in_private_anybody_chooses_who_answers(town, live):
    direct = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    said = await used(town, town.bob, "characters set", channel=direct, name="orin")
    assert said == "Orin answers here from now on."
    town.bob.writes_to(town.bot, "hello")
    assert "Orin" in (await answer_in(town, direct, "As you wish.")).content


async def test_names_are_completed_from_their_beginning_first(town, live):
    asked = town.bob.fills_in(town.general, town.bot, "characters set", "name", name="o")
    await town.until(lambda: asked.answer_type == 8)
    offered = [each["value"] for each in asked.answer_data["choices"]]
    assert offered[:2] == ["orin", "ozan"]
    assert "cosima" in offered[2:]


async def test_list_and_show_tell_of_the_characters(town, live):
    listed = await used(town, town.bob, "characters list")
    assert "(`orin`)" in listed
    asked = town.bob.uses(town.general, town.bot, "characters show", name="orin")
    await town.until(lambda: town.bob.answers_to(asked) and town.bob.answers_to(asked)[0].embeds)
    [embed] = town.bob.answers_to(asked)[0].embeds
    assert "Orin" in embed["title"]
    assert embed["thumbnail"]["url"].startswith("http")


async def test_long_list_is_turned_by_the_asker_alone(town, live):
    for n in range(3):
        await import_card(town, f"Star {n}", creator_notes="x" * 900)
    notes = "y" * 150
    for n in range(12):
        await import_card(town, f"Moon {n}", creator_notes=notes)
    asked = town.bob.uses(town.general, town.bot, "characters list")
    first = (await told(town, town.bob, asked))[0]
    [message] = town.bob.answers_to(asked)
    assert "-# 1 / " in first
    town.bob.clicks(message, "▶")
    await town.until(lambda: "-# 2 / " in message.content)
    assert message.content.splitlines()[0] not in first


async def test_card_becomes_a_character_at_once(town, live):
    assert await import_card(town, "Nova") == "Nova is here, as nova."
    assert "Nova" in await used(town, town.alice, "characters set", name="nova")


async def test_admins_of_one_server_do_not_change_the_characters_of_all(town, tmp_path):
    async with command_app(town, ScriptedModel("No."), tmp_path) as live:
        file = attached(town.alice, town.general, "a.json", card("Nova"))
        for name, options in (
            ("import", {"file": file}),
            ("import-all", {"first": file}),
            ("reload", {}),
            ("rollback", {"name": "orin", "version": "1"}),
            ("export", {"name": "orin"}),
        ):
            refused = await used(town, town.alice, f"characters {name}", **options)
            assert "for owners of the bot" in refused
        message = town.bob.says(
            town.general, files=[("nova.json", card("Nova"), "application/json")]
        )
        asked = town.alice.uses_on(message, town.bot, "Import card")
        assert "for owners of the bot" in (await told(town, town.alice, asked))[0]
        assert "nova" not in {one.slug for one in live.app.factory.library().all()}


async def test_being_in_private_opens_the_library_to_nobody(town, live):
    direct = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    own = attached(town.bob, direct, "a.json", card("Nova"))
    refused = await used(town, town.bob, "characters import", channel=direct, file=own)
    assert "for owners of the bot" in refused


async def test_taken_name_asks_and_cancel_changes_nothing(town, live):
    await import_card(town, "Nova")
    file = attached(town.alice, town.general, "b.json", card("Nova", description="Other."))
    asked = town.alice.uses(town.general, town.bot, "characters import", file=file)
    assert "already" in (await told(town, town.alice, asked))[0]
    [question] = town.alice.answers_to(asked)
    town.alice.clicks(question, "Cancel")
    await town.until(lambda: question.content == "Nothing was changed.")
    assert not question.components
    assert live.app.factory.library().find("nova").character.description != "Other."


async def test_version_replaces_is_listed_and_rolled_back(town, live):
    await import_card(town, "Nova")
    file = attached(town.alice, town.general, "b.json", card("Nova", description="Other."))
    asked = town.alice.uses(town.general, town.bot, "characters import", file=file)
    await told(town, town.alice, asked)
    [question] = town.alice.answers_to(asked)
    town.alice.clicks(question, "Keep both, as a new version")
    await town.until(lambda: "new version" in question.content and not question.components)
    library = live.app.factory.library()
    assert library.find("nova").character.description == "Other."
    versions = await used(town, town.bob, "characters versions", name="nova")
    assert len(versions.splitlines()) == 2
    typing = town.alice.fills_in(
        town.general, town.bot, "characters rollback", "version", name="nova", version=""
    )
    await town.until(lambda: typing.answer_type == 8)
    assert [each["value"] for each in typing.answer_data["choices"]] == ["2", "1"]
    await used(town, town.alice, "characters rollback", name="nova", version="1")
    assert library.find("nova").character.description == "Nova counts stars."


async def test_broken_card_is_refused_by_its_own_name(town, live):
    file = attached(town.alice, town.general, "broken.json", b"{nonsense")
    said = await used(town, town.alice, "characters import", file=file)
    assert "broken.json" in said
    assert "/" not in said


async def test_archive_and_files_are_imported_together_and_one_bad_card_stops_none(town, live):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("cards/vega.json", card("Vega"))
        archive.writestr("cards/bad.json", b"[]")
        archive.writestr("readme.txt", b"hello")
    packed = attached(town.alice, town.general, "all.zip", out.getvalue(), "application/zip")
    single = attached(town.alice, town.general, "lyra.json", card("Lyra"))
    said = await used(town, town.alice, "characters import-all", first=packed, second=single)
    assert said.startswith("2 of 3 cards are characters now.")
    assert "Vega is here" in said
    assert "Lyra is here" in said


@pytest.mark.parametrize("form", ["png", "json-v2", "json-v3", "charx"])
async def test_exported_card_can_be_read_again(town, live, form):
    await import_card(town, "Nova", creator="Ines")
    asked = town.alice.uses(town.general, town.bot, "characters export", name="nova", format=form)
    await town.until(lambda: any(one.attachments for one in town.alice.answers_to(asked)))
    file = file_of(town, asked)
    read = read_card(file.content, name=file.filename, limits=CardLimits())
    assert (read.document.name, read.document.text("creator")) == ("Nova", "Ines")
    if form == "json-v2":
        assert json.loads(file.content)["spec"] == "chara_card_v2"


async def test_card_attached_to_a_message_is_imported_from_its_menu(town, live):
    message = town.bob.says(
        town.general, "look", files=[("nova.json", card("Nova"), "application/json")]
    )
    asked = town.alice.uses_on(message, town.bot, "Import card")
    assert await told(town, town.alice, asked) == ["Nova is here, as nova."]
    several = town.bob.says(
        town.general,
        files=[
            ("vega.json", card("Vega"), "application/json"),
            ("nova.json", card("Nova", creator="Ines"), "application/json"),
        ],
    )
    asked = town.alice.uses_on(several, town.bot, "Import card")
    said = (await told(town, town.alice, asked))[0]
    assert said.startswith("1 of 2 cards")
    assert "nova already" in said
    plain = town.alice.uses_on(town.bob.says(town.general, "no file"), town.bot, "Import card")
    assert "no file attached" in (await told(town, town.alice, plain))[0]
    with pytest.raises(NotOffered):
        town.bob.uses_on(message, town.bot, "Import card")


async def test_reload_takes_over_what_lies_in_the_folder(town, live, tmp_path):
    folder = tmp_path / "characters" / "nova"
    folder.mkdir(parents=True)
    (folder / "card.json").write_bytes(card("Nova"))
    said = await used(town, town.alice, "characters reload")
    assert "characters." in said
    assert live.app.factory.library().find("nova").name == "Nova"


async def test_character_for_adults_is_kept_from_other_channels(town, live):
    await import_card(town, "Rouge", tags=["nsfw"])
    assert "Rouge" not in await used(town, town.alice, "characters list")
    assert "age-restricted" in await used(town, town.alice, "characters show", name="rouge")
