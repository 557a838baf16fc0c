"""A conversation's answers: those that wait, the one in progress, and what changes them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection

from services.conversation.company import Company, RecentHistory
from services.conversation.current import Current, take_place
from services.conversation.inbound import Withheld
from services.conversation.intake import release
from services.conversation.jobs import Job, Loss
from services.conversation.ledger import TurnResult
from services.conversation.overlap import RunningTurn
from services.conversation.preparation import prepare
from services.conversation.turn import Turn
from services.domain.errors import AcoreError
from services.domain.events import BranchChanged, MessageRemoved, TurnConcluded
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import HistoryEntry, Message, Modality
from services.domain.replies import InterruptReason, TurnFinished, TurnInterrupted, TurnKind
from services.persona.character import Persona

logger = logging.getLogger(__name__)


class Answering:
    """Does one job at a time; an answer begins anew when what it answers changes."""

    def __init__(
        self, conversation: ConversationId, company: Company, recent: RecentHistory
    ) -> None:
        self._conversation = conversation
        self._company = company
        self._recent = recent
        self._last_responder: tuple[PersonaId, float] | None = None
        self._finishing = False
        self.waiting: deque[Job] = deque()
        self.current: Current | None = None

    # -- from outside

    def finish(self) -> None:
        """Begin nothing any more; the answer in progress goes on to its end."""
        self._finishing = True

    def stop(self, reason: InterruptReason) -> bool:
        """Interrupt the answer in progress, if there is one."""
        if self.current is None:
            return False
        self.current.interrupt(reason)
        return True

    def rewritten(self, message: Message) -> None:
        """Answer ``message`` as it reads now; an answer to it that runs begins anew."""
        for job in self.waiting:
            job.rewrite(message)
        current = self.current
        if current is not None and current.job.rewrite(message):
            self._begin_anew(current)

    def withdrawn(self, gone: Collection[MessageId]) -> None:
        """Answer without the messages that are ``gone``, or not at all when none is left."""
        waiting, self.waiting = self.waiting, deque()
        for job in waiting:
            if job.lose(gone) is Loss.ALL:
                release(job.fired)
                job.withheld = Withheld(reason="withdrawn")
                job.settle()
            else:
                self.waiting.append(job)
        current = self.current
        if current is None:
            return
        match current.job.lose(gone):
            case Loss.ALL:
                current.withdraw()
            case Loss.SOME:
                self._begin_anew(current)

    def last_responder(self) -> tuple[PersonaId, float] | None:
        """Return who answered last and how many seconds ago."""
        if self._last_responder is None:
            return None
        persona, at = self._last_responder
        return persona, self._company.clock.monotonic() - at

    def running(self) -> RunningTurn | None:
        """Return what decides whether a message may interrupt the answer in progress."""
        if self.current is None:
            return None
        job, turn = self.current.job, self.current.turn
        return RunningTurn(
            author=asker_of(job),
            modality=job.burst[-1].modality if job.burst else Modality.TEXT,
            started_at=self.current.started_at,
            anything_shown=turn is not None and turn.shown,
            is_initiative=job.kind is TurnKind.INITIATIVE,
        )

    # -- one job

    async def answer(self, job: Job) -> None:
        """Let each of the job's personas answer, and settle its promises."""
        sent = False
        try:
            for persona_id in job.personas:
                persona = self._company.library.get(persona_id)
                if persona is None:
                    continue
                result = await self._say(job, persona)
                if result is None:
                    break
                job.answered += 1
                sent = sent or result.entry is not None
                stopped = self.current is not None and self.current.reason is not None
                if self._finishing or stopped or not isinstance(result.terminal, TurnFinished):
                    break
        except AcoreError as error:
            job.fail(error)
        except Exception as error:
            logger.exception("an answer could not be started")
            job.fail(error)
        finally:
            self.current = None
            for fired in job.fired:
                if fired.reservation is not None:
                    fired.reservation.confirm() if sent else fired.reservation.release()
            job.settle()

    async def _say(self, job: Job, persona: Persona) -> TurnResult | None:
        """Let ``persona`` answer, beginning anew as often as needed, and return how it ended.

        ``None`` when nothing was left to answer before it began.
        """
        while True:
            current = self.current = Current(job, self._company.clock.monotonic())
            turn = await self._prepared(current, persona)
            result = None if turn is None else await self._run(current, turn)
            if not current.again or self._finishing:
                break
        stopped = result is None or isinstance(result.terminal, TurnInterrupted)
        if current.withdrawn and stopped:
            await self._unsay(job, persona, result)
        elif result is not None and result.entry is not None:
            job.given.append(result.entry.message.id)
            self._last_responder = (persona.id, self._company.clock.monotonic())
        if result is not None:
            job.terminals.append(result.terminal)
        return result

    async def _prepared(self, current: Current, persona: Persona) -> Turn | None:
        job = current.job
        while True:
            current.stale = False
            waiting = {message.id for later in self.waiting for message in later.burst}
            turn = await prepare(job, persona, self._company, self._recent, waiting=waiting)
            if current.withdrawn:
                job.withheld = Withheld(reason="withdrawn")
                return None
            if not current.stale:
                break
        take_place(turn, job.superseded)
        current.turn = turn
        if current.reason is not None:
            turn.interrupt(current.reason)
        return turn

    async def _run(self, current: Current, turn: Turn) -> TurnResult:
        result = await self._company.runner.run(turn)
        current.job.acted = current.job.acted or turn.acted
        current.end(stopped=isinstance(result.terminal, TurnInterrupted))
        entry = result.entry
        if entry is not None:
            if isinstance(result.terminal, TurnInterrupted) and current.superseded:
                current.job.superseded.append(entry)
            if turn.alternative_of is not None:
                self._recent.forget()
            self._recent.remember(entry)
        self._company.bus.publish(
            TurnConcluded(
                conversation=self._conversation,
                persona=turn.persona.id,
                terminal=result.terminal,
                hop=turn.brief.hop,
            )
        )
        if entry is not None and turn.alternative_of is not None:
            await self._tell_what_moved(turn.alternative_of, entry)
        return result

    async def _tell_what_moved(self, earlier: HistoryEntry, version: HistoryEntry) -> None:
        """Tell of what was said while a reply was made anew: it precedes all versions now."""
        between = [
            entry.message.id
            for entry in await self._recent.entries()
            if earlier.ordinal < entry.ordinal < version.ordinal
        ]
        if between:
            self._company.bus.publish(
                BranchChanged(conversation=self._conversation, moved=tuple(between))
            )

    async def _unsay(self, job: Job, persona: Persona, result: TurnResult | None) -> None:
        """Erase what was shown of an answer to messages that are gone."""
        said = [
            one.message.id for one in job.superseded if one.message.author.persona == persona.id
        ]
        if result is not None and result.entry is not None and job.extends is None:
            said.append(result.entry.message.id)
        if not said:
            return
        original = None if job.alternative_of is None else job.alternative_of.message.id
        removed = await self._company.ledger.messages.take_back(
            tuple(dict.fromkeys(said)), original=original
        )
        self._recent.forget()
        for entry in removed:
            self._company.bus.publish(
                MessageRemoved(conversation=self._conversation, message=entry.message.id)
            )

    def _begin_anew(self, current: Current) -> None:
        if not self._finishing and not current.ended:
            current.begin_anew()


def asker_of(job: Job) -> AuthorId | None:
    """Return whose message a job answers; nobody's when it was asked for by command."""
    asked_for = job.kind is not TurnKind.REPLY or job.resumed is not None or job.in_order
    if asked_for or not job.burst:
        return None
    return job.burst[-1].author.id
