"""One conversation's mailbox: messages in order, answers one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import TypeVar

from services.conversation import overlap
from services.conversation.answering import Answering, asker_of
from services.conversation.company import Company, RecentHistory
from services.conversation.inbound import Outcome, Receipt, Withheld
from services.conversation.intake import Intake, release
from services.conversation.jobs import Arrival, Item, Job, Operation, Proposal
from services.conversation.mailbox import Mailbox
from services.conversation.overlap import Overlap, Waiting
from services.conversation.turn import Turn
from services.domain.errors import AcoreError, Busy
from services.domain.ids import ConversationId, MessageId
from services.domain.messages import HistoryEntry, Message
from services.domain.replies import InterruptReason, TurnKind
from services.observability.logging import correlated

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Session:
    """Takes in a conversation's messages and answers them.

    Messages are decided on and stored in the order they came, also while an answer runs; answers
    run one at a time. An answer begins anew when what it answers changes. The session ends by
    itself when unused for ``idle_seconds``.
    """

    def __init__(self, conversation: ConversationId, company: Company) -> None:
        self.conversation = conversation
        self._company = company
        self.mailbox = Mailbox(company.settings.mailbox)
        self._order = asyncio.Lock()
        self._visitors = 0
        self._work = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._accepting: Item | None = None
        self._busy = False
        self._closed = False
        self._recent = RecentHistory(
            conversation, company.ledger, limit=company.settings.history_messages
        )
        self._intake = Intake(company, self._recent)
        self._answering = Answering(conversation, company, self._recent)

    # -- from outside

    def post(self, item: Item) -> None:
        """Put ``item`` into the mailbox; raises ``Busy`` when it is full or closed."""
        if self._closed:
            raise _closing()
        self.mailbox.put(item)

    def stop(self, reason: InterruptReason) -> bool:
        """Interrupt the running turn, if there is one; what waits goes on."""
        return self._answering.stop(reason)

    def retire(self) -> bool:
        """Close the session if nothing is going on in it."""
        waiting = bool(self._answering.waiting) or not self.mailbox.empty
        if self._busy or waiting or self._visitors:
            return False
        self._closed = True
        self._work.set()
        return True

    def finish(self) -> None:
        """Take in nothing more and drop what waits; a running turn goes on to its end."""
        self._closed = True
        self._answering.finish()
        self._drop_waiting()
        self._work.set()

    @property
    def closed(self) -> bool:
        """Whether it takes in nothing any more."""
        return self._closed

    @property
    def running(self) -> Turn | None:
        """The turn in progress."""
        current = self._answering.current
        return current.turn if current else None

    async def quiet(self) -> None:
        """Wait until no answer runs or waits."""
        await self._quiet.wait()

    async def history(self) -> list[HistoryEntry]:
        """Return the active branch's newest entries, oldest first."""
        return await self._recent.entries()

    def forget_history(self) -> None:
        """Read the history from the database again at the next use."""
        self._recent.forget()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Take nothing in while stored messages change; answers go on."""
        self._visitors += 1
        try:
            async with self._order:
                try:
                    yield
                except BaseException:
                    self.forget_history()
                    raise
        finally:
            self._visitors -= 1

    def rewritten(self, message: Message) -> None:
        """Answer ``message`` as it reads now; an answer to it that runs begins anew."""
        self.forget_history()
        self._answering.rewritten(message)

    def withdrawn(self, gone: Collection[MessageId]) -> None:
        """Answer without the messages that are ``gone``, or not at all when none is left."""
        self.forget_history()
        self._answering.withdrawn(gone)

    def enqueue(self, job: Job) -> None:
        """Let ``job`` run after those that wait."""
        self._answering.waiting.append(job)
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
                    item = await self.mailbox.next()
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
                answering = self._answering
                self._busy = answering.current is not None or bool(answering.waiting)

    async def _accept(self, item: Item) -> None:
        match item:
            case Arrival():
                async with self._order:
                    await self._guarded(item.receipt, self._arrive(item))
            case Proposal():
                await self._guarded(item.receipt, self._propose(item))
            case Operation():
                await self._operate(item)

    async def _operate(self, operation: Operation) -> None:
        while True:
            await self.quiet()
            async with self._order:
                if self._quiet.is_set():
                    await _perform(operation)
                    return

    async def _guarded(self, receipt: Receipt, work: Awaitable[None]) -> None:
        try:
            await work
        except AcoreError as error:
            receipt.fail(error)
        except Exception as error:
            logger.exception("a message could not be taken in")
            receipt.fail(error)

    async def _arrive(self, arrival: Arrival) -> None:
        last_responder = self._answering.last_responder()
        job = await self._intake.admit(arrival, last_responder=last_responder)
        if job is not None:
            self._place(job, arrival.inbound.message)

    def _place(self, job: Job, message: Message) -> None:
        jobs, current = self._answering.waiting, self._answering.current
        verdict = overlap.decide(
            self._answering.running(),
            [_waiting(waiting) for waiting in jobs],
            message,
            settings=self._company.settings,
            now=self._company.clock.monotonic(),
        )
        job.account["overlap"] = f"{verdict.overlap}: {verdict.reason}"
        match verdict.overlap:
            case Overlap.MERGE:
                jobs[-1].absorb(job)
            case Overlap.SUPERSEDE if current is not None:
                if current.job.kind is TurnKind.REPLY:
                    job = _together(current.job, job)
                    job.acted = job.acted or (current.turn is not None and current.turn.acted)
                current.interrupt(InterruptReason.SUPERSEDED)
                jobs.appendleft(job)
            case Overlap.BARGE_IN if current is not None:
                current.interrupt(InterruptReason.BARGE_IN)
                jobs.appendleft(job)
            case _:
                jobs.append(job)
        self._quiet.clear()
        self._work.set()

    async def _propose(self, proposal: Proposal) -> None:
        initiative = proposal.initiative
        if self._answering.current is not None or self._answering.waiting:
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
            while self._answering.waiting:
                self._busy = True
                job = self._answering.waiting.popleft()
                with correlated(job.correlation):
                    await self._answering.answer(job)
            self._busy = False
            self._quiet.set()
            if self._closed:
                return
            self._work.clear()
            await self._work.wait()

    def _abandon(self) -> None:
        """Settle every promise that can no longer be kept."""
        self._closed = True
        self._answering.finish()
        closing = _closing()
        abandoned = [] if self._accepting is None else [self._accepting]
        abandoned += self.mailbox.drain()
        for item in abandoned:
            if isinstance(item, Operation):
                if not item.done.done():
                    item.done.set_exception(closing)
            else:
                item.receipt.fail(closing)
        self._drop_waiting()
        self._quiet.set()

    def _drop_waiting(self) -> None:
        while self._answering.waiting:
            job = self._answering.waiting.popleft()
            release(job.fired)
            job.fail(_closing())


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
        superseded=running.superseded,
        delivery=new.delivery,
        receipts=list(running.receipts),
        burst=list(running.burst),
        fired=list(running.fired),
        certain=list(running.certain),
        account=dict(new.account),
        hop=new.hop,
        witnesses=running.witnesses,
        acted=running.acted,
    )
    joined.absorb(new)
    running.receipts, running.fired = [], []
    return joined


def _closing() -> Busy:
    return Busy("conversation_closed", "This conversation is closing; try again.")


def _waiting(job: Job) -> Waiting:
    return Waiting(
        last_author=asker_of(job),
        is_initiative=job.kind is TurnKind.INITIATIVE,
    )


def operation(work: Callable[[], Awaitable[T]]) -> tuple[Operation, asyncio.Future[T]]:
    """Return a mailbox item that runs ``work``, and the future of its result."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    return Operation(work, done), done
