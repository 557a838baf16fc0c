"""From Discord's messages to what the conversation core takes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord

from frontends.discord.attachments import Attachments
from frontends.discord.chains import Chains
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.desk import Desk
from frontends.discord.mentions import quoted, readable
from frontends.discord.places import Place, User, account, author_of, role_of
from services.conversation.inbound import Addressing, Inbound
from services.conversation.places import PlaceSettings
from services.domain.ids import AuthorId, ConversationId, IdSource, MessageId, PersonaId
from services.domain.messages import BlobPart, HistoryEntry, Message, Part, TextPart
from services.domain.people import Role
from services.domain.replies import Delivery
from services.persona.activity import Activity
from services.persona.library import CharacterLibrary
from services.persona.names import NameIndex

_GREETING = "Hello!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What the ears work with.

    ``me`` is the bot's own account, ``owns`` knows its owners, ``typed`` has answers in the chat of
    a call spoken as well.
    """

    desk: Desk
    library: CharacterLibrary
    places: PlaceSettings
    attachments: Attachments
    chains: Chains
    ids: IdSource
    me: discord.ClientUser
    activity: Callable[[User], Activity | None]
    owns: Callable[[int], bool]
    typed: Callable[[ConversationId, Delivery], Awaitable[Delivery]]


class Ears:
    """Turns one message into an ``Inbound``; knows what is said to the bot."""

    def __init__(self, hearing: Hearing) -> None:
        self._with = hearing
        self._me = hearing.me.id

    def calls_me(self, message: discord.Message) -> bool:
        """Tell whether a message mentions the bot itself, or replies to what it or a face wrote."""
        return any(user.id == self._me for user in message.mentions) or self.mine(
            answered(message), message.reference
        )

    def mine(
        self, said: discord.Message | None, reference: discord.MessageReference | None
    ) -> bool:
        """Tell whether a message that is replied to may be ours; an unknown one may be."""
        if reference is None or reference.type is not discord.MessageReferenceType.reply:
            return False
        if said is None:
            return reference.resolved is None
        return said.author.id == self._me or (
            said.webhook_id is not None and said.application_id == self._with.me.id
        )

    def text_of(self, message: discord.Message) -> str:
        """Return what a message says."""
        return readable(message, me=self._me, name=self._with.me.display_name)

    async def inbound(self, message: discord.Message, place: Place) -> Inbound:
        """Return what the core is to take in of a message.

        Attachments of what is said to a character are fetched and kept. Raises ``InvalidRequest``
        for those that are too large.
        """
        author = author_of(message.author)
        entry = await self._answered(message, place)
        addressing = await self._addressing(message, place, entry)
        rules = await self._with.places.of(place.conversation)
        said = Message(
            id=MessageId(self._with.ids.new()),
            conversation=place.conversation,
            author=author,
            parts=await self._parts(message, entry, addressing),
            created_at=message.created_at,
            reply_to=entry.message.id if entry else None,
            mentions=self._mentioned(message),
            external_ids=(str(message.id),),
            hop=self._with.chains.hop(place.conversation, author.kind),
        )
        permissions = permissions_in(place, message.author)
        role = role_of(message.author, permissions=permissions, admins=rules.admin_roles)
        delivery = self.delivery(place, reply_to=message.id, asker=message.author)
        return Inbound(
            message=said,
            delivery=await self._with.typed(place.conversation, delivery),
            addressing=addressing,
            role=Role.OWNER if self._with.owns(message.author.id) else role,
            adults=place.adults,
        )

    def delivery(
        self, place: Place, *, asker: User | None = None, reply_to: int | None = None
    ) -> DiscordDelivery:
        """Return a delivery of new messages in a place."""
        by = author_of(asker) if asker is not None else None
        return DiscordDelivery(self._with.desk, place, asker=by, reply_to=reply_to)

    async def _answered(self, message: discord.Message, place: Place) -> HistoryEntry | None:
        reference = message.reference
        if reference is None or reference.message_id is None:
            return None
        found = self._with.desk.conversations.found
        return await found(place.conversation, str(reference.message_id))

    async def _addressing(
        self, message: discord.Message, place: Place, entry: HistoryEntry | None
    ) -> Addressing:
        replies_to = entry.message.author.persona if entry else self._writing(message)
        said = answered(message)
        called = any(user.id == self._me for user in message.mentions) or (
            replies_to is None and said is not None and self.mine(said, message.reference)
        )
        return Addressing(
            mentions=await self._called(message, place) if called else frozenset(),
            replies_to=replies_to,
            private=place.private,
            activity=self._with.activity(message.author),
        )

    def _writing(self, message: discord.Message) -> PersonaId | None:
        """Return who is still writing what a message replies to."""
        reference = message.reference
        number = reference.message_id if reference is not None else None
        return self._with.desk.showing.get(number or 0)

    async def _called(self, message: discord.Message, place: Place) -> frozenset[PersonaId]:
        """Return whom a mention of the bot means: those named beside it, else who answers here."""
        if not place.private:
            namings = NameIndex.of(self._with.library.all()).find(message.content)
            if found := frozenset(one for naming in namings for one in naming.personas):
                return found
        chosen = await self._with.desk.conversations.persona_of(place.conversation)
        return frozenset({chosen.id})

    async def _parts(
        self, message: discord.Message, entry: HistoryEntry | None, addressing: Addressing
    ) -> tuple[Part, ...]:
        me, name = self._me, self._with.me.display_name
        text = self.text_of(message)
        blobs: tuple[BlobPart, ...] = ()
        if message.attachments and self._meant(addressing, text):
            blobs = await self._with.attachments.of(message.attachments)
        said = answered(message) if entry is None else None
        if said is not None:
            text = f"{quoted(said, me=me, name=name)}\n{text}".strip()
            if not blobs and addressing.mentions:
                blobs = await self._with.attachments.of(said.attachments)
        if not text.strip() and not blobs and (addressing.mentions or addressing.private):
            text = _GREETING
        return (TextPart(text=text), *blobs)

    def _meant(self, addressing: Addressing, text: str) -> bool:
        """Tell whether a message is said to a character, so that its files are worth fetching."""
        if addressing.mentions or addressing.replies_to or addressing.private:
            return True
        return bool(NameIndex.of(self._with.library.all()).find(text))

    def _mentioned(self, message: discord.Message) -> tuple[AuthorId, ...]:
        return tuple(account(user.id) for user in message.mentions if user.id != self._me)


def answered(message: discord.Message) -> discord.Message | None:
    """Return the message that another one replies to, where Discord sent it along."""
    reference = message.reference
    if reference is None or reference.type is not discord.MessageReferenceType.reply:
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def permissions_in(place: Place, user: User) -> discord.Permissions | None:
    """Return what somebody may do in a place; ``None`` where there is nothing to manage."""
    if not isinstance(user, discord.Member):
        return None
    channel = place.thread or place.parent
    if channel is None:
        return user.guild_permissions
    try:
        return channel.permissions_for(user)
    except discord.ClientException:  # the channel above a thread is not known
        return user.guild_permissions
