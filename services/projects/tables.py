"""The tables of projects, tasks, ideas and notes; a place is written as ``place_of`` does."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from services.storage.tables import Json, UtcDateTime, metadata

project_numbers = Table(
    "project_numbers",
    metadata,
    Column("place", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("place", "kind"),
)

projects = Table(
    "projects",
    metadata,
    Column("place", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("status", String, nullable=False),
    Column("thread", String),
    Column("created_by", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("archived_at", UtcDateTime),
    PrimaryKeyConstraint("place", "number"),
)

project_owners = Table(
    "project_owners",
    metadata,
    Column("place", String, nullable=False),
    Column("project", Integer, nullable=False),
    Column("account", String, nullable=False),
    PrimaryKeyConstraint("place", "project", "account"),
    Index("ix_project_owners_account", "account"),
)

project_tasks = Table(
    "project_tasks",
    metadata,
    Column("place", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("project", Integer, nullable=False),
    Column("label", String, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("created_by", String),
    Column("assigned_to", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    PrimaryKeyConstraint("place", "number"),
    Index("ix_project_tasks_place_project", "place", "project"),
)

project_ideas = Table(
    "project_ideas",
    metadata,
    Column("place", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("author", String),
    Column("title", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("used_project", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("place", "number"),
)

project_notes = Table(
    "project_notes",
    metadata,
    Column("place", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("project", Integer),
    Column("task", Integer),
    Column("author", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("place", "number"),
    Index("ix_project_notes_place_project", "place", "project"),
    Index("ix_project_notes_place_task", "place", "task"),
)
