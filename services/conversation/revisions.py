"""Changes to what was said: other versions, edit, remove, undo, branch."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.actions import PendingAction
from services.conversation.generation import Generation
from services.conversation.history import History
from services.conversation.history_rows import Witnesses
from services.conversation.inbound import Receipt
from services.conversation.jobs import Job
from services.conversation.ledger import Ledger
from services.conversation.moderation.policy import ContentPolicy
from services.conversation.moderation.rules import NO_RULES
from services.conversation.place_rules import PlaceRules
from services.conversation.scenes import Cast, Scenes
from services.conversation.scripting import Scripting
from services.conversation.session import Session
from services.conversation.tool_offer import permitted
from services.conversation.user_personas import UserPersonas
from services.conversation.witnesses import personas_among
from services.domain.calls import ToolCall, ToolResult
from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ActionId, MessageId, PersonaId
from services.domain.messages import Alternatives, HistoryEntry
from services.domain.people import Author, AuthorKind, Role
from services.domain.replies import Delivery, TurnKind
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.macros.names import fill
from services.storage.database import Database
from services.toolbox.spec import ToolContext, ToolSpec


class Revisions:
    """Changes a quiet conversation; each method is called in its session's turn."""

    def __init__(
        self,
        *,
        database: Database,
        history: History,
        ledger: Ledger,
        generation: Generation,
        clock: Clock,
        scenes: Scenes,
        library: CharacterLibrary,
        user_personas: UserPersonas,
        scripting: Scripting,
        content: ContentPolicy,
    ) -> None:
        self._database = database
        self._history = history
        self._ledger = ledger
        self._messages = ledger.messages
        self._generation = generation
        self._clock = clock
        self._scenes = scenes
        self._library = library
        self._user_personas = user_personas
        self._scripting = scripting
        self._content = content

    async def again(
        self,
        session: Session,
        delivery: Delivery,
        *,
        by: Author,
        role: Role,
        of: MessageId | None = None,
    ) -> Job:
        """Return the job of answering anew what the last reply, ``of``, answered."""
        history, reply = await self._newest(session, of)
        versions = await self._messages.versions(reply.message.id)
        return self._job(session, delivery, history, reply, by, role, TurnKind.REGENERATE, versions)

    async def further(
        self,
        session: Session,
        delivery: Delivery,
        *,
        by: Author,
        role: Role,
        of: MessageId | None = None,
    ) -> Job:
        """Return the job of letting the last reply, ``of``, go on."""
        history, reply = await self._newest(session, of)
        cast = await self._scenes.of(session.conversation)
        heard = personas_among(reply.witnesses)
        here = {one.id for one in cast.members} if cast.open else {reply.message.author.persona}
        if heard - here or (cast.open and not heard):
            raise InvalidRequest(
                "scene_changed",
                "Not everybody who heard that answer is still here; ask for a new one instead.",
            )
        return self._job(session, delivery, history, reply, by, role, TurnKind.CONTINUE, None)

    async def swipe(
        self, session: Session, step: int, *, by: Author, of: MessageId | None = None
    ) -> Alternatives | None:
        """Make a neighbouring version of the last reply stand; ``None`` beyond the last one.

        Beyond a greeting come the card's other greetings, in a scene those for groups, too.
        """
        _, reply = await self._newest(session, of)
        versions = await self._messages.versions(reply.message.id)
        target = versions.active + (1 if step > 0 else -1)
        if target < 0:
            raise NotFound("no_earlier_version", "This is the first version already.")
        if target >= len(versions.entries):
            return await self._greet_otherwise(session, reply, by=by)
        async with self._database.transaction() as tx:
            await self._history.activate(tx, versions.entries[target].message.id)
        session.forget_history()
        return Alternatives(entries=versions.entries, active=target)

    async def edit(
        self, session: Session, text: str, *, by: Author, role: Role, message: MessageId | None
    ) -> HistoryEntry:
        """Replace the words of ``message``, by default the last one of a human.

        People edit their own messages and the answers they asked for, moderators every answer.
        """
        history = await session.history()
        entry = _chosen(history, message)
        author = entry.message.author
        answer = author.kind is AuthorKind.PERSONA
        if author.id != by.id and not (answer and await self._controls(entry, by, role)):
            raise NotAllowed(
                "edit_other", "You can only edit your own messages and the answers you asked for."
            )
        text = await self._scripting.edited(entry, text, by=by)
        changed = await self._messages.edit(entry.message.id, text)
        session.forget_history()
        return changed

    async def remove(
        self, session: Session, message: MessageId, *, by: Author, role: Role
    ) -> list[HistoryEntry]:
        """Erase ``message`` and, of an answer, its other versions; return it first, then those."""
        entry = await self._messages.entry(session.conversation, message)
        if entry.message.author.id != by.id and not await self._controls(entry, by, role):
            raise NotAllowed(
                "remove_other",
                "You can only remove your own messages and the answers you asked for.",
            )
        erased = await self._messages.erase([message])
        session.forget_history()
        return erased

    async def undo(self, session: Session) -> Sequence[HistoryEntry]:
        """Take the last exchange off the branch and return it, oldest first."""
        async with self._database.transaction() as tx:
            undone = await self._history.undo_turn(tx, session.conversation)
            entries = [await self._history.entry(tx, message) for message in undone.messages]
        session.forget_history()
        return entries

    async def branch(self, session: Session, at: int) -> HistoryEntry:
        """Go back to message number ``at`` of the active branch, or to the end of another one."""
        on_branch = {entry.ordinal: entry.message.id for entry in await session.history()}
        async with self._database.transaction() as tx:
            ends = await self._history.leaves(tx, session.conversation)
            known = {leaf.ordinal: leaf.message for leaf in ends} | on_branch
            if at not in known:
                raise NotFound("message_unknown", f"There is no message number {at} here.")
            await self._history.branch(tx, session.conversation, known[at])
            entry = await self._history.entry(tx, known[at])
        session.forget_history()
        return entry

    async def reset(self, session: Session) -> None:
        """Start the conversation afresh."""
        async with self._database.transaction() as tx:
            await self._history.reset(tx, session.conversation)
        session.forget_history()

    async def greet(
        self, session: Session, persona: Persona, author: Author
    ) -> HistoryEntry | None:
        """Store the persona's greeting if nothing has been said yet.

        In a scene without ``persona`` its first member greets.
        """
        if await session.history():
            return None
        cast = await self._scenes.of(session.conversation)
        if cast.members and persona not in cast.members:
            persona = cast.members[0]
        greetings = await self._greetings(session, persona, cast, author)
        if not greetings:
            return None
        hearing = cast.members or (persona,)
        people: Witnesses = frozenset({author.id})
        entry = await self._ledger.say(
            session.conversation,
            persona,
            greetings[0],
            witnesses=people.union(one.id for one in hearing),
        )
        session.forget_history()
        return entry

    async def _greet_otherwise(
        self, session: Session, reply: HistoryEntry, *, by: Author
    ) -> Alternatives | None:
        """Let the card's greeting after this one stand beside it; ``None`` without one."""
        persona = self._library.get(reply.message.author.persona or PersonaId(""))
        if reply.turn is not None or reply.parent is not None or persona is None:
            return None
        cast = await self._scenes.of(session.conversation)
        greetings = await self._greetings(session, persona, cast, by)
        if reply.text not in greetings[:-1]:
            return None
        entry = await self._ledger.say(
            session.conversation,
            persona,
            greetings[greetings.index(reply.text) + 1],
            witnesses=reply.witnesses,
            alternative_of=reply.message.id,
        )
        session.forget_history()
        return await self._messages.versions(entry.message.id)

    async def _greetings(
        self, session: Session, persona: Persona, cast: Cast, author: Author
    ) -> list[str]:
        described = await self._user_personas.of(author.id, session.conversation, persona)
        user = described[0] if described else author.display_name
        card = persona.character
        texts = [card.first_mes, *card.alternate_greetings]
        if cast.group:
            texts += card.group_only_greetings
        filled = [fill(text, char=persona.name, user=user) for text in texts if text.strip()]
        kept = await self._scripting.greeted(session.conversation, persona, filled, to=author)
        rules = self._content.joined(NO_RULES)
        return list(dict.fromkeys([await self._content.cleaned(text, rules) for text in kept]))

    async def speak(
        self, session: Session, name: str, delivery: Delivery, *, by: Author, role: Role
    ) -> Job:
        """Return the job of letting a member of the scene speak; see ``Scenes.asked``."""
        cast = await self._scenes.of(session.conversation)
        history = await session.history()
        routing = self._scenes.asked(name, cast, history)
        return Job(
            kind=TurnKind.REPLY,
            personas=routing.personas,
            delivery=delivery,
            receipts=[Receipt(session.conversation)],
            burst=[entry.message for entry in _answered(history)],
            asker=by,
            role=role,
            in_order=True,
            account={
                "trigger": "asked",
                "gate": "asked for by command",
                "routing": f"{routing.reason}: {routing.detail}",
            },
        )

    async def pending(self, action: ActionId, *, by: Author) -> PendingAction:
        """Return a stored question that ``by`` may answer."""
        pending = await self._ledger.pending(action)
        if pending.requested_by is not None and pending.requested_by != by.id:
            raise NotAllowed("confirm_other", "Only the person who asked can confirm this.")
        return pending

    async def decide(
        self,
        session: Session,
        pending: PendingAction,
        *,
        approve: bool,
        context: ToolContext,
        rules: PlaceRules,
        delivery: Delivery,
    ) -> Job:
        """Settle the question, run the tool on a yes, and return the job of telling the result.

        ``context`` is that of whoever says it now; the tool must still be permitted by ``rules``.
        """
        by, role = context.asker, context.role
        if by is None:
            raise NotAllowed("confirm_other", "Only the person who asked can confirm this.")
        await self._ledger.settle(pending.id, approve=approve, by=by.id)
        call = ToolCall(id=pending.id, name=pending.tool, arguments=pending.arguments)
        result = ToolResult(call_id=call.id, content="The person said no.", is_error=True)
        if approve:
            persona = self._library.get(pending.persona) if rules.tools else None

            def permits(tool: ToolSpec) -> bool:
                return persona is not None and permitted(
                    tool, persona, asker=by.id, role=role, rules=rules.tool_rules
                )

            result = await self._generation.run_confirmed(call, context, permits=permits)
            await self._ledger.finish_action(pending.id, failed=result.is_error)
        return Job(
            kind=TurnKind.REPLY,
            personas=[pending.persona],
            delivery=delivery,
            receipts=[Receipt(session.conversation)],
            asker=by,
            role=role,
            resumed=(call, result),
            account={"trigger": "confirmation", "gate": "approved" if approve else "declined"},
        )

    async def _controls(self, entry: HistoryEntry, by: Author, role: Role) -> bool:
        return role >= Role.MODERATOR or await self._messages.asker(entry) == by.id

    async def _newest(
        self, session: Session, of: MessageId | None
    ) -> tuple[Sequence[HistoryEntry], HistoryEntry]:
        """Return the history and the reply at its end, which is to be ``of`` or a version of it."""
        history = await session.history()
        if of is None:
            return history, _last_reply(history)
        await self._messages.entry(session.conversation, of)
        last = history[-1] if history else None
        if last is not None and last.message.author.kind is AuthorKind.PERSONA:
            versions = await self._messages.versions(last.message.id)
            if any(entry.message.id == of for entry in versions.entries):
                return history, last
        raise InvalidRequest(
            "not_newest",
            "Only the newest answer can be changed; /conversation branch goes back to an earlier "
            "one.",
        )

    def _job(
        self,
        session: Session,
        delivery: Delivery,
        history: Sequence[HistoryEntry],
        reply: HistoryEntry,
        by: Author,
        role: Role,
        kind: TurnKind,
        versions: Alternatives | None,
    ) -> Job:
        persona = reply.message.author.persona
        if persona is None:
            raise NotFound("no_reply", "There is no answer here to do that with.")
        answered = [entry for entry in history if entry.ordinal < reply.ordinal]
        trigger = [entry for entry in answered if entry.message.id == reply.message.reply_to]
        return Job(
            kind=kind,
            personas=[persona],
            delivery=delivery,
            receipts=[Receipt(session.conversation)],
            burst=[entry.message for entry in trigger or _answered(answered)],
            asker=by,
            role=role,
            witnesses=reply.witnesses,
            alternative_of=reply if versions is not None else None,
            alternatives=len(versions.entries) if versions is not None else 0,
            extends=reply if versions is None else None,
            account={"trigger": str(kind), "gate": "asked for by command"},
        )


def _last_reply(history: Sequence[HistoryEntry]) -> HistoryEntry:
    if not history or history[-1].message.author.kind is not AuthorKind.PERSONA:
        raise NotFound("no_reply", "There is no answer at the end to do that with.")
    return history[-1]


def _answered(history: Sequence[HistoryEntry]) -> Sequence[HistoryEntry]:
    """Return the last human message of ``history``, if any."""
    for entry in reversed(history):
        if entry.message.author.kind is not AuthorKind.PERSONA:
            return [entry]
    return []


def _chosen(history: Sequence[HistoryEntry], message: MessageId | None) -> HistoryEntry:
    for entry in reversed(history):
        if message is not None:
            if entry.message.id == message:
                return entry
        elif entry.message.author.kind is AuthorKind.HUMAN:
            return entry
    raise NotFound("message_unknown", "There is no such message here.")
