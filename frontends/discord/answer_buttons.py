"""Clicks on the buttons under answers, found by their custom ids whenever they were sent."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import discord

from frontends.discord.acting import Acting, Click
from frontends.discord.asking import answer, asked, bot_of
from frontends.discord.buttons import ANSWER_ID, CONFIRM_ID, STOP_ID, Act
from frontends.discord.clicks import set_off
from frontends.discord.edit_form import EditAnswer
from frontends.discord.posting import translated
from services.domain.errors import NotAllowed
from services.domain.ids import ActionId, MessageId, TurnId

Clicked = discord.Interaction[Any]


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
        set_off(interaction, partial(self._act, interaction))

    async def _act(self, interaction: Clicked) -> None:
        acting = bot_of(interaction).acting
        click = Click(
            who=await asked(interaction),
            message=self.message,
            asker=self.asker,
            webhook=_webhook_of(interaction),
        )
        acting.check(click.who, self.asker)
        if self.act is Act.WHY:
            await answer(interaction, await acting.why(click))
            return
        if self.act is Act.EDIT:
            form = EditAnswer(click, await acting.text(click))
            async with translated():
                await interaction.response.send_modal(form)
            return
        async with translated():
            await interaction.response.defer()
        await self._change(acting, click)

    async def _change(self, acting: Acting, click: Click) -> None:
        match self.act:
            case Act.REGENERATE:
                await acting.regenerate(click)
            case Act.PREVIOUS:
                await acting.swipe(click, -1)
            case Act.NEXT:
                await acting.swipe(click, 1)
            case Act.CONTINUE:
                await acting.further(click)
            case _:
                await acting.delete(click)


class StopButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=STOP_ID):
    """The button under an answer that is being written."""

    def __init__(self, item: discord.ui.Button[Any], turn: TurnId, asker: int) -> None:
        super().__init__(item)
        self.turn = turn
        self.asker = asker

    @classmethod
    async def from_custom_id(
        cls, interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> StopButton:
        """Read the button's custom id."""
        assert isinstance(item, discord.ui.Button)  # noqa: S101  only buttons have such ids
        return cls(item, TurnId(match["turn"]), int(match["asker"]))

    async def callback(self, interaction: Clicked) -> None:
        """Stop the answer, keeping what was shown; a button that was left over goes."""
        set_off(interaction, partial(self._stop, interaction))

    async def _stop(self, interaction: Clicked) -> None:
        bot = bot_of(interaction)
        who = await asked(interaction)
        bot.acting.check(who, self.asker)
        writing = bot.desk.writing.get(who.conversation)
        runs = writing is not None and writing.turn == self.turn
        mine = bot.desk.speaking.get(who.conversation) == who.author.id
        async with translated():
            if runs or mine:
                await interaction.response.defer()
                bot.services.conversations().stop(who.conversation)
            else:
                await interaction.response.edit_message(view=None)


class ConfirmButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=CONFIRM_ID):
    """Yes or no to a tool's question."""

    def __init__(
        self, item: discord.ui.Button[Any], action: ActionId, asker: int, *, approve: bool
    ) -> None:
        super().__init__(item)
        self.action = action
        self.asker = asker
        self.approve = approve

    @classmethod
    async def from_custom_id(
        cls, interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> ConfirmButton:
        """Read a button's custom id."""
        assert isinstance(item, discord.ui.Button)  # noqa: S101  only buttons have such ids
        asker = int(match["asker"])
        return cls(item, ActionId(match["action"]), asker, approve=match["answer"] == "yes")

    async def callback(self, interaction: Clicked) -> None:
        """Pass the decision on; whoever may not decide leaves the buttons as they are."""
        set_off(interaction, partial(self._decide, interaction))

    async def _decide(self, interaction: Clicked) -> None:
        who = await asked(interaction)
        if self.asker and who.author.id.user != str(self.asker):
            raise NotAllowed("confirm_other", "Only the person who asked can confirm this.")
        async with translated():
            await interaction.response.edit_message(view=None)
        await bot_of(interaction).acting.decide(who, self.action, approve=self.approve)


def _webhook_of(interaction: Clicked) -> int | None:
    """Return the webhook that posted the clicked message; ``None`` for the bot itself."""
    message = interaction.message
    if message is None or message.webhook_id == interaction.application_id:
        return None
    return message.webhook_id
