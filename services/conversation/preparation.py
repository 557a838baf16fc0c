"""From a job to a turn: what the persona knows and how it was decided."""

from __future__ import annotations

from services.conversation.company import Company, RecentHistory
from services.conversation.jobs import Job
from services.conversation.turn import Turn
from services.domain.ids import MessageId, TurnId
from services.domain.messages import HistoryEntry, Modality
from services.domain.replies import TurnBrief, TurnKind
from services.persona.character import Persona


async def prepare(
    job: Job,
    persona: Persona,
    company: Company,
    recent: RecentHistory,
    *,
    waiting: set[MessageId],
) -> Turn:
    """Return ``persona``'s turn of ``job``; messages in ``waiting`` belong to later turns."""
    trigger = job.burst[-1] if job.burst else None
    conversation = job.receipts[0].conversation if trigger is None else trigger.conversation
    brief = TurnBrief(
        turn=TurnId(company.ids.new()),
        conversation=conversation,
        persona=persona.id,
        persona_name=persona.name,
        kind=job.kind,
        started_at=company.clock.now(),
        trigger=trigger,
        burst=tuple(job.burst),
        instruction=job.instruction,
        modality=trigger.modality if trigger else Modality.TEXT,
        hop=job.hop + 1,
        alternatives=job.alternatives,
    )
    return Turn(
        brief=brief,
        persona=persona,
        delivery=job.delivery,
        history=_seen(job, await recent.entries(), waiting),
        asker=job.asker,
        role=job.role,
        model_name=await company.choices.model(conversation),
        alternative_of=job.alternative_of,
        extends=job.extends,
        resumed=job.resumed,
        witnesses=job.witnesses,
        explanation={"kind": str(job.kind), "hop": brief.hop, **job.account},
    )


def _seen(job: Job, history: list[HistoryEntry], waiting: set[MessageId]) -> list[HistoryEntry]:
    """Return what is answered from.

    For another version that is what came before the reply; for a new reply the messages to answer
    come last, whatever was said since, and those still waiting are left out.
    """
    if job.alternative_of is not None:
        return [entry for entry in history if entry.ordinal < job.alternative_of.ordinal]
    if job.kind is not TurnKind.REPLY or job.resumed is not None:
        return history
    burst = {message.id for message in job.burst}
    before = [entry for entry in history if entry.message.id not in burst | waiting]
    return before + [entry for entry in history if entry.message.id in burst]
