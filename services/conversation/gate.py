"""Whether a message is answered: one decision, with its reason, for every frontend."""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.conversation.inbound import Decision, Fired, Inbound, TriggerKind, Withheld
from services.conversation.limits import BoundedMap, Cooldowns, Limits
from services.conversation.overheard import Overheard
from services.conversation.triggers import GateOverrides, Rules, Trigger, addressees, build_rules
from services.domain.clock import Clock
from services.domain.errors import AcoreError
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import Message
from services.domain.people import AuthorKind
from services.persona.character import Persona
from services.settings import GateSettings

logger = logging.getLogger(__name__)

_REMEMBERED_MESSAGES = 20_000
_REMEMBERED_PLACES = 512


class ContextualJudge(Protocol):
    """Tells whether a persona should join in on a message that is addressed to nobody."""

    async def should_answer(self, message: Message, recent: Sequence[Message], /) -> bool:
        """Judge ``message`` in the light of what was said before; may raise ``AcoreError``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """All checks passed and the limits are reserved; the judge has the last word."""

    fired: Fired
    recent: Sequence[Message]


class Gate:
    """Decides fire or suppress for each message, remembering just enough to do so.

    Screening comes first: duplicate, empty, made by us, hops, bot, blocked, role. Then the
    triggers in order mention > reply > private > name > keyword > contextual > ambient, each
    enabled → condition → cooldown → chance → limits. A trigger that is cooling down or has bad
    luck gives way to the next. Everything is checked before the limits are reserved.
    """

    def __init__(
        self,
        settings: GateSettings,
        *,
        clock: Clock,
        rng: random.Random,
        judge: ContextualJudge | None = None,
    ) -> None:
        self._settings = settings
        self._rng = rng
        self._judge = judge
        self._limits = Limits(clock, window_seconds=settings.limit_window_seconds)
        self._cooldowns = Cooldowns(clock)
        self._overheard = Overheard(clock)
        self._seen: BoundedMap[str, None] = BoundedMap(_REMEMBERED_MESSAGES)
        self._rules: BoundedMap[GateOverrides, Rules] = BoundedMap(_REMEMBERED_PLACES)

    def reconfigure(self, settings: GateSettings) -> None:
        """Decide by ``settings`` from the next message on; what was counted still counts."""
        self._settings = settings
        self._rules.clear()
        self._limits.reconfigure(window_seconds=settings.limit_window_seconds)

    async def decide(
        self,
        inbound: Inbound,
        *,
        present: Sequence[Persona],
        overrides: GateOverrides | None = None,
    ) -> Decision:
        """Decide, asking the judge if it comes to that.

        The caller confirms or releases the reservation of what has ``Fired``. A judge that fails
        has declined. Cancellation while the judge thinks releases the reservation.
        """
        verdict = self.consider(inbound, present=present, overrides=overrides)
        if not isinstance(verdict, Undecided):
            return verdict
        return await self._ask(inbound.message, verdict)

    def consider(
        self,
        inbound: Inbound,
        *,
        present: Sequence[Persona],
        overrides: GateOverrides | None = None,
    ) -> Decision | Undecided:
        """Decide as far as that goes without waiting."""
        rules = self._rules_for(overrides or GateOverrides())
        message = inbound.message
        others = [persona for persona in present if persona.id != message.author.persona]
        withheld = self._screen(inbound, others, rules)
        if withheld is not None:
            return withheld
        if inbound.addressing.heard and not inbound.addressing.private:
            self._overheard.add(message)
            return Withheld(reason="no_trigger", detail="it was said to somebody else")
        for trigger in rules.triggers:
            if trigger.kind == "contextual" and self._judge is None:
                continue
            personas = addressees(trigger.kind, inbound, others, rules)
            if personas is None:
                continue
            obstacle = self._obstacle(trigger, message.conversation)
            if obstacle is None:
                return self._within_limits(trigger, personas, message, rules)
            withheld = withheld or obstacle
        if not rules.listen:
            self._overheard.forget(message.conversation)
            return Withheld(reason="not_listening", detail="only what is meant for us is heard")
        self._overheard.add(message)
        return withheld or Withheld(reason="no_trigger", detail="nothing calls for an answer")

    def first_refusal(self, author: AuthorId, place: ConversationId) -> bool:
        """Tell, once per window, that somebody should hear why nobody answers them in a place."""
        return self._limits.first_refusal(("told", author, place))

    def overheard(self, conversation: ConversationId) -> Sequence[Message]:
        """Return what was lately said there to nobody: 50 messages and one hour at most."""
        return self._overheard.recent(conversation)

    def forget_authors(self, accounts: Collection[AuthorId]) -> None:
        """Drop everything overheard from some accounts."""
        self._overheard.forget_authors(accounts)

    def forget(self, conversation: ConversationId, message: MessageId | None = None) -> None:
        """Drop one overheard message, or all of the conversation's."""
        self._overheard.forget(conversation, message)

    def _rules_for(self, overrides: GateOverrides) -> Rules:
        rules = self._rules.get(overrides)
        if rules is None:
            rules = build_rules(self._settings, overrides)
            self._rules.put(overrides, rules)
        return rules

    def _screen(self, inbound: Inbound, others: Sequence[Persona], rules: Rules) -> Withheld | None:
        message = inbound.message
        author = message.author
        if self._seen_before(message):
            return Withheld(reason="duplicate", detail="this message was taken in before")
        if not message.attachments and not message.text.strip():
            return Withheld(reason="empty", detail="there is nothing to answer")
        if author.kind is AuthorKind.SYSTEM or (
            author.kind is AuthorKind.PERSONA and message.hop == 0
        ):
            return Withheld(reason="own_message", detail="a persona's own words came back")
        if 0 < message.hop >= rules.max_hops:
            return Withheld(reason="hop_limit", detail=f"{message.hop} steps without a human")
        if author.kind is AuthorKind.BOT and not rules.answer_bots:
            return Withheld(reason="bot", detail="bots are not answered here")
        if str(author.id) in rules.blocked:
            return Withheld(reason="blocked", detail="this account is on the block list")
        if inbound.role < rules.minimum_role:
            return Withheld(
                reason="role", detail=f"only {rules.minimum_role.name.lower()}s and up are answered"
            )
        if not others:
            return Withheld(reason="nobody_present", detail="no persona is here to answer")
        return None

    def _seen_before(self, message: Message) -> bool:
        place = message.conversation
        keys = [message.id, *(f"{place}#{external}" for external in message.external_ids)]
        known = any(key in self._seen for key in keys)
        for key in keys:
            self._seen.put(key, None)
        return known

    def _obstacle(self, trigger: Trigger, place: ConversationId) -> Withheld | None:
        if trigger.cooldown > 0.0:
            left = self._cooldowns.remaining((place, trigger.kind), trigger.cooldown)
            if left is not None:
                detail = f"{trigger.kind} pauses here for {left:.0f} s"
                return Withheld(reason="cooldown", detail=detail, retry_after=left)
        if trigger.probability < 1.0 and self._rng.random() >= trigger.probability:
            detail = f"{trigger.kind} answers {trigger.probability:.0%} of the time"
            return Withheld(reason="chance", detail=detail)
        return None

    def _within_limits(
        self,
        trigger: Trigger,
        personas: tuple[PersonaId, ...],
        message: Message,
        rules: Rules,
    ) -> Decision | Undecided:
        author, place = message.author, message.conversation
        wait = self._limits.check(author.id, rules.user_limit)
        if wait is not None:
            detail = f"this person is answered {rules.user_limit} times per window"
            notify = self._limits.first_refusal(author.id)
            return Withheld(reason="user_limit", detail=detail, retry_after=wait, notify=notify)
        wait = self._limits.check(place, rules.channel_limit)
        if wait is not None:
            detail = f"{rules.channel_limit} answers are given here per window"
            notify = self._limits.first_refusal(place)
            return Withheld(reason="channel_limit", detail=detail, retry_after=wait, notify=notify)
        undo = None
        if trigger.cooldown > 0.0:
            undo = self._cooldowns.start((place, trigger.kind))
        fired = Fired(
            trigger=trigger.kind,
            personas=personas,
            reason=_REASONS[trigger.kind],
            reservation=self._limits.reserve(author.id, place, on_release=undo),
        )
        if trigger.kind == "contextual":
            return Undecided(fired=fired, recent=self._overheard.recent(place))
        return fired

    async def _ask(self, message: Message, undecided: Undecided) -> Decision:
        joins = False
        try:
            if self._judge is not None:
                joins = await self._judge.should_answer(message, undecided.recent)
        except AcoreError as error:
            logger.warning("The judge failed", extra={"code": error.code})
        finally:
            if not joins and undecided.fired.reservation is not None:
                undecided.fired.reservation.release()
        if joins:
            return undecided.fired
        self._overheard.add(message)
        return Withheld(reason="judge_declined", detail="the model sees no reason to join in")


_REASONS: dict[TriggerKind, str] = {
    "mention": "a persona is mentioned",
    "reply": "a persona is replied to",
    "private": "everything said here is meant for the persona",
    "name": "a persona's name is said",
    "keyword": "a keyword is said",
    "contextual": "the model wants to join in",
    "ambient": "chance lets a persona join in",
}
