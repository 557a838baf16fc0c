"""Forgetting: one operation that ends with a proof, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import AcoreError, InvalidRequest, NotFound
from services.domain.ids import AuthorId, IdSource, MessageId, PersonId
from services.memory import erasing_rows as erasing
from services.memory import erasures, quoted
from services.memory import forgetting_rows as rows
from services.memory.erasures import Erasure, Stage
from services.memory.forgetting_files import (
    blank_quotes,
    drop_caches,
    drop_console_history,
    move_old_copies,
)
from services.memory.forgetting_rows import Target, Text
from services.memory.proving import prove
from services.memory.receipts import Receipt
from services.memory.recollections import Dropped, forget_rows, remove
from services.memory.redaction import Place, Quotes
from services.memory.scope import Kind
from services.storage.backup import made_at
from services.storage.blobs import BlobStore
from services.storage.database import Database, Transaction

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_READ = 200
_ERASED = 200
_CHARACTERS_AT_ONCE = 2_000_000
_MESSAGES_AT_ONCE = 10_000
_MOST_NEEDLES = 500
_CONSOLE = "console"
_SAID_BY_PEOPLE = (Kind.TURN, Kind.FACT, Kind.SUMMARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Whose words are gone, for those who hold some in memory; all ``conversations`` changed.

    ``person`` is ``None`` when only some messages were forgotten.
    """

    person: PersonId | None
    accounts: tuple[AuthorId, ...]
    conversations: frozenset[str]


class Index(Protocol):
    """What keeps the vector indexes like the database."""

    def wake(self, *, sweep: bool = False) -> None:
        """Look for messages that are not indexed."""
        ...

    async def dropped(self, rows: Sequence[Dropped], /, *, thoroughly: bool = False) -> None:
        """Forget the vectors of rows; thoroughly, so that nothing of them stays on disk."""
        ...


class Live(Protocol):
    """What the process holds in memory of conversations and people."""

    async def hush(self, conversations: Collection[str], /) -> None:
        """Let no answer run in ``conversations`` when this returns."""
        ...

    def forget(self, forgotten: Forgotten, /) -> None:
        """Drop what was read before; called in the moment in which changes are stored."""
        ...


@dataclass(slots=True)
class _Work:
    """What one run over an erasure has learnt."""

    erasure: Erasure
    places: frozenset[str]
    resumed: bool
    needles: list[str] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return self.erasure.target

    def keep(self, needles: Iterable[str]) -> None:
        self.needles += needles
        while len(self.needles) > _MOST_NEEDLES:
            self.needles = self.needles[::2]


class Forgetting:
    """Erases everything of a person, or some of their messages, and checks that it is gone.

    What is to be done is noted first, without words; then others' messages that quote the person
    are redacted, and only then the person's own words go, in small transactions in between which
    everybody else goes on. Killed at any point, the next entering goes on where it was. One erasure
    runs at a time. ``vocabulary`` yields texts that are nobody's own, such as those of characters.
    """

    def __init__(
        self,
        *,
        database: Database,
        blobs: BlobStore,
        data: Path,
        backups: Path,
        clock: Clock,
        ids: IdSource,
        index: Index | None = None,
        live: Live | None = None,
        vocabulary: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._data = data
        self._backups = backups
        self._clock = clock
        self._ids = ids
        self._index = index
        self._live = live
        self._vocabulary = vocabulary
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Finish what a crash left undone; what fails now is tried again at the next start."""
        with suppress(AcoreError):
            await self.resume()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def forget(self, person: PersonId) -> Receipt:
        """Erase everything of a person, all linked accounts included; return the proof.

        Raises ``NotFound`` for somebody who is not known and ``StorageError`` when the disk fails.
        Cut off or failed, it is finished by ``resume``, or by asking again.
        """
        async with self._turn:
            for erasure in await self._read(erasures.unfinished):
                if erasure.target.person == person and erasure.target.whole:
                    return await self._run(erasure, resumed=True)
            target = await self._read(rows.find_target, person)
            if target is None:
                raise NotFound("person_unknown", "Nothing is known of that person.")
            return await self._run(await self._begin(target))

    async def forget_messages(self, person: PersonId, messages: Sequence[MessageId]) -> Receipt:
        """Erase some messages of a person and what was learnt from them.

        Quotes of them are redacted where the person was present. Without a search through the
        files: that is the proof of ``forget``.
        """
        if not messages:
            raise InvalidRequest("nothing_to_forget", "There is nothing to forget.")
        async with self._turn:
            target = await self._read(rows.find_target, person)
            if target is None:
                raise NotFound("person_unknown", "Nothing is known of that person.")
            some = Target(
                person=person,
                accounts=target.accounts,
                messages=tuple(await self._read(rows.theirs_among, target, messages)),
            )
            if not some.messages:
                raise NotFound("message_unknown", "There is no such message of that person.")
            return await self._run(await self._begin(some))

    async def resume(self) -> Sequence[Receipt]:
        """Finish the erasures that were cut off, and return their receipts."""
        async with self._turn:
            receipts = []
            for erasure in await self._read(erasures.unfinished):
                logger.warning("an erasure is taken up again", extra={"erasure": erasure.id})
                receipts.append(await self._run(erasure, resumed=True))
            return receipts

    async def receipt(self, identity: str) -> Mapping[str, object]:
        """Return a receipt as JSON values; raises ``NotFound``."""
        found = await self._read(erasures.receipt_of, identity)
        if found is None:
            raise NotFound("receipt_unknown", "There is no such receipt.")
        return found

    # -- the stages

    async def _begin(self, target: Target) -> Erasure:
        erasure = Erasure(
            id=self._ids.new(),
            target=target,
            stage=Stage.ERASING,
            requested_at=self._clock.now(),
        )
        async with self._database.transaction() as tx:
            await tx.run(erasures.begin, erasure)
        return erasure

    async def _run(self, erasure: Erasure, *, resumed: bool = False) -> Receipt:
        work = _Work(
            erasure=erasure,
            places=frozenset(await self._read(rows.places_of, erasure.target)),
            resumed=resumed,
        )
        if self._live is not None:
            await self._live.hush(work.places)
        if erasure.stage is Stage.ERASING:
            work.keep(await self._read(rows.numbers_of, erasure.target))
            await self._erase(work)
        return await self._finish(work)

    async def _erase(self, work: _Work) -> None:
        await self._drop_noted_blobs(work.erasure.id)
        closed = False
        while not closed:
            while texts := await self._next_texts(work.target):
                quotes = await self._quotes(work, texts)
                await self._redact(work, quotes)
                work.keep(await asyncio.to_thread(_needles, quotes, texts))
                await self._erase_messages(work, [text.place.id for text in texts])
            closed = not work.target.whole or await self._close(work)
        async with self._changes(work) as tx:
            await tx.run(erasures.erased, work.erasure.id)

    async def _finish(self, work: _Work) -> Receipt:
        counts = (await self._read(erasures.load, work.erasure.id)).counts
        whole = work.target.whole
        if self._index is not None:
            if whole:
                every = [Dropped(0, kind) for kind in _SAID_BY_PEOPLE]
                await self._index.dropped(every, thoroughly=True)
            self._index.wake(sweep=True)
        strings = list(dict.fromkeys(work.needles)) if whole else []
        proof = await prove(self._database, self._data, strings, rewrite=work.resumed and whole)
        receipt = Receipt(
            id=work.erasure.id,
            requested_at=work.erasure.requested_at,
            finished_at=self._clock.now(),
            counts=counts,
            scan=proof.scan if whole else None,
            compacted=proof.compacted,
            backups=await asyncio.to_thread(_count_backups, self._backups),
        )
        async with self._database.transaction() as tx:
            await tx.run(erasures.finish, receipt)
        logger.info(
            "an erasure is done",
            extra={"erasure": receipt.id, "clean": receipt.clean, "compacted": proof.compacted},
        )
        return receipt

    # -- others' words

    async def _next_texts(self, target: Target) -> list[Text]:
        found: list[Text] = []
        after, size = "", 0
        while size < _CHARACTERS_AT_ONCE and len(found) < _MESSAGES_AT_ONCE:
            part = await self._read(rows.texts_of, target, after=after, limit=_READ)
            found += part
            if len(part) < _READ:
                break
            after = part[-1].place.id
            size += sum(len(text.written) + len(text.heard or "") for text in part)
        return found

    async def _quotes(self, work: _Work, texts: Sequence[Text]) -> Quotes:
        target = work.target
        notes = await self._read(rows.notes_of, target) if target.whole else []
        names = await self._read(rows.names_of, target) if target.whole else []
        others = await self._read(rows.names_of_others, target)
        quotes = await asyncio.to_thread(_learn, texts, notes, names)
        await self._read(quoted.disown_documents, quotes)
        own = self._vocabulary() if self._vocabulary is not None else ()
        await asyncio.to_thread(_disown, quotes, [*others, *own])
        return quotes

    async def _redact(self, work: _Work, quotes: Quotes) -> None:
        within = None if work.target.whole else work.places
        last = ""
        while True:
            found = await self._read(
                quoted.quoting_messages, work.target, quotes, after=last, within=within
            )
            if found.changes:
                await self._put(work, found.changes)
            last = found.last
            if not last:
                break
        gone = await self._read(quoted.quoting_facts, work.target, quotes)
        stale = await self._read(quoted.quoting_summaries, quotes)
        await self._drop(work, facts=gone, summaries=stale)
        async with self._changes(work) as tx:
            changed = await tx.run(quoted.redact_notes, work.target, quotes, sorted(work.places))
            await tx.run(erasures.count, work.erasure.id, {"notes": changed})
        blanked = await asyncio.to_thread(blank_quotes, self._data, quotes)
        async with self._changes(work) as tx:
            await tx.run(erasures.count, work.erasure.id, {"log_lines": blanked})

    async def _put(self, work: _Work, changes: Sequence[quoted.Change]) -> None:
        async with self._changes(work) as tx:
            changed = await tx.run(quoted.put_changes, changes)
            dropped = await tx.run(remove, kind=Kind.TURN, refs=changed)
            stale = await tx.run(rows.summaries_of, changed)
            dropped += await tx.run(erasing.drop_summaries, stale)
            counts = {"redacted": len(changed), "summaries": len(stale)}
            await tx.run(erasures.count, work.erasure.id, counts)
        await self._unindex(dropped)

    # -- their own

    async def _erase_messages(self, work: _Work, gone: Sequence[str]) -> None:
        for start in range(0, len(gone), _ERASED):
            async with self._changes(work) as tx:
                dropped = await tx.run(self._erase_part, work, gone[start : start + _ERASED])
            await self._unindex(dropped)
            await self._drop_noted_blobs(work.erasure.id)

    def _erase_part(
        self, connection: Connection, work: _Work, gone: Sequence[str]
    ) -> list[Dropped]:
        learnt, stale = rows.facts_from(connection, gone), rows.summaries_of(connection, gone)
        kept = rows.blobs_only_of(connection, gone)
        if kept:
            erasures.keep_blobs(connection, work.erasure.id, kept)
        dropped = erasing.drop_facts(connection, learnt) + erasing.drop_summaries(connection, stale)
        dropped += remove(connection, kind=Kind.TURN, refs=gone)
        counts = {"facts": len(learnt), "summaries": len(stale)}
        counts |= erasing.erase_messages(
            connection, gone, at=self._clock.now(), anonymous=work.target.whole
        )
        erasures.count(connection, work.erasure.id, counts)
        return dropped

    async def _drop(
        self, work: _Work, *, facts: Sequence[str] = (), summaries: Sequence[str] = ()
    ) -> None:
        for start in range(0, max(len(facts), len(summaries)), _ERASED):
            some, others = facts[start : start + _ERASED], summaries[start : start + _ERASED]
            async with self._changes(work) as tx:
                dropped = await tx.run(erasing.drop_facts, some)
                dropped += await tx.run(erasing.drop_summaries, others)
                counts = {"facts": len(some), "summaries": len(others)}
                await tx.run(erasures.count, work.erasure.id, counts)
            await self._unindex(dropped)

    async def _drop_noted_blobs(self, identity: str) -> None:
        noted = (await self._read(erasures.load, identity)).blobs
        if noted:
            await self._blobs.remove(noted)
            async with self._database.transaction() as tx:
                await tx.run(erasures.keep_blobs, identity, ())

    async def _close(self, work: _Work) -> bool:
        """Erase who the person was; ``False`` when they have said something meanwhile."""
        target = work.target
        await self._drop(
            work,
            facts=await self._read(rows.facts_of, target),
            summaries=await self._read(rows.summaries_within, target.own),
        )
        files = await asyncio.to_thread(self._clean_files, target)
        changed = 1
        while changed:
            async with self._changes(work) as tx:
                changed = await tx.run(erasing.leave_rosters, target, self._ids)
                changed += await tx.run(erasing.drop_mentions, target)
        async with self._changes(work) as tx:
            if await tx.run(rows.texts_of, target, after="", limit=1):
                return False
            await tx.run(erasing.leave_rosters, target, self._ids)
            await tx.run(erasing.drop_facts, await tx.run(rows.facts_of, target))
            await tx.run(forget_rows, await tx.run(rows.recollections_of, target))
            counts = await tx.run(erasing.close_own, target)
            counts |= await tx.run(erasing.close_profile, target)
            await tx.run(erasures.count, work.erasure.id, counts | {"files": files})
        return True

    def _clean_files(self, target: Target) -> int:
        files = drop_caches(self._data)
        if any(account.platform == _CONSOLE for account in target.accounts):
            files += drop_console_history(self._data)
        return files + move_old_copies(self._data, self._backups)

    # -- ground

    @asynccontextmanager
    async def _changes(self, work: _Work) -> AsyncGenerator[Transaction, None]:
        """Open a transaction; what is held in memory is dropped in the moment it is stored."""
        target = work.target
        forgotten = Forgotten(
            person=PersonId(target.person) if target.whole else None,
            accounts=target.accounts if target.whole else (),
            conversations=work.places,
        )

        def announce() -> None:
            if self._live is not None:
                self._live.forget(forgotten)

        async with self._database.transaction() as tx:
            tx.on_commit(announce)
            yield tx

    async def _unindex(self, gone: Sequence[Dropped]) -> None:
        if self._index is not None and gone:
            await self._index.dropped(gone)

    async def _read(
        self, task: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._database.reader() as snapshot:
            return await snapshot.run(task, *args, **kwargs)


def _learn(texts: Sequence[Text], notes: Iterable[str], names: Iterable[str]) -> Quotes:
    quotes = Quotes()
    always = Place("")
    for name in names:
        quotes.add_name(name, always)
    for note in notes:
        quotes.add(note, always)
    for text in texts:
        if text.theirs:
            for words in text.texts:
                quotes.add(words, text.place)
    return quotes


def _disown(quotes: Quotes, texts: Iterable[str]) -> None:
    for text in texts:
        quotes.disown(text)


def _needles(quotes: Quotes, texts: Iterable[Text]) -> list[str]:
    return [
        needle
        for text in texts
        if text.theirs
        for words in text.texts
        for needle in quotes.needles(words)
    ]


def _count_backups(folder: Path) -> int:
    return sum(1 for path in folder.glob("acore-*") if made_at(path))
