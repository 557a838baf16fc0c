"""Add what lorebooks and variables remember, and the personas of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "conversation_states",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("persona_id", sa.String(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "persona_id", name="pk_conversation_states"),
    )
    op.create_table(
        "user_personas",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_personas"),
        sa.UniqueConstraint("account", "name", name="uq_user_personas_account_name"),
    )
    op.create_table(
        "user_persona_bindings",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("user_persona_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", "target", name="pk_user_persona_bindings"),
        sa.ForeignKeyConstraint(
            ["user_persona_id"],
            ["user_personas.id"],
            name="fk_user_persona_bindings_user_persona_id",
            ondelete="CASCADE",
        ),
    )
