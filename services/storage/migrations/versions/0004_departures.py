"""Add when places were left, and indexes that deleting messages needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the indexes."""
    op.create_table(
        "departures",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "scope", name="pk_departures"),
    )
    op.create_index("ix_messages_roster_id", "messages", ["roster_id"])
    op.create_index("ix_turns_alternative_of", "turns", ["alternative_of"])
    op.create_index("ix_turns_trigger_message_id", "turns", ["trigger_message_id"])
