"""Who is in a voice channel: who may be listened to there, and who may do what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import Asked
from frontends.discord.places import author_of, in_guild, role_of
from services.domain.errors import AcoreError, NotAllowed
from services.domain.ids import AuthorId, PersonaId
from services.domain.people import Author, AuthorKind, Role
from services.voice.consent import Consent

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

logger = logging.getLogger(__name__)

CallChannel = discord.VoiceChannel | discord.StageChannel
"""Where a call can be."""

_LOOKING_SECONDS = 5.0
_AGAIN_SECONDS = 30.0
_AT_ONCE = 100
_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody in a voice channel; who is not ``heard`` may not be listened to."""

    member: discord.Member
    author: Author
    role: Role
    heard: bool


class Admission:
    """Says what people may do in voice channels, and who wants not to be listened to."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot
        self.consent = Consent(bot.services.own_choices())

    async def asked(self, member: discord.Member, channel: CallChannel) -> Asked:
        """Return what somebody may do in a channel. Raises ``NotAllowed`` for who is blocked."""
        asked, blocked = await self._standing(member, channel)
        if blocked:
            raise NotAllowed("blocked", "You are not answered here.")
        return asked

    async def attendee(self, member: discord.Member, channel: CallChannel) -> Attendee:
        """Return somebody as they take part in a call; machines are not heard."""
        asked, blocked = await self._standing(member, channel)
        human = asked.author.kind is AuthorKind.HUMAN
        heard = human and not blocked and await self.consent.given(asked.author.id)
        return Attendee(member=member, author=asked.author, role=asked.role, heard=heard)

    async def _standing(self, member: discord.Member, channel: CallChannel) -> tuple[Asked, bool]:
        place = in_guild(channel)
        services = self._bot.services
        rules = await services.places().note_adults(place.conversation, adults=place.adults)
        allowed = channel.permissions_for(member)
        given = role_of(member, permissions=allowed, admins=rules.admin_roles)
        if self._bot.owns(member.id):
            given = Role.OWNER
        author = author_of(member)
        found = await services.permissions().standing(author.id, place.conversation, given=given)
        return Asked(place=place, author=author, role=found.role), found.blocked


class Presence:
    """Knows the people in one channel; others are nobody.

    Discord tells of those who come; who was there before is looked up. Nobody is listened to
    before it is known that they may be; ``known`` is called with the user id of who may be from
    now on.
    """

    def __init__(
        self,
        bot: AcoreBot,
        admission: Admission,
        channel: CallChannel,
        *,
        known: Callable[[int], None],
    ) -> None:
        self._bot = bot
        self._known_of = known
        self._admission = admission
        self._people: dict[int, Attendee] = {}
        self._machines: set[int] = set()
        self._looked: dict[int, float] = {}
        self.channel = channel
        self.empty = asyncio.Event()
        """Set while no person is in the channel."""
        self.peopled = asyncio.Event()
        """Set while somebody is."""

    async def begin(self, channel: CallChannel) -> None:
        """Look at a channel anew."""
        self.channel = channel
        self._people.clear()
        self._looked.clear()
        await self._look_up(self._inside())
        self.look()

    async def enter(self, member: discord.Member) -> None:
        """Somebody came, or what is known of them changed."""
        self.look()
        found = await self._admission.attendee(member, self.channel)
        if member.id in self.channel.voice_states and len(self._people) < _MOST:
            self._people[member.id] = found
            if found.author.kind is not AuthorKind.HUMAN:
                self._machines.add(member.id)
            if found.heard:
                self._known_of(member.id)
        self.look()

    def leave(self, user: int) -> None:
        """Somebody left."""
        self._people.pop(user, None)
        self.look()

    def look(self) -> None:
        """See whether any person is there."""
        there = any(user not in self._machines for user in self._inside())
        for event, holds in ((self.empty, not there), (self.peopled, there)):
            if holds:
                event.set()
            else:
                event.clear()

    def holds(self, user: int) -> bool:
        """Tell whether somebody is in the channel."""
        return user in self.channel.voice_states

    def author_of(self, user: int) -> Author | None:
        """Return who speaks, ``None`` for those who are not to be heard."""
        found = self._people.get(user)
        if found is None:
            self._look_for(user)
            return None
        return found.author if found.heard else None

    def role_of(self, author: Author) -> Role:
        """Return what somebody may do there."""
        found = self._people.get(int(author.id.user)) if author.id.user.isdigit() else None
        return Role.GUEST if found is None else found.role

    def present(self) -> frozenset[AuthorId | PersonaId]:
        """Return the people who hear what is said."""
        people = (each.author for each in self._people.values())
        return frozenset(each.id for each in people if each.kind is AuthorKind.HUMAN)

    def members(self) -> list[discord.Member]:
        """Return everybody who is known there."""
        return [each.member for each in self._people.values()]

    def names(self) -> list[str]:
        """Return the names of those who are not listened to, though they are people."""
        return [
            each.author.display_name
            for each in self._people.values()
            if not each.heard and each.author.kind is AuthorKind.HUMAN
        ]

    def _inside(self) -> list[int]:
        return [user for user in self.channel.voice_states if user != self._bot.user.id]

    def _look_for(self, user: int) -> None:
        """Look up somebody whom Discord did not tell of, now and then."""
        now = self._bot.services.clock().monotonic()
        if now - self._looked.get(user, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return
        if self.holds(user) and len(self._looked) < _MOST:
            self._looked[user] = now
            self._bot.supervisor.start("who speaks", partial(self._look_up, [user]))

    async def _look_up(self, users: Iterable[int]) -> None:
        wanted = list(users)
        for start in range(0, len(wanted), _AT_ONCE):
            for member in await self._members(wanted[start : start + _AT_ONCE]):
                await self._known(member)

    async def _known(self, member: discord.Member) -> None:
        try:
            await self.enter(member)
        except AcoreError as error:
            logger.warning("somebody is not heard", extra={"code": error.code})

    async def _members(self, users: list[int]) -> list[discord.Member]:
        try:
            async with asyncio.timeout(_LOOKING_SECONDS):
                return await self.channel.guild.query_members(user_ids=users, cache=False)
        except (TimeoutError, discord.DiscordException):
            logger.info("people in a call could not be looked up", extra={"people": len(users)})
            return []
