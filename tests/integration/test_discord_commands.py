"""All cogs together: names, texts, languages, and registering with Discord."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from frontends.discord.attachments import Attachments
from frontends.discord.bot import COGS, AcoreBot
from frontends.discord.syncing import sync
from frontends.discord.translating import LOCALES, Translations
from services.factory import ServiceFactory
from services.lifecycle import Supervisor
from tests.discord_standin.scene import Scene, scene
from tests.fakes.app import settings_in
from tests.fakes.discord_app import discord_app
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration

_MOST_COMMANDS = 100
_MOST_DEEP = 25
_LONGEST = 100


@pytest.fixture
async def bot(tmp_path) -> AsyncIterator[AcoreBot]:
    """The bot with all its cogs, never logged in."""
    settings = settings_in(tmp_path)
    services = ServiceFactory(settings=settings)
    async with Supervisor() as supervisor, aiohttp.ClientSession() as web:
        bot = AcoreBot(
            services, settings.discord, supervisor=supervisor, intents=discord.Intents.none()
        )
        bot.attachments = Attachments(web, services.blobs())
        await bot.tree.set_translator(Translations())
        for name in COGS:
            await bot.load_extension(f"cogs.{name}")
        assert bot.application_id is None
        yield bot
        await bot.close()


def everything(
    bot: AcoreBot,
) -> Iterator[app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu]:
    for command in bot.tree.get_commands():
        yield command
        if isinstance(command, app_commands.Group):
            yield from command.walk_commands()


def described(bot: AcoreBot) -> Iterator[tuple[str, str]]:
    """Every description with what it belongs to."""
    for command in everything(bot):
        if isinstance(command, app_commands.ContextMenu):
            continue
        yield f"/{command.qualified_name}", command.description
        if isinstance(command, app_commands.Command):
            for option in command.parameters:
                name = f"/{command.qualified_name} {option.display_name}"
                yield name, str(option.description)


async def test_cogs_load_before_the_application_is_known(bot):
    assert len(bot.cogs) >= len(COGS) - 1
    assert len(bot.tree.get_commands()) <= _MOST_COMMANDS


async def test_no_two_commands_share_a_name(bot):
    names = Counter(command.name.casefold() for command in bot.tree.get_commands())
    assert [name for name, count in names.items() if count > 1] == []


async def test_every_command_and_option_says_what_it_is_for(bot):
    lacking = [name for name, text in described(bot) if text in ("", "…") or len(text) > _LONGEST]
    assert lacking == []


async def test_groups_and_options_stay_within_discords_limits(bot):
    for command in everything(bot):
        if isinstance(command, app_commands.Group):
            assert len(command.commands) <= _MOST_DEEP, command.qualified_name
        elif isinstance(command, app_commands.Command):
            assert len(command.parameters) <= _MOST_DEEP, command.qualified_name


async def test_every_description_has_a_german_one(bot):
    german = json.loads((LOCALES / "de.json").read_text(encoding="utf-8"))
    lacking = {name: text for name, text in described(bot) if text not in german}
    assert lacking == {}, f"missing in {LOCALES / 'de.json'}"


def test_translations_fit_into_discord():
    for file in LOCALES.glob("*.json"):
        assert file.stem in {locale.value for locale in discord.Locale}
        texts = json.loads(file.read_text(encoding="utf-8"))
        wrong = {key: text for key, text in texts.items() if not 0 < len(text) <= _LONGEST}
        assert wrong == {}, file.name


async def test_translations_reach_discord_and_names_stay(bot):
    [ping] = [one for one in bot.tree.get_commands() if one.name == "ping"]
    payload = await ping.get_translated_payload(bot.tree, bot.tree.translator)
    assert payload["description_localizations"]["de"].startswith("Messen")
    assert payload["name_localizations"] == {}


def writes(town: Scene) -> list[str]:
    """The lists of commands that were written, by path."""
    return [
        exchange.path.split("/", 3)[-1]
        for exchange in town.standin.api.exchanges
        if exchange.method == "PUT" and exchange.path.endswith("/commands")
    ]


async def registered(town: Scene) -> None:
    await town.until(lambda: writes(town))


async def test_a_second_start_writes_nothing_and_a_changed_description_once(tmp_path):
    async with scene(limits=False) as town:
        async with discord_app(town, ScriptedModel(), tmp_path) as one:
            await registered(town)
            assert writes(town) == ["commands"]
            assert await sync(one.bot.tree, ()) == 0
        async with discord_app(town, ScriptedModel(), tmp_path / "again") as two:
            assert await sync(two.bot.tree, ()) == 0
            assert writes(town) == ["commands"]
            changed = two.bot.tree.get_command("ping")
            assert isinstance(changed, app_commands.Command)
            changed.description = "Something else"
            assert await sync(two.bot.tree, ()) == 1
            assert await sync(two.bot.tree, ()) == 0
            assert writes(town) == ["commands"] * 2


async def test_another_translation_is_written(tmp_path):
    async with (
        scene(limits=False) as town,
        discord_app(town, ScriptedModel(), tmp_path / "data") as one,
    ):
        await registered(town)
        folder = tmp_path / "locales"
        folder.mkdir()
        (folder / "fr.json").write_text(json.dumps({"The setting.": "Le réglage."}))
        await one.bot.tree.set_translator(Translations(folder))
        assert await sync(one.bot.tree, ()) == 1
        assert await sync(one.bot.tree, ()) == 0
        assert len(writes(town)) == 2


async def test_commands_of_chosen_servers_are_written_there_once(tmp_path):
    async with scene(limits=False) as town:
        guilds = (town.guild.id,)
        options = {"guilds": guilds}
        async with discord_app(town, ScriptedModel(), tmp_path, discord_settings=options) as one:
            await registered(town)
            assert writes(town) == [f"guilds/{town.guild.id}/commands"]
            assert await sync(one.bot.tree, guilds) == 0
            assert await sync(one.bot.tree, ()) == 1, "they were nowhere else before"
            assert await sync(one.bot.tree, guilds) == 1, "and are taken back from everywhere"
            assert writes(town)[1:] == ["commands"] * 2


async def test_a_server_that_refuses_is_left_out(tmp_path):
    async with (
        scene(limits=False) as town,
        discord_app(town, ScriptedModel(), tmp_path) as one,
    ):
        await registered(town)
        assert await sync(one.bot.tree, (4711, town.guild.id)) == 2


async def test_commands_of_discord_itself_survive(tmp_path):
    async with (
        scene(limits=False) as town,
        discord_app(town, ScriptedModel(), tmp_path) as one,
    ):
        await registered(town)
        application = one.bot.application_id
        assert application is not None
        launch: Any = {"name": "launch", "type": 4, "description": "", "handler": 2}
        await one.bot.http.upsert_global_command(application, launch)
        assert await sync(one.bot.tree, ()) == 0, "it is none of ours"
        ping = one.bot.tree.get_command("ping")
        assert isinstance(ping, app_commands.Command)
        ping.description = "Something else"
        assert await sync(one.bot.tree, ()) == 1
        names = [command.name for command in town.standin.world.commands.values()]
        assert "launch" in names
