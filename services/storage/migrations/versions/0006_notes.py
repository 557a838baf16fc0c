"""Add what notes need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the index of words."""
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("shared_in", sa.String()),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("embedder", sa.String()),
        sa.Column("vector", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.UniqueConstraint("owner", "number", name="uq_notes_owner_number"),
    )
    op.create_index("ix_notes_shared_in", "notes", ["shared_in"])
    op.execute(
        "CREATE VIRTUAL TABLE note_words USING fts5("
        "words, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    op.execute("INSERT INTO note_words (note_words, rank) VALUES ('secure-delete', 1)")
