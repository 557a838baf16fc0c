"""One conversation's mailbox: messages in order, answers one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.conversation import overlap
from services.conversation.company import Company, RecentHistory
from services.conversation.inbound import Outcome, Receipt, Withheld
from services.conversation.intake import Intake, release
from services.conversation.jobs import Arrival, Item, Job, Operation, Proposal
from services.conversation.ledger import TurnResult
from services.conversation.overlap import Overlap, RunningTurn, Waiting
from services.conversation.preparation import prepare
from services.conversation.turn import Turn
from services.domain.errors import AcoreError, Busy
from services.domain.events import TurnConcluded
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.domain.messages import HistoryEntry, Message, Modality
from services.domain.replies import InterruptReason, TurnFinished, TurnKind
from services.observability.logging import correlated
from services.persona.character import Persona

logger = logging.getLogger(__name__)

T = TypeVar("T")


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
        self._accepting: Item | None = None
        self._busy = False
        self._closed = False
        self._recent = RecentHistory(
            conversation, company.ledger, limit=company.settings.history_messages
        )
        self._intake = Intake(company, self._recent)
        self._last_responder: tuple[PersonaId, float] | None = None

    # -- from outside

    def post(self, item: Item) -> None:
        """Put ``item`` into the mailbox; raises ``Busy`` when it is full or closed."""
        if self._closed:
            raise _closing()
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

    def finish(self) -> None:
        """Take in nothing more and drop what waits; a running turn goes on to its end."""
        self._closed = True
        self._drop_waiting()
        self._work.set()

    @property
    def closed(self) -> bool:
        """Whether it takes in nothing any more."""
        return self._closed

    @property
    def running(self) -> Turn | None:
        """The turn in progress."""
        return self._current.turn if self._current else None

    async def quiet(self) -> None:
        """Wait until no answer runs or waits."""
        await self._quiet.wait()

    async def history(self) -> list[HistoryEntry]:
        """Return the active branch's newest entries, oldest first."""
        return await self._recent.entries()

    def forget_history(self) -> None:
        """Read the history from the database again at the next use."""
        self._recent.forget()

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
            self._accepting = item
            try:
                with correlated(item.correlation):
                    await self._accept(item)
                self._accepting = None
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
        job = await self._intake.admit(arrival, last_responder=self._responder_age())
        if job is not None:
            self._place(job, arrival.inbound.message)

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
                job = self._jobs.popleft()
                with correlated(job.correlation):
                    await self._answer(job)
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
                job.answered += 1
                sent = sent or result.entry is not None
                stopped = self._current is not None and self._current.reason is not None
                if self._closed or stopped or not isinstance(result.terminal, TurnFinished):
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
        waiting = {message.id for later in self._jobs for message in later.burst}
        turn = await prepare(job, persona, company, self._recent, waiting=waiting)
        current.turn = turn
        if current.reason is not None:
            turn.interrupt(current.reason)
        result = await company.runner.run(turn)
        job.terminals.append(result.terminal)
        if result.entry is not None:
            job.given.append(result.entry.message.id)
            self._last_responder = (persona.id, company.clock.monotonic())
            if job.alternative_of is not None:
                self.forget_history()
            self._recent.remember(result.entry)
        company.bus.publish(
            TurnConcluded(
                conversation=self.conversation,
                persona=persona.id,
                terminal=result.terminal,
                hop=turn.brief.hop,
            )
        )
        return result

    # -- state

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
            author=_asker(job),
            modality=job.burst[-1].modality if job.burst else Modality.TEXT,
            started_at=self._current.started_at,
            anything_shown=turn is not None and turn.shown,
            is_initiative=job.kind is TurnKind.INITIATIVE,
        )

    def _abandon(self) -> None:
        """Settle every promise that can no longer be kept."""
        self._closed = True
        closing = _closing()
        abandoned = [] if self._accepting is None else [self._accepting]
        while not self._inbox.empty():
            abandoned.append(self._inbox.get_nowait())
        for item in abandoned:
            if isinstance(item, Operation):
                if not item.done.done():
                    item.done.set_exception(closing)
            else:
                item.receipt.fail(closing)
        self._drop_waiting()
        self._quiet.set()

    def _drop_waiting(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            release(job.fired)
            _fail(job, _closing())


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
        personas=running.personas[running.answered :],
        given=list(running.given),
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


def _closing() -> Busy:
    return Busy("conversation_closed", "This conversation is closing; try again.")


def _asker(job: Job) -> AuthorId | None:
    """Return whose message a job answers; nobody's when it was asked for by command."""
    asked_for = job.kind is not TurnKind.REPLY or job.resumed is not None or job.in_order
    if asked_for or not job.burst:
        return None
    return job.burst[-1].author.id


def _waiting(job: Job) -> Waiting:
    return Waiting(
        last_author=_asker(job),
        is_initiative=job.kind is TurnKind.INITIATIVE,
    )


def _fail(job: Job, error: Exception) -> None:
    for receipt in job.receipts:
        receipt.fail(error)


def operation(work: Callable[[], Awaitable[T]]) -> tuple[Operation, asyncio.Future[T]]:
    """Return a mailbox item that runs ``work``, and the future of its result."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    return Operation(work, done), done
