"""Commands for how the bot is doing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from frontends.discord.status_views import USES
from services.domain.errors import ProviderError, ProviderFault
from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration

_WORDS = "my hamster is called Balthazar"


@pytest.fixture
async def here(tmp_path) -> AsyncIterator[DiscordApp]:
    """The bot in a town."""
    async with (
        scene(limits=False) as town,
        command_app(town, ScriptedModel("Nice."), tmp_path) as found,
    ):
        yield found


def write_log(here: DiscordApp, *lines: dict[str, object]) -> Path:
    file = here.app.factory.settings().storage.data / "logs" / "acore.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def trouble(event: str, **more: object) -> dict[str, object]:
    return {"at": "2026-01-02T03:04:05.678+00:00", "level": "WARNING", "logger": "l", **more} | {
        "event": event
    }


async def test_ping_measures_the_way_to_discord(here):
    assert " ms" in (shown := await used(here.town, here.town.bob, "ping"))
    assert "REST" in shown


async def test_status_is_fit_for_everybody(here):
    town = here.town
    role = town.alice.makes_role(town.guild, "Bots", permissions=int(Permission.ADMINISTRATOR))
    town.alice.gives_role(town.guild, town.bot.user, role)
    town.bob.mentions(town.general, town.bot.user, _WORDS)
    await town.until(lambda: any("Nice." in m.content for m in town.general.messages.values()))
    shown = await used(town, town.bob, "status")
    for part in (
        "**Characters**",
        "Mira answers here",
        "**Model** **scripted**",
        "**Waiting for the model**",
        "**Memory**",
        "**Message content** given",
    ):
        assert part in shown
    for private in (_WORDS, str(town.bob.user.id), str(town.general.id), "Balthazar", "127.0.0.1"):
        assert private not in shown
    assert "I lack" not in shown


async def test_status_says_what_each_missing_permission_would_give(here):
    town = here.town
    denied = Permission.MANAGE_WEBHOOKS | Permission.ATTACH_FILES
    town.alice.overwrites(town.general, town.bot.user, deny=denied)
    shown = await used(town, town.bob, "status")
    assert f"- **Manage Webhooks**: {USES['manage_webhooks']}" in shown
    assert f"- **Attach Files**: {USES['attach_files']}" in shown
    assert "Send Messages" not in shown


async def test_status_without_a_model_still_answers(here, monkeypatch):
    async def gone(*_: object, **__: object) -> None:
        raise ProviderError("ollama", ProviderFault.UNREACHABLE, "http://10.1.2.3 is silent.")

    monkeypatch.setattr(here.app.factory.models(), "get", gone)
    shown = await used(here.town, here.town.bob, "status")
    assert "**Model** does not answer now" in shown
    assert "10.1.2.3" not in shown


async def test_status_says_that_message_content_is_not_given(tmp_path):
    options = {"discord_settings": {"message_content": False}}
    async with (
        scene(limits=False) as town,
        command_app(town, ScriptedModel(), tmp_path, **options),
    ):
        assert "**Message content** not given" in await used(town, town.bob, "status")


async def test_metrics_count_answers_and_name_nobody(here):
    town = here.town
    town.bob.mentions(town.general, town.bot.user, _WORDS)
    await town.until(lambda: any("Nice." in m.content for m in town.general.messages.values()))
    await town.until(lambda: here.app.factory.metrics().total("turns"))
    shown = await used(town, town.bob, "metrics")
    assert "**Answers** 1 (" in shown
    assert "Event loop" in shown
    for private in (_WORDS, str(town.bob.user.id), str(town.general.id)):
        assert private not in shown


async def test_errors_show_what_happened_and_not_to_whom(here):
    town = here.town
    assert await used(town, town.alice, "errors") == "No warnings and no errors."
    write_log(
        here,
        trouble("older"),
        trouble(
            "a call failed",
            account=f"discord:{town.bob.user.id}",
            trace=f"Traceback:\n  File x\nValueError: {_WORDS}",
        ),
        {**trouble("fine"), "level": "INFO"},
    )
    shown = await used(town, town.alice, "errors")
    assert shown.index("a call failed (ValueError)") < shown.index("older")
    assert "fine" not in shown
    assert _WORDS not in shown
    assert str(town.bob.user.id) not in shown


async def test_errors_and_logs_are_not_for_members_nor_logs_for_admins(here):
    town = here.town
    for name in ("errors", "logs"):
        with pytest.raises(NotOffered):
            town.bob.uses(town.general, town.bot, name)
    assert "Only owners" in await used(town, town.alice, "logs")
    private = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    for name in ("errors", "logs"):
        assert "Only owners" in await used(town, town.bob, name, private)


async def test_logs_are_shown_in_place_and_as_a_file_when_long(here):
    town = here.town
    here.bot._owners = frozenset({town.alice.user.id})
    write_log(here, *(trouble(f"event {n}", to=town.bob.user.id) for n in range(300)))
    shown = await used(town, town.alice, "logs", lines=2)
    assert shown.startswith("```\n{")
    assert "event 299" in shown
    assert "event 297" not in shown
    assert str(town.bob.user.id) not in shown
    asked = town.alice.uses(town.general, town.bot, "logs", lines=200)
    await told(town, town.alice, asked)
    (answer,) = town.alice.answers_to(asked)
    assert answer.shown_only_to == town.alice.user.id
    (file,) = answer.attachments
    lines = file.content.decode().splitlines()
    assert len(lines) == 200
    assert str(town.bob.user.id) not in file.content.decode()


async def test_logs_that_go_elsewhere_say_so(tmp_path):
    async with (
        scene(limits=False) as town,
        command_app(town, ScriptedModel(), tmp_path, logging={"output": "stderr"}) as live,
    ):
        live.bot._owners = frozenset({town.alice.user.id})
        for name in ("logs", "errors"):
            assert "standard error" in await used(town, town.alice, name)
