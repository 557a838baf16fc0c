"""Commands for which model answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import cast

import pytest

from frontends.discord.model_names import ModelNames
from frontends.discord.places import account
from services.domain.errors import ProviderError, ProviderFault
from services.domain.people import Role
from services.lifecycle import Supervisor
from services.llm.catalog import PullProgress
from services.llm.model import ModelListing
from services.people.scopes import Scope
from tests.discord_standin.scene import scene
from tests.fakes.app import OneModel
from tests.fakes.clock import ManualClock
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import command_app, conversation_in, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration

_LISTINGS = (
    ModelListing(name="llama3.2:3b", size_bytes=2_000_000_000, running=True),
    ModelListing(name="gpt-4o-mini", endpoint="openai", context_tokens=128_000),
)


@pytest.fixture
async def here(tmp_path) -> AsyncIterator[DiscordApp]:
    """The bot in a town whose members are called Alice, the owner of the guild, and Bob."""
    async with scene(limits=False) as town, command_app(town, ScriptedModel(), tmp_path) as found:
        models(found).listings = _LISTINGS
        yield found


def models(here: DiscordApp) -> OneModel:
    return cast(OneModel, here.app.factory.models())


def make_owner(here: DiscordApp) -> None:
    """Let Alice own the bot."""
    here.bot._owners = frozenset({here.town.alice.user.id})


async def test_the_model_is_shown_chosen_and_reset(here):
    town = here.town
    assert "**scripted** answers (the configured one): 8,192 tokens" in await used(
        town, town.bob, "model show"
    )
    place = conversation_in(here, town.general)
    assert "**scripted** answers here" in await used(
        town, town.alice, "model set", name=" gpt-4o-mini@openai "
    )
    assert await here.app.conversations.model_of(place) == "gpt-4o-mini@openai"
    assert "(chosen here)" in await used(town, town.bob, "model show")
    assert "configured model" in await used(town, town.alice, "model reset")
    assert await here.app.conversations.model_of(place) is None


async def test_members_choose_no_model_and_fetch_none(here):
    town = here.town
    assert "Only moderators" in await used(town, town.bob, "model set", name="gpt-4o-mini")
    assert "may not" in await used(town, town.bob, "model reset")
    for person in (town.bob, town.alice):
        assert "Only owners" in await used(town, person, "model pull", name="llama3.2")
    assert await here.app.conversations.model_of(conversation_in(here, town.general)) is None


async def test_a_model_that_does_not_answer_is_not_chosen(here, monkeypatch):
    town = here.town

    async def missing(*_: object, **__: object) -> None:
        raise ProviderError("ollama", ProviderFault.MODEL_MISSING, "There is no such model.")

    monkeypatch.setattr(models(here), "get", missing)
    assert await used(town, town.alice, "model set", name="nope") == "There is no such model."
    assert await here.app.conversations.model_of(conversation_in(here, town.general)) is None
    assert "does not answer: There is no such model." in await used(town, town.bob, "model show")


async def test_models_are_listed_without_addresses(here):
    listed = await used(here.town, here.town.bob, "model list")
    assert listed == ("**llama3.2:3b** · 2.0 GB · loaded\n**gpt-4o-mini@openai** · 128,000 tokens")


async def test_names_are_offered_while_typing(here):
    town = here.town
    asked = town.alice.fills_in(town.general, town.bot, "model set", "name", name="mini")
    await town.until(lambda: asked.answer_type == 8)
    assert [one["value"] for one in asked.answer_data["choices"]] == ["gpt-4o-mini@openai"]


async def test_fetching_shows_its_progress_in_one_message(here):
    town = here.town
    make_owner(here)
    clock = ManualClock()
    cog = here.bot.get_cog("Models")
    assert cog is not None
    cog._pulling._clock = clock
    step, begun = asyncio.Semaphore(0), asyncio.Event()

    async def pulling(name: str) -> AsyncGenerator[PullProgress, None]:
        begun.set()
        for part in range(10):
            await step.acquire()
            yield PullProgress(status="pulling", completed=part * 10**8, total=10**9)

    models(here).pulling = pulling
    asked = town.alice.uses(town.general, town.bot, "model pull", name="llama3.2")
    await told(town, town.alice, asked)
    (shown,) = town.alice.answers_to(asked)
    await begun.wait()
    before = edits(here)
    for _ in range(3):
        step.release()
    clock.advance(2.5)
    step.release()
    await town.until(lambda: "%" in shown.content)
    assert edits(here) - before <= 2
    assert "of 1000 MB" in shown.content
    for _ in range(6):
        step.release()
    await town.until(lambda: "is here" in shown.content)
    assert shown.components == []
    assert edits(here) - before <= 3


def edits(here: DiscordApp) -> int:
    return sum(one.method == "PATCH" for one in here.town.standin.api.exchanges)


async def test_only_one_is_fetched_at_a_time_and_owners_cancel_it(here):
    town = here.town
    make_owner(here)
    ended = asyncio.Event()

    async def pulling(name: str) -> AsyncGenerator[PullProgress, None]:
        try:
            yield PullProgress(status="pulling manifest")
            await asyncio.Event().wait()
        finally:
            ended.set()

    models(here).pulling = pulling
    asked = town.alice.uses(town.general, town.bot, "model pull", name="llama3.2")
    await told(town, town.alice, asked)
    (shown,) = town.alice.answers_to(asked)
    assert "Another model is being fetched" in await used(
        town, town.alice, "model pull", name="other"
    )
    clicked = town.bob.clicks(shown, "Cancel")
    assert "Only owners" in (await told(town, town.bob, clicked))[0]
    assert not ended.is_set()
    town.alice.clicks(shown, "Cancel")
    await town.until(lambda: "cancelled" in shown.content)
    assert ended.is_set()
    models(here).pulling = _nothing
    again = town.alice.uses(town.general, town.bot, "model pull", name="other")
    await town.until(lambda: any("is here" in one.content for one in town.alice.answers_to(again)))


async def _nothing(name: str) -> AsyncGenerator[PullProgress, None]:
    for status in ("success",):
        yield PullProgress(status=status)


async def test_a_fetch_that_fails_says_why(here):
    town = here.town
    make_owner(here)

    async def pulling(name: str) -> AsyncGenerator[PullProgress, None]:
        for status in ("pulling manifest", "gone"):
            if status == "gone":
                raise ProviderError("o", ProviderFault.MODEL_MISSING, "There is no such model.")
            yield PullProgress(status=status)

    models(here).pulling = pulling
    asked = town.alice.uses(town.general, town.bot, "model pull", name="nope")
    await told(town, town.alice, asked)
    (shown,) = town.alice.answers_to(asked)
    await town.until(lambda: shown.content == "There is no such model.")
    assert shown.components == []


class Slow(OneModel):
    """A catalog whose list comes when a test lets it."""

    def __init__(self) -> None:
        super().__init__(ScriptedModel())
        self.go = asyncio.Event()
        self.times = 0

    async def available(self) -> Sequence[ModelListing]:
        self.times += 1
        await self.go.wait()
        return _LISTINGS


async def test_a_server_that_hangs_holds_nobody_up_and_is_asked_once(monkeypatch):
    monkeypatch.setattr("frontends.discord.model_names._PATIENCE_SECONDS", 0.05)
    async with Supervisor() as supervisor:
        catalog, clock = Slow(), ManualClock()
        names = ModelNames(catalog, clock=clock, supervisor=supervisor)
        assert list(await names.offered()) == []
        assert list(await names.offered()) == []
        assert catalog.times == 1
        catalog.go.set()
        monkeypatch.setattr("frontends.discord.model_names._PATIENCE_SECONDS", 5.0)
        assert list(await names.offered()) == ["llama3.2:3b", "gpt-4o-mini@openai"]
        clock.advance(29.0)
        await names.offered()
        assert catalog.times == 1
        clock.advance(2.0)
        await names.offered()
        assert catalog.times == 2


async def test_a_server_that_fails_leaves_the_known_names(monkeypatch):
    async with Supervisor() as supervisor:
        catalog, clock = Slow(), ManualClock()
        catalog.go.set()
        names = ModelNames(catalog, clock=clock, supervisor=supervisor)
        known = await names.offered()

        async def fails() -> None:
            raise ProviderError("ollama", ProviderFault.UNREACHABLE, "Nobody is there.")

        monkeypatch.setattr(catalog, "available", fails)
        clock.advance(31.0)
        assert await names.offered() == known != []


async def test_blocked_people_do_not_see_the_model(here):
    town = here.town
    place = conversation_in(here, town.general)
    await here.app.factory.permissions().block(
        account(town.bob.user.id), Scope.channel(place), by=Role.OWNER
    )
    for name in ("model show", "model list"):
        assert await used(town, town.bob, name) == "You are not answered here."
