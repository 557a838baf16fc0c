"""The first message in a server: what the bot does, and the first choices."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import Asked, answer, asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.memory_text import notice_pages
from frontends.discord.paging import show_pages
from frontends.discord.places import Place, place_of
from frontends.discord.posting import SILENT, translated
from frontends.discord.setting_views import LISTENING, NOT_LISTENING
from services.domain.errors import AcoreError
from services.domain.people import Role
from services.people.scopes import ScopeKind

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot
    from services.persona.character import Persona

logger = logging.getLogger(__name__)

PERSONA_ID = "acore:welcome:persona"
LISTEN_ID = r"acore:welcome:listen:(?P<switch>on|off)"
PRIVACY_ID = "acore:welcome:privacy"

_MOST_CHARACTERS = 25
_MOST_TRIES = 5
_LONGEST_LABEL = 100


def welcome_text(characters: Sequence[Persona], *, answering: str, me: discord.ClientUser) -> str:
    """Return the first message; ``me`` is the bot."""
    plain = discord.utils.escape_markdown
    return (
        f"**Hello, I am {plain(me.display_name)}.** I bring characters to talk with: "
        f"{_counted(characters)}. {plain(answering)} answers here.\n"
        "Three things to try:\n"
        f"1. Mention me: {me.mention} hello!\n"
        "2. Reply to an answer; with the buttons under it you can have it told anew, changed or "
        "continued.\n"
        "3. /help shows all I can do, /settings show what can be chosen here.\n"
        "Admins choose below who answers in this server, and whether I read along in this channel."
    )


def welcome_view(
    characters: Iterable[Persona], *, chosen: str, listens: bool | None
) -> discord.ui.View:
    """Return the menu and buttons; they are found by their custom ids whenever they are used.

    With ``listens`` left open, as in private, there is nothing to choose about listening.
    """
    view = discord.ui.View(timeout=None)
    if options := _options(list(characters), chosen=chosen):
        question = "Who answers here?" if listens is None else "Who answers in this server?"
        view.add_item(
            discord.ui.Select(custom_id=PERSONA_ID, placeholder=question, options=options, row=0)
        )
    if listens is not None:
        switch, label = ("off", "Stop listening here") if listens else ("on", "Listen here")
        custom_id = f"acore:welcome:listen:{switch}"
        view.add_item(discord.ui.Button(custom_id=custom_id, label=label, emoji="👂", row=1))
    view.add_item(
        discord.ui.Button(custom_id=PRIVACY_ID, label="What is stored?", emoji="🔒", row=1)
    )
    view.stop()
    return view


async def welcome(bot: AcoreBot, guild: discord.Guild) -> bool:
    """Post the first message where a server wants such things; False when it can be nowhere."""
    for channel in _writable(guild)[:_MOST_TRIES]:
        place = place_of(channel, guild)
        assert place is not None  # noqa: S101  a text channel is a place
        try:
            text, view = await _welcome_in(bot, place)
            async with translated():
                await channel.send(text, view=view, allowed_mentions=SILENT)
        except AcoreError as error:
            logger.info("no welcome in a channel", extra={"code": error.code})
        else:
            return True
    logger.info("a server has no channel for a welcome")
    return False


async def show_welcome(interaction: Clicked) -> None:
    """Answer with the first message, to the asker alone; for admins."""
    who = await _allowed(interaction)
    text, view = await _welcome_in(bot_of(interaction), who.place)
    await answer(interaction, text, view=view)


class WelcomeMenu(Clickable[discord.ui.Select[Any]], template=PERSONA_ID):
    """Who answers in the server."""

    async def clicked(self, interaction: Clicked) -> None:
        """Let the chosen character answer in the server; for admins."""
        who = await _allowed(interaction)
        width = ScopeKind.CHANNEL if who.place.private else ScopeKind.GUILD
        places = bot_of(interaction).services.places()
        slug = self.item.values[0]
        chosen = await places.change(
            who.conversation, "persona", slug, width=width, by=who.author, role=who.here
        )
        shown = discord.utils.escape_markdown(chosen.shown)
        await answer(interaction, f"{shown} answers here from now on.")


class ListenButton(Clickable[discord.ui.Button[Any]], template=LISTEN_ID):
    """Whether all messages of the channel are read."""

    async def clicked(self, interaction: Clicked) -> None:
        """Switch listening; for admins."""
        who = await _allowed(interaction)
        bot, switch = bot_of(interaction), self.parts["switch"]
        await bot.services.places().change(
            who.conversation, "listen", switch, by=who.author, role=who.here
        )
        _, view = await _welcome_in(bot, who.place)
        async with translated():
            await interaction.response.edit_message(view=view)
        await answer(interaction, LISTENING if switch == "on" else NOT_LISTENING)


class PrivacyButton(Clickable[discord.ui.Button[Any]], template=PRIVACY_ID):
    """What is stored, for everybody."""

    async def clicked(self, interaction: Clicked) -> None:
        """Tell it."""
        who = await asked(interaction)
        notice = bot_of(interaction).services.privacy_notice()
        await show_pages(interaction, notice_pages(await notice.of(who.conversation)))


async def _allowed(interaction: Clicked) -> Asked:
    """Return who clicked. Raises ``NotAllowed`` below admins, but in private."""
    who = await asked(interaction)
    if not who.place.private:
        who.need(Role.ADMIN)
    return who


async def _welcome_in(bot: AcoreBot, place: Place) -> tuple[str, discord.ui.View]:
    places = bot.services.places()
    rules = await places.note_adults(place.conversation, adults=place.adults)
    persona = await bot.services.conversations().persona_of(place.conversation)
    characters = [one for one in bot.services.library().all() if rules.admits(one)]
    text = welcome_text(characters, answering=persona.name, me=bot.user)
    listens = None if place.private else rules.listens
    return text, welcome_view(characters, chosen=persona.slug, listens=listens)


def _writable(guild: discord.Guild) -> list[discord.TextChannel]:
    """Return the channels the bot may write in, the one for such messages first."""
    first = guild.system_channel
    channels = [*([first] if first is not None else []), *guild.text_channels]
    return [
        channel
        for channel in dict.fromkeys(channels)
        if channel.permissions_for(guild.me).view_channel
        and channel.permissions_for(guild.me).send_messages
    ]


def _options(characters: list[Persona], *, chosen: str) -> list[discord.SelectOption]:
    ranked = sorted(characters, key=lambda one: one.slug != chosen)[:_MOST_CHARACTERS]
    return [
        discord.SelectOption(
            label=one.name[:_LONGEST_LABEL], value=one.slug, default=one.slug == chosen
        )
        for one in ranked
        if len(one.slug) <= _LONGEST_LABEL
    ]


def _counted(characters: Sequence[Persona]) -> str:
    count = len(characters)
    return f"{count} character{' is' if count == 1 else 's are'} here"
