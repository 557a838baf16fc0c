"""One conversation's mailbox: messages in order, answers one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.conversation import overlap
from services.conversation.choices import Choices
from services.conversation.gate import Gate
from services.conversation.inbound import Fired, Outcome, Receipt, Withheld
from services.conversation.jobs import Arrival, Item, Job, Operation, Proposal
from services.conversation.ledger import Ledger, TurnResult
from services.conversation.overlap import Overlap, RunningTurn, Waiting
from services.conversation.runner import TurnRunner
from services.conversation.turn import Turn
from services.domain.clock import Clock
from services.domain.errors import AcoreError, Busy
from services.domain.events import MessageRecorded, Suppressed, TurnConcluded
from services.domain.ids import ConversationId, IdSource, PersonaId, TurnId
from services.domain.messages import HistoryEntry, Message, Modality
from services.domain.replies import (
    InterruptReason,
    TurnBrief,
    TurnFinished,
    TurnKind,
)
from services.events.bus import EventBus
from services.observability.metrics import Metrics
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.settings import ConversationSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_NOT_KEPT = frozenset(
    {
        "duplicate",
        "empty",
        "own_message",
        "bot",
        "blocked",
        "role",
        "no_trigger",
        "judge_declined",
        "chance",
        "nobody_present",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What every session works with."""

    gate: Gate
    ledger: Ledger
    runner: TurnRunner
    choices: Choices
    library: CharacterLibrary
    bus: EventBus
    clock: Clock
    ids: IdSource
    metrics: Metrics
    settings: ConversationSettings


@dataclass(slots=True)
class _Current:
    """The job in progress; ``turn`` is ``None`` until its context is gathered."""

    job: Job
    started_at: float
    turn: Turn | None = None
    reason: InterruptReason | None = None

    def interrupt(self, reason: InterruptReason) -> None:
        self.reason = self.reason or reason
        if self.turn is not None:
            self.turn.interrupt(reason)


class Session:
    """Takes in a conversation's messages and answers them.

    Messages are decided on and stored in the order they came, also while an answer runs; answers
    run one at a time. The session ends by itself when unused for ``idle_seconds``.
    """

    def __init__(self, conversation: ConversationId, company: Company) -> None:
        self.conversation = conversation
        self._company = company
        self._inbox: asyncio.Queue[Item] = asyncio.Queue(company.settings.mailbox)
        self._jobs: deque[Job] = deque()
        self._work = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._current: _Current | None = None
        self._busy = False
        self._closed = False
        self._history: deque[HistoryEntry] | None = None
        self._last_responder: tuple[PersonaId, float] | None = None

    # -- from outside

    def post(self, item: Item) -> None:
        """Put ``item`` into the mailbox; raises ``Busy`` when it is full or closed."""
        if self._closed:
            raise Busy("conversation_closed", "This conversation is closing; try again.")
        try:
            self._inbox.put_nowait(item)
        except asyncio.QueueFull:
            raise Busy(
                "mailbox_full", "Too many messages are waiting here; try again in a moment."
            ) from None

    def stop(self, reason: InterruptReason) -> bool:
        """Interrupt the running turn, if there is one; what waits goes on."""
        if self._current is None:
            return False
        self._current.interrupt(reason)
        return True

    def retire(self) -> bool:
        """Close the session if nothing is going on in it."""
        if self._busy or self._jobs or not self._inbox.empty():
            return False
        self._closed = True
        self._work.set()
        return True

    def close(self, reason: InterruptReason) -> None:
        """Take in nothing more, drop what waits, and interrupt the running turn."""
        self._closed = True
        while self._jobs:
            job = self._jobs.popleft()
            _release(job.fired)
            job.settle()
        self.stop(reason)
        self._work.set()

    @property
    def running(self) -> Turn | None:
        """The turn in progress."""
        return self._current.turn if self._current else None

    async def quiet(self) -> None:
        """Wait until no answer runs or waits."""
        await self._quiet.wait()

    async def history(self) -> list[HistoryEntry]:
        """Return the active branch's newest entries, oldest first."""
        if self._history is None:
            limit = self._company.settings.history_messages
            recent = await self._company.ledger.recent(self.conversation, limit)
            self._history = deque(recent, maxlen=limit)
        return list(self._history)

    def forget_history(self) -> None:
        """Read the history from the database again at the next use."""
        self._history = None

    def enqueue(self, job: Job) -> None:
        """Let ``job`` run after those that wait."""
        self._jobs.append(job)
        self._quiet.clear()
        self._work.set()

    async def run(self) -> None:
        """Work until closed or idle."""
        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(self._speak())
                taking_in = group.create_task(self._take_in())
                await asyncio.wait([speaking, taking_in], return_when=asyncio.FIRST_COMPLETED)
                self._closed = True
                taking_in.cancel()
                self._work.set()
        finally:
            self._abandon()

    # -- taking in

    async def _take_in(self) -> None:
        while not self._closed:
            try:
                async with asyncio.timeout(self._company.settings.idle_seconds):
                    item = await self._inbox.get()
            except TimeoutError:
                if self.retire():
                    return
                continue
            self._busy = True
            try:
                await self._accept(item)
            finally:
                self._busy = self._current is not None or bool(self._jobs)

    async def _accept(self, item: Item) -> None:
        match item:
            case Arrival():
                await self._guarded(item.receipt, self._arrive(item))
            case Proposal():
                await self._guarded(item.receipt, self._propose(item))
            case Operation():
                await self.quiet()
                await _perform(item)

    async def _guarded(self, receipt: Receipt, work: Awaitable[None]) -> None:
        try:
            await work
        except AcoreError as error:
            receipt.fail(error)
        except Exception as error:
            logger.exception("a message could not be taken in")
            receipt.fail(error)

    async def _arrive(self, arrival: Arrival) -> None:
        inbound, company = arrival.inbound, self._company
        present = await company.choices.present(self.conversation)
        decision = await company.gate.decide(inbound, present=present)
        if isinstance(decision, Withheld):
            await self._withhold(arrival, decision)
            return
        try:
            job = await self._engage(arrival, decision, present)
        except BaseException:
            _release([decision])
            raise
        if job is None:
            _release([decision])
            arrival.receipt.settle(Outcome(withheld=Withheld(reason="duplicate")))
            return
        self._place(job, inbound.message)

    async def _withhold(self, arrival: Arrival, decision: Withheld) -> None:
        message = arrival.inbound.message
        if decision.reason not in _NOT_KEPT or (
            decision.reason in {"no_trigger", "judge_declined", "chance"}
            and await self._company.choices.remembers(self.conversation)
        ):
            await self._record(arrival)
        self._company.metrics.count("suppressed", reason=decision.reason)
        self._company.bus.publish(
            Suppressed(
                conversation=self.conversation, message=message.id, reason=decision.reason
            )
        )
        arrival.receipt.settle(Outcome(withheld=decision))

    async def _record(self, arrival: Arrival) -> HistoryEntry | None:
        """Store the message; ``None`` when it is there already."""
        inbound = arrival.inbound
        history = await self.history()
        entry = await self._company.ledger.record(inbound)
        if history and any(known.message.id == entry.message.id for known in history):
            return None
        if entry.message.id != inbound.message.id:
            return None
        self._remember(entry)
        self._company.bus.publish(MessageRecorded(entry=entry))
        return entry

    async def _engage(
        self, arrival: Arrival, fired: Fired, present: Sequence[Persona]
    ) -> Job | None:
        entry = await self._record(arrival)
        if entry is None:
            return None
        inbound, company = arrival.inbound, self._company
        routing = company.choices.route(
            inbound, fired, present, last_responder=self._responder_age()
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

    def _place(self, job: Job, message: Message) -> None:
        verdict = overlap.decide(
            self._running_turn(),
            [_waiting(waiting) for waiting in self._jobs],
            message,
            settings=self._company.settings,
            now=self._company.clock.monotonic(),
        )
        job.account["overlap"] = f"{verdict.overlap}: {verdict.reason}"
        match verdict.overlap:
            case Overlap.MERGE:
                self._jobs[-1].absorb(job)
            case Overlap.SUPERSEDE if self._current is not None:
                if self._current.job.kind is TurnKind.REPLY:
                    job = _together(self._current.job, job)
                self._current.interrupt(InterruptReason.SUPERSEDED)
                self._jobs.appendleft(job)
            case Overlap.BARGE_IN if self._current is not None:
                self._current.interrupt(InterruptReason.BARGE_IN)
                self._jobs.appendleft(job)
            case _:
                self._jobs.append(job)
        self._quiet.clear()
        self._work.set()

    async def _propose(self, proposal: Proposal) -> None:
        initiative = proposal.initiative
        if self._current is not None or self._jobs:
            proposal.receipt.settle(Outcome(withheld=Withheld(reason="someone_spoke")))
            return
        self.enqueue(
            Job(
                kind=TurnKind.INITIATIVE,
                personas=[initiative.persona],
                delivery=proposal.delivery,
                receipts=[proposal.receipt],
                instruction=initiative.instruction,
                hop=initiative.hop,
                account={"trigger": "initiative", "gate": "a persona speaks on its own account"},
            )
        )

    # -- speaking

    async def _speak(self) -> None:
        while True:
            while self._jobs:
                self._busy = True
                await self._answer(self._jobs.popleft())
            self._busy = False
            self._quiet.set()
            if self._closed:
                return
            self._work.clear()
            await self._work.wait()

    async def _answer(self, job: Job) -> None:
        sent = False
        try:
            for persona_id in job.personas:
                persona = self._company.library.get(persona_id)
                if persona is None:
                    continue
                result = await self._run_turn(job, persona)
                sent = sent or result.entry is not None
                if not isinstance(result.terminal, TurnFinished):
                    break
        except AcoreError as error:
            _fail(job, error)
        except Exception as error:
            logger.exception("an answer could not be started")
            _fail(job, error)
        finally:
            self._current = None
            for fired in job.fired:
                if fired.reservation is not None:
                    fired.reservation.confirm() if sent else fired.reservation.release()
            job.settle()

    async def _run_turn(self, job: Job, persona: Persona) -> TurnResult:
        company = self._company
        current = self._current = _Current(job, company.clock.monotonic())
        turn = await self._turn(job, persona)
        current.turn = turn
        if current.reason is not None:
            turn.interrupt(current.reason)
        result = await company.runner.run(turn)
        job.terminals.append(result.terminal)
        if result.entry is not None:
            self._last_responder = (persona.id, company.clock.monotonic())
            if job.alternative_of is not None:
                self.forget_history()
            self._remember(result.entry)
        company.bus.publish(
            TurnConcluded(
                conversation=self.conversation,
                persona=persona.id,
                terminal=result.terminal,
                hop=turn.brief.hop,
            )
        )
        return result

    async def _turn(self, job: Job, persona: Persona) -> Turn:
        company = self._company
        trigger = job.burst[-1] if job.burst else None
        brief = TurnBrief(
            turn=TurnId(company.ids.new()),
            conversation=self.conversation,
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
            history=await self._seen_by(job),
            asker=job.asker,
            role=job.role,
            model_name=await company.choices.model(self.conversation),
            alternative_of=job.alternative_of,
            extends=job.extends,
            resumed=job.resumed,
            witnesses=job.witnesses,
            explanation={"kind": str(job.kind), "hop": brief.hop, **job.account},
        )

    async def _seen_by(self, job: Job) -> list[HistoryEntry]:
        """The history to answer from: up to the reply that is made anew, else the burst last."""
        history = await self.history()
        if job.alternative_of is not None:
            return [entry for entry in history if entry.ordinal < job.alternative_of.ordinal]
        if job.kind is not TurnKind.REPLY or job.resumed is not None:
            return history
        burst = {message.id for message in job.burst}
        waiting = {message.id for later in self._jobs for message in later.burst}
        before = [e for e in history if e.message.id not in burst and e.message.id not in waiting]
        return before + [entry for entry in history if entry.message.id in burst]

    # -- state

    def _remember(self, entry: HistoryEntry) -> None:
        if self._history is None:
            return
        for index, known in enumerate(self._history):
            if known.message.id == entry.message.id:
                self._history[index] = entry
                return
        self._history.append(entry)

    def _responder_age(self) -> tuple[PersonaId, float] | None:
        if self._last_responder is None:
            return None
        persona, at = self._last_responder
        return persona, self._company.clock.monotonic() - at

    def _running_turn(self) -> RunningTurn | None:
        if self._current is None:
            return None
        job, turn = self._current.job, self._current.turn
        return RunningTurn(
            author=job.burst[-1].author.id if job.burst else None,
            modality=job.burst[-1].modality if job.burst else Modality.TEXT,
            started_at=self._current.started_at,
            anything_shown=turn is not None and turn.shown,
            is_initiative=job.kind is TurnKind.INITIATIVE,
        )

    def _abandon(self) -> None:
        """Settle every promise that can no longer be kept."""
        self._closed = True
        closing = Busy("conversation_closed", "This conversation is closing; try again.")
        while not self._inbox.empty():
            item = self._inbox.get_nowait()
            if isinstance(item, Operation):
                if not item.done.done():
                    item.done.set_exception(closing)
            else:
                item.receipt.fail(closing)
        for job in self._jobs:
            _release(job.fired)
            job.settle()
        self._jobs.clear()
        self._quiet.set()


async def _perform(operation: Operation) -> None:
    try:
        result = await operation.work()
    except Exception as error:
        if not operation.done.done():
            operation.done.set_exception(error)
    else:
        if not operation.done.done():
            operation.done.set_result(result)


def _together(running: Job, new: Job) -> Job:
    """Return one job for what ``running`` was answering and what ``new`` adds."""
    joined = Job(
        kind=TurnKind.REPLY,
        personas=running.personas,
        delivery=new.delivery,
        receipts=list(running.receipts),
        burst=list(running.burst),
        fired=list(running.fired),
        account=dict(new.account),
        hop=new.hop,
        witnesses=running.witnesses,
    )
    joined.absorb(new)
    running.receipts, running.fired = [], []
    return joined


def _waiting(job: Job) -> Waiting:
    return Waiting(
        last_author=job.burst[-1].author.id if job.burst else None,
        is_initiative=job.kind is TurnKind.INITIATIVE,
    )


def _fail(job: Job, error: Exception) -> None:
    for receipt in job.receipts:
        receipt.fail(error)


def _release(fired: Sequence[Fired]) -> None:
    for one in fired:
        if one.reservation is not None:
            one.reservation.release()


def operation(work: Callable[[], Awaitable[T]]) -> tuple[Operation, asyncio.Future[T]]:
    """Return a mailbox item that runs ``work``, and the future of its result."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    return Operation(work, done), done
