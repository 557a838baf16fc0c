"""Sending, changing and deleting messages as somebody: the bot itself or a character's webhook."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Protocol

import aiohttp
import discord

from frontends.discord.pacing import Bucket
from frontends.discord.places import Channel
from services.domain.errors import AcoreError

logger = logging.getLogger(__name__)

SILENT = discord.AllowedMentions.none()
"""Nobody is ever pinged."""

_TOO_MANY = 429
_CODES = {
    10003: "place",
    10004: "place",
    10008: "message",
    10015: "webhook",
    10062: "interaction",
    50001: "permission",
    50013: "permission",
    50027: "interaction",
    50083: "place",
    30007: "webhooks_full",
}


class Obstacle(StrEnum):
    """Why Discord did not take something."""

    PLACE = "place"
    MESSAGE = "message"
    WEBHOOK = "webhook"
    WEBHOOKS_FULL = "webhooks_full"
    PERMISSION = "permission"
    INTERACTION = "interaction"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"


_SENTENCES = {
    Obstacle.PLACE: "That channel is gone.",
    Obstacle.MESSAGE: "That message is gone.",
    Obstacle.WEBHOOK: "The character's webhook is gone; ask again.",
    Obstacle.WEBHOOKS_FULL: "This channel has all the webhooks it can have; delete one.",
    Obstacle.PERMISSION: "I lack a permission here; ask an admin to check /status.",
    Obstacle.INTERACTION: "That took too long; please try again.",
    Obstacle.REFUSED: "Discord refused that; the details are in the log.",
    Obstacle.UNREACHABLE: "Discord cannot be reached; try again in a moment.",
    Obstacle.UNCERTAIN: "The connection broke; look whether it was posted before asking again.",
}


class PostingFailed(AcoreError):  # noqa: N818
    """Discord did not take a message; ``obstacle`` says why."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(f"discord_{obstacle}", _SENTENCES[obstacle])
        self.obstacle = obstacle


@asynccontextmanager
async def translated(*, broken: Obstacle = Obstacle.UNREACHABLE) -> AsyncIterator[None]:
    """Raise ``PostingFailed`` instead of discord.py's errors, ``broken`` for lost connections."""
    try:
        yield
    except discord.HTTPException as error:
        known = _CODES.get(error.code)
        obstacle = Obstacle(known) if known else _by_status(error.status)
        logger.info("Discord refused", extra={"status": error.status, "error_code": error.code})
        raise PostingFailed(obstacle) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise PostingFailed(broken) from error


def _by_status(status: int) -> Obstacle:
    if status == 404:
        return Obstacle.MESSAGE
    if status == 403:
        return Obstacle.PERMISSION
    return Obstacle.UNREACHABLE if status >= 500 or status == _TOO_MANY else Obstacle.REFUSED


class Face(Protocol):
    """Somebody who writes in a channel. All methods raise ``PostingFailed``."""

    @property
    def lead(self) -> str:
        """What stands before the first words, to say who speaks."""
        ...

    @property
    def sending(self) -> Bucket:
        """What new messages of this face count in."""
        ...

    @property
    def editing(self) -> Bucket:
        """What its changes count in."""
        ...

    async def send(
        self,
        content: str,
        *,
        view: discord.ui.View | None = None,
        reply_to: int | None = None,
        nonce: str | None = None,
        files: Sequence[discord.File] = (),
    ) -> int:
        """Post a message and return its id; repeated with the same ``nonce`` it is posted once."""
        ...

    async def edit(self, message: int, content: str, *, view: discord.ui.View | None) -> None:
        """Give a message new content; ``None`` takes its buttons away."""
        ...

    async def delete(self, message: int) -> None:
        """Take a message away; one that is gone already does no harm."""
        ...


class OwnFace:
    """The bot itself; ``lead`` names the character that speaks where that is not clear."""

    def __init__(self, channel: Channel, *, lead: str = "") -> None:
        self._channel = channel
        self.lead = lead
        self.sending = Bucket(f"send:{channel.id}")
        self.editing = Bucket(f"edit:{channel.id}")

    async def send(
        self,
        content: str,
        *,
        view: discord.ui.View | None = None,
        reply_to: int | None = None,
        nonce: str | None = None,
        files: Sequence[discord.File] = (),
    ) -> int:
        """Post as the bot, as a reply to ``reply_to`` as long as that is there."""
        more: dict[str, Any] = {} if view is None else {"view": _passive(view)}
        if nonce is not None:
            more["nonce"] = nonce
        if reply_to is not None:
            more["reference"] = discord.MessageReference(
                message_id=reply_to, channel_id=self._channel.id, fail_if_not_exists=False
            )
        if files:
            more["files"] = list(files)
        async with translated():
            message = await self._channel.send(
                content or None, allowed_mentions=SILENT, suppress_embeds=True, **more
            )
        return message.id

    async def edit(self, message: int, content: str, *, view: discord.ui.View | None) -> None:
        """Change one of the bot's own messages."""
        async with translated():
            await self._message(message).edit(
                content=content, view=_passive(view), allowed_mentions=SILENT
            )

    async def delete(self, message: int) -> None:
        """Delete a message."""
        try:
            async with translated():
                await self._message(message).delete()
        except PostingFailed as error:
            if error.obstacle is not Obstacle.MESSAGE:
                raise

    def _message(self, message: int) -> discord.PartialMessage:
        return discord.PartialMessage(channel=self._channel, id=message)


class WebhookFace:
    """A character with its own name and picture, through a webhook of ours.

    Without a ``name`` the webhook is that of a command's answer, where the bot itself speaks, and
    ``lead`` names the character.
    """

    def __init__(
        self,
        webhook: discord.Webhook,
        *,
        name: str | None = None,
        avatar_url: str | None = None,
        thread: discord.abc.Snowflake | None = None,
        lead: str = "",
    ) -> None:
        self._webhook = webhook
        self._name: Any = name or discord.utils.MISSING
        self._avatar_url: Any = avatar_url or discord.utils.MISSING
        self._thread: Any = discord.utils.MISSING if thread is None else thread
        self.lead = lead
        self.sending = self.editing = Bucket(
            f"webhook:{webhook.id}:{hash(webhook.token)}", 5, 2.0, shared=False
        )

    async def send(
        self,
        content: str,
        *,
        view: discord.ui.View | None = None,
        reply_to: int | None = None,
        nonce: str | None = None,
        files: Sequence[discord.File] = (),
    ) -> int:
        """Post as the character; webhooks know neither replies nor nonces.

        Whether it was posted is ``UNCERTAIN`` when the connection broke.
        """
        more: dict[str, Any] = {} if view is None else {"view": _passive(view)}
        if files:
            more["files"] = list(files)
        async with translated(broken=Obstacle.UNCERTAIN):
            message = await self._webhook.send(
                content or discord.utils.MISSING,
                username=self._name,
                avatar_url=self._avatar_url,
                thread=self._thread,
                allowed_mentions=SILENT,
                suppress_embeds=True,
                wait=True,
                **more,
            )
        return message.id

    async def edit(self, message: int, content: str, *, view: discord.ui.View | None) -> None:
        """Change a message of the webhook."""
        async with translated():
            await self._webhook.edit_message(
                message,
                content=content,
                view=_passive(view),
                allowed_mentions=SILENT,
                thread=self._thread,
            )

    async def delete(self, message: int) -> None:
        """Delete a message of the webhook."""
        try:
            async with translated():
                await self._webhook.delete_message(message, thread=self._thread)
        except PostingFailed as error:
            if error.obstacle is not Obstacle.MESSAGE:
                raise


def _passive(view: discord.ui.View | None) -> discord.ui.View | None:
    """Keep discord.py from holding every view ever sent: clicks are found by their custom ids."""
    if view is not None:
        view.stop()
    return view
