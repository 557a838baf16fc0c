"""From an arriving message to a job: may it be answered, store it, who answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from services.conversation.company import Company, RecentHistory
from services.conversation.inbound import Fired, Inbound, Outcome, Withheld
from services.conversation.jobs import Arrival, Job
from services.conversation.scenes import Cast
from services.domain.events import MessageRecorded, Suppressed
from services.domain.ids import PersonaId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnKind
from services.persona.character import Persona
from services.persona.router import Routing

logger = logging.getLogger(__name__)

_CHATTER = frozenset({"no_trigger", "judge_declined", "chance"})
_NEVER_KEPT = frozenset(
    {"duplicate", "empty", "own_message", "bot", "blocked", "role", "nobody_present"}
)


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
        standing = await company.permissions.standing(
            message.author.id, message.conversation, given=arrival.inbound.role
        )
        cast = await company.scenes.of(message.conversation)
        present = cast.members if cast.open else await company.choices.present(message.conversation)
        inbound = _witnessed(replace(arrival.inbound, role=standing.role), cast, present)
        arrival = Arrival(inbound, arrival.receipt)
        if standing.blocked:
            await self._withhold(arrival, Withheld(reason="blocked"))
            return None
        overrides = company.choices.overrides(message.conversation)
        decision = await company.gate.decide(inbound, present=present, overrides=overrides)
        if isinstance(decision, Withheld):
            await self._withhold(arrival, decision)
            return None
        try:
            entry = await self._record(inbound)
        except BaseException:
            release([decision])
            raise
        if entry is None:
            release([decision])
            await self._withhold(arrival, Withheld(reason="duplicate"))
            return None
        logger.info("message taken in", extra={"trigger": decision.trigger})
        if cast.open:
            routing = company.scenes.answering(inbound, cast, await self._recent.entries())
        else:
            routing = await company.choices.route(
                inbound, decision, present, last_responder=last_responder
            )
        if not routing.personas:
            release([decision])
            withheld = Withheld(reason="scene_quiet", detail=routing.detail)
            await self._withhold(arrival, withheld, stored=True)
            return None
        return self._job(arrival, entry, decision, routing)

    async def _withhold(
        self, arrival: Arrival, decision: Withheld, *, stored: bool = False
    ) -> None:
        message, company = arrival.inbound.message, self._company
        kept = decision.reason not in _NEVER_KEPT and (
            decision.reason not in _CHATTER or await company.choices.remembers(message.conversation)
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
            hop=inbound.message.hop,
            witnesses=entry.witnesses,
            account={
                "trigger": fired.trigger,
                "gate": fired.reason,
                "routing": f"{routing.reason}: {routing.detail}",
            },
        )


def _witnessed(inbound: Inbound, cast: Cast, present: Sequence[Persona]) -> Inbound:
    """Return the message with the characters that hear it, and for whom it is meant.

    In a scene those are its members, in private the one chosen there; elsewhere every character
    may listen, and none is named. What a person says in a scene is meant for it, unless it is
    aimed at another person.
    """
    addressing, message = inbound.addressing, inbound.message
    hearing = [one.id for one in cast.members]
    if not cast.open and addressing.private:
        hearing = [one.id for one in present[:1]]
    aimed = message.mentions and not addressing.mentions
    if cast.open and message.author.kind is AuthorKind.HUMAN and not aimed:
        addressing = replace(addressing, private=True)
    return replace(inbound, addressing=addressing, witnesses=inbound.witnesses.union(hearing))


def release(fired: Sequence[Fired]) -> None:
    """Give back the places in the limits that ``fired`` hold."""
    for one in fired:
        if one.reservation is not None:
            one.reservation.release()
