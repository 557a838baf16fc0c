"""The table of what people propose to remember of others."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from services.storage.tables import UtcDateTime, metadata

memory_proposals = Table(
    "memory_proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("about", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("about_name", String, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("proposer_name", String, nullable=False),
    Column("place", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("persona", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("declined_at", UtcDateTime),
    UniqueConstraint("about", "number"),
    Index("ix_memory_proposals_proposed_by", "proposed_by"),
)
"""Those that wait, with their text, and those declined lately, without."""
