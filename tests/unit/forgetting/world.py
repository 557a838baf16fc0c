"""A small installation in which two people have talked to a character."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select, text

from services.conversation.history import Anchor, History
from services.domain.clock import Clock
from services.domain.ids import (
    AuthorId,
    ConversationId,
    IdSource,
    MessageId,
    PersonaId,
    PersonId,
    UlidSource,
)
from services.domain.messages import BlobPart, HistoryEntry, Message, Source, TextPart
from services.domain.people import Author, AuthorKind
from services.memory.forgetting.ground import Forgotten
from services.memory.forgetting.service import Forgetting
from services.memory.index import turn_rows
from services.memory.learning import slots
from services.memory.recollections import Audience, Dropped, add, audience_id
from services.memory.scope import Kind, place_of
from services.people.repository import PeopleRepository
from services.settings import StorageSettings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.tables import facts, lessons, metadata, summaries, turns

GUILD = ConversationId("discord", "1", "2")
PRIVATE = ConversationId("console", "local", "main")
ALICE = Author(id=AuthorId("discord", "1000200030004"), display_name="Alyssandra")
ALICE_HERE = Author(id=AuthorId("console", "aly"), display_name="Aly")
BOB = Author(id=AuthorId("discord", "5000600070008"), display_name="Bob")
MIRA = Author(
    id=AuthorId("persona", "mira"),
    display_name="Mira",
    kind=AuthorKind.PERSONA,
    persona=PersonaId("mira"),
)


@dataclass
class LiveNotes:
    """Remembers what it was told."""

    hushed: set[str] = field(default_factory=set)
    told: list[Forgotten] = field(default_factory=list)
    history: History | None = None
    people: PeopleRepository | None = None

    async def hush(self, conversations: object, /) -> None:
        self.hushed |= set(conversations)  # type: ignore[call-overload]

    def forget(self, forgotten: Forgotten, /) -> None:
        self.told.append(forgotten)
        if self.history is not None:
            self.history.refresh()
        if self.people is not None:
            self.people.refresh()


@dataclass
class IndexNotes:
    """Remembers which vectors it was told to forget."""

    rows: list[Dropped] = field(default_factory=list)
    thorough: bool = False
    swept: int = 0

    def wake(self, *, sweep: bool = False) -> None:
        self.swept += sweep

    async def dropped(self, rows: Sequence[Dropped], /, *, thoroughly: bool = False) -> None:
        self.rows += rows
        self.thorough |= thoroughly


class World:
    """Says, learns and forgets."""

    def __init__(self, data: Path, database: Database, clock: Clock, ids: IdSource) -> None:
        self.data = data
        self.backups = data.parent / "backups"
        self.database = database
        self.clock = clock
        self.ids = ids
        self.history = History()
        self.people = PeopleRepository(ids)
        self.live = LiveNotes(history=self.history, people=self.people)
        self.index = IndexNotes()
        self.blobs = BlobStore(StorageSettings(data=data), database=database, clock=clock)
        self.forgetting = self.new_forgetting()

    def new_forgetting(self) -> Forgetting:
        return Forgetting(
            database=self.database,
            blobs=self.blobs,
            data=self.data,
            backups=self.backups,
            clock=self.clock,
            ids=self.ids,
            index=self.index,
            live=self.live,
        )

    async def person(self, author: Author) -> PersonId:
        async with self.database.transaction() as tx:
            return await self.people.ensure(tx, author, at=self.clock.now())

    async def link(self, first: Author, second: Author) -> PersonId:
        await self.person(first)
        await self.person(second)
        async with self.database.transaction() as tx:
            return await self.people.link(tx, first.id, second.id)

    async def say(
        self,
        words: str,
        author: Author,
        *,
        place: ConversationId = GUILD,
        present: Sequence[Author] = (),
        answers: HistoryEntry | None = None,
        attachment: bytes | None = None,
        external: tuple[str, ...] = (),
        mentions: tuple[AuthorId, ...] = (),
        parent: MessageId | Anchor | None = Anchor.HEAD,
    ) -> HistoryEntry:
        parts: list[TextPart | BlobPart] = [TextPart(text=words)]
        if attachment is not None:
            blob = await self.blobs.put(attachment, media_type="text/plain")
            parts.append(
                BlobPart(
                    kind="file",
                    sha256=blob.sha256,
                    media_type="text/plain",
                    name="note.txt",
                    size=blob.size,
                )
            )
        person = None
        if author.kind is AuthorKind.HUMAN:
            person = await self.person(author)
        message = Message(
            id=MessageId(self.ids.new()),
            conversation=place,
            author=Author(
                id=author.id,
                display_name=author.display_name,
                kind=author.kind,
                persona=author.persona,
                person=person,
            ),
            parts=tuple(parts),
            created_at=self.clock.now(),
            source=Source.PERSONA if author.kind is AuthorKind.PERSONA else Source.NATIVE,
            external_ids=external,
            mentions=mentions,
        )
        heard: set[AuthorId | PersonaId] = {PersonaId("mira"), author.id}
        witnesses = frozenset(heard | {one.id for one in present})
        async with self.database.transaction() as tx:
            if answers is not None:
                await tx.run(_begin_turn, message, answers)
            recorded = await self.history.record(tx, message, witnesses=witnesses, parent=parent)
            if answers is not None:
                await tx.run(_end_turn, message)
            await tx.run(turn_rows.index_messages, [message.id])
        return recorded.entry

    async def learn(self, entry: HistoryEntry, value: str, *, about: Author, slot: str) -> str:
        teller = await self.person(entry.message.author)
        person = await self.person(about)
        identity = self.ids.new()
        async with self.database.transaction() as tx:
            await tx.run(
                _store_fact, identity, entry, person=person, teller=teller, value=value, slot=slot
            )
        return identity

    async def sum_up(self, first: HistoryEntry, last: HistoryEntry, words: str) -> str:
        identity = self.ids.new()
        async with self.database.transaction() as tx:
            await tx.run(_store_summary, identity, first, last, words)
        return identity

    async def texts(self, place: ConversationId = GUILD) -> list[str]:
        async with self.database.reader() as snapshot:
            return [entry.text for entry in await self.history.recent(snapshot, place, limit=1000)]

    async def rows(self, table: str) -> list[tuple[object, ...]]:
        def work(connection: Connection) -> list[tuple[object, ...]]:
            found = connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
            return sorted((tuple(row) for row in found), key=repr)

        async with self.database.reader() as snapshot:
            return await snapshot.run(work)

    async def found(self, words: str) -> int:
        def work(connection: Connection) -> int:
            query = "SELECT count(*) FROM recollection_words WHERE recollection_words MATCH :words"
            found = connection.execute(text(query), {"words": f'"{words}"'})
            return int(found.scalar_one())

        async with self.database.reader() as snapshot:
            return await snapshot.run(work)


@asynccontextmanager
async def world_in(data: Path, clock: Clock, seed: int = 1) -> AsyncIterator[World]:
    """Open a data folder."""
    database = Database(StorageSettings(data=data), clock=clock)
    async with database:
        yield World(data, database, clock, UlidSource(clock, random.Random(seed)))


def traces(data: Path, *pieces: str) -> dict[str, list[str]]:
    """Return which files below ``data`` hold a piece of text, in any of three encodings."""
    found: dict[str, list[str]] = {}
    for path in sorted(data.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        for piece in pieces:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                if piece.encode(encoding) in content:
                    found.setdefault(path.relative_to(data).as_posix(), []).append(piece)
    return found


def every_table() -> list[str]:
    """Return the names of all tables."""
    return sorted(metadata.tables)


def _begin_turn(connection: Connection, message: Message, answers: HistoryEntry) -> None:
    connection.execute(
        insert(turns).values(
            id=f"turn-{message.id}",
            conversation_id=str(message.conversation),
            persona_id="mira",
            persona_name="Mira",
            kind="reply",
            modality="text",
            trigger_message_id=answers.message.id,
            state="finished",
            hop=0,
            started_at=message.created_at,
            delivered="",
            sentences=1,
            why={"trigger": "mention", "heard": answers.text},
        )
    )


def _end_turn(connection: Connection, message: Message) -> None:
    connection.execute(
        turns.update().where(turns.c.id == f"turn-{message.id}").values(reply_message_id=message.id)
    )


def _store_fact(
    connection: Connection,
    identity: str,
    entry: HistoryEntry,
    *,
    person: PersonId,
    teller: PersonId,
    value: str,
    slot: str,
) -> None:
    place = entry.message.conversation
    audience = audience_id(
        connection,
        Audience(kind=Kind.FACT, place=place_of(place), persona=PersonaId("mira"), person=teller),
    )
    connection.execute(
        insert(facts).values(
            id=identity,
            audience_id=audience,
            person_id=person,
            about=entry.message.author.display_name,
            teller_id=teller,
            teller=entry.message.author.display_name,
            hearsay=person != teller,
            kind="fact",
            slot=slot,
            value=value,
            text=f"{slot}: {value}",
            quote=entry.text,
            digest=slots.digest("\x00self", slot, value),
            confidence=0.9,
            origin="rule",
            pinned=False,
            conversation_id=str(place),
            message_id=entry.message.id,
            valid_from=entry.message.created_at,
            created_at=entry.message.created_at,
        )
    )
    add(
        connection,
        kind=Kind.FACT,
        ref=identity,
        audience=audience,
        words=f"{slot}: {value}",
        person=teller,
    )
    connection.execute(
        insert(lessons)
        .prefix_with("OR IGNORE")
        .values(
            message_id=entry.message.id,
            version=1,
            outcome="learnt",
            learned_at=entry.message.created_at + timedelta(seconds=1),
        )
    )


def _store_summary(
    connection: Connection, identity: str, first: HistoryEntry, last: HistoryEntry, words: str
) -> None:
    place = first.message.conversation
    connection.execute(
        insert(summaries).values(
            id=identity,
            conversation_id=str(place),
            persona_id="mira",
            first_message=first.message.id,
            last_message=last.message.id,
            first_ordinal=first.ordinal,
            last_ordinal=last.ordinal,
            covers="x",
            text=words,
            created_at=last.message.created_at,
        )
    )
    audience = audience_id(
        connection,
        Audience(
            kind=Kind.SUMMARY,
            place=place_of(place),
            conversation=place,
            persona=PersonaId("mira"),
        ),
    )
    add(connection, kind=Kind.SUMMARY, ref=identity, audience=audience, words=words)


def facts_of(connection: Connection, person: str) -> list[str]:
    """Return the values of a person's facts."""
    return list(
        connection.execute(select(facts.c.value).where(facts.c.person_id == person)).scalars()
    )
