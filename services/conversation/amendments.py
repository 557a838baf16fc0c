"""What authors do to their messages afterwards on the platform: edit them, delete them."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.company import Company
from services.conversation.inbound import Outcome, Withheld
from services.conversation.session import Session
from services.domain.events import MessageEdited, MessageRemoved
from services.domain.messages import HistoryEntry
from services.domain.people import Author, AuthorKind
from services.persona.regex_scripts import Stage


class Amendments:
    """Follows the platform at once, also while an answer runs.

    What has not been looked at yet is changed where it waits; what is stored is changed there, and
    then the session's answers follow.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self._messages = company.ledger.messages

    async def correct(self, session: Session, external_id: str, text: str, *, by: Author) -> bool:
        """Give a message of ``by`` new words; see ``ConversationService.corrected``."""
        waiting = session.mailbox.rewrite(external_id, text, by=by.id)
        if waiting is not None:
            return waiting
        async with session.changing():
            entry = await self._messages.known_as(session.conversation, external_id)
            if entry is None:
                self._mishear(session, [external_id], by=by)
                return False
            kept = await self._new_text(entry, text, by=by)
            if kept is None:
                return False
            changed = await self._messages.edit(entry.message.id, kept)
            self._company.gate.forget(session.conversation, entry.message.id)
            session.rewritten(changed.message)
            self._company.bus.publish(MessageEdited(entry=changed))
        return True

    async def withdraw(self, session: Session, external_ids: Sequence[str]) -> int:
        """Erase messages; see ``ConversationService.withdrawn``."""
        for arrival in session.mailbox.withdraw(external_ids):
            arrival.receipt.settle(Outcome(withheld=Withheld(reason="withdrawn")))
        async with session.changing():
            gone = await self._messages.withdraw(session.conversation, external_ids)
            self._mishear(session, external_ids)
            if gone:
                session.withdrawn({entry.message.id for entry in gone})
                self.announce(gone)
        return len(gone)

    def announce(self, removed: Sequence[HistoryEntry]) -> None:
        """Let everybody who keeps something of these messages forget it."""
        for entry in removed:
            message = entry.message
            self._company.gate.forget(message.conversation, message.id)
            self._company.bus.publish(
                MessageRemoved(conversation=message.conversation, message=message.id)
            )

    async def _new_text(self, entry: HistoryEntry, text: str, *, by: Author) -> str | None:
        """Return what is to be kept of ``text``; ``None`` when nothing is to change."""
        author = entry.message.author
        known = entry.message.text
        theirs = author.id == by.id and author.kind is not AuthorKind.PERSONA
        if not theirs or entry.deleted_at is not None or text == known:
            return None
        kept = await self._company.scripting.edited(entry, text, by=by, stage=Stage.STORED)
        return None if kept == known else kept

    def _mishear(
        self, session: Session, external_ids: Sequence[str], *, by: Author | None = None
    ) -> None:
        """Drop from what was overheard the messages with these ids, only those ``by`` someone."""
        gate, place = self._company.gate, session.conversation
        for message in gate.overheard(place):
            theirs = by is None or message.author.id == by.id
            if theirs and not set(external_ids).isdisjoint(message.external_ids):
                gate.forget(place, message.id)
