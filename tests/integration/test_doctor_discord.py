"""The doctor tells how to get a Discord bot going, and gives its token away to nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import discord
import pytest
from aiohttp import web

from services.doctor.check import Case, Finding
from services.doctor.checks.discord import CHECKS
from services.doctor.discretion import Discretion
from services.doctor.examination import examine
from services.domain.clock import SystemClock
from services.settings import DiscordSettings, Settings, StorageSettings
from tests.discord_standin.founding import add_guild
from tests.discord_standin.intents import Intent
from tests.discord_standin.scene import Scene, scene

pytestmark = pytest.mark.timeout(60)

TOKEN = ".".join(("MTEyMjMzNDQ1NTY2Nzc4ODk5", "Gabcde", "abcdefghijklmnopqrstuvwxyz0123456789"))


@pytest.fixture
async def town() -> AsyncIterator[Scene]:
    async with scene() as place:
        yield place


def case_with(folder: Path, **section: object) -> Case:
    storage = StorageSettings(data=folder)
    return Case(
        settings=Settings(storage=storage, discord=DiscordSettings.model_validate(section)),
        storage=storage,
        environ={"HOME": str(folder / "home"), "USER": "bot"},
        cwd=folder,
        clock=SystemClock(),
    )


async def found(case: Case) -> list[Finding]:
    """Return what the doctor says of Discord."""
    return [one for one in await examine(case) if one.area == "discord"]


def text_of(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{one.status} {one.sentence} {one.fix}" for one in findings)


@asynccontextmanager
async def answering(status: int, body: str = "") -> AsyncIterator[str]:
    """A server that gives every question the same answer."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    finally:
        await runner.cleanup()


async def test_without_a_token_it_explains_in_steps_how_to_get_one(tmp_path: Path) -> None:
    [finding] = await found(case_with(tmp_path))
    assert finding.status == "skipped"
    assert finding.fix is not None
    for part in ("1. Open https://discord.com/developers", "2. ", "Message Content Intent", "3. ",
                 "Reset Token", "4. ", "DISCORD_TOKEN=", "5. ", "doctor"):  # fmt: skip
        assert part in finding.fix


async def test_switched_off_it_asks_nobody(tmp_path: Path) -> None:
    case = case_with(tmp_path, enabled=False, token=TOKEN, api_url="http://127.0.0.1:1/")
    assert [one.status for one in await found(case)] == ["skipped"]


async def test_with_a_token_it_prints_the_invitation(town: Scene, tmp_path: Path) -> None:
    town.bot.privileged = Intent.MESSAGE_CONTENT
    add_guild(town.standin.world, "Second", owner=town.alice.user, members=(town.bot.user,))
    case = case_with(tmp_path, token=town.bot.token, api_url=town.standin.api_url)
    findings = await found(case)
    assert [one.status for one in findings] == ["ok", "ok"]
    assert "eos, which is in 2 servers" in findings[0].sentence
    fix = findings[1].fix or ""
    link = fix.split()[-1]
    asked = parse_qs(urlsplit(link).query)
    assert asked["client_id"] == [str(town.bot.application_id)]
    assert asked["scope"] == ["bot applications.commands"]
    wanted = discord.Permissions(
        view_channel=True,
        connect=True,
        speak=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        embed_links=True,
        attach_files=True,
        read_message_history=True,
        add_reactions=True,
        use_external_emojis=True,
        manage_webhooks=True,
    )
    assert asked["permissions"] == [str(wanted.value)]
    assert town.bot.token not in text_of(findings)


async def test_intents_that_are_wanted_and_not_allowed_are_named(
    town: Scene, tmp_path: Path
) -> None:
    town.bot.privileged = 0
    case = case_with(
        tmp_path, token=town.bot.token, api_url=town.standin.api_url, members=True, presences=True
    )
    warnings = [one for one in await found(case) if one.status == "warning"]
    named = ("Message Content Intent", "Server Members Intent", "Presence Intent")
    assert [name in (one.fix or "") for one, name in zip(warnings, named, strict=True)] == [
        True
    ] * 3
    town.bot.privileged = Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES
    assert not [one for one in await found(case) if one.status == "warning"]


async def test_intents_that_are_not_wanted_are_not_asked_for(town: Scene, tmp_path: Path) -> None:
    town.bot.privileged = 0
    case = case_with(
        tmp_path, token=town.bot.token, api_url=town.standin.api_url, message_content=False
    )
    assert not [one for one in await found(case) if one.status == "warning"]


async def test_a_wrong_token_is_named_as_that(town: Scene, tmp_path: Path) -> None:
    case = case_with(tmp_path, token=TOKEN, api_url=town.standin.api_url)
    [finding] = await found(case)
    assert (finding.status, finding.cause) == ("problem", "settings")
    assert "does not accept the token" in finding.sentence
    assert "Reset Token" in (finding.fix or "")
    assert TOKEN not in text_of([finding])


@pytest.mark.parametrize("token", ["your-token-here", "Bot abc.def.ghi", f'"{TOKEN}"', "a\nb"])
async def test_what_cannot_be_a_token_is_not_sent_to_anybody(tmp_path: Path, token: str) -> None:
    [finding] = await found(case_with(tmp_path, token=token, api_url="http://127.0.0.1:1/"))
    assert (finding.status, finding.cause) == ("problem", "settings")
    assert "is not one" in finding.sentence
    assert token not in text_of([finding])


@pytest.mark.parametrize(
    ("status", "body", "says", "cause"),
    [
        (401, '{"message": "401: Unauthorized"}', "does not accept the token", "settings"),
        (500, "{}", "status 500", "dependency"),
        (503, "", "status 503", "dependency"),
        (429, '{"retry_after": 1}', "status 429", "dependency"),
        (200, "not json", "is not Discord's API", "settings"),
        (200, "[]", "is not Discord's API", "settings"),
        (200, '{"id": 5}', "is not Discord's API", "settings"),
        (404, "", "is not Discord's API", "settings"),
    ],
)
async def test_what_a_server_answers_becomes_one_sentence(
    tmp_path: Path, status: int, body: str, says: str, cause: str
) -> None:
    async with answering(status, body) as address:
        [finding] = await found(case_with(tmp_path, token=TOKEN, api_url=address))
    assert says in finding.sentence
    assert (finding.status, finding.cause) == ("problem", cause)
    assert TOKEN not in text_of([finding])


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1/api", "does not answer at"),
        ("discord.com/api", "does not begin with"),
        ("https://", "names no host"),
    ],
)
async def test_an_address_nobody_answers_at_is_named(
    tmp_path: Path, address: str, says: str
) -> None:
    [finding] = await found(case_with(tmp_path, token=TOKEN, api_url=address))
    assert says in finding.sentence
    assert "discord.api_url" in (finding.fix or "")


async def test_a_bot_that_nobody_can_invite_is_told_of(tmp_path: Path) -> None:
    body = '{"id": "12", "username": "Eos", "bot_require_code_grant": true, "bot_public": false}'
    async with answering(200, body) as address:
        findings = await found(case_with(tmp_path, token=TOKEN, api_url=address))
    assert any("Requires OAuth2 Code Grant" in (one.fix or "") for one in findings)
    assert any("Only its owner" in one.sentence for one in findings)


def test_only_an_invitation_keeps_what_follows_the_question_mark(tmp_path: Path) -> None:
    discretion = Discretion(case_with(tmp_path, token=TOKEN))
    link = "https://discord.com/oauth2/authorize?client_id=1&permissions=2&scope=bot+applications.commands"
    assert discretion.applied(f"Use {link} now") == f"Use {link} now"
    for query in (f"client_id=1&permissions=2&scope=bot&key={TOKEN}", "code=abcdef"):
        hidden = discretion.applied(f"Use https://discord.com/oauth2/authorize?{query} now")
        assert hidden == "Use https://discord.com/oauth2/authorize now"


def test_it_is_made_without_asking(tmp_path: Path) -> None:
    assert [(one.name, one.live) for one in CHECKS] == [("discord", False)]
