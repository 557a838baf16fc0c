"""Add what projects, tasks and ideas need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "project_numbers",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place", "kind", name="pk_project_numbers"),
    )
    op.create_table(
        "projects",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("thread", sa.String()),
        sa.Column("created_by", sa.String()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("archived_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("place", "number", name="pk_projects"),
    )
    op.create_table(
        "project_owners",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place", "project", "account", name="pk_project_owners"),
    )
    op.create_index("ix_project_owners_account", "project_owners", ["account"])
    _create_what_projects_hold()


def _create_what_projects_hold() -> None:
    op.create_table(
        "project_tasks",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String()),
        sa.Column("assigned_to", sa.String()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("place", "number", name="pk_project_tasks"),
    )
    op.create_index("ix_project_tasks_place_project", "project_tasks", ["place", "project"])
    op.create_table(
        "project_ideas",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", sa.String()),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("used_project", sa.Integer()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("place", "number", name="pk_project_ideas"),
    )
    op.create_table(
        "project_notes",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer()),
        sa.Column("task", sa.Integer()),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("place", "number", name="pk_project_notes"),
    )
    op.create_index("ix_project_notes_place_project", "project_notes", ["place", "project"])
    op.create_index("ix_project_notes_place_task", "project_notes", ["place", "task"])
