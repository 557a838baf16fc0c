"""What everybody may know of how the bot is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import discord

from frontends.discord.asking import Asked, bot_of
from frontends.discord.figures import memory_line, queue_line
from frontends.discord.model_views import ModelViews
from services.domain.errors import AcoreError
from services.observability.log_reading import Trouble

USES = {
    "view_channel": "Without it nothing works here.",
    "send_messages": "Without it I cannot answer here.",
    "send_messages_in_threads": "Without it I cannot answer in threads.",
    "read_message_history": "With it I answer as a reply and catch up with what I missed.",
    "manage_webhooks": "With it characters speak with their own name and picture.",
    "attach_files": "With it I can answer with files and pictures.",
    "connect": "With it I can be called into voice channels.",
    "speak": "With it I can be heard there.",
}
"""What each of Discord's permissions is for, the most needed first."""

_MODEL_SECONDS = 2.0
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096


def lacking(interaction: discord.Interaction) -> list[str]:
    """Return a line per permission that the bot has not where it was asked."""
    mine = interaction.app_permissions
    if interaction.guild is None or mine.administrator:
        return []
    return [f"- **{_title(name)}**: {use}" for name, use in USES.items() if not getattr(mine, name)]


async def status_text(interaction: discord.Interaction, who: Asked) -> str:
    """Return how the bot is doing, as far as that is everybody's business; takes up to 5 s."""
    bot = bot_of(interaction)
    services = bot.services
    persona = await services.conversations().persona_of(who.conversation)
    checks = await services.health().check()
    model = await services.conversations().model_of(who.conversation)
    metrics = services.metrics()
    lines = [
        f"**Characters** {len(services.library().all())}; {_plain(persona.name)} answers here",
        f"**Model** {await model_text(ModelViews(services.models()), model)}",
        f"**Waiting for the model** {queue_line(metrics)}",
        f"**Memory** {memory_line(metrics)}{_process_memory()}",
        f"**Works** {', '.join(_check(one.name, ok=one.ok) for one in checks)}",
        f"**Up for** {_duration(services.health().report().uptime_seconds)}, "
        f"in {_servers(len(bot.guilds))}",
        f"**Message content** {_content(intended=bot.intents.message_content)}",
    ]
    if missing := lacking(interaction):
        lines += ["**Permissions I lack in this channel**", *missing]
    return "\n".join(lines)


def trouble_blocks(troubles: Sequence[Trouble]) -> list[str]:
    """Return a line per warning or error, the newest first."""
    return [
        f"`{one.at[:19].replace('T', ' ')}` **{one.level.lower()}** {_plain(one.event)}"
        f"{f' ({one.error})' if one.error else ''}\n-# {one.logger}"
        for one in reversed(troubles)
    ]


def ping_text(*, gateway: float, rest: float) -> str:
    """Return latencies that are given in seconds; the gateway's is unknown before it beat."""
    shown = "not measured yet" if gateway != gateway else f"{gateway * 1000:.0f} ms"
    return f"Gateway {shown} · REST {rest * 1000:.0f} ms"


async def model_text(views: ModelViews, chosen: str | None) -> str:
    """Return which model answers; takes up to 2 s."""
    try:
        async with asyncio.timeout(_MODEL_SECONDS):
            return await views.ready(chosen)
    except (AcoreError, TimeoutError):
        return "does not answer now"


def _check(name: str, *, ok: bool) -> str:
    return f"{name} {'✅' if ok else '❌'}"


def _content(*, intended: bool) -> str:
    if intended:
        return "given: names and keywords are heard where listening is on"
    return "not given: only mentions, replies, direct messages and commands are heard"


def _process_memory() -> str:
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):  # another system than Linux
        return ""
    return f"; the process takes {pages * _PAGE_BYTES / 2**20:,.0f} MB"


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a minute"


def _servers(count: int) -> str:
    return f"{count} server{'' if count == 1 else 's'}"


def _title(name: str) -> str:
    return name.replace("_", " ").title()


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
