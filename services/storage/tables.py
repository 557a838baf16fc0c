"""The database's tables."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator

_NAIVE = "a stored moment needs a time zone"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored and returned in UTC; naive ones are refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC without its zone, as SQLite keeps it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(_NAIVE)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


class Json(TypeDecorator[object]):
    """An open-ended payload; ``None`` is stored as NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

people = Table(
    "people",
    metadata,
    Column("id", String, primary_key=True),
    Column("display_name", String, nullable=False),
    Column("timezone", String),
    Column("language", String),
    Column("created_at", UtcDateTime, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("platform", String, nullable=False),
    Column("user", String, nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("display_name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("platform", "user"),
)

personas = Table(
    "personas",
    metadata,
    Column("id", String, primary_key=True),
    Column("slug", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("source", String, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("title", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_activity_at", UtcDateTime, nullable=False, index=True),
    Column("next_ordinal", Integer, nullable=False),
    Column("head_message_id", String),
)

rosters = Table(
    "rosters",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("digest", String, nullable=False),
    UniqueConstraint("conversation_id", "digest"),
)

roster_members = Table(
    "roster_members",
    metadata,
    Column("roster_id", ForeignKey("rosters.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("member", String, nullable=False),
    PrimaryKeyConstraint("roster_id", "kind", "member"),
    Index("ix_roster_members_kind_member", "kind", "member"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("parent_id", ForeignKey("messages.id"), index=True),
    Column("active", Boolean, nullable=False),
    Column("turn_id", String, index=True),
    Column("author_platform", String, nullable=False),
    Column("author_user", String, nullable=False),
    Column("author_kind", String, nullable=False),
    Column("author_name", String, nullable=False),
    Column("person_id", ForeignKey("people.id"), index=True),
    Column("persona_id", String),
    Column("source", String, nullable=False),
    Column("visibility", String, nullable=False),
    Column("modality", String, nullable=False),
    Column("written", Text, nullable=False),
    Column("heard", Text),
    Column("reply_to", String),
    Column("mentions", Json),
    Column("hop", Integer, nullable=False),
    Column("roster_id", ForeignKey("rosters.id"), index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("edited_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    UniqueConstraint("conversation_id", "ordinal"),
    Index("ix_messages_author_platform_author_user", "author_platform", "author_user"),
)
parent_key = func.coalesce(messages.c.parent_id, literal_column("''"))
Index(
    "uq_messages_active_sibling",
    messages.c.conversation_id,
    parent_key,
    unique=True,
    sqlite_where=text("active = 1"),
)

external_ids = Table(
    "external_ids",
    metadata,
    Column("platform", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("message_id", ForeignKey("messages.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("platform", "external_id"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("media_type", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False, index=True),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String, primary_key=True),
    Column("message_id", ForeignKey("messages.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("sha256", String, nullable=False, index=True),
    Column("media_type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("size", Integer, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("persona_id", String, nullable=False),
    Column("persona_name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("modality", String, nullable=False),
    Column("trigger_message_id", ForeignKey("messages.id"), index=True),
    Column("alternative_of", ForeignKey("messages.id"), index=True),
    Column("reply_message_id", ForeignKey("messages.id"), index=True),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("hop", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("delivered", Text, nullable=False),
    Column("sentences", Integer, nullable=False),
    Column("model", String),
    Column("usage", Json),
    Column("why", Json),
    Index("ix_turns_conversation_id_id", "conversation_id", "id"),
    Index("ix_turns_conversation_id_persona_id", "conversation_id", "persona_id"),
    Index("ix_turns_open", "state", sqlite_where=text("state = 'open'")),
)

pending_actions = Table(
    "pending_actions",
    metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False, index=True),
    Column("persona_id", String, nullable=False),
    Column("requested_by", String),
    Column("tool", String, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("question", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("decided_by", String),
    Column("decided_at", UtcDateTime),
    Index("ix_pending_actions_state_expires_at", "state", "expires_at"),
)

scoped_settings = Table(
    "scoped_settings",
    metadata,
    Column("scope", String, nullable=False),
    Column("scope_id", String, nullable=False),
    Column("key", String, nullable=False),
    Column("value", Json),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String),
    PrimaryKeyConstraint("scope", "scope_id", "key"),
)

roles = Table(
    "roles",
    metadata,
    Column("scope", String, nullable=False),
    Column("scope_id", String, nullable=False),
    Column("account", String, nullable=False, index=True),
    Column("role", Integer, nullable=False),
    PrimaryKeyConstraint("scope", "scope_id", "account"),
)

conversation_states = Table(
    "conversation_states",
    metadata,
    Column("conversation_id", String, nullable=False),
    Column("persona_id", String, nullable=False),
    Column("state", Json, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("conversation_id", "persona_id"),
)

user_personas = Table(
    "user_personas",
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("place", String, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("account", "name", name="uq_user_personas_account_name"),
)

user_persona_bindings = Table(
    "user_persona_bindings",
    metadata,
    Column("account", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("target", String, nullable=False),
    Column("user_persona_id", ForeignKey("user_personas.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("account", "kind", "target"),
)

audiences = Table(
    "audiences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("place", String),
    Column("conversation_id", String, index=True),
    Column("roster_id", String),
    Column("visibility", String, nullable=False),
    Column("persona_id", String),
    Column("person_id", String, index=True),
    Column("category", String),
)

recollections = Table(
    "recollections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("audience_id", ForeignKey("audiences.id"), nullable=False, index=True),
    Column("conversation_id", String),
    Column("ordinal", Integer),
    Column("session", Integer),
    Column("speaker", String),
    Column("person_id", String, index=True),
    Column("said_at", UtcDateTime),
    Column("active", Boolean, nullable=False),
    Column("digest", String, nullable=False),
    Column("embedder", String),
    Column("embedding", LargeBinary),
    UniqueConstraint("kind", "ref"),
    Index("ix_recollections_conversation_id_ordinal", "conversation_id", "ordinal"),
    Index("ix_recollections_embedder", "embedder"),
    sqlite_autoincrement=True,
)

facts = Table(
    "facts",
    metadata,
    Column("id", String, primary_key=True),
    Column("audience_id", ForeignKey("audiences.id"), nullable=False, index=True),
    Column("person_id", String, index=True),
    Column("about", String, nullable=False),
    Column("teller_id", String, index=True),
    Column("teller", String, nullable=False),
    Column("hearsay", Boolean, nullable=False),
    Column("kind", String, nullable=False),
    Column("slot", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("origin", String, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("conversation_id", String),
    Column("message_id", String, index=True),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("valid_to", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("superseded_by", String),
    Index("ix_facts_person_id_slot", "person_id", "slot"),
)
Index(
    "uq_facts_standing",
    facts.c.audience_id,
    facts.c.digest,
    unique=True,
    sqlite_where=text("valid_to IS NULL"),
)

lessons = Table(
    "lessons",
    metadata,
    Column("message_id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("learned_at", UtcDateTime, nullable=False),
)

summaries = Table(
    "summaries",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation_id", String, nullable=False),
    Column("persona_id", String, nullable=False),
    Column("first_message", String, nullable=False),
    Column("last_message", String, nullable=False),
    Column("first_ordinal", Integer, nullable=False),
    Column("last_ordinal", Integer, nullable=False),
    Column("covers", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("model", String),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_summaries_conversation_id_last_ordinal", "conversation_id", "last_ordinal"),
)

affections = Table(
    "affections",
    metadata,
    Column("person_id", String, nullable=False),
    Column("persona_id", String, nullable=False),
    Column("value", Integer, nullable=False),
    Column("conversation_id", String),
    Column("changed_here", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("person_id", "persona_id"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String, primary_key=True),
    Column("category", String, nullable=False),
    Column("path", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("modified_ns", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("problem", String),
    Column("indexed_at", UtcDateTime, nullable=False),
)
Index(
    "uq_documents_standing",
    documents.c.category,
    documents.c.path,
    unique=True,
    sqlite_where=text("state = 'ready'"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", String, primary_key=True),
    Column("document_id", ForeignKey("documents.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("heading", String, nullable=False),
    Column("page", Integer),
    Column("text", Text, nullable=False),
    UniqueConstraint("document_id", "position"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", String, primary_key=True),
    Column("person_id", String, nullable=False),
    Column("accounts", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("receipt", Json),
    Column("place", String),
)

departures = Table(
    "departures",
    metadata,
    Column("platform", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("left_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("platform", "scope"),
)

link_codes = Table(
    "link_codes",
    metadata,
    Column("digest", String, primary_key=True),
    Column("account", String, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("claimed_by", String),
    Column("attempts", Integer, nullable=False),
)

memory_states = Table(
    "memory_states",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Json),
)
