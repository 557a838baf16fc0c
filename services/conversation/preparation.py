"""From a job to a turn: what the persona knows and how it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from services.conversation.company import Company, RecentHistory
from services.conversation.history_rows import Witnesses
from services.conversation.inbound import Outcome, Withheld
from services.conversation.jobs import Job
from services.conversation.place_rules import attending
from services.conversation.scenes import Cast
from services.conversation.turn import Turn
from services.conversation.witnesses import accounts_among, personas_among
from services.domain.errors import NotAllowed
from services.domain.events import Suppressed
from services.domain.ids import MessageId, TurnId
from services.domain.messages import HistoryEntry, Message, Modality
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
    """Return ``persona``'s turn of ``job``; messages in ``waiting`` belong to later turns.

    Nothing the persona was not there to hear gets into the turn, unless the scene shares it.
    Raises ``NotAllowed`` where the persona may not speak; the job's receipts then say why.
    """
    conversation = job.receipts[0].conversation
    rules = await company.choices.rules(conversation)
    withheld = rules.silence(persona, job.kind, company.clock.now())
    if withheld is not None:
        _silence(job, withheld, company)
    cast = attending(await company.scenes.of(conversation), rules)
    entries = await recent.entries()
    known = cast.known(entries, persona.id)
    burst = _known_burst(job, entries, known)
    trigger = burst[-1] if burst else None
    brief = TurnBrief(
        turn=TurnId(company.ids.new()),
        conversation=conversation,
        persona=persona.id,
        persona_name=persona.name,
        kind=job.kind,
        started_at=company.clock.now(),
        trigger=trigger,
        asker=job.asker,
        timezone=await company.choices.timezone(job.asker, rules),
        burst=tuple(burst),
        instruction=job.instruction,
        modality=trigger.modality if trigger else Modality.TEXT,
        hop=job.hop + 1 + len(job.given),
        alternatives=job.alternatives,
    )
    return Turn(
        brief=brief,
        persona=company.choices.mannered(persona, rules),
        delivery=job.delivery,
        history=_seen(job, known, waiting),
        asker=job.asker,
        role=job.role,
        model_name=rules.model,
        forbidden=rules.blocked,
        tool_rules=rules.tool_rules,
        alternative_of=job.alternative_of,
        extends=job.extends,
        resumed=job.resumed,
        acted=job.acted,
        certain=tuple(job.certain),
        witnesses=_witnesses(job, cast, entries, persona),
        cast=cast.seen_by(persona),
        explanation={
            "kind": str(job.kind),
            "hop": brief.hop,
            **job.account,
            **_scene_account(cast, len(entries) - len(known)),
        },
    )


def _silence(job: Job, withheld: Withheld, company: Company) -> NoReturn:
    """End a job that may not be answered; what was answered of it stays."""
    conversation = job.receipts[0].conversation
    reason = None if job.terminals else withheld
    for receipt in job.receipts:
        receipt.settle(Outcome(terminals=tuple(job.terminals), withheld=reason))
    company.metrics.count("suppressed", reason=withheld.reason)
    for message in job.burst:
        company.bus.publish(
            Suppressed(conversation=conversation, message=message.id, reason=withheld.reason)
        )
    raise NotAllowed(withheld.reason, "No character may answer here now.")


def _seen(job: Job, history: list[HistoryEntry], waiting: set[MessageId]) -> list[HistoryEntry]:
    """Return what is answered from.

    For another version that is what came before the reply; for a new reply the messages to answer
    come last, whatever was said since, with the answers they have got so far; those still waiting
    are left out.
    """
    if job.alternative_of is not None:
        return [entry for entry in history if entry.ordinal < job.alternative_of.ordinal]
    if job.kind is not TurnKind.REPLY or job.resumed is not None or job.in_order:
        return history
    last = {message.id for message in job.burst} | set(job.given)
    before = [entry for entry in history if entry.message.id not in last | waiting]
    return before + [entry for entry in history if entry.message.id in last]


def _scene_account(cast: Cast, unheard: int) -> dict[str, object]:
    account: dict[str, object] = {}
    if cast.open:
        scene = cast.scene
        account["scene"] = f"{scene.mode}, {scene.cards} cards, {scene.memory} memory"
        account["members"] = [one.name for one in cast.members]
    if unheard:
        account["messages_not_heard"] = unheard
    return account


def _known_burst(
    job: Job, entries: Sequence[HistoryEntry], known: Sequence[HistoryEntry]
) -> list[Message]:
    unknown = {entry.message.id for entry in entries} - {entry.message.id for entry in known}
    return [message for message in job.burst if message.id not in unknown]


def _witnesses(
    job: Job, cast: Cast, entries: Sequence[HistoryEntry], persona: Persona
) -> Witnesses:
    """Return who hears the turn: of an earlier version's witnesses those who are still there."""
    heard = personas_among(job.witnesses)
    if job.alternative_of is None or not (heard or cast.open):
        return job.witnesses or _present(cast, entries, persona)
    here = {one.id for one in cast.members}
    return accounts_among(job.witnesses) | (here & heard if heard else here) | {persona.id}


def _present(cast: Cast, entries: Sequence[HistoryEntry], persona: Persona) -> Witnesses:
    """Return who hears what nobody's message called for.

    The people are those of the last message. Outside a scene it is said in the open if the last
    message was.
    """
    last = entries[-1].witnesses if entries else frozenset()
    people: Witnesses = accounts_among(last)
    if cast.open:
        return people.union(one.id for one in cast.members)
    return people | {persona.id} if personas_among(last) else people
