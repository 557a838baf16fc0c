"""The tables of lists and polls."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from services.storage.tables import Json, UtcDateTime, metadata

lists = Table(
    "lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", String, nullable=False),
    Column("place", String, nullable=False),
    Column("name", String, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("last", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner", "place", "name"),
    Index("ix_lists_place", "place"),
)

list_items = Table(
    "list_items",
    metadata,
    Column("list_id", ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("added_by", String),
    PrimaryKeyConstraint("list_id", "number"),
)

polls = Table(
    "polls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("asked_by", String),
    Column("question", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("several", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("place", "number"),
)

poll_votes = Table(
    "poll_votes",
    metadata,
    Column("poll_id", ForeignKey("polls.id", ondelete="CASCADE"), nullable=False),
    Column("account", String, nullable=False),
    Column("option", Integer, nullable=False),
    PrimaryKeyConstraint("poll_id", "account", "option"),
)
