"""Clicks on the buttons under answers, found by their custom ids whenever they were sent."""

from __future__ import annotations

from typing import Any

import discord

from frontends.discord.acting import Acting, Click
from frontends.discord.asking import answer, asked, bot_of
from frontends.discord.buttons import ANSWER_ID, CONFIRM_ID, STOP_ID, Act
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.edit_form import EditAnswer
from frontends.discord.posting import translated
from services.domain.errors import NotAllowed
from services.domain.ids import ActionId, MessageId, TurnId

Button = discord.ui.Button[Any]


class AnswerButton(Clickable[Button], template=ANSWER_ID):
    """One of the buttons under a finished answer."""

    async def clicked(self, interaction: Clicked) -> None:
        """Do what the button says, for whoever may."""
        act, asker = Act(self.parts["act"]), int(self.parts["asker"])
        acting = bot_of(interaction).acting
        click = Click(
            who=await asked(interaction),
            message=MessageId(self.parts["message"]),
            asker=asker,
            webhook=_webhook_of(interaction),
        )
        acting.check(click.who, asker)
        if act is Act.WHY:
            await answer(interaction, await acting.why(click))
            return
        if act is Act.EDIT:
            form = EditAnswer(click, await acting.text(click))
            async with translated():
                await interaction.response.send_modal(form)
            return
        async with translated():
            await interaction.response.defer()
        await _change(acting, act, click)


class StopButton(Clickable[Button], template=STOP_ID):
    """The button under an answer that is being written."""

    async def clicked(self, interaction: Clicked) -> None:
        """Stop the answer, keeping what was shown; a button that was left over goes."""
        turn, asker = TurnId(self.parts["turn"]), int(self.parts["asker"])
        bot = bot_of(interaction)
        who = await asked(interaction)
        bot.acting.check(who, asker)
        writing = bot.desk.writing.get(who.conversation)
        runs = writing is not None and writing.turn == turn
        mine = bot.desk.speaking.get(who.conversation) == who.author.id
        async with translated():
            if runs or mine:
                await interaction.response.defer()
                bot.services.conversations().stop(who.conversation)
            else:
                await interaction.response.edit_message(view=None)


class ConfirmButton(Clickable[Button], template=CONFIRM_ID):
    """Yes or no to a tool's question."""

    async def clicked(self, interaction: Clicked) -> None:
        """Pass the decision on; whoever may not decide leaves the buttons as they are."""
        asker = int(self.parts["asker"])
        who = await asked(interaction)
        if asker and who.author.id.user != str(asker):
            raise NotAllowed("confirm_other", "Only the person who asked can confirm this.")
        async with translated():
            await interaction.response.edit_message(view=None)
        action, approve = ActionId(self.parts["action"]), self.parts["answer"] == "yes"
        await bot_of(interaction).acting.decide(who, action, approve=approve)


async def _change(acting: Acting, act: Act, click: Click) -> None:
    match act:
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


def _webhook_of(interaction: Clicked) -> int | None:
    """Return the webhook that posted the clicked message; ``None`` for the bot itself."""
    message = interaction.message
    if message is None or message.webhook_id == interaction.application_id:
        return None
    return message.webhook_id
