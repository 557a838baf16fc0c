"""The Discord bot: its token, its intents and how it is invited."""

from __future__ import annotations

from collections.abc import Iterator

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.discord_api import (
    PERMISSIONS,
    Application,
    DiscordSilent,
    application_of,
    invitation,
)
from services.doctor.endpoints import address_fault
from services.settings import DiscordSettings

PORTAL = "https://discord.com/developers/applications"

_STEPS = (
    f"1. Open {PORTAL} and press New Application. "
    "2. On its Bot page, switch on Message Content Intent under Privileged Gateway Intents, so "
    "that the bot hears its name; the other two are needed only for discord.members and "
    "discord.presences. "
    "3. On the same page, press Reset Token and copy the token, which is shown once. "
    "4. Write DISCORD_TOKEN= and the token into .env, or set that variable; show it to nobody. "
    "5. Run `main.py doctor` again: it prints the link that invites the bot to a server."
)
_NEW_TOKEN = (
    f"Open {PORTAL}, choose the application, press Reset Token on its Bot page and write the new "
    "token as DISCORD_TOKEN=… into .env."
)
_PLACEHOLDERS = ("changeme", "your", "xxx", "…", "<", "bot ")


async def _discord(case: Case) -> Found:
    section = case.loaded.discord
    if not section.enabled:
        return skipped("The Discord bot is switched off.")
    token = "" if section.token is None else section.token.get_secret_value()
    if not token:
        return Finding(
            status="skipped", sentence="The Discord bot has no token, so it is off.", fix=_STEPS
        )
    if _unlikely(token):
        return problem(
            "The token of the Discord bot is not one: it is a placeholder, or has spaces or "
            "quotes in it.",
            fix=_NEW_TOKEN,
            cause="settings",
        )
    if fault := address_fault(section.api_url):
        return problem(
            f"The address of Discord's API, {section.api_url}, {fault}.",
            fix="Correct discord.api_url; it looks like https://discord.com/api/v10.",
            cause="settings",
        )
    try:
        application = await application_of(section.api_url, token)
    except DiscordSilent as refused:
        return _refusal(refused, section)
    return list(_told(application, section))


def _told(application: Application, section: DiscordSettings) -> Iterator[Finding]:
    yield fine(f"The token belongs to the bot {application.name}, {_presence(application)}.")
    yield from _intents(application, section)
    if application.asks_for_code:
        yield warning(
            "Nobody can invite the bot, because it requires a code grant.",
            fix=f"Switch off Requires OAuth2 Code Grant on the Bot page of {PORTAL}.",
            cause="settings",
        )
    who = "Anybody" if application.public else "Only its owner, for the bot is not public,"
    yield Finding(
        status="ok",
        sentence=f"{who} can invite the bot to a server that they manage. It asks for: "
        f"{', '.join(PERMISSIONS)}.",
        fix=f"Invite it with {invitation(application, api_url=section.api_url)}",
    )


def _presence(application: Application) -> str:
    match application.servers:
        case None:
            return "which Discord accepts"
        case 0:
            return "which is in no server yet"
        case 1:
            return "which is in one server"
        case _:
            return f"which is in {application.servers} servers"


def _intents(application: Application, section: DiscordSettings) -> Iterator[Finding]:
    fix = "Switch on {} under Privileged Gateway Intents on the Bot page of " + PORTAL
    if section.message_content and not application.message_content:
        yield warning(
            "Discord keeps the content of messages from the bot, so that it hears mentions, "
            "replies, direct messages and commands, but not its name.",
            fix=f"{fix.format('Message Content Intent')}, or set discord.message_content to false.",
            cause="settings",
        )
    if section.members and not application.members:
        yield warning(
            "discord.members is set, but Discord does not tell the bot of members.",
            fix=f"{fix.format('Server Members Intent')}, or set discord.members to false.",
            cause="settings",
        )
    if section.presences and not application.presences:
        yield warning(
            "discord.presences is set, but Discord does not tell the bot what people do.",
            fix=f"{fix.format('Presence Intent')}, or set discord.presences to false.",
            cause="settings",
        )


def _refusal(refused: DiscordSilent, section: DiscordSettings) -> Finding:
    if refused.status in (401, 403):
        return problem(
            f"Discord does not accept the token of the bot (status {refused.status}).",
            fix=_NEW_TOKEN,
            cause="settings",
        )
    if refused.status is None:
        return problem(
            f"Discord does not answer at {section.api_url}.",
            fix="Check the network and discord.api_url.",
            cause="dependency",
        )
    if refused.status in (200, 404):
        return problem(
            f"What answers at {section.api_url} is not Discord's API.",
            fix="Correct discord.api_url; Discord's is https://discord.com/api/v10.",
            cause="settings",
        )
    return problem(
        f"Discord answers with status {refused.status}.",
        fix="Try again later; https://discordstatus.com may say more.",
        cause="dependency",
    )


def _unlikely(token: str) -> bool:
    odd = any(letter.isspace() or letter in "\"'" or not letter.isascii() for letter in token)
    return odd or token.lower().startswith(_PLACEHOLDERS)


CHECKS = (Check(name="discord", area="discord", examine=_discord, seconds=20.0),)
