"""From an arriving message to a job: may it be answered, store it, who answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from services.conversation.company import Company, RecentHistory
from services.conversation.inbound import Fired, Inbound, Outcome, Withheld
from services.conversation.jobs import Arrival, Job
from services.domain.events import MessageRecorded, Suppressed
from services.domain.ids import PersonaId
from services.domain.messages import HistoryEntry
from services.domain.replies import TurnKind
from services.persona.character import Persona

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
        inbound = replace(arrival.inbound, role=standing.role)
        arrival = Arrival(inbound, arrival.receipt)
        if standing.blocked:
            await self._withhold(arrival, Withheld(reason="blocked"))
            return None
        present = await company.choices.present(message.conversation)
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
        return self._job(arrival, entry, decision, present, last_responder)

    async def _withhold(self, arrival: Arrival, decision: Withheld) -> None:
        message, company = arrival.inbound.message, self._company
        kept = decision.reason not in _NEVER_KEPT and (
            decision.reason not in _CHATTER or await company.choices.remembers(message.conversation)
        )
        if kept:
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
        entry = await self._company.ledger.record(inbound)
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
        present: Sequence[Persona],
        last_responder: tuple[PersonaId, float] | None,
    ) -> Job:
        inbound = arrival.inbound
        routing = self._company.choices.route(
            inbound, fired, present, last_responder=last_responder
        )
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
            witnesses=inbound.witnesses,
            account={
                "trigger": fired.trigger,
                "gate": fired.reason,
                "routing": f"{routing.reason}: {routing.detail}",
            },
        )


def release(fired: Sequence[Fired]) -> None:
    """Give back the places in the limits that ``fired`` hold."""
    for one in fired:
        if one.reservation is not None:
            one.reservation.release()
