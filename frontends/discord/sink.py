"""One answer as messages that grow while it is written."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import discord

from frontends.discord.buttons import Versions, answer_row, confirm_row, stop_row
from frontends.discord.desk import Desk
from frontends.discord.pacing import Bucket
from frontends.discord.pages import LIMIT, paginate
from frontends.discord.places import Place
from frontends.discord.posting import Face, Obstacle, OwnFace, PostingFailed, translated
from services.domain.errors import AcoreError
from services.domain.messages import BlobPart
from services.domain.people import Author
from services.domain.replies import (
    AlternativeAdded,
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    PartAdded,
    ReplyEvent,
    Terminal,
    TextDelta,
    TurnBrief,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)

logger = logging.getLogger(__name__)

_TYPING_AFTER = 0.4
_TYPING_EVERY = 8.0
_ABORT_SECONDS = 0.5
_PAUSES = (0.5, 1.0, 2.0)
_MOST_PAGES = 20
_NONCE = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message of an answer as it was last sent: its id, what it shows, whether with buttons."""

    id: int
    content: str
    buttons: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What stands already of an answer that is made anew or goes on.

    ``before`` is what an answer that goes on says so far, and ``owner`` whose buttons it has. What
    is ``fresh`` was shown of this very answer before it began anew, and is taken back with it.
    """

    posted: Sequence[Posted] = ()
    before: str = ""
    versions: Versions = field(default_factory=Versions)
    owner: int | None = None
    fresh: bool = False


class AnswerSink:
    """Takes a turn's events and keeps its messages up to date at the pace Discord allows.

    ``emit`` never waits for Discord but at the end, when the last form is posted. Messages that
    cannot be posted any more end the answer: the next ``emit`` raises ``PostingFailed``.
    """

    def __init__(
        self,
        desk: Desk,
        place: Place,
        turn: TurnBrief,
        *,
        asker: Author | None,
        reply_to: int | None,
        earlier: Earlier,
    ) -> None:
        self._desk = desk
        self._place = place
        self._turn = turn
        self._asker = int(asker.id.user) if asker and asker.id.user.isdigit() else 0
        self._owner = self._asker if earlier.owner is None else earlier.owner
        self._reply_to = reply_to
        self._posted = list(earlier.posted)
        self._lost: list[int] = []
        self._inherited = bool(earlier.posted) and not earlier.fresh
        self._before = earlier.before
        self._text: list[str] = []
        self._reached = 0
        self._told: int | None = None
        self._files: list[BlobPart] = []
        self._versions = earlier.versions
        self._question: ConfirmationRequested | None = None
        self._terminal: Terminal | None = None
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._done = asyncio.Event()
        self._posting = asyncio.Lock()
        self._failure: PostingFailed | None = None
        self._stopped = False
        self._closed = False
        self._face: Face | None = None

    @property
    def posted(self) -> tuple[Posted, ...]:
        """The messages as they stand."""
        return tuple(self._posted)

    @property
    def superseded(self) -> bool:
        """Whether it was cut short to begin anew."""
        ended = self._terminal
        return isinstance(ended, TurnInterrupted) and ended.reason is InterruptReason.SUPERSEDED

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event; the terminal one returns when everything is posted."""
        if self._failure is not None:
            raise self._failure
        match event:
            case TextDelta():
                self._text.append(event.text)
            case PartAdded():
                self._files.append(event.part)
            case AlternativeAdded():
                self._versions = Versions(index=event.index, count=event.count)
            case ConfirmationRequested():
                self._question = event
            case TurnFinished() | TurnInterrupted() | TurnFailed():
                self._terminal = event
                self._hurry.set()
            case _:
                return
        self._changed.set()
        if self._terminal is not None:
            await self._done.wait()
            if self._failure is not None:
                raise self._failure

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Show nothing more; what was posted so far has reached people.

        What Discord takes long to post does not count; the last form will not have it.
        """
        self._stopped = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_ABORT_SECONDS), self._posting:
                pass
        self._told = self._reached
        return Delivered(characters=self._told)

    def keep(self, text: str) -> None:
        """Let ``text`` stand in the end, whatever was shown of the answer that was stopped."""
        self._text, self._told = [text], len(text)

    def close(self) -> None:
        """Let ``write`` end."""
        self._closed = self._stopped = True
        self._hurry.set()
        self._changed.set()

    def let_go(self) -> None:
        """Leave the messages to themselves; who replies to them is told apart by their ids now."""
        for message in (*self._lost, *(one.id for one in self._posted)):
            self._desk.showing.pop(message, None)

    async def write(self) -> None:
        """Keep the messages up to date until the terminal event was shown or the sink is closed."""
        try:
            async with asyncio.TaskGroup() as group:
                typing = group.create_task(self._type())
                await self._follow()
                typing.cancel()
        finally:
            self._done.set()

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._terminal is not None:
                await self._attempt(final=True)
                return
            if self._closed:
                return
            if self._text and self._desk.settings.streaming:
                await self._pause()
                if not self._hurry.is_set():
                    await self._attempt(final=False)

    async def _pause(self) -> None:
        """Wait until more may be shown; not at all once the answer is complete."""
        face = self._face
        if face is None or not self._posted:
            return
        wait = self._desk.pacing.until_step(face.editing)
        if wait > 0.0:
            try:
                async with asyncio.timeout(wait):
                    await self._hurry.wait()
            except TimeoutError:
                pass

    async def _attempt(self, *, final: bool) -> None:
        async with self._posting:
            if self._failure is not None or (self._stopped and not final):
                return
            try:
                await self._persist(final=final)
            except PostingFailed as error:
                logger.warning("an answer could not be shown", extra={"code": error.code})
                if final or error.obstacle is not Obstacle.UNREACHABLE:
                    self._failure = error

    async def _persist(self, *, final: bool) -> None:
        """Post; a last form that Discord cannot be reached for is tried again for some seconds."""
        for pause in _PAUSES if final else ():
            try:
                await self._post_anew(final=final)
            except PostingFailed as error:
                if error.obstacle is not Obstacle.UNREACHABLE:
                    raise
            else:
                return
            await asyncio.sleep(pause)
        await self._post_anew(final=final)

    async def _post_anew(self, *, final: bool) -> None:
        """Post, with a new webhook if the known one is gone."""
        try:
            await self._post(final=final)
        except PostingFailed as error:
            if error.obstacle is not Obstacle.WEBHOOK:
                raise
            self._desk.faces.forget(self._place)
            self._face = None
            self._lost += [one.id for one in self._posted]
            self._posted.clear()
            await self._post(final=final)

    async def _post(self, *, final: bool) -> None:
        face = await self._speaker()
        if final:
            await self._finish(face)
            return
        text = "".join(self._text)
        await self._show(face, text, view=stop_row(self._turn.turn, self._owner))
        self._reached = len(text)

    async def _speaker(self) -> Face:
        if self._face is None:
            persona = self._desk.persona(self._turn.persona)
            self._face = await self._desk.faces.of(self._place, persona, self._turn.persona_name)
        return self._face

    async def _finish(self, face: Face) -> None:
        terminal = self._terminal
        text = "".join(self._text)
        if isinstance(terminal, TurnInterrupted):
            text = text[: self._reached if self._told is None else self._told]
            if terminal.reason is InterruptReason.SUPERSEDED:
                return
            if terminal.reply is None and not self._inherited:
                text = ""
        note = ""
        if isinstance(terminal, TurnFailed):
            note = f"-# ⚠ {terminal.user_message}"
        reply = terminal.reply if terminal is not None else None
        if not text.strip() and not note:
            await self._end_without_words(face)
            return
        view = None
        if self._question is not None:
            view = confirm_row(self._question.action, self._asker)
        elif reply is not None and self._desk.settings.buttons:
            view = answer_row(reply.message, self._owner, self._versions)
        await self._show(face, text, view=view, note=note, final=True)
        self._reached = len(text)
        await self._send_files(face)
        if reply is not None:
            ids = [str(one.id) for one in self._posted]
            try:
                await self._desk.conversations.published(reply.message, ids)
            except AcoreError as error:
                logger.warning("messages could not be noted", extra={"code": error.code})
        await self._clear_away()

    async def _show(
        self,
        face: Face,
        text: str,
        *,
        view: discord.ui.View | None,
        note: str = "",
        final: bool = False,
    ) -> None:
        """Bring the messages to ``text``; ``view`` stands under the last one."""
        contents = [page.content for page in paginate(joined(self._before, text), lead=face.lead)]
        contents = _noted(contents[:_MOST_PAGES], note)
        for index, content in enumerate(contents):
            last = index == len(contents) - 1
            row = view if last else None
            changed = False
            while index < len(self._posted) and not changed:
                kept = self._posted[index]
                same = kept.content == content and kept.buttons == (row is not None)
                if same and not (last and final):
                    break
                changed = await self._edit(face, index, content, row)
            if index >= len(self._posted):
                await self._send(face, index, content, row)
        for extra in self._posted[len(contents) :]:
            await self._desk.pacing.free(face.sending)
            await face.delete(extra.id)
        del self._posted[len(contents) :]

    async def _edit(
        self, face: Face, index: int, content: str, view: discord.ui.View | None
    ) -> bool:
        """Change a message; False for a page of an earlier version that is gone, so that the next
        takes its place.
        """
        message = self._posted[index].id
        await self._desk.pacing.free(face.editing)
        try:
            await face.edit(message, content, view=view)
        except PostingFailed as error:
            gone = error.obstacle is Obstacle.MESSAGE and self._inherited and len(self._posted) > 1
            if not gone:
                raise
            del self._posted[index]
            return False
        self._posted[index] = Posted(id=message, content=content, buttons=view is not None)
        return True

    async def _send(
        self, face: Face, index: int, content: str, view: discord.ui.View | None
    ) -> None:
        await self._desk.pacing.free(face.sending)
        first = index == 0 and not self._inherited
        message = await face.send(
            content,
            view=view,
            reply_to=self._reply_to if first else None,
            nonce=f"{self._turn.turn[-_NONCE:]}-{index}",
        )
        self._posted.append(Posted(id=message, content=content, buttons=view is not None))
        self._desk.showing[message] = self._turn.persona

    async def _take_back(self, face: Face) -> None:
        """Delete what was posted of an answer of which nothing is kept."""
        while self._posted and not self._inherited:
            await self._desk.pacing.free(face.sending)
            await face.delete(self._posted.pop().id)

    async def _clear_away(self) -> None:
        """Delete what a webhook posted that is gone, where the bot may."""
        own = OwnFace(self._place.channel)
        while self._lost:
            try:
                await own.delete(self._lost.pop())
            except PostingFailed as error:
                logger.info("a message could not be taken away", extra={"code": error.code})

    async def _end_without_words(self, face: Face) -> None:
        await self._take_back(face)
        if isinstance(self._terminal, TurnFinished):
            await self._send_files(face)

    async def _send_files(self, face: Face) -> None:
        if not self._files:
            return
        files = []
        for part in self._files:
            content = await self._desk.read_blob(part.sha256)
            files.append(discord.File(io.BytesIO(content), filename=part.name))
        await self._desk.pacing.free(face.sending)
        sent = await face.send("", files=files)
        self._posted.append(Posted(id=sent, content=""))

    async def _type(self) -> None:
        """Show that somebody is typing until there is something to read."""
        pacing = self._desk.pacing
        await asyncio.sleep(_TYPING_AFTER)
        while not self._posted and not self._stopped:
            if not pacing.calm():
                await asyncio.sleep(_TYPING_AFTER)
                continue
            pacing.note(Bucket(f"typing:{self._place.channel.id}"))
            try:
                async with translated():
                    await self._place.channel.typing()
            except PostingFailed:
                return
            await asyncio.sleep(_TYPING_EVERY)


def joined(before: str, more: str) -> str:
    """Return an answer and how it goes on, with a space where neither brings one."""
    gap = not before or before[-1].isspace() or not more[:1].isalnum()
    return before + more if gap else f"{before} {more}"


def _noted(contents: list[str], note: str) -> list[str]:
    if not note:
        return contents
    if contents and len(contents[-1]) + 1 + len(note) <= LIMIT - 50:
        return [*contents[:-1], f"{contents[-1]}\n{note}"]
    return [*contents, note]
