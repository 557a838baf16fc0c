"""Erasing a place: all that anybody said there, and all that was learnt and chosen there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from services.memory.forgetting import erasing_rows as erasing
from services.memory.forgetting import erasures, place_rows, quoted
from services.memory.forgetting import rows as rows
from services.memory.forgetting.erasing import Erasing, disown, learn
from services.memory.forgetting.files import blank_quotes
from services.memory.forgetting.redaction import Quotes
from services.memory.forgetting.rows import Text
from services.memory.recollections import Dropped, remove
from services.memory.scope import Kind

_AT_ONCE = 200
_READ = 400


class ErasingPlace(Erasing):
    """One run over the erasure of a place.

    What was said elsewhere stays as it is, also where it repeats something from here; explanations
    and log lines lose what they quote. Who is known from nowhere else is forgotten, too.
    """

    @property
    def place(self) -> str:
        """What is erased, as ``platform:scope``."""
        assert self.target.place is not None  # noqa: S101  the journal says so
        return self.target.place

    async def _quotes(self, texts: Sequence[Text]) -> Quotes:
        ground = self._ground
        quotes = await asyncio.to_thread(learn, texts)
        await ground.read(quoted.disown_documents, quotes)
        after = ""
        while True:
            others = await ground.read(rows.other_texts, self.target, after=after, limit=_READ)
            said = [words for text in others for words in text.texts]
            await asyncio.to_thread(disown, quotes, said)
            if len(others) < _READ:
                break
            after = others[-1].place.id
        names = await ground.read(rows.names_of_others, self.target)
        told = await ground.read(place_rows.learnt_elsewhere, self.place)
        own = ground.vocabulary() if ground.vocabulary is not None else ()
        await asyncio.to_thread(disown, quotes, [*names, *told, *own])
        return quotes

    async def _redact(self, quotes: Quotes) -> None:
        async with self._changes() as tx:
            changed = await tx.run(quoted.redact_explanations, self.place, quotes)
            await tx.run(erasures.count, self.erasure.id, {"notes": changed})
        blanked = await asyncio.to_thread(blank_quotes, self._ground.data, quotes)
        async with self._changes() as tx:
            await tx.run(erasures.count, self.erasure.id, {"log_lines": blanked})

    def _erase_part(self, connection: Connection, gone: Sequence[str]) -> list[Dropped]:
        learnt, stale = rows.facts_from(connection, gone), rows.summaries_of(connection, gone)
        kept = rows.blobs_only_of(connection, gone)
        if kept:
            erasures.keep_blobs(connection, self.erasure.id, kept)
        dropped = erasing.drop_facts(connection, learnt) + erasing.drop_summaries(connection, stale)
        dropped += remove(connection, kind=Kind.TURN, refs=gone)
        counts = {"facts": len(learnt), "summaries": len(stale)}
        counts |= place_rows.delete_messages(connection, gone)
        erasures.count(connection, self.erasure.id, counts)
        return dropped

    async def _close(self) -> bool:
        """Erase what else is known; ``False`` when something was said meanwhile."""
        ground = self._ground
        if ground.live is not None:
            await ground.live.hush(self.places)
        own = await ground.read(rows.places_of, self.target)
        await self._drop(
            facts=await ground.read(place_rows.facts_of_place, self.place),
            summaries=await ground.read(rows.summaries_within, own),
        )
        files = await asyncio.to_thread(self._clean_files, self.target)
        async with self._changes() as tx:
            await tx.run(erasures.count, self.erasure.id, {"files": files})
        while await self._drop_some():
            pass
        if not await self._end():
            return False
        platform = self.place.partition(":")[0]
        for start in range(0, len(self.target.people), _AT_ONCE):
            some = self.target.people[start : start + _AT_ONCE]
            async with self._changes() as tx:
                counts = await tx.run(place_rows.drop_strangers, some, platform=platform)
                await tx.run(erasures.count, self.erasure.id, counts)
        return True

    async def _drop_some(self) -> bool:
        async with self._changes() as tx:
            counts, dropped = await tx.run(place_rows.drop_some, self.place, limit=_AT_ONCE)
            await tx.run(erasures.count, self.erasure.id, counts)
        await self._unindex(dropped)
        return bool(counts)

    async def _end(self) -> bool:
        """Delete the conversations, unless there is anything in them again."""
        async with self._changes() as tx:
            if await tx.run(rows.texts_of, self.target, after="", limit=1):
                return False
            left, dropped = await tx.run(place_rows.drop_some, self.place, limit=_AT_ONCE)
            if not left:
                left = await tx.run(place_rows.close_place, self.place)
                for holding in self._ground.holdings:
                    erased = await tx.run(holding.erase_place, self.place)
                    left |= {holding.name: erased} if erased else {}
                await tx.run(erasures.count, self.erasure.id, left)
                return True
        await self._unindex(dropped)
        return False
