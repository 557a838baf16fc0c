"""Add memory: what can be recalled, facts, summaries, documents, and what forgetting needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, their indexes and the full-text index."""
    op.create_table(
        "audiences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.String()),
        sa.Column("conversation_id", sa.String()),
        sa.Column("roster_id", sa.String()),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("persona_id", sa.String()),
        sa.Column("person_id", sa.String()),
        sa.Column("category", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_audiences"),
        sa.UniqueConstraint("key", name="uq_audiences_key"),
    )
    op.create_index("ix_audiences_conversation_id", "audiences", ["conversation_id"])
    op.create_index("ix_audiences_person_id", "audiences", ["person_id"])
    op.create_table(
        "recollections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("audience_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("ordinal", sa.Integer()),
        sa.Column("session", sa.Integer()),
        sa.Column("speaker", sa.String()),
        sa.Column("person_id", sa.String()),
        sa.Column("said_at", sa.DateTime()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("embedder", sa.String()),
        sa.Column("embedding", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_recollections"),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name="fk_recollections_audience_id"
        ),
        sa.UniqueConstraint("kind", "ref", name="uq_recollections_kind_ref"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recollections_audience_id", "recollections", ["audience_id"])
    op.create_index(
        "ix_recollections_conversation_id_ordinal", "recollections", ["conversation_id", "ordinal"]
    )
    op.create_index("ix_recollections_embedder", "recollections", ["embedder"])
    op.create_index("ix_recollections_person_id", "recollections", ["person_id"])
    op.create_table(
        "facts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("audience_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String()),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("teller_id", sa.String()),
        sa.Column("teller", sa.String(), nullable=False),
        sa.Column("hearsay", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("message_id", sa.String()),
        sa.Column("valid_from", sa.DateTime(), nullable=False),
        sa.Column("valid_to", sa.DateTime()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("superseded_by", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name="fk_facts_audience_id"),
    )
    op.create_index("ix_facts_audience_id", "facts", ["audience_id"])
    op.create_index("ix_facts_message_id", "facts", ["message_id"])
    op.create_index("ix_facts_person_id", "facts", ["person_id"])
    op.create_index("ix_facts_person_id_slot", "facts", ["person_id", "slot"])
    op.create_index("ix_facts_teller_id", "facts", ["teller_id"])
    op.create_index(
        "uq_facts_standing",
        "facts",
        ["audience_id", "digest"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "lessons",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("learned_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_lessons"),
    )
    op.create_table(
        "summaries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("persona_id", sa.String(), nullable=False),
        sa.Column("first_message", sa.String(), nullable=False),
        sa.Column("last_message", sa.String(), nullable=False),
        sa.Column("first_ordinal", sa.Integer(), nullable=False),
        sa.Column("last_ordinal", sa.Integer(), nullable=False),
        sa.Column("covers", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", sa.String()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_summaries"),
    )
    op.create_index(
        "ix_summaries_conversation_id_last_ordinal",
        "summaries",
        ["conversation_id", "last_ordinal"],
    )
    op.create_table(
        "affections",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("persona_id", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("changed_here", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "persona_id", name="pk_affections"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("modified_ns", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("problem", sa.String()),
        sa.Column("indexed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    op.create_index(
        "uq_documents_standing",
        "documents",
        ["category", "path"],
        unique=True,
        sqlite_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "passages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("page", sa.Integer()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_passages_document_id"),
        sa.UniqueConstraint("document_id", "position", name="uq_passages_document_id_position"),
    )
    op.create_index("ix_passages_document_id", "passages", ["document_id"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime()),
        sa.Column("receipt", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_table(
        "link_codes",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("claimed_by", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_link_codes"),
        sa.UniqueConstraint("account", name="uq_link_codes_account"),
    )
    op.create_table(
        "memory_states",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.JSON()),
        sa.PrimaryKeyConstraint("key", name="pk_memory_states"),
    )
    op.create_index(
        "ix_turns_conversation_id_persona_id", "turns", ["conversation_id", "persona_id"]
    )
    op.execute(
        "CREATE VIRTUAL TABLE recollection_words USING fts5("
        "words, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    op.execute(
        "INSERT INTO recollection_words (recollection_words, rank) VALUES ('secure-delete', 1)"
    )
