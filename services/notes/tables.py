"""The table of notes; ``note_words`` beside it is their index of words (FTS5)."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from services.storage.tables import UtcDateTime, metadata

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", String, nullable=False),
    Column("category", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("shared_in", String),
    Column("author_name", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("embedder", String),
    Column("vector", LargeBinary),
    UniqueConstraint("owner", "number"),
    Index("ix_notes_shared_in", "shared_in"),
)
