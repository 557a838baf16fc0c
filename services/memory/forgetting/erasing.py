"""Erasing: others' quotes first, then the person's own words, in small transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection

from services.domain.ids import PersonId
from services.memory.forgetting import erasing_rows as erasing
from services.memory.forgetting import erasures, quoted
from services.memory.forgetting import rows as rows
from services.memory.forgetting.erasures import Erasure
from services.memory.forgetting.files import (
    blank_quotes,
    drop_caches,
    drop_console_history,
    move_old_copies,
)
from services.memory.forgetting.ground import Forgotten, Ground
from services.memory.forgetting.redaction import Place, Quotes
from services.memory.forgetting.rows import Target, Text
from services.memory.recollections import Dropped, forget_rows, remove
from services.memory.scope import Kind
from services.storage.database import Transaction

P = ParamSpec("P")
T = TypeVar("T")

_READ = 200
_ERASED = 200
_CHARACTERS_AT_ONCE = 2_000_000
_MESSAGES_AT_ONCE = 10_000
_MOST_NEEDLES = 500
_CONSOLE = "console"


class Erasing:
    """One run over an erasure; ``needles`` are then pieces of the text to search files for."""

    def __init__(self, erasure: Erasure, *, ground: Ground, places: frozenset[str]) -> None:
        self.erasure = erasure
        self.places = places
        self.needles: list[str] = []
        self._ground = ground

    @property
    def target(self) -> Target:
        """Whose words go."""
        return self.erasure.target

    async def run(self) -> None:
        """Erase what is left to erase. Raises ``StorageError``; what is done stays done."""
        self._keep(await self._ground.read(rows.numbers_of, self.target))
        await self._drop_noted_blobs(self.erasure.id)
        closed = False
        while not closed:
            while texts := await self._next_texts(self.target):
                quotes = await self._quotes(texts)
                await self._redact(quotes)
                self._keep(await asyncio.to_thread(_needles, quotes, texts))
                await self._erase_messages([text.place.id for text in texts])
            closed = not self.target.whole or await self._close()
        async with self._changes() as tx:
            await tx.run(erasures.erased, self.erasure.id)

    def _keep(self, needles: Iterable[str]) -> None:
        self.needles += needles
        while len(self.needles) > _MOST_NEEDLES:
            self.needles = self.needles[::2]

    # -- others' words

    async def _next_texts(self, target: Target) -> list[Text]:
        found: list[Text] = []
        after, size = "", 0
        while size < _CHARACTERS_AT_ONCE and len(found) < _MESSAGES_AT_ONCE:
            part = await self._ground.read(rows.texts_of, target, after=after, limit=_READ)
            found += part
            if len(part) < _READ:
                break
            after = part[-1].place.id
            size += sum(len(text.written) + len(text.heard or "") for text in part)
        return found

    async def _quotes(self, texts: Sequence[Text]) -> Quotes:
        target = self.target
        notes = await self._ground.read(rows.notes_of, target) if target.whole else []
        names = await self._ground.read(rows.names_of, target) if target.whole else []
        others = await self._ground.read(rows.names_of_others, target)
        quotes = await asyncio.to_thread(learn, texts, notes, names)
        await self._ground.read(quoted.disown_documents, quotes)
        own = self._ground.vocabulary() if self._ground.vocabulary is not None else ()
        await asyncio.to_thread(disown, quotes, [*others, *own])
        return quotes

    async def _redact(self, quotes: Quotes) -> None:
        within = None if self.target.whole else self.places
        last = ""
        while True:
            found = await self._ground.read(
                quoted.quoting_messages, self.target, quotes, after=last, within=within
            )
            if found.changes:
                await self._put(found.changes)
            last = found.last
            if not last:
                break
        gone = await self._ground.read(quoted.quoting_facts, self.target, quotes)
        stale = await self._ground.read(quoted.quoting_summaries, quotes)
        await self._drop(facts=gone, summaries=stale)
        async with self._changes() as tx:
            changed = await tx.run(quoted.redact_notes, self.target, quotes, sorted(self.places))
            await tx.run(erasures.count, self.erasure.id, {"notes": changed})
        blanked = await asyncio.to_thread(blank_quotes, self._ground.data, quotes)
        async with self._changes() as tx:
            await tx.run(erasures.count, self.erasure.id, {"log_lines": blanked})

    async def _put(self, changes: Sequence[quoted.Change]) -> None:
        async with self._changes() as tx:
            changed = await tx.run(quoted.put_changes, changes)
            dropped = await tx.run(remove, kind=Kind.TURN, refs=changed)
            stale = await tx.run(rows.summaries_of, changed)
            dropped += await tx.run(erasing.drop_summaries, stale)
            counts = {"redacted": len(changed), "summaries": len(stale)}
            await tx.run(erasures.count, self.erasure.id, counts)
        await self._unindex(dropped)

    # -- their own

    async def _erase_messages(self, gone: Sequence[str]) -> None:
        for start in range(0, len(gone), _ERASED):
            async with self._changes() as tx:
                dropped = await tx.run(self._erase_part, gone[start : start + _ERASED])
            await self._unindex(dropped)
            await self._drop_noted_blobs(self.erasure.id)

    def _erase_part(self, connection: Connection, gone: Sequence[str]) -> list[Dropped]:
        learnt, stale = rows.facts_from(connection, gone), rows.summaries_of(connection, gone)
        kept = rows.blobs_only_of(connection, gone)
        if kept:
            erasures.keep_blobs(connection, self.erasure.id, kept)
        dropped = erasing.drop_facts(connection, learnt) + erasing.drop_summaries(connection, stale)
        dropped += remove(connection, kind=Kind.TURN, refs=gone)
        counts = {"facts": len(learnt), "summaries": len(stale)}
        counts |= erasing.erase_messages(
            connection, gone, at=self._ground.clock.now(), anonymous=self.target.whole
        )
        erasures.count(connection, self.erasure.id, counts)
        return dropped

    async def _drop(self, *, facts: Sequence[str] = (), summaries: Sequence[str] = ()) -> None:
        for start in range(0, max(len(facts), len(summaries)), _ERASED):
            some, others = facts[start : start + _ERASED], summaries[start : start + _ERASED]
            async with self._changes() as tx:
                dropped = await tx.run(erasing.drop_facts, some)
                dropped += await tx.run(erasing.drop_summaries, others)
                counts = {"facts": len(some), "summaries": len(others)}
                await tx.run(erasures.count, self.erasure.id, counts)
            await self._unindex(dropped)

    async def _drop_noted_blobs(self, identity: str) -> None:
        noted = (await self._ground.read(erasures.load, identity)).blobs
        if noted:
            await self._ground.blobs.remove(noted)
            async with self._ground.database.transaction() as tx:
                await tx.run(erasures.keep_blobs, identity, ())

    async def _close(self) -> bool:
        """Erase who the person was; ``False`` when they have said something meanwhile."""
        target = self.target
        await self._drop(
            facts=await self._ground.read(rows.facts_of, target),
            summaries=await self._ground.read(rows.summaries_within, target.own),
        )
        files = await asyncio.to_thread(self._clean_files, target)
        changed = 1
        while changed:
            async with self._changes() as tx:
                changed = await tx.run(erasing.leave_rosters, target, self._ground.ids)
                changed += await tx.run(erasing.drop_mentions, target)
        async with self._changes() as tx:
            if await tx.run(rows.texts_of, target, after="", limit=1):
                return False
            await tx.run(erasing.leave_rosters, target, self._ground.ids)
            await tx.run(erasing.drop_facts, await tx.run(rows.facts_of, target))
            await tx.run(forget_rows, await tx.run(rows.recollections_of, target))
            counts = await tx.run(erasing.close_own, target)
            counts |= await tx.run(erasing.close_profile, target)
            for holding in self._ground.holdings:
                erased = await tx.run(holding.erase_person, target.accounts)
                counts |= {holding.name: erased} if erased else {}
            await tx.run(erasures.count, self.erasure.id, counts | {"files": files})
        return True

    def _clean_files(self, target: Target) -> int:
        files = drop_caches(self._ground.data)
        if any(account.platform == _CONSOLE for account in target.accounts):
            files += drop_console_history(self._ground.data)
        return files + move_old_copies(self._ground.data, self._ground.backups)

    # -- ground

    @asynccontextmanager
    async def _changes(self) -> AsyncGenerator[Transaction, None]:
        """Open a transaction; what is held in memory is dropped in the moment it is stored."""
        target = self.target
        forgotten = Forgotten(
            person=PersonId(target.person) if target.whole and target.place is None else None,
            accounts=target.accounts if target.whole else (),
            conversations=self.places,
            place=target.place,
        )

        def announce() -> None:
            if self._ground.live is not None:
                self._ground.live.forget(forgotten)

        async with self._ground.database.transaction() as tx:
            tx.on_commit(announce)
            yield tx

    async def _unindex(self, gone: Sequence[Dropped]) -> None:
        if self._ground.index is not None and gone:
            await self._ground.index.dropped(gone)


def learn(texts: Sequence[Text], notes: Iterable[str] = (), names: Iterable[str] = ()) -> Quotes:
    """Return what recognises quotations of the texts that are theirs; blocks."""
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


def disown(quotes: Quotes, texts: Iterable[str]) -> None:
    """Have ``quotes`` take no word of ``texts`` for a quotation; blocks."""
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
