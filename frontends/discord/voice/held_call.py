"""One call of the bot in one server, from joining to leaving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from frontends.discord.delivery import DiscordDelivery
from frontends.discord.places import Place, account, in_guild
from frontends.discord.voice.call_chat import CallChat
from frontends.discord.voice.call_minding import review_now_and_then, until_left_alone
from frontends.discord.voice.call_parts import CallParts, Link
from frontends.discord.voice.call_record import CallRecord
from frontends.discord.voice.captioned_answers import CaptionedAnswers
from frontends.discord.voice.captions import Captions
from frontends.discord.voice.listening_switch import ListeningSwitch
from frontends.discord.voice.presence import CallChannel, Presence
from frontends.discord.voice.talk_keys import TalkKeys
from frontends.discord.voice.voice_text import DEAFENED, ENDINGS, MUTED
from services.conversation.place_rules import NO_RULES, PlaceRules
from services.domain.errors import AcoreError, InvalidRequest, StorageError
from services.domain.ids import AuthorId
from services.voice.call import VoiceCall
from services.voice.call_events import CallEvent, TurnLost, TurnTaken
from services.voice.listening.wake import WakeRule
from services.voice.service import CallOpening

if TYPE_CHECKING:
    import discord


logger = logging.getLogger(__name__)

_OVER = "I am in no voice channel here any more; let me join again."


class HeldCall:
    """The bot in a voice channel, wherever that moves, until it leaves or is made to.

    ``over`` is called once at the end.
    """

    def __init__(
        self, parts: CallParts, channel: CallChannel, *, over: Callable[[HeldCall], None]
    ) -> None:
        self._parts = parts
        self._bot = parts.bot
        self._over = over
        self._supervisor = parts.bot.supervisor
        self._clock = parts.bot.services.clock()
        self._target: CallChannel | None = channel
        self._turned = asyncio.Event()
        self._entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._known_rules = NO_RULES
        self._link: Link | None = None
        self._chat: CallChat | None = None
        self._switch: ListeningSwitch | None = None
        self.presence = Presence(parts.bot, parts.admission, channel, known=self._heed)
        self.call: VoiceCall | None = None
        self.followed: int | None = None
        """The user the bot goes along with."""
        self.record = CallRecord(self._complain, lambda: parts.voice.status().bypassed)
        self.keys = TalkKeys(lambda: self.call, self._supervisor)
        self.ended = asyncio.Event()
        """Set once the bot has left."""

    # -- from outside

    @property
    def channel(self) -> CallChannel:
        """Where the call is."""
        return self.presence.channel

    @property
    def link(self) -> Link:
        """The connection."""
        if self._link is None:
            raise InvalidRequest("call_over", _OVER)
        return self._link

    @property
    def switch(self) -> ListeningSwitch:
        """What has the call listened to. Raises ``InvalidRequest`` as ``talk`` does."""
        if self._switch is None:
            raise InvalidRequest("call_over", _OVER)
        return self._switch

    @property
    def talk(self) -> VoiceCall:
        """The call itself. Raises ``InvalidRequest`` between two channels and after the end."""
        if self.call is None:
            raise InvalidRequest("call_over", _OVER)
        return self.call

    async def open(self) -> None:
        """Join, and return once the call is on. Raises ``AcoreError`` when that fails."""
        channel = self.channel
        try:
            await self.presence.begin(channel)
            self._link = await self._parts.connect(channel, self.presence.author_of)
            self._supervisor.start("voice call", self._run)
        except BaseException:
            self.ended.set()
            raise
        await asyncio.shield(self._entered)

    async def move(self, channel: CallChannel) -> None:
        """Go into another channel of the server. Raises ``AcoreError`` and stays where it is."""
        await self.link.move(channel)
        self.moved(channel)

    @property
    def leaving(self) -> bool:
        """Whether the bot is on its way out."""
        return self._target is None

    def silenced(self, before: discord.VoiceState, after: discord.VoiceState) -> None:
        """Tell that a moderator muted or deafened the bot."""
        if after.deaf and not before.deaf:
            self._complain(DEAFENED)
        if (after.mute or after.suppress) and not (before.mute or before.suppress):
            self._complain(MUTED)

    def moved(self, channel: CallChannel) -> None:
        """Go on where the bot was moved to."""
        if self._target is not None and self._target.id != channel.id:
            self._target = channel
            self._turned.set()

    async def leave(self) -> None:
        """Leave, and return once that is done."""
        self._target = None
        self._turned.set()
        await self.ended.wait()

    async def review(self, member: discord.Member) -> None:
        """Heed that somebody chose anew whether to be listened to, or may do something else now."""
        if self.presence.holds(member.id):
            await self.presence.enter(member)
            if self.call is not None and self.presence.author_of(member.id) is None:
                self.call.left(account(member.id))

    def gone(self, who: AuthorId) -> None:
        """Somebody left the channel."""
        self.presence.leave(int(who.user))
        self.keys.let_go(who)
        if self.call is not None:
            self.call.left(who)

    # -- the life of it

    async def _run(self) -> None:
        try:
            while self._target is not None:
                channel = self._target
                if channel.id != self.presence.channel.id:
                    await self.presence.begin(channel)
                await self._hold(channel)
        except AcoreError as error:
            logger.warning("a call could not be held", extra={"code": error.code})
            if not self._entered.done():
                self._entered.set_exception(error)
        finally:
            self.call = self._switch = None
            await self.link.close()
            self._link = None
            self._over(self)
            self.ended.set()
            if not self._entered.done():
                self._entered.set_exception(InvalidRequest("call_over", _OVER))

    async def _hold(self, channel: CallChannel) -> None:
        """Hold the call in one channel until it is over or moves."""
        place = in_guild(channel)
        rules = await self._rules()
        self._turned.clear()
        if self._target is not channel:
            return
        self._chat = CallChat(place, self._bot.pacing)
        captions = Captions(self._chat, wanted=self._captioned)
        answers = CaptionedAnswers(
            DiscordDelivery(self._bot.desk, place, asker=None),
            wanted=self._captioned,
            supervisor=self._supervisor,
        )
        opening = self._opening(place, rules, answers)
        on_event = partial(self._happened, (captions.take, answers.take, self.record.take))
        holding = self._parts.voice.call(
            opening, ears=self.link, mouth=self.link, on_event=on_event
        )
        async with holding as call:
            self.call = call
            switch = self._switch = ListeningSwitch(
                call, self._chat, channel, rule=self._rule, has_ears=self._has_ears
            )
            self._supervisor.start("warming voice", self._warm)
            self._supervisor.start("listening notice", partial(self._listen_first, switch))
            async with asyncio.TaskGroup() as group:
                works = (captions.run, self._mind_the_link, self._mind_emptiness, self._mind_people)
                tasks = [group.create_task(work()) for work in works]
                await self._turned.wait()
                for task in tasks:
                    task.cancel()
            self.keys.let_all_go()
            self.call = self._switch = None
        self.record.troubles.clear()
        await switch.end()

    def _opening(self, place: Place, rules: PlaceRules, answers: CaptionedAnswers) -> CallOpening:
        return CallOpening(
            conversation=place.conversation,
            present=self.presence.present,
            role=self.presence.role_of,
            text=answers,
            wake=WakeRule(rules.wake),
            adults=place.adults,
            listening=False,
        )

    async def _listen_first(self, switch: ListeningSwitch) -> None:
        """Listen from the beginning, if that can be; then nobody is told why it cannot."""
        try:
            await switch.on()
        except AcoreError as error:
            logger.info("a call is not listened to", extra={"code": error.code})
        finally:
            if not self._entered.done():
                self._entered.set_result(None)

    async def _warm(self) -> None:
        try:
            await self._parts.voice.warm()
        except AcoreError as error:
            await self._say(f"⚠ {error.user_message}")

    async def _mind_the_link(self) -> None:
        link = self.link
        await link.closed.wait()
        self._target = None
        self._turned.set()
        ending = ENDINGS.get(str(link.ending or ""))
        if ending:
            self._supervisor.start("voice farewell", partial(self._say, ending))

    async def _mind_emptiness(self) -> None:
        await until_left_alone(self.presence, self._parts.minute, minutes=self._minutes_alone)
        self._target = None
        self._turned.set()

    async def _minutes_alone(self) -> int:
        return (await self._rules()).autoleave

    async def _mind_people(self) -> None:
        await review_now_and_then(self.presence, self._parts.minute, review=self.review)

    def _heed(self, user: int) -> None:
        if self._link is not None:
            self._link.heed(user)

    async def _rules(self) -> PlaceRules:
        """Return what holds in the channel, or did when that could last be read."""
        place = in_guild(self.channel)
        try:
            self._known_rules = await self._bot.services.places().of(place.conversation)
        except StorageError as error:
            logger.warning("the rules of a call could not be read", extra={"code": error.code})
        return self._known_rules

    async def _rule(self) -> WakeRule:
        return WakeRule((await self._rules()).wake)

    def _has_ears(self) -> bool:
        return self._parts.voice.status().ears is not None

    async def _captioned(self) -> bool:
        return (await self._rules()).captions

    async def _say(self, text: str) -> None:
        if self._chat is not None:
            await self._chat.post(text)

    # -- what happens in it

    def _happened(self, told: Iterable[Callable[[CallEvent], None]], event: CallEvent) -> None:
        for tell in told:
            tell(event)
        if isinstance(event, TurnTaken | TurnLost):
            self.keys.let_go(event.speaker.id)

    def _complain(self, text: str) -> None:
        self._supervisor.start("voice trouble", partial(self._say, f"⚠ {text}"))
