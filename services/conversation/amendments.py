"""What authors do to their messages afterwards on the platform: edit them, delete them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.conversation.company import Company
from services.conversation.inbound import Outcome, Withheld
from services.conversation.session import Session
from services.domain.events import MessageEdited, MessageRemoved
from services.domain.messages import HistoryEntry, TextPart
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
        known = await self._messages.known_as(session.conversation, external_id)
        refused = known is not None and await self._refused(known, text, by=by)
        async with session.changing():
            if refused:
                return bool(await self._erase(session, [external_id]))
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
            return await self._erase(session, external_ids)

    def announce(self, removed: Sequence[HistoryEntry]) -> None:
        """Let everybody who keeps something of these messages forget it."""
        for entry in removed:
            message = entry.message
            self._company.gate.forget(message.conversation, message.id)
            self._company.bus.publish(
                MessageRemoved(conversation=message.conversation, message=message.id)
            )

    async def _erase(self, session: Session, external_ids: Sequence[str]) -> int:
        gone = await self._messages.withdraw(session.conversation, external_ids)
        self._mishear(session, external_ids)
        if gone:
            session.withdrawn({entry.message.id for entry in gone})
            self.announce(gone)
        return len(gone)

    async def _refused(self, entry: HistoryEntry, text: str, *, by: Author) -> bool:
        """Say whether a message would not have been taken in, had it read so from the beginning."""
        if not _may_rewrite(entry, by) or text == entry.message.text:
            return False
        message = replace(entry.message, parts=(TextPart(text=text),))
        rules = await self._company.choices.rules(message.conversation)
        verdict = await self._company.moderation.judge(message, rules.blocked)
        return verdict.refused

    async def _new_text(self, entry: HistoryEntry, text: str, *, by: Author) -> str | None:
        """Return what is to be kept of ``text``; ``None`` when nothing is to change."""
        known = entry.message.text
        if not _may_rewrite(entry, by) or text == known:
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


def _may_rewrite(entry: HistoryEntry, by: Author) -> bool:
    author = entry.message.author
    theirs = author.id == by.id and author.kind is not AuthorKind.PERSONA
    return theirs and entry.deleted_at is None
