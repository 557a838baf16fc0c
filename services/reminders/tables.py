"""The table of reminders."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from services.storage.tables import UtcDateTime, metadata

reminders = Table(
    "reminders",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("owner", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("conversation_id", String, nullable=False, index=True),
    Column("persona_id", String),
    Column("text", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("rrule", String),
    Column("timezone", String, nullable=False),
    Column("target", String, nullable=False),
    Column("state", String, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("settled", Integer, nullable=False),
    Column("lane", String, nullable=False),
    Column("wake_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("moved", Boolean, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("tried_at", UtcDateTime),
    Column("missed", Integer, nullable=False),
    Column("last_due", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("shown_at", UtcDateTime),
    Index("ix_reminders_owner_number", "owner", "number", unique=True),
    Index("ix_reminders_platform_state_lane_wake_at", "platform", "state", "lane", "wake_at"),
)
"""``lane`` is where the next delivery goes, ``wake_at`` when it is tried."""
