"""Add when places were left, and what forgetting them needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, a column and the indexes without which deleting messages is slow."""
    op.create_table(
        "departures",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "scope", name="pk_departures"),
    )
    op.add_column("erasures", sa.Column("place", sa.String()))
    op.create_index("ix_messages_roster_id", "messages", ["roster_id"])
    op.create_index("ix_turns_alternative_of", "turns", ["alternative_of"])
    op.create_index("ix_turns_trigger_message_id", "turns", ["trigger_message_id"])
