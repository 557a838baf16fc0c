"""What a turn tells the model's wrappers: on whose behalf it asks, and for which character."""

from __future__ import annotations

from pathlib import Path

from services.domain.ids import ConversationId
from services.llm.model import ChatRequest, Priority
from tests.fakes.app import App, opened_app
from tests.fakes.scripted_model import ScriptedModel

GUILDS = ("one", "two")


async def asked(app: App, place: ConversationId) -> ChatRequest:
    """Return the request that a message in ``place`` led to."""
    assert isinstance(app.model, ScriptedModel)
    before = len(app.model.requests)
    await app.say("Hello?", place=place)
    requests = app.model.requests[before:]
    return next(each for each in requests if each.priority is Priority.CONVERSATION)


async def test_model_is_shared_fairly_among_places_because_each_names_its_own(
    tmp_path: Path,
) -> None:
    async with opened_app(tmp_path, ScriptedModel("Hello.")) as app:
        tenants = [
            (await asked(app, ConversationId("discord", guild, channel))).tenant
            for guild in GUILDS
            for channel in ("general", "tea")
        ]
    assert tenants == ["discord:one"] * 2 + ["discord:two"] * 2


async def test_kept_answers_are_told_apart_by_the_version_of_the_character(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Hello.")) as app:
        place = ConversationId("discord", "one", "general")
        request = await asked(app, place)
        character = app.factory.library().default()
    assert character.version
    assert request.persona_version == character.version
