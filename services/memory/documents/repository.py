"""Documents and their passages as rows; a document is seen whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from services.memory.documents.chunking import Passage
from services.memory.recollections import Audience, Dropped, add, audience_id, remove
from services.memory.scope import Kind
from services.storage.tables import documents, passages


class State(StrEnum):
    """How far a document has come. Only ``READY`` ones are recalled."""

    READING = "reading"
    READY = "ready"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file of the documents folder: ``path`` is relative to the folder of its category.

    ``problem`` is a sentence saying why it was refused; ``size`` is in bytes.
    """

    id: str
    category: str
    path: str
    sha256: str
    size: int
    modified_ns: int
    title: str
    state: State
    indexed_at: datetime
    problem: str | None = None


def all_documents(connection: Connection) -> list[Document]:
    """Return every document that is not on its way out, by category and path."""
    rows = connection.execute(
        select(documents)
        .where(documents.c.state != State.GONE.value)
        .order_by(documents.c.category, documents.c.path, documents.c.id)
    )
    return [_document(row) for row in rows]


def begin(connection: Connection, document: Document) -> None:
    """Store a document that is about to be read, or was refused."""
    connection.execute(
        insert(documents).values(
            id=document.id,
            category=document.category,
            path=document.path,
            sha256=document.sha256,
            size=document.size,
            modified_ns=document.modified_ns,
            title=document.title,
            state=document.state.value,
            problem=document.problem,
            indexed_at=document.indexed_at,
        )
    )


def append(connection: Connection, document: Document, found: Sequence[Passage]) -> None:
    """Store passages of a document being read and make them searchable."""
    audience = audience_id(connection, Audience(kind=Kind.PASSAGE, category=document.category))
    for passage in found:
        ref = f"{document.id}:{passage.position}"
        connection.execute(
            insert(passages).values(
                id=ref,
                document_id=document.id,
                position=passage.position,
                heading=passage.heading,
                page=passage.page,
                text=passage.text,
            )
        )
        words = "\n".join(part for part in (passage.heading, passage.text) if part)
        add(connection, kind=Kind.PASSAGE, ref=ref, audience=audience, words=words)


def stand(connection: Connection, document: Document, *, at: datetime) -> None:
    """Let a document that was read take the place of its older forms."""
    retire(connection, category=document.category, path=document.path, but=document.id)
    connection.execute(
        update(documents)
        .where(documents.c.id == document.id)
        .values(state=State.READY.value, indexed_at=at)
    )


def retire(connection: Connection, *, category: str, path: str, but: str = "") -> None:
    """Take the forms of a document out of sight, ``but`` one; ``sweep`` removes them."""
    connection.execute(
        update(documents)
        .where(documents.c.category == category, documents.c.path == path, documents.c.id != but)
        .values(state=State.GONE.value)
    )


def unchanged(connection: Connection, document: Document, *, modified_ns: int) -> None:
    """Note that a file was touched but says the same."""
    connection.execute(
        update(documents).where(documents.c.id == document.id).values(modified_ns=modified_ns)
    )


def abandon_unfinished(connection: Connection) -> None:
    """Take what was being read when the process ended out of sight."""
    connection.execute(
        update(documents)
        .where(documents.c.state == State.READING.value)
        .values(state=State.GONE.value)
    )


def sweep(connection: Connection, *, most: int) -> tuple[bool, list[Dropped]]:
    """Remove up to ``most`` passages of documents that are gone; say whether more are left."""
    gone = select(documents.c.id).where(documents.c.state == State.GONE.value)
    refs = (
        connection.execute(
            select(passages.c.id).where(passages.c.document_id.in_(gone)).limit(most)
        )
        .scalars()
        .all()
    )
    if not refs:
        connection.execute(delete(documents).where(documents.c.state == State.GONE.value))
        return False, []
    dropped = remove(connection, kind=Kind.PASSAGE, refs=refs)
    connection.execute(delete(passages).where(passages.c.id.in_(refs)))
    return True, dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotable:
    """A passage with where it stands, for answers that say where they know a thing from."""

    ref: str
    text: str
    heading: str
    page: int | None
    category: str
    path: str
    title: str


def quotable(connection: Connection, refs: Sequence[str]) -> dict[str, Quotable]:
    """Return the passages among ``refs`` whose documents stand."""
    rows = connection.execute(
        select(
            passages.c.id,
            passages.c.text,
            passages.c.heading,
            passages.c.page,
            documents.c.category,
            documents.c.path,
            documents.c.title,
        )
        .join(documents, documents.c.id == passages.c.document_id)
        .where(passages.c.id.in_(refs), documents.c.state == State.READY.value)
    )
    return {
        row.id: Quotable(
            ref=row.id,
            text=row.text,
            heading=row.heading,
            page=row.page,
            category=row.category,
            path=row.path,
            title=row.title,
        )
        for row in rows
    }


def passage_counts(connection: Connection) -> dict[str, int]:
    """Return how many passages each document has."""
    rows = connection.execute(
        select(passages.c.document_id, func.count()).group_by(passages.c.document_id)
    )
    return {row[0]: row[1] for row in rows}


def _document(row: Row[tuple[object, ...]]) -> Document:
    found = row._mapping  # noqa: SLF001  SQLAlchemy's documented access by name
    return Document(
        id=found["id"],
        category=found["category"],
        path=found["path"],
        sha256=found["sha256"],
        size=found["size"],
        modified_ns=found["modified_ns"],
        title=found["title"],
        state=State(found["state"]),
        indexed_at=found["indexed_at"],
        problem=found["problem"],
    )
