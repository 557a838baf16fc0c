"""From an arriving message to a job: may it be answered, store it, who answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.conversation.company import Company, RecentHistory
from services.conversation.inbound import Fired, Inbound, Outcome, Withheld
from services.conversation.jobs import Arrival, Job
from services.conversation.place_rules import (
    MUTED,
    NO_RULES,
    PlaceRules,
    adults_only,
    attending,
)
from services.conversation.scenes import Cast
from services.domain.events import MessageRecorded, Suppressed
from services.domain.ids import ConversationId, PersonaId
from services.domain.messages import HistoryEntry, Message
from services.domain.people import AuthorKind
from services.domain.replies import TurnKind
from services.persona.character import Persona
from services.persona.router import Routing

logger = logging.getLogger(__name__)

_CHATTER = frozenset({"no_trigger", "judge_declined", "chance"})
_NEVER_KEPT = frozenset(
    {
        "duplicate",
        "empty",
        "own_message",
        "bot",
        "blocked",
        "role",
        "nobody_present",
        "muted",
        "blocked_words",
        "not_listening",
        "adults_only",
    }
)
_CALLED = frozenset({"mention", "reply", "private", "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a message was said: its rules, who is there, and who may be called."""

    rules: PlaceRules
    cast: Cast
    candidates: Sequence[Persona]


class Intake:
    """Decides about one conversation's messages, in the order they came."""

    def __init__(self, company: Company, recent: RecentHistory) -> None:
        self._company = company
        self._recent = recent

    async def admit(
        self, arrival: Arrival, *, last_responder: tuple[PersonaId, float] | None
    ) -> Job | None:
        """Return the job a message makes; a receipt without one is settled here.

        The message is stored before anything is answered. Raises ``StorageError``.
        """
        company, message = self._company, arrival.inbound.message
        place = message.conversation
        standing = await company.permissions.standing(
            message.author.id, place, given=arrival.inbound.role
        )
        if standing.blocked:
            await self._withhold(arrival, Withheld(reason="blocked"), NO_RULES)
            return None
        if arrival.inbound.addressing.private:
            company.runner.foresee(message.text)
        rules = await company.choices.rules(place, adults=arrival.inbound.adults)
        here = await self._occupied(place, rules)
        inbound = _witnessed(replace(arrival.inbound, role=standing.role), here)
        arrival = Arrival(inbound, arrival.receipt)
        refusal = await self._refusal(inbound, rules)
        if refusal is not None:
            await self._withhold(arrival, refusal, rules)
            return None
        decision = await company.gate.decide(
            inbound,
            present=here.candidates,
            overrides=company.choices.overrides(place, rules, company.clock.now()),
        )
        if isinstance(decision, Withheld):
            await self._withhold(arrival, decision, rules)
            return None
        try:
            return await self._admitted(arrival, decision, here, last_responder=last_responder)
        except BaseException:
            release([decision])
            raise

    async def _refusal(self, inbound: Inbound, rules: PlaceRules) -> Withheld | None:
        """Return why a message is left alone whoever it is for, if it is."""
        message, addressing = inbound.message, inbound.addressing
        if rules.muted:
            return MUTED
        verdict = await self._company.moderation.screen(message, rules.blocked)
        if not verdict.refused:
            return None
        called = addressing.private or addressing.mentions or addressing.replies_to
        return Withheld(
            reason="blocked_words",
            detail=verdict.sentence,
            notify=bool(called) and verdict.notify,
        )

    def _notice(self, message: Message) -> bool:
        """Tell, once per window, that whoever wrote a message should hear why it is left alone."""
        return self._company.gate.first_refusal(message.author.id, message.conversation)

    async def _occupied(self, place: ConversationId, rules: PlaceRules) -> _Place:
        """Return who may answer in a place.

        Who is called but may not speak there is among the candidates, to hear of the call.
        """
        whole = await self._company.scenes.of(place)
        if not whole.open:
            return _Place(rules=rules, cast=whole, candidates=self._company.choices.present(rules))
        cast = attending(whole, rules)
        return _Place(rules=rules, cast=cast, candidates=cast.members or whole.members)

    async def _admitted(
        self,
        arrival: Arrival,
        fired: Fired,
        here: _Place,
        *,
        last_responder: tuple[PersonaId, float] | None,
    ) -> Job | None:
        """Store a message the gate has let through and return its job."""
        company, inbound, cast = self._company, arrival.inbound, here.cast
        verdict = await company.moderation.judge(inbound.message, here.rules.blocked)
        if verdict.refused:
            release([fired])
            withheld = Withheld(reason="moderation", detail=verdict.sentence, notify=verdict.notify)
            await self._withhold(arrival, withheld, here.rules)
            return None
        routing: Routing | None = None
        if not cast.open:
            routing = await company.choices.route(
                inbound, fired, here.candidates, rules=here.rules, last_responder=last_responder
            )
        if not cast.members if routing is None else not routing.personas:
            release([fired])
            await self._withhold(arrival, self._barred(inbound, fired, here), here.rules)
            return None
        if not inbound.addressing.private:
            company.runner.foresee(inbound.message.text)
        entry = await self._record(inbound)
        if entry is None:
            release([fired])
            await self._withhold(arrival, Withheld(reason="duplicate"), here.rules)
            return None
        logger.info("message taken in", extra={"trigger": fired.trigger})
        if routing is None:
            routing = company.scenes.answering(inbound, cast, await self._recent.entries())
        if not routing.personas:
            release([fired])
            withheld = Withheld(reason="scene_quiet", detail=routing.detail)
            await self._withhold(arrival, withheld, here.rules, stored=True)
            return None
        return self._job(arrival, entry, fired, routing)

    def _barred(self, inbound: Inbound, fired: Fired, here: _Place) -> Withheld:
        """Return why a character that may not speak here does not; who called it may be told."""
        persona = next(one for one in here.candidates if not here.rules.admits(one))
        notify = fired.trigger in _CALLED and self._notice(inbound.message)
        return adults_only(persona, notify=notify)

    async def _withhold(
        self, arrival: Arrival, decision: Withheld, rules: PlaceRules, *, stored: bool = False
    ) -> None:
        message, company = arrival.inbound.message, self._company
        kept = decision.reason not in _NEVER_KEPT and (
            decision.reason not in _CHATTER or rules.remember
        )
        if kept and not stored:
            await self._record(arrival.inbound)
        company.metrics.count("suppressed", reason=decision.reason)
        logger.info("message not answered", extra={"reason": decision.reason})
        company.bus.publish(
            Suppressed(
                conversation=message.conversation, message=message.id, reason=decision.reason
            )
        )
        arrival.receipt.settle(Outcome(withheld=decision))

    async def _record(self, inbound: Inbound) -> HistoryEntry | None:
        """Store the message; ``None`` when it was stored before."""
        await self._recent.entries()
        entry = await self._company.ledger.record(await self._company.scripting.heard(inbound))
        if entry.message.id != inbound.message.id:
            return None
        self._recent.remember(entry)
        self._company.bus.publish(MessageRecorded(entry=entry))
        return entry

    def _job(
        self,
        arrival: Arrival,
        entry: HistoryEntry,
        fired: Fired,
        routing: Routing,
    ) -> Job:
        inbound = arrival.inbound
        return Job(
            kind=TurnKind.REPLY,
            personas=routing.personas,
            delivery=inbound.delivery,
            receipts=[arrival.receipt],
            burst=[entry.message],
            asker=entry.message.author,
            role=inbound.role,
            fired=[fired],
            certain=[] if inbound.certain is None else [inbound.certain],
            hop=inbound.message.hop,
            witnesses=entry.witnesses,
            account={
                "trigger": fired.trigger,
                "gate": fired.reason,
                "routing": f"{routing.reason}: {routing.detail}",
            },
        )


def _witnessed(inbound: Inbound, here: _Place) -> Inbound:
    """Return the message with the characters that hear it, and for whom it is meant.

    In a scene those are its members, in private the one chosen there; elsewhere every character
    may listen, and none is named. What a person writes in a scene is meant for it, unless it is
    aimed at another person, or nobody listens to what names no character.
    """
    addressing, message, cast = inbound.addressing, inbound.message, here.cast
    hearing = [one.id for one in cast.members]
    if not cast.open and addressing.private:
        hearing = [one.id for one in here.candidates[:1]]
    aimed = addressing.heard or (message.mentions and not addressing.mentions)
    human = message.author.kind is AuthorKind.HUMAN
    if cast.open and here.rules.listens and human and not aimed:
        addressing = replace(addressing, private=True)
    return replace(inbound, addressing=addressing, witnesses=inbound.witnesses.union(hearing))


def release(fired: Sequence[Fired]) -> None:
    """Give back the places in the limits that ``fired`` hold."""
    for one in fired:
        if one.reservation is not None:
            one.reservation.release()
