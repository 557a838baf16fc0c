"""What Discord says of the application that a token belongs to, and how it is invited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp

from services.doctor.endpoints import on_this_machine

# https://docs.discord.com/developers/resources/application#application-object-application-flags:
# the second of each pair is what applications in fewer than 100 servers have.
_PRESENCE = 1 << 12 | 1 << 13
_MEMBERS = 1 << 14 | 1 << 15
_MESSAGE_CONTENT = 1 << 18 | 1 << 19

PERMISSIONS: Mapping[str, int] = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Send Messages in Threads": 1 << 38,
    "Create Public Threads": 1 << 35,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Add Reactions": 1 << 6,
    "Use External Emojis": 1 << 18,
    "Manage Webhooks": 1 << 29,
    "Connect": 1 << 20,
    "Speak": 1 << 21,
}
"""What the bot is invited with, by the names that Discord shows."""

_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_AGENT = "DiscordBot (https://discord.com/developers, 1)"  # Discord refuses others' shapes


class DiscordSilent(Exception):  # noqa: N818
    """Discord did not say; ``status`` is what it answered, ``None`` when it did not."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The application behind a token. ``servers`` is a count, ``None`` where it is not told.

    ``public`` lets others than its owner invite it; one that ``asks_for_code`` can be invited by
    nobody.
    """

    id: str
    name: str
    flags: int = 0
    servers: int | None = None
    public: bool = True
    asks_for_code: bool = False

    @property
    def presences(self) -> bool:
        """Whether the presence intent is switched on."""
        return bool(self.flags & _PRESENCE)

    @property
    def members(self) -> bool:
        """Whether the server members intent is switched on."""
        return bool(self.flags & _MEMBERS)

    @property
    def message_content(self) -> bool:
        """Whether the message content intent is switched on."""
        return bool(self.flags & _MESSAGE_CONTENT)


async def application_of(api_url: str, token: str) -> Application:
    """Ask who ``token`` belongs to; waits 5 s at most. Raises ``DiscordSilent``."""
    address = api_url.rstrip("/")
    headers = {"Authorization": f"Bot {token}", "User-Agent": _AGENT}
    try:
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT, headers=headers, trust_env=not on_this_machine(address)
        ) as session:
            user = await _asked(session, f"{address}/users/@me")
            application = await _asked(session, f"{address}/oauth2/applications/@me")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise DiscordSilent(None) from error
    servers = application.get("approximate_guild_count")
    identity, flags = application.get("id"), application.get("flags")
    if not isinstance(identity, str) or not identity.isdigit():
        raise DiscordSilent(200)
    return Application(
        id=identity,
        name=str(user.get("username") or application.get("name") or "the bot"),
        flags=flags if isinstance(flags, int) else 0,
        servers=servers if isinstance(servers, int) else None,
        public=application.get("bot_public") is not False,
        asks_for_code=application.get("bot_require_code_grant") is True,
    )


def invitation(application: Application, *, api_url: str) -> str:
    """Return the address under which whoever manages a server adds the bot to it."""
    parts = urlsplit(api_url)
    asked = {
        "client_id": application.id,
        "permissions": sum(PERMISSIONS.values()),
        "scope": "bot applications.commands",
    }
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/oauth2/authorize?{urlencode(asked)}"


async def _asked(session: aiohttp.ClientSession, address: str) -> Mapping[str, object]:
    async with session.get(address) as response:
        if response.status != 200:
            raise DiscordSilent(response.status)
        try:
            answer = await response.json(content_type=None)
        except ValueError as error:
            raise DiscordSilent(200) from error
    if not isinstance(answer, Mapping):
        raise DiscordSilent(200)
    return answer
