"""Talking to a character by command, through the same pipeline as a mention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import Asked, answer
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.followups import desk_for
from frontends.discord.listening import notice
from frontends.discord.mentions import quoted
from frontends.discord.posting import SILENT, translated
from services.conversation.inbound import Addressing, Inbound
from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.ids import MessageId
from services.domain.messages import Message, TextPart
from services.domain.people import Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]

_LONGEST_QUOTE = 1_800
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What somebody says by command; ``shown_as`` is the message in which people see it."""

    text: str
    attached: Sequence[discord.Attachment] = ()
    shown_as: int | None = None
    reply_to: int | None = None


async def show_words(interaction: Used, who: Asked, text: str) -> int | None:
    """Answer a command with the words it was given, for everybody; return that message's id."""
    async with translated():
        posted = await interaction.response.send_message(
            quotation(who.author.display_name, text), allowed_mentions=SILENT, suppress_embeds=True
        )
    return posted.message_id


def quotation(name: str, text: str) -> str:
    """Return somebody's words as a quotation with their name, cut to what a message holds."""
    cut = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    known = discord.utils.escape_markdown(name[:_LONGEST_NAME])
    lines = f"**{known}:** {cut}".splitlines()
    quote = "\n".join(f"> {line}" for line in lines)
    return quote if len(quote) <= 2_000 else f"{quote[:1_999]}…"


async def converse(interaction: Used, who: Asked, said: Utterance) -> None:
    """Hand what was said to the conversation and wait until it was answered.

    Why nobody answers is told to whoever asked. Raises what ``ConversationService.receive`` does.
    """
    bot = interaction.client
    bot.chains.human(who.conversation)
    conversations = bot.services.conversations()
    delivery = DiscordDelivery(
        desk_for(interaction), who.place, asker=who.author, reply_to=said.reply_to
    )
    receipt = await conversations.receive(
        Inbound(
            message=await _message(bot, who, said),
            delivery=await bot.calls.typed(who.conversation, delivery),
            addressing=await _addressing(bot, who),
            role=who.role,
            adults=who.place.adults,
        )
    )
    outcome = await receipt.outcome()
    if outcome.withheld is not None:
        await answer(interaction, notice(outcome.withheld))


async def answer_to(interaction: Used, who: Asked, message: discord.Message) -> None:
    """Let the character answer somebody's message, which it is shown as a quotation.

    Raises ``InvalidRequest`` for a message without words or files.
    """
    bot = interaction.client
    text = quoted(message, me=bot.user.id, name=bot.user.display_name)
    if not text and not message.attachments:
        raise InvalidRequest("message_empty", "There is nothing in that message to answer.")
    persona = await bot.services.conversations().persona_of(who.conversation)
    await answer(interaction, f"{persona.name} is asked to answer that.")
    said = Utterance(text=text, attached=message.attachments, reply_to=message.id)
    await converse(interaction, who, said)


def stop_answer(bot: AcoreBot, who: Asked) -> str:
    """Stop the answer that is being written, and say so.

    Raises ``NotAllowed`` for everybody but whoever asked for it and moderators.
    """
    asker = bot.desk.speaking.get(who.conversation)
    mine = asker == who.author.id or who.place.private
    if asker is not None and not mine and who.role < Role.MODERATOR:
        raise NotAllowed("stop_other", "Only the person who asked and moderators can stop that.")
    if asker is None and who.role < Role.MODERATOR and not who.place.private:
        return "Nothing is being said here."
    if bot.services.conversations().stop(who.conversation):
        return "Stopped."
    return "Nothing is being said here."


async def _message(bot: AcoreBot, who: Asked, said: Utterance) -> Message:
    parts: list[Any] = [TextPart(text=said.text), *await bot.attachments.of(said.attached)]
    return Message(
        id=MessageId(bot.services.ids().new()),
        conversation=who.conversation,
        author=who.author,
        parts=tuple(parts),
        created_at=bot.services.clock().now(),
        external_ids=() if said.shown_as is None else (str(said.shown_as),),
    )


async def _addressing(bot: AcoreBot, who: Asked) -> Addressing:
    """Return for whom it is meant: the character that answers here, or whoever is in the scene."""
    conversations = bot.services.conversations()
    if (await conversations.scene(who.conversation)).open:
        return Addressing(private=True)
    persona = await conversations.persona_of(who.conversation)
    return Addressing(mentions=frozenset({persona.id}), private=who.place.private)
