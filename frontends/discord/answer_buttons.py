"""Clicks on the buttons under answers, found by their custom ids whenever they were sent."""

from __future__ import annotations

import re
from typing import Any

import discord

from frontends.discord.asking import answer, asked, bot_of
from frontends.discord.buttons import ANSWER_ID, CONFIRM_ID, STOP_ID, Act
from frontends.discord.failures import tell
from frontends.discord.posting import translated
from services.domain.errors import AcoreError
from services.domain.ids import ActionId, MessageId

Clicked = discord.Interaction[Any]

_LONGEST_EDIT = 4000


class AnswerButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=ANSWER_ID):
    """One of the buttons under a finished answer."""

    def __init__(
        self, item: discord.ui.Button[Any], act: Act, message: MessageId, asker: int
    ) -> None:
        super().__init__(item)
        self.act = act
        self.message = message
        self.asker = asker

    @classmethod
    async def from_custom_id(
        cls, interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> AnswerButton:
        """Read a button's custom id."""
        assert isinstance(item, discord.ui.Button)  # noqa: S101  only buttons have such ids
        return cls(item, Act(match["act"]), MessageId(match["message"]), int(match["asker"]))

    async def callback(self, interaction: Clicked) -> None:
        """Do what the button says, for whoever may."""
        try:
            await self._act(interaction)
        except AcoreError as error:
            await tell(interaction, error)

    async def _act(self, interaction: Clicked) -> None:
        acting = bot_of(interaction).acting
        who = await asked(interaction)
        acting.check(who, self.asker)
        if self.act is Act.WHY:
            await answer(interaction, await acting.why(who, self.message))
            return
        if self.act is Act.EDIT:
            modal = EditAnswer(self.message, await acting.text(who, self.message))
            async with translated():
                await interaction.response.send_modal(modal)
            return
        async with translated():
            await interaction.response.defer()
        match self.act:
            case Act.REGENERATE:
                await acting.regenerate(who, self.message)
            case Act.PREVIOUS:
                await acting.swipe(who, self.message, -1)
            case Act.NEXT:
                await acting.swipe(who, self.message, 1)
            case Act.CONTINUE:
                await acting.further(who, self.message)
            case _:
                await acting.delete(who, self.message)


class EditAnswer(discord.ui.Modal, title="Edit the answer"):
    """A form with the words of an answer."""

    words: discord.ui.TextInput[EditAnswer] = discord.ui.TextInput(
        label="Words", style=discord.TextStyle.paragraph, max_length=_LONGEST_EDIT
    )

    def __init__(self, message: MessageId, text: str) -> None:
        super().__init__()
        self._message = message
        self.words.default = text[:_LONGEST_EDIT]

    async def on_submit(self, interaction: Clicked, /) -> None:
        """Keep the new words and show them."""
        async with translated():
            await interaction.response.defer()
        who = await asked(interaction)
        await bot_of(interaction).acting.edit(who, self._message, self.words.value)

    async def on_error(self, interaction: Clicked, error: Exception, /) -> None:  # type: ignore[override]
        """Say why the words were not taken."""
        await tell(interaction, error)


class StopButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=STOP_ID):
    """The button under an answer that is being written."""

    def __init__(self, item: discord.ui.Button[Any], asker: int) -> None:
        super().__init__(item)
        self.asker = asker

    @classmethod
    async def from_custom_id(
        cls, interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> StopButton:
        """Read the button's custom id."""
        assert isinstance(item, discord.ui.Button)  # noqa: S101  only buttons have such ids
        return cls(item, int(match["asker"]))

    async def callback(self, interaction: Clicked) -> None:
        """Stop the answer, keeping what was shown."""
        try:
            who = await asked(interaction)
            bot_of(interaction).acting.check(who, self.asker)
            async with translated():
                await interaction.response.defer()
            bot_of(interaction).services.conversations().stop(who.conversation)
        except AcoreError as error:
            await tell(interaction, error)


class ConfirmButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=CONFIRM_ID):
    """Yes or no to a tool's question."""

    def __init__(self, item: discord.ui.Button[Any], action: ActionId, *, approve: bool) -> None:
        super().__init__(item)
        self.action = action
        self.approve = approve

    @classmethod
    async def from_custom_id(
        cls, interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> ConfirmButton:
        """Read a button's custom id."""
        assert isinstance(item, discord.ui.Button)  # noqa: S101  only buttons have such ids
        return cls(item, ActionId(match["action"]), approve=match["answer"] == "yes")

    async def callback(self, interaction: Clicked) -> None:
        """Pass the decision on; the service checks who may decide."""
        try:
            who = await asked(interaction)
            async with translated():
                await interaction.response.edit_message(view=None)
            await bot_of(interaction).acting.decide(who, self.action, approve=self.approve)
        except AcoreError as error:
            await tell(interaction, error)
