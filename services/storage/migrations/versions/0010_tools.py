"""Add what is known of the servers whose tools are used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mcp_servers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("approved_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("name", name="pk_mcp_servers"),
    )
    op.create_table(
        "mcp_pins",
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("server", "tool", name="pk_mcp_pins"),
    )
