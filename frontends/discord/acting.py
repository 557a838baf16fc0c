"""What the buttons under an answer do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from frontends.discord.asking import Asked
from frontends.discord.buttons import Versions
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.desk import Desk
from frontends.discord.faces import Faces, HeldFace
from frontends.discord.sink import Earlier, Posted
from frontends.discord.standing import StandingAnswer
from frontends.discord.turnstiles import Turnstile, Turnstiles
from services.domain.errors import AcoreError, NotAllowed, NotFound, Refused
from services.domain.ids import ActionId, ConversationId, MessageId, PersonaId
from services.domain.messages import Alternatives, HistoryEntry
from services.domain.people import Role
from services.domain.replies import TurnFailed

if TYPE_CHECKING:
    from services.conversation.inbound import Receipt
    from services.conversation.service import ConversationService


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A button of an answer that somebody pressed.

    ``asker`` is who asked for the answer (0: nobody) and ``webhook`` what posted it, ``None`` for
    the bot itself.
    """

    who: Asked
    message: MessageId
    asker: int
    webhook: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """An answer with its messages: those that can be changed, and those that cannot any more."""

    desk: Desk
    entry: HistoryEntry
    versions: Alternatives
    posted: Sequence[Posted]
    lost: Sequence[Posted]


class Acting:
    """Regenerates, swipes, continues, edits, deletes and explains answers where they stand.

    Everything is found by the reply's id, so that buttons work after a restart; an answer keeps its
    owner whoever changes it. Raises what the conversation service raises, ``PostingFailed``, and
    ``Busy`` while a click lets an answer be written in the same place.
    """

    def __init__(self, desk: Desk, faces: Faces) -> None:
        self._desk = desk
        self._faces = faces
        self._stiles = Turnstiles()

    @property
    def _conversations(self) -> ConversationService:
        return self._desk.conversations

    def check(self, who: Asked, asker: int) -> None:
        """Raise ``NotAllowed`` for everybody but the one who asked and moderators."""
        mine = asker == 0 or who.author.id.user == str(asker)
        if not mine and who.role < Role.MODERATOR and not who.place.private:
            raise NotAllowed(
                "button_other", "Only the person who asked and moderators can use these buttons."
            )

    def busy(self, conversation: ConversationId) -> bool:
        """Tell whether a click is at work in a conversation."""
        return not self._stiles.of(conversation).idle

    async def regenerate(self, click: Click) -> None:
        """Answer anew in the same messages, and wait until that has ended."""
        stile = self._stile(click)
        async with stile.passed(click.message), stile.writing(click.message):
            stand = await self._stand(click)
            delivery = self._delivery(click, stand)
            receipt = await self._conversations.regenerate(
                click.who.conversation,
                delivery,
                by=click.who.author,
                role=click.who.role,
                of=click.message,
            )
            await self._concluded(receipt, click, stand, delivery)

    async def swipe(self, click: Click, step: int) -> None:
        """Show the next (1) or previous (-1) version, generating one beyond the last."""
        stile = self._stile(click)
        async with stile.passed(click.message):
            stand = await self._stand(click)
            delivery = self._delivery(click, stand)
            found = await self._conversations.swipe(
                click.who.conversation,
                step,
                delivery,
                by=click.who.author,
                role=click.who.role,
                of=click.message,
            )
            stile.later = None
            if not isinstance(found, Alternatives):
                async with stile.writing(click.message):
                    await self._concluded(found, click, stand, delivery)
            elif stile.crowded:
                stile.later = lambda: self._restore(click, stand, stand.posted)
            else:
                await self._show(click, stand, found, posted=stand.posted)

    async def further(self, click: Click) -> None:
        """Let the answer go on."""
        stile = self._stile(click)
        async with stile.passed(click.message), stile.writing(click.message):
            stand = await self._stand(click)
            before = await self._text_of(click, stand.entry)
            delivery = self._delivery(click, stand, before=before)
            receipt = await self._conversations.continue_reply(
                click.who.conversation,
                delivery,
                by=click.who.author,
                role=click.who.role,
                of=click.message,
            )
            await self._concluded(receipt, click, stand, delivery)

    async def text(self, click: Click) -> str:
        """Return what an answer says, as it is kept."""
        return (await self._entry(click)).text

    async def edit(self, click: Click, text: str) -> None:
        """Give an answer other words."""
        stile = self._stile(click)
        async with stile.passed():
            await self._conversations.edit(
                click.who.conversation,
                text,
                by=click.who.author,
                role=click.who.role,
                message=click.message,
            )
            stand = await self._stand(click)
            await self._show(click, stand, stand.versions, posted=stand.posted)

    async def delete(self, click: Click) -> None:
        """Take an answer out of the conversation and off the channel."""
        stile = self._stile(click)
        async with stile.passed():
            stile.later = None
            stand = await self._stand(click)
            await self._conversations.remove(
                click.who.conversation, click.message, by=click.who.author, role=click.who.role
            )
            await self._standing(click, stand, stand.entry, stand.posted).delete()

    async def why(self, click: Click) -> str:
        """Return how an answer came about, for reading."""
        entry = await self._entry(click)
        found = None
        if entry.turn is not None:
            found = await self._conversations.why(click.who.conversation, entry.turn)
        if found is None:
            return "This was not written by a model, so there is nothing to explain."
        return "\n".join(found.lines())

    async def decide(self, who: Asked, action: ActionId, *, approve: bool) -> None:
        """Answer a tool's question and let the character go on."""
        delivery = DiscordDelivery(self._desk, who.place, asker=who.author)
        receipt = await self._conversations.decide(
            action, approve=approve, by=who.author, delivery=delivery, role=who.role
        )
        await receipt.outcome()

    # -- what stands

    async def _concluded(
        self, receipt: Receipt, click: Click, stand: _Stand, delivery: DiscordDelivery
    ) -> None:
        """Wait for the end; where nothing came of it, show what stands again and say why."""
        outcome = await receipt.outcome()
        if outcome.terminals and all(one.reply is not None for one in outcome.terminals):
            await self._standing(click, stand, stand.entry, ()).clear_away()
            return
        if outcome.terminals:
            persona = stand.entry.message.author.persona or PersonaId("")
            await self._restore(click, stand, delivery.posted_for(persona) or stand.posted)
        for terminal in outcome.terminals:
            if isinstance(terminal, TurnFailed):
                raise AcoreError(terminal.code, terminal.user_message)

    async def _restore(self, click: Click, stand: _Stand, posted: Sequence[Posted]) -> None:
        """Show the version that stands; nothing where the answer is removed."""
        try:
            versions = await self._conversations.versions(click.message)
            await self._show(click, stand, versions, posted=posted)
        except Refused:
            return

    async def _show(
        self, click: Click, stand: _Stand, versions: Alternatives, *, posted: Sequence[Posted]
    ) -> None:
        entry = versions.entries[versions.active]
        text = await self._text_of(click, entry)
        shown = Versions(index=versions.active, count=len(versions.entries))
        await self._standing(click, stand, entry, posted).show(text, shown)

    async def _text_of(self, click: Click, entry: HistoryEntry) -> str:
        [text] = await self._conversations.shown([entry], viewer=click.who.author)
        return text

    async def _stand(self, click: Click) -> _Stand:
        entry = await self._entry(click)
        writing = self._desk.writing.get(click.who.conversation)
        if writing is not None and writing.turn == entry.turn:
            await writing.over.wait()
        author = entry.message.author
        face = await self._faces.holding(
            click.who.place,
            self._desk.persona(author.persona or PersonaId("")),
            author.display_name,
            webhook=click.webhook,
        )
        versions = await self._conversations.versions(click.message)
        posted = posted_of(versions)
        return _Stand(
            desk=replace(self._desk, faces=HeldFace(face, self._faces)),
            entry=entry,
            versions=versions,
            posted=posted if face is not None else (),
            lost=posted if face is None else (),
        )

    def _standing(
        self, click: Click, stand: _Stand, entry: HistoryEntry, posted: Sequence[Posted]
    ) -> StandingAnswer:
        return StandingAnswer(
            stand.desk,
            click.who.place,
            entry,
            posted=posted,
            asker=click.asker,
            lost=stand.lost,
        )

    def _delivery(self, click: Click, stand: _Stand, *, before: str = "") -> DiscordDelivery:
        versions = Versions(index=stand.versions.active, count=len(stand.versions.entries))
        return DiscordDelivery(
            stand.desk,
            click.who.place,
            asker=click.who.author,
            earlier=Earlier(
                posted=stand.posted, before=before, versions=versions, owner=click.asker
            ),
        )

    async def _entry(self, click: Click) -> HistoryEntry:
        entry = await self._conversations.entry(click.who.conversation, click.message)
        if entry.message.author.persona is None:
            raise NotFound("no_reply", "That is not an answer.")
        return entry

    def _stile(self, click: Click) -> Turnstile:
        return self._stiles.of(click.who.conversation)


def posted_of(versions: Alternatives) -> tuple[Posted, ...]:
    """Return the messages of an answer, whichever of its versions they first showed, in order.

    What they show is not known, so all of them will be edited.
    """
    ids = {one for entry in versions.entries for one in entry.message.external_ids}
    return tuple(Posted(id=one, content="") for one in sorted(int(one) for one in ids))
