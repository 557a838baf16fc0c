"""Who people are to the characters, in the prompts they cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.people import Author, Role
from services.people.profiles import Binding, PersonaChange, PersonaPlace, PersonaRole
from services.persona.activation import Activation
from tests.fakes.app import KIM, PLACE, SAM, opened_app
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.troupe import Stage, cast_settings

LORE = {"entries": {"0": {"uid": 0, "key": ["anchor"], "content": "LORE: it is rusty."}}}


def last(play: Stage) -> list[tuple[str, str]]:
    return play.prompts()[-1][1]


def text(prompt: list[tuple[str, str]]) -> str:
    return "\n".join(content for _, content in prompt)


@pytest.mark.parametrize("layout", ["cache", "sillytavern"])
async def test_a_character_meets_the_persona_and_not_the_account(
    tmp_path: Path, layout: str
) -> None:
    settings = cast_settings(tmp_path) | {"conversation": {"layout": layout}}
    async with opened_app(tmp_path, ScriptedModel("Aye."), **settings) as app:
        play, book = Stage(app), app.factory.user_persona_book()
        await book.add(SAM.id, "Captain Ray", "{{user}} has a wooden leg.")
        await book.use(SAM.id, "Captain Ray", Binding.here(PLACE))
        await play.say("hello", private=True)
        assert "Captain Ray has a wooden leg." in text(last(play))
        assert "a friend of Captain Ray" in text(last(play))
        assert "Sam" not in text(last(play))
        await book.edit(SAM.id, "Captain Ray", PersonaChange(place=PersonaPlace.NOWHERE))
        await play.say("hello again", private=True)
        assert "wooden leg" not in text(last(play))
        assert "a friend of Captain Ray" in text(last(play))
        deep = PersonaChange(place=PersonaPlace.AT_DEPTH, depth=1, role=PersonaRole.USER)
        await book.edit(SAM.id, "Captain Ray", deep)
        await play.say("and again", private=True)
        assert ("user", "Captain Ray has a wooden leg.") in last(play)


async def test_two_people_in_a_scene_each_go_by_their_own_name(tmp_path: Path) -> None:
    model = ScriptedModel(["Aye.", "Fine.\nCaptain Ray: I speak for another.", "Hm.", "So."])
    async with opened_app(tmp_path, model, **cast_settings(tmp_path)) as app:
        play, book = Stage(app), app.factory.user_persona_book()
        await book.add(SAM.id, "Captain Ray")
        await book.use(SAM.id, "Captain Ray")
        await book.add(KIM.id, "Old Jo")
        await book.use(
            KIM.id, "Old Jo", Binding.with_character(app.factory.library().find("ben").id)
        )
        await play.enter("ann", "ben", mode=Activation.LIST)
        await play.say("ahoy")
        await play.say("morning", by=KIM)
        (_, ann), (_, ben) = play.prompts()[2:]
        assert ("user", "Captain Ray: ahoy") in ann
        assert ("user", "Kim: morning") in ann, "Old Jo is who Kim is to Ben only"
        assert ("user", "Old Jo: morning") in ben
        assert "I speak for another" not in play.delivery.sink.text


async def test_the_greeting_addresses_the_persona(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Aye."), **cast_settings(tmp_path)) as app:
        await app.factory.user_persona_book().add(SAM.id, "Ray")
        await app.factory.user_persona_book().use(SAM.id, "Ray")
        ann = await app.conversations.persona_of(PLACE)
        greeting = await app.conversations.greet(PLACE, ann, author=SAM)
        assert greeting is not None
        assert greeting.text == "I am Ann, Ray."


async def test_lorebooks_hold_for_a_place_or_for_a_person(tmp_path: Path) -> None:
    shelf = tmp_path / "lorebooks"
    shelf.mkdir()
    (shelf / "harbour.json").write_text(json.dumps(LORE))
    async with opened_app(tmp_path, ScriptedModel("Aye."), **cast_settings(tmp_path)) as app:
        play, books = Stage(app), app.factory.lorebooks()

        async def woken(by: Author) -> bool:
            await play.say("the anchor", by=by, private=True)
            return "LORE: it is rusty." in text(last(play))

        assert not await woken(SAM)
        await books.add(PLACE, "harbour", by=SAM, role=Role.GUEST, always=True)
        assert await woken(SAM)
        assert not await woken(KIM)
        with pytest.raises(NotAllowed):
            await books.add(PLACE, "harbour", by=KIM, role=Role.MEMBER)
        await books.remove(PLACE, "harbour", by=SAM, role=Role.GUEST)
        await books.add(PLACE, "harbour", by=SAM, role=Role.MODERATOR)
        assert await woken(KIM)
        overview = await books.overview(PLACE, by=KIM)
        assert (overview.here, overview.always, overview.known) == (
            ("harbour",),
            (),
            ("harbour",),
        )
        with pytest.raises(NotAllowed):
            await books.remove(PLACE, "harbour", by=KIM, role=Role.MEMBER)
        await books.remove(PLACE, "harbour", by=KIM, role=Role.MEMBER, private=True)
        assert not await woken(KIM)


async def test_an_unknown_or_unused_lorebook_is_refused(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Aye."), **cast_settings(tmp_path)) as app:
        books = app.factory.lorebooks()
        with pytest.raises(NotFound, match="nowhere"):
            await books.add(PLACE, "nowhere", by=SAM, role=Role.OWNER)
        with pytest.raises((NotFound, InvalidRequest)):
            await books.add(PLACE, "../secrets", by=SAM, role=Role.OWNER)
        with pytest.raises(NotFound):
            await books.remove(PLACE, "nowhere", by=SAM, role=Role.OWNER)
