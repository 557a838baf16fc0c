"""The conversation core's front door, the same for every frontend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from services.conversation.amendments import Amendments
from services.conversation.choices import Choices
from services.conversation.company import Company
from services.conversation.directory import DeliveryDirectory, SessionDirectory
from services.conversation.inbound import Inbound, Outcome, Receipt, Withheld
from services.conversation.inspection import Explanation, Inspector
from services.conversation.jobs import Arrival, Initiative, Job, Proposal
from services.conversation.revisions import Revisions
from services.conversation.scenes import Cast, SceneChange
from services.conversation.scripting import Scripting
from services.conversation.session import Session, operation
from services.conversation.warming import Warming
from services.domain.errors import Busy, InvalidRequest, NotAllowed
from services.domain.events import BranchChanged, MessageEdited, MessageRecorded, TurnUndone
from services.domain.ids import ActionId, AuthorId, ConversationId, MessageId, TurnId
from services.domain.messages import Alternatives, HistoryEntry
from services.domain.people import Author, Role
from services.domain.replies import Delivery, InterruptReason, ReplySink, TurnBrief
from services.lifecycle import Supervisor
from services.observability.logging import correlated, correlation
from services.persona.character import Persona
from services.toolbox.spec import ToolContext

logger = logging.getLogger(__name__)

_STORING_SECONDS = 3.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service is made of beside its sessions."""

    company: Company
    revisions: Revisions
    choices: Choices
    inspector: Inspector
    warming: Warming
    scripting: Scripting
    deliveries: DeliveryDirectory


class ConversationService:
    """Takes in messages, runs turns, and changes what was said.

    Everything that concerns one conversation happens in order, in its session's mailbox. Entering
    recovers turns that a crash left open; leaving stops them, keeping what was shown.
    """

    def __init__(self, parts: Parts) -> None:
        self._company = parts.company
        self._settings = parts.company.settings
        self._revisions = parts.revisions
        self._choices = parts.choices
        self._inspector = parts.inspector
        self._warming = parts.warming
        self._scripting = parts.scripting
        self._deliveries = parts.deliveries
        self._messages = parts.company.ledger.messages
        self._amendments = Amendments(parts.company)
        self._supervisor = Supervisor()
        self._sessions = SessionDirectory(
            supervisor=self._supervisor,
            create=lambda conversation: Session(conversation, self._company),
            limit=self._settings.max_sessions,
        )
        self._draining = False

    async def __aenter__(self) -> Self:
        recovered = await self._company.ledger.recover()
        if recovered:
            logger.warning("turns recovered after a crash", extra={"turns": recovered})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.drain()
        await self._supervisor.__aexit__(kind, error, trace)

    async def drain(self, patience: float = 0.0) -> None:
        """Take in nothing more, and wait until every answer has ended and is stored.

        Running answers may go on for ``patience`` seconds; then they are interrupted, and what was
        shown of them is stored and marked as cut off. What waits for an answer gets none.
        """
        self._draining = True
        sessions = self._sessions.all()
        for session in sessions:
            session.finish()
        if await _all_quiet(sessions, patience):
            return
        cut = sum(session.stop(InterruptReason.SHUTDOWN) for session in sessions)
        if cut:
            logger.warning("running answers cut off", extra={"answers": cut})
        if not await _all_quiet(sessions, _STORING_SECONDS):
            logger.warning("turns did not end in time", extra={"sessions": len(sessions)})

    async def receive(self, inbound: Inbound) -> Receipt:
        """Take in a message and return at once with the promise of its outcome.

        Raises ``InvalidRequest`` for a message that is too long and ``Busy`` when too many wait.
        """
        self._check_length(inbound.message.text)
        receipt = Receipt(inbound.message.conversation)
        about = correlation.get() or inbound.message.id
        self._session(inbound.message.conversation).post(Arrival(inbound, receipt, about))
        return receipt

    async def initiate(self, initiative: Initiative) -> Receipt:
        """Let a persona speak unasked; dropped when someone else is speaking or unreachable."""
        receipt = Receipt(initiative.conversation)
        delivery = await self._deliveries.reach(initiative.conversation)
        if delivery is None:
            receipt.settle(Outcome(withheld=Withheld(reason="unreachable")))
            return receipt
        if initiative.hop > self._choices.max_hops:
            receipt.settle(Outcome(withheld=Withheld(reason="hop_limit")))
            return receipt
        cast = await self._company.scenes.of(initiative.conversation)
        if cast.open and initiative.persona not in cast.scene.members:
            receipt.settle(Outcome(withheld=Withheld(reason="not_in_scene")))
            return receipt
        session = self._session(initiative.conversation)
        session.post(Proposal(initiative, delivery, receipt, self._about()))
        return receipt

    def stop(
        self,
        conversation: ConversationId,
        reason: InterruptReason = InterruptReason.USER_STOP,
    ) -> bool:
        """Interrupt the running turn, keeping what was shown; False if none runs."""
        session = self._sessions.find(conversation)
        return session is not None and session.stop(reason)

    async def hush(self, conversations: Collection[ConversationId]) -> None:
        """Interrupt the answers that run in ``conversations``, and wait until they have ended."""
        sessions = [found for one in conversations if (found := self._sessions.find(one))]
        for session in sessions:
            session.stop(InterruptReason.USER_STOP)
        await _all_quiet(sessions, _STORING_SECONDS)

    def forget(
        self,
        conversations: Collection[ConversationId],
        accounts: Collection[AuthorId],
        *,
        wholly: bool = False,
    ) -> None:
        """Drop what is held in memory of ``conversations`` and of what ``accounts`` said.

        With ``wholly``, also what anybody said in ``conversations`` and nobody answered.
        """
        for conversation in conversations:
            if wholly:
                self._company.gate.forget(conversation)
            session = self._sessions.find(conversation)
            if session is not None:
                session.forget_history()
        self._company.gate.forget_authors(accounts)
        self._inspector.clear()

    # -- other answers

    async def regenerate(
        self,
        conversation: ConversationId,
        delivery: Delivery,
        *,
        by: Author,
        role: Role = Role.MEMBER,
        of: MessageId | None = None,
    ) -> Receipt:
        """Answer again; the new version stands beside the old one. Raises ``NotFound``.

        ``of`` says which answer is meant, by any of its versions: ``InvalidRequest`` when it is
        not the newest.
        """

        async def work(session: Session) -> Receipt:
            job = await self._revisions.again(session, delivery, by=by, role=role, of=of)
            return _queued(session, job)

        return await self._quietly(conversation, work)

    async def swipe(
        self,
        conversation: ConversationId,
        step: int,
        delivery: Delivery,
        *,
        by: Author,
        role: Role = Role.MEMBER,
        of: MessageId | None = None,
    ) -> Alternatives | Receipt:
        """Show the next (``step`` 1) or previous (-1) version of the last reply.

        Beyond the last version a new one is generated. Raises ``NotFound`` before the first.
        ``of`` is as in ``regenerate``.
        """

        async def work(session: Session) -> Alternatives | Receipt:
            versions = await self._revisions.swipe(session, step, by=by, of=of)
            if versions is not None:
                stands = versions.entries[versions.active].message.id
                self._publish_branch(conversation, stands)
                return versions
            job = await self._revisions.again(session, delivery, by=by, role=role, of=of)
            return _queued(session, job)

        return await self._quietly(conversation, work)

    async def continue_reply(
        self,
        conversation: ConversationId,
        delivery: Delivery,
        *,
        by: Author,
        role: Role = Role.MEMBER,
        of: MessageId | None = None,
    ) -> Receipt:
        """Let the last reply go on where it stopped. ``of`` and errors are as in ``regenerate``."""

        async def work(session: Session) -> Receipt:
            job = await self._revisions.further(session, delivery, by=by, role=role, of=of)
            return _queued(session, job)

        return await self._quietly(conversation, work)

    async def speak(
        self,
        conversation: ConversationId,
        name: str,
        delivery: Delivery,
        *,
        by: Author,
        role: Role = Role.MEMBER,
    ) -> Receipt:
        """Let a member of the scene speak, by ``name`` or, without one, as the scene decides.

        Raises ``NotFound`` when nobody here is called that, and ``NotAllowed`` for guests.
        """
        standing = await self._company.permissions.standing(by.id, conversation, given=role)
        if standing.blocked or standing.role < Role.MEMBER:
            raise NotAllowed("scene_permission", "You may not ask characters to speak here.")

        async def work(session: Session) -> Receipt:
            job = await self._revisions.speak(session, name, delivery, by=by, role=standing.role)
            return _queued(session, job)

        return await self._quietly(conversation, work)

    # -- scenes

    async def scene(self, conversation: ConversationId) -> Cast:
        """Return who takes part in the scene here."""
        return await self._company.scenes.of(conversation)

    async def change_scene(
        self,
        conversation: ConversationId,
        change: SceneChange,
        *,
        by: Author,
        role: Role = Role.MEMBER,
        private: bool = False,
    ) -> Cast:
        """Change who takes part here and how, once no answer runs; see ``Scenes.change``.

        Whoever joins knows nothing of what was overheard before.
        """
        standing = await self._company.permissions.standing(by.id, conversation, given=role)
        private = private and not standing.blocked

        async def work(_session: Session) -> Cast:
            cast = await self._company.scenes.change(
                conversation, change, by=by, role=standing.role, private=private
            )
            if change.join is not None or change.leave is not None:
                self._company.gate.forget(conversation)
            return cast

        return await self._quietly(conversation, work)

    # -- changes

    async def edit(
        self,
        conversation: ConversationId,
        text: str,
        *,
        by: Author,
        message: MessageId | None = None,
        role: Role = Role.MEMBER,
    ) -> HistoryEntry:
        """Replace a message's words; by default those of the last human message.

        People edit their own messages and the answers they asked for, moderators every answer.
        Raises ``NotFound``, ``NotAllowed``, ``InvalidRequest``.
        """
        if not text.strip() or len(text) > self._settings.max_message_characters:
            raise InvalidRequest("edit_text", "Give the new text of the message after the command.")
        allowed = await self._unblocked(conversation, by, role)

        async def work(session: Session) -> HistoryEntry:
            entry = await self._revisions.edit(session, text, by=by, role=allowed, message=message)
            self._company.gate.forget(conversation, entry.message.id)
            self._company.bus.publish(MessageEdited(entry=entry))
            return entry

        return await self._quietly(conversation, work)

    async def remove(
        self,
        conversation: ConversationId,
        message: MessageId,
        *,
        by: Author,
        role: Role = Role.MEMBER,
    ) -> HistoryEntry:
        """Erase a message's words once no answer runs; its place and platform ids stay.

        An answer goes with all its versions. People remove their own messages and the answers they
        asked for, moderators every message. Raises ``NotFound``, ``NotAllowed``.
        """
        allowed = await self._unblocked(conversation, by, role)

        async def work(session: Session) -> HistoryEntry:
            erased = await self._revisions.remove(session, message, by=by, role=allowed)
            self._amendments.announce(erased)
            return erased[0]

        return await self._quietly(conversation, work)

    async def undo(self, conversation: ConversationId, *, by: Author) -> Sequence[HistoryEntry]:
        """Take the last exchange off the branch and return it. Raises ``NotFound``."""

        async def work(session: Session) -> Sequence[HistoryEntry]:
            undone = await self._revisions.undo(session)
            ids = tuple(entry.message.id for entry in undone)
            for turn in dict.fromkeys(entry.turn for entry in undone if entry.turn):
                self._company.bus.publish(
                    TurnUndone(conversation=conversation, turn=turn, messages=ids)
                )
            return undone

        return await self._quietly(conversation, work)

    async def branch(self, conversation: ConversationId, at: int, *, by: Author) -> HistoryEntry:
        """Go back to message number ``at``; what follows starts a new branch. ``NotFound``."""

        async def work(session: Session) -> HistoryEntry:
            entry = await self._revisions.branch(session, at)
            self._publish_branch(conversation)
            return entry

        return await self._quietly(conversation, work)

    async def reset(self, conversation: ConversationId, *, by: Author) -> None:
        """Start afresh: what was said stays stored but is no longer part of the conversation."""

        async def work(session: Session) -> None:
            await self._revisions.reset(session)
            self._publish_branch(conversation)

        await self._quietly(conversation, work)

    async def greet(
        self, conversation: ConversationId, persona: Persona, *, author: Author
    ) -> HistoryEntry | None:
        """Open an empty conversation with the persona's greeting and return it, if it has one.

        Nobody greets where characters are muted. Raises ``InvalidRequest`` for a character that
        may not speak here.
        """
        rules = await self._company.choices.rules(conversation)
        if rules.muted:
            return None
        if not rules.admits(persona):
            raise InvalidRequest(
                "adults_only",
                f"{persona.name} speaks in age-restricted places only; choose another character.",
            )

        async def work(session: Session) -> HistoryEntry | None:
            entry = await self._revisions.greet(session, persona, author)
            if entry is not None:
                self._company.bus.publish(MessageRecorded(entry=entry))
            return entry

        return await self._quietly(conversation, work)

    async def decide(
        self,
        action: ActionId,
        *,
        approve: bool,
        by: Author,
        delivery: Delivery,
        role: Role = Role.MEMBER,
    ) -> Receipt:
        """Answer a ``ConfirmationRequested``; the persona goes on with the result.

        What ``by`` may do and the place permits counts as it is now, not as it was when the
        question was asked. Each action is decided once. Raises ``NotFound``, ``NotAllowed``, or
        ``InvalidRequest`` when it was decided or has expired.
        """
        pending = await self._revisions.pending(action, by=by)
        role = await self._unblocked(pending.conversation, by, role)

        async def work(session: Session) -> Receipt:
            choices = self._company.choices
            rules = await choices.rules(pending.conversation)
            context = ToolContext(
                conversation=pending.conversation,
                persona=pending.persona,
                turn=pending.turn,
                asker=by,
                role=role,
                timezone=await choices.timezone(by, rules),
            )
            job = await self._revisions.decide(
                session, pending, approve=approve, context=context, rules=rules, delivery=delivery
            )
            return _queued(session, job)

        return await self._quietly(pending.conversation, work)

    # -- what the platform shows

    async def published(self, message: MessageId, external_ids: Sequence[str]) -> None:
        """Note the platform's ids of a stored message, several when it was split.

        Repeating is harmless; an id of another version of the same reply stays with that one.
        Raises ``NotFound``, or ``InvalidRequest`` when it belongs to something else.
        """
        await self._messages.publish(message, external_ids)

    async def found(self, conversation: ConversationId, external_id: str) -> HistoryEntry | None:
        """Return the message a platform knows under this id, of a reply the version that stands.

        ``None`` when it is unknown here or removed.
        """
        return await self._messages.standing(conversation, external_id)

    async def corrected(
        self, conversation: ConversationId, external_id: str, text: str, *, by: Author
    ) -> bool:
        """Follow an author who edited their message on the platform, at once.

        An answer that waits is given to the new text. One that runs ends as ``SUPERSEDED`` and
        begins anew, as a version of what it had shown. False when nothing changes: the message is
        unknown, not by ``by``, or reads so already. A text that would not have been taken in here
        takes the message away, as ``withdrawn`` does. Raises ``InvalidRequest`` for one that is
        too long.
        """
        self._check_length(text)
        return await self._amendments.correct(self._desk(conversation), external_id, text, by=by)

    async def withdrawn(self, conversation: ConversationId, external_ids: Sequence[str]) -> int:
        """Follow the platform, which deleted messages, at once; return how many were erased.

        An answer to nothing else is stopped and nothing of it kept; one that waits is withheld as
        ``withdrawn``; one to other messages as well is given to those, begun anew if it runs. A
        reply goes with all its versions once all its external ids are gone; do not report what the
        frontend itself replaces.
        """
        return await self._amendments.withdraw(self._desk(conversation), external_ids)

    # -- looking

    async def entry(self, conversation: ConversationId, message: MessageId) -> HistoryEntry:
        """Return a message. Raises ``NotFound`` when it is of another conversation or removed."""
        return await self._messages.entry(conversation, message)

    async def versions(self, message: MessageId) -> Alternatives:
        """Return a message's versions, itself included. Raises ``NotFound``."""
        return await self._messages.versions(message)

    async def asker_of(self, conversation: ConversationId, message: MessageId) -> AuthorId | None:
        """Return who asked for a reply, ``None`` for other messages and what was said unasked.

        Raises ``NotFound``.
        """
        return await self._messages.asker(await self._messages.entry(conversation, message))

    async def recent(self, conversation: ConversationId, limit: int) -> Sequence[HistoryEntry]:
        """Return the newest entries of the active branch, oldest first."""
        return await self._company.ledger.recent(conversation, limit)

    async def shown(
        self, entries: Sequence[HistoryEntry], *, viewer: Author, newer: int = 0
    ) -> list[str]:
        """Return the texts of messages as people are to see them; see ``Scripting.shown``.

        For whatever shows messages to people; what is kept is ``HistoryEntry.text``.
        """
        return await self._scripting.shown(entries, viewer=viewer, newer=newer)

    def dressed(self, turn: TurnBrief, sink: ReplySink, *, viewer: Author) -> ReplySink:
        """Return a sink that shows a reply on ``sink`` as ``viewer`` is to see it.

        For deliveries whose sinks people read; see ``Scripting.dressed``.
        """
        return self._scripting.dressed(turn, sink, viewer=viewer)

    async def why(
        self, conversation: ConversationId, turn: TurnId | None = None
    ) -> Explanation | None:
        """Explain a turn, by default the conversation's last."""
        account = await self._company.ledger.account(conversation, turn)
        if account is None:
            return None
        return Explanation(
            turn=account.id,
            state=account.state,
            account=account.why,
            prompt=self._inspector.prompt(account.id),
        )

    # -- choices

    async def persona_of(self, conversation: ConversationId) -> Persona:
        """Return the character that answers here."""
        return await self._choices.persona(conversation)

    async def choose_persona(
        self, conversation: ConversationId, name: str, *, by: Author, role: Role
    ) -> Persona:
        """Let another character answer here.

        Raises ``NotFound`` with close names, and ``InvalidRequest`` while a scene is open.
        """
        if (await self._company.scenes.of(conversation)).open:
            raise InvalidRequest(
                "scene_open",
                "A scene is open here; let characters join and leave it, or let all of them leave.",
            )
        return await self._choices.choose_persona(conversation, name, by=by, role=role)

    async def model_of(self, conversation: ConversationId) -> str | None:
        """Return the model chosen here; ``None`` is the configured one."""
        return await self._choices.model(conversation)

    async def choose_model(
        self, conversation: ConversationId, name: str | None, *, by: Author, role: Role
    ) -> None:
        """Answer here with another model; ``None`` goes back to the configured one."""
        await self._choices.choose_model(conversation, name, by=by, role=role)

    # -- warming up

    def prefill(self, conversation: ConversationId, *, by: Author) -> None:
        """Let the model read the conversation so far while the person types."""
        if not self._draining:
            self._supervisor.start(
                "prefill", lambda: self._warming.conversation(conversation, self._peek)
            )

    async def warm(self, persona: Persona) -> bool:
        """Let the model read a character's prompt once; False when no model answers."""
        return await self._warming.persona(persona)

    async def _peek(self, conversation: ConversationId) -> Sequence[HistoryEntry]:
        session = self._sessions.find(conversation)
        limit = self._settings.history_messages
        if session is not None:
            return await session.history()
        return await self._company.ledger.recent(conversation, limit)

    def _check_length(self, text: str) -> None:
        if len(text) > self._settings.max_message_characters:
            raise InvalidRequest(
                "message_too_long",
                f"That message has {len(text):,} characters; the most that is taken in is "
                f"{self._settings.max_message_characters:,}. Please shorten it.",
            )

    async def _unblocked(self, conversation: ConversationId, by: Author, role: Role) -> Role:
        standing = await self._company.permissions.standing(by.id, conversation, given=role)
        if standing.blocked:
            raise NotAllowed("blocked", "You may not change anything here.")
        return standing.role

    def _publish_branch(self, conversation: ConversationId, *moved: MessageId) -> None:
        self._company.bus.publish(BranchChanged(conversation=conversation, moved=moved))

    def _desk(self, conversation: ConversationId) -> Session:
        """Return where stored messages change: the session, or a place where nothing is answered.

        The latter while shutting down or full; what people take back is taken back nevertheless.
        """
        try:
            return self._session(conversation)
        except Busy:
            known = self._sessions.find(conversation)
            return known or Session(conversation, self._company)

    def _session(self, conversation: ConversationId) -> Session:
        if self._draining:
            raise Busy("shutting_down", "acore is shutting down; try again after the restart.")
        return self._sessions.open(conversation)

    async def _quietly(
        self, conversation: ConversationId, work: Callable[[Session], Awaitable[T]]
    ) -> T:
        """Run ``work`` in the conversation's turn, when no answer runs or waits."""
        session = self._session(conversation)
        with correlated(self._about()):
            item, done = operation(lambda: work(session))
        session.post(item)
        return await done

    def _about(self) -> str:
        """Return what log lines about something that is no message are found by."""
        return correlation.get() or self._company.ids.new()


async def _all_quiet(sessions: Sequence[Session], seconds: float) -> bool:
    """Tell whether no session has anything to say any more, waiting for that if need be."""
    waits = asyncio.gather(*(session.quiet() for session in sessions))
    try:
        async with asyncio.timeout(seconds):
            await waits
    except TimeoutError:
        return False
    return True


def _queued(session: Session, job: Job) -> Receipt:
    session.enqueue(job)
    return job.receipts[0]
