"""What the buttons under an answer do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from frontends.discord.asking import Asked
from frontends.discord.buttons import Versions
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.desk import Desk
from frontends.discord.sink import Posted
from frontends.discord.standing import StandingAnswer
from services.conversation.inbound import Receipt
from services.domain.errors import NotAllowed, NotFound
from services.domain.ids import ActionId, MessageId
from services.domain.messages import Alternatives, HistoryEntry
from services.domain.people import Role
from services.domain.replies import TurnFailed

if TYPE_CHECKING:
    from services.conversation.service import ConversationService


class Acting:
    """Regenerates, swipes, continues, edits, deletes and explains answers where they stand.

    Each is for the person who asked and for moderators; everything is found by the reply's id, so
    that buttons work after a restart. Raises what the conversation service raises.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def _conversations(self) -> ConversationService:
        return self._desk.conversations

    def check(self, asked: Asked, asker: int) -> None:
        """Raise ``NotAllowed`` for everybody but the one who asked and moderators."""
        mine = asker == 0 or asked.author.id.user == str(asker)
        if not mine and asked.role < Role.MODERATOR and not asked.place.private:
            raise NotAllowed(
                "button_other", "Only the person who asked and moderators can use these buttons."
            )

    async def regenerate(self, asked: Asked, message: MessageId) -> None:
        """Answer anew in the same messages, and wait until that has ended."""
        entry = await self._entry(asked, message)
        receipt = await self._conversations.regenerate(
            asked.conversation,
            self._delivery(asked, entry),
            by=asked.author,
            role=asked.role,
            of=message,
        )
        await _concluded(receipt)

    async def swipe(self, asked: Asked, message: MessageId, step: int) -> None:
        """Show the next (1) or previous (-1) version, generating one beyond the last."""
        entry = await self._entry(asked, message)
        found = await self._conversations.swipe(
            asked.conversation,
            step,
            self._delivery(asked, entry),
            by=asked.author,
            role=asked.role,
            of=message,
        )
        if isinstance(found, Alternatives):
            await self._show(asked, found, posted=posted_of(entry))
        else:
            await _concluded(found)

    async def further(self, asked: Asked, message: MessageId) -> None:
        """Let the answer go on."""
        entry = await self._entry(asked, message)
        receipt = await self._conversations.continue_reply(
            asked.conversation,
            self._delivery(asked, entry, before=entry.text),
            by=asked.author,
            role=asked.role,
            of=message,
        )
        await _concluded(receipt)

    async def text(self, asked: Asked, message: MessageId) -> str:
        """Return what an answer says, as it is kept."""
        return (await self._entry(asked, message)).text

    async def edit(self, asked: Asked, message: MessageId, text: str) -> None:
        """Give an answer other words."""
        before = await self._entry(asked, message)
        await self._conversations.edit(
            asked.conversation, text, by=asked.author, role=asked.role, message=message
        )
        versions = await self._conversations.versions(message)
        await self._show(asked, versions, posted=posted_of(before))

    async def delete(self, asked: Asked, message: MessageId) -> None:
        """Take an answer out of the conversation and off the channel."""
        entry = await self._entry(asked, message)
        await self._conversations.remove(
            asked.conversation, message, by=asked.author, role=asked.role
        )
        await self._standing(asked, entry, posted=posted_of(entry)).delete()

    async def why(self, asked: Asked, message: MessageId) -> str:
        """Return how an answer came about, for reading."""
        entry = await self._entry(asked, message)
        found = None
        if entry.turn is not None:
            found = await self._conversations.why(asked.conversation, entry.turn)
        if found is None:
            return "This was not written by a model, so there is nothing to explain."
        return "\n".join(found.lines())

    async def decide(self, asked: Asked, action: ActionId, *, approve: bool) -> None:
        """Answer a tool's question and let the character go on."""
        delivery = DiscordDelivery(self._desk, asked.place, asker=asked.author)
        receipt = await self._conversations.decide(
            action, approve=approve, by=asked.author, delivery=delivery, role=asked.role
        )
        await _concluded(receipt)

    async def _show(
        self, asked: Asked, versions: Alternatives, *, posted: Sequence[Posted]
    ) -> None:
        entry = versions.entries[versions.active]
        [text] = await self._conversations.shown([entry], viewer=asked.author)
        shown = Versions(index=versions.active, count=len(versions.entries))
        await self._standing(asked, entry, posted=posted).show(text, shown)

    def _standing(
        self, asked: Asked, entry: HistoryEntry, *, posted: Sequence[Posted]
    ) -> StandingAnswer:
        return StandingAnswer(
            self._desk, asked.place, entry, posted=posted, asker=int(asked.author.id.user)
        )

    def _delivery(self, asked: Asked, entry: HistoryEntry, *, before: str = "") -> DiscordDelivery:
        return DiscordDelivery(
            self._desk, asked.place, asker=asked.author, posted=posted_of(entry), before=before
        )

    async def _entry(self, asked: Asked, message: MessageId) -> HistoryEntry:
        entry = await self._conversations.entry(asked.conversation, message)
        if entry.message.author.persona is None:
            raise NotFound("no_reply", "That is not an answer.")
        # Versions share messages, each of which is noted with the version that was posted in it.
        versions = await self._conversations.versions(message)
        ids = {one for each in versions.entries for one in each.message.external_ids}
        shown_in = tuple(sorted(ids, key=lambda one: (len(one), one)))
        return replace(entry, message=replace(entry.message, external_ids=shown_in))


def posted_of(entry: HistoryEntry) -> tuple[Posted, ...]:
    """Return the messages of an answer; what they show is not known, so all will be edited."""
    return tuple(
        Posted(id=int(one), content="") for one in entry.message.external_ids if one.isdigit()
    )


async def _concluded(receipt: Receipt) -> None:
    outcome = await receipt.outcome()
    for terminal in outcome.terminals:
        if isinstance(terminal, TurnFailed):
            return  # the answer itself says so
