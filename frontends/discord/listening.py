"""Which messages are handed to the conversation core, and what is said when it declines."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

import discord

from frontends.discord.places import Place, account, may_write, place_of
from frontends.discord.posting import SILENT, PostingFailed, translated
from services.conversation.inbound import Outcome, Withheld
from services.domain.errors import AcoreError
from services.domain.ids import ConversationId
from services.domain.people import Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

logger = logging.getLogger(__name__)

_SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})
_MOST_PLACES = 2_000
_MOST_NAMES = 50
_NOTICE_SECONDS = 20.0
_LATE = "I am asked a lot right now; give me a moment and try again."


class Listening:
    """Hears every message the gateway brings; cheap for those that are not for the bot.

    Beyond mentions, replies and direct messages only places that chose so are listened to.
    """

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot
        self._places = bot.services.places()
        self._conversations = bot.services.conversations()
        self._permissions = bot.services.permissions()
        self._monotonic = bot.services.clock().monotonic
        self._names: OrderedDict[ConversationId, deque[str]] = OrderedDict()
        self._told: OrderedDict[tuple[ConversationId, int], float] = OrderedDict()
        self._closed: OrderedDict[ConversationId, None] = OrderedDict()

    def hear(self, message: discord.Message) -> None:
        """Take a message in or leave it."""
        bot = self._bot
        if message.author.id == bot.user.id or message.application_id == bot.application_id:
            return
        if message.type not in _SPOKEN or bot.is_old(message.created_at):
            return
        place = place_of(message.channel, message.guild)
        if place is None:
            return
        if not message.author.bot:
            bot.chains.human(place.conversation)
        called = place.private or bot.ears.calls_me(message)
        if not called and not self._listens(place.conversation):
            return
        if not self._open(place):
            return
        self._note_name(place.conversation, message.author.display_name)
        work = partial(self._take_in, message, place, called=called)
        author = message.author
        if not bot.lines.post(place.conversation, work, by=author.id) and called and not author.bot:
            self._excuse(message, place, _LATE)

    def names_in(self, conversation: ConversationId) -> Collection[str]:
        """Return the names of people who lately wrote somewhere."""
        return self._names.get(conversation, ())

    def _listens(self, conversation: ConversationId) -> bool:
        rules = self._places.known(conversation)
        return rules is None or rules.listens

    async def _take_in(self, message: discord.Message, place: Place, *, called: bool) -> None:
        rules = await self._places.of(place.conversation)
        if (not called and not rules.listens) or await self._ignored(message, place):
            return
        try:
            inbound = await self._bot.ears.inbound(message, place)
            receipt = await self._conversations.receive(inbound)
        except AcoreError as error:
            if called:
                self._excuse(message, place, error.user_message)
            return
        self._bot.catching_up.heard(message)
        receipt.then(partial(self._follow, message, place, called=called))

    async def _ignored(self, message: discord.Message, place: Place) -> bool:
        """Tell whether nothing is to come of a message, not even a notice or a download."""
        if (await self._places.of(place.conversation)).muted:
            return True
        author = message.author.id
        given = Role.OWNER if self._bot.owns(author) else Role.GUEST
        standing = await self._permissions.standing(
            account(author), place.conversation, given=given
        )
        return standing.blocked

    def _open(self, place: Place) -> bool:
        """Tell whether the bot may write in a place; where it may not is logged once."""
        if may_write(place, webhooks=self._bot.settings.webhooks):
            if self._closed:
                self._closed.pop(place.conversation, None)
            return True
        if place.conversation not in self._closed:
            self._closed[place.conversation] = None
            logger.warning("the bot may not write here", extra={"channel": place.channel.id})
            if len(self._closed) > _MOST_PLACES:
                self._closed.popitem(last=False)
        return False

    def _follow(
        self,
        message: discord.Message,
        place: Place,
        outcome: Outcome | BaseException,
        *,
        called: bool,
    ) -> None:
        match outcome:
            case Outcome(withheld=Withheld(notify=True) as withheld):
                self._excuse(message, place, notice(withheld))
            case AcoreError() if called:
                self._excuse(message, place, outcome.user_message)
            case Outcome() | AcoreError():
                pass
            case error:
                logger.error("a message failed unexpectedly", exc_info=error)

    def _excuse(self, message: discord.Message, place: Place, text: str) -> None:
        """Tell somebody why they are not answered, unless they were told of something lately."""
        whom, now = (place.conversation, message.author.id), self._monotonic()
        if now - self._told.get(whom, -_NOTICE_SECONDS) < _NOTICE_SECONDS:
            return
        self._told[whom] = now
        self._told.move_to_end(whom)
        if len(self._told) > _MOST_PLACES:
            self._told.popitem(last=False)
        self._bot.supervisor.start("notice", partial(self._tell, message, place, text))

    async def _tell(self, message: discord.Message, place: Place, text: str) -> None:
        if await self._ignored(message, place):
            return
        try:
            async with translated():
                told = await message.reply(
                    f"-# {text}", mention_author=False, allowed_mentions=SILENT
                )
                await asyncio.sleep(_NOTICE_SECONDS)
                await told.delete()
        except PostingFailed as error:
            logger.info("a notice was not posted", extra={"code": error.code})

    def _note_name(self, conversation: ConversationId, name: str) -> None:
        names = self._names.get(conversation)
        if names is None:
            names = self._names[conversation] = deque(maxlen=_MOST_NAMES)
            if len(self._names) > _MOST_PLACES:
                self._names.popitem(last=False)
        if name not in names:
            names.append(name)


def notice(withheld: Withheld) -> str:
    """Return what somebody is told, once, whose message is not answered."""
    wait = max(1.0, withheld.retry_after or 0.0)
    match withheld.reason:
        case "user_limit":
            return f"You are quick! I will answer you again in {wait:.0f} s."
        case "channel_limit":
            return f"A lot is asked here; I will answer again in {wait:.0f} s."
        case "adults_only":
            return "That character speaks in age-restricted channels only; choose another one."
        case "blocked_words" | "moderation":
            return withheld.detail
        case _:
            return "I cannot answer that here."
