"""Fetching a model while people watch one message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import discord

from frontends.discord.asking import answer, asked
from frontends.discord.failures import tell
from frontends.discord.posting import SILENT, PostingFailed, translated
from services.domain.clock import Clock
from services.domain.errors import AcoreError, Busy
from services.domain.people import Role
from services.lifecycle import Supervisor

if TYPE_CHECKING:
    from services.llm.catalog import ModelCatalog, PullProgress

_EVERY_SECONDS = 2.0
_MEGABYTE = 1_000_000
_LONGEST = 200


class Pulling:
    """Fetches one model at a time; its message changes every 2 s at most."""

    def __init__(self, models: ModelCatalog, *, clock: Clock, supervisor: Supervisor) -> None:
        self._models = models
        self._clock = clock
        self._supervisor = supervisor
        self._busy = False
        self._running: asyncio.Task[None] | None = None

    async def begin(self, interaction: discord.Interaction, name: str) -> None:
        """Answer with the message that shows the progress, and fetch ``name``.

        Raises ``Busy`` while another one is fetched. It goes on when the message is gone.
        """
        if self._busy:
            raise Busy("pull_running", "Another model is being fetched; wait for it or cancel it.")
        self._busy = True
        cancel = CancelPull(self.cancel)
        try:
            await answer(interaction, f"{_shown(name)}: begins", private=False, view=cancel)
        except BaseException:
            self._busy = False
            raise
        board = _Board(interaction, cancel, clock=self._clock)
        self._running = self._supervisor.start("model pull", partial(self._fetch, name, board))

    def cancel(self) -> None:
        """Stop fetching."""
        if self._running is not None:
            self._running.cancel()

    async def _fetch(self, name: str, board: _Board) -> None:
        try:
            async with aclosing(self._models.pull(name)) as progress:
                async for step in progress:
                    await board.show(f"{_shown(name)}: {_line(step)}")
            ending = f"{_shown(name)} is here; /model set chooses it."
        except AcoreError as error:
            ending = error.user_message
        except asyncio.CancelledError:
            await board.end(f"{_shown(name)}: cancelled.")
            raise
        finally:
            self._busy = False
        await board.end(ending)


class _Board:
    """The message that shows how far it is."""

    def __init__(self, asked_by: discord.Interaction, cancel: CancelPull, *, clock: Clock) -> None:
        self._asked_by = asked_by
        self._cancel = cancel
        self._clock = clock
        self._shown_at = clock.monotonic()
        self._message: discord.PartialMessage | None = None

    async def show(self, text: str) -> None:
        """Show ``text``, unless something was shown less than 2 s ago."""
        now = self._clock.monotonic()
        if now - self._shown_at >= _EVERY_SECONDS:
            self._shown_at = now
            await self._edit(text)

    async def end(self, text: str) -> None:
        """Show the last text, without a button."""
        self._cancel.stop()
        await self._edit(text, ended=True)

    async def _edit(self, text: str, *, ended: bool = False) -> None:
        more: dict[str, Any] = {"view": None} if ended else {}
        if self._asked_by.client.is_closed():
            return
        try:
            async with translated():
                if not self._asked_by.is_expired():
                    shown = await self._asked_by.edit_original_response(
                        content=text, allowed_mentions=SILENT, **more
                    )
                    place = self._asked_by.client.get_partial_messageable(shown.channel.id)
                    self._message = place.get_partial_message(shown.id)
                elif self._message is not None:
                    await self._message.edit(content=text, allowed_mentions=SILENT, **more)
        except PostingFailed:  # nobody watches any more
            return


class CancelPull(discord.ui.View):
    """A button for owners that stops the fetching."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        super().__init__(timeout=None)
        self._stop_pull = cancel

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.danger)
    async def cancel(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Stop fetching."""
        (await asked(interaction)).need(Role.OWNER)
        async with translated():
            await interaction.response.defer()
        self._stop_pull()

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _item: object, /
    ) -> None:
        """Say why nothing was stopped."""
        await tell(interaction, error)


def _line(step: PullProgress) -> str:
    line = discord.utils.escape_markdown(step.status[:_LONGEST])
    if step.total:
        completed = step.completed or 0
        share = 100 * completed // step.total
        line += f" {share} % ({completed / _MEGABYTE:.0f} of {step.total / _MEGABYTE:.0f} MB)"
    return line


def _shown(name: str) -> str:
    return f"**{discord.utils.escape_markdown(name[:_LONGEST])}**"
