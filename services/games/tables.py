"""The tables of games."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from services.storage.tables import Json, UtcDateTime, metadata

trivia_games = Table(
    "trivia_games",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("started_by", String),
    Column("questions", Json, nullable=False),
    Column("number", Integer, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("unanswered", Integer, nullable=False),
    UniqueConstraint("conversation"),
    Index("ix_trivia_games_ends_at", "ends_at"),
)
"""Games that are running; those that ended are gone."""

trivia_players = Table(
    "trivia_players",
    metadata,
    Column("game_id", ForeignKey("trivia_games.id", ondelete="CASCADE"), nullable=False),
    Column("account", String, nullable=False),
    Column("name", String, nullable=False),
    Column("points", Integer, nullable=False),
    Column("right", Integer, nullable=False),
    PrimaryKeyConstraint("game_id", "account"),
)

trivia_answers = Table(
    "trivia_answers",
    metadata,
    Column("game_id", ForeignKey("trivia_games.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", String, nullable=False),
    Column("option", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    PrimaryKeyConstraint("game_id", "number", "account"),
)

trivia_scores = Table(
    "trivia_scores",
    metadata,
    Column("place", String, nullable=False),
    Column("account", String, nullable=False),
    Column("name", String, nullable=False),
    Column("points", Integer, nullable=False),
    Column("right", Integer, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("streak", Integer, nullable=False),
    Column("best_streak", Integer, nullable=False),
    Column("games", Integer, nullable=False),
    Column("wins", Integer, nullable=False),
    PrimaryKeyConstraint("place", "account"),
)

dilemmas = Table(
    "dilemmas",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("theme", String, nullable=False),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("place", "number"),
)

dilemma_votes = Table(
    "dilemma_votes",
    metadata,
    Column("dilemma_id", ForeignKey("dilemmas.id", ondelete="CASCADE"), nullable=False),
    Column("account", String, nullable=False),
    Column("option", Integer, nullable=False),
    PrimaryKeyConstraint("dilemma_id", "account"),
)

stories = Table(
    "stories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("started_by", String),
    Column("every", Integer, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("turn", String),
    Column("turn_since", UtcDateTime, nullable=False),
    Column("since_character", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("place", "number"),
    Index("ix_stories_conversation", "conversation"),
)

story_writers = Table(
    "story_writers",
    metadata,
    Column("story_id", ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("account", String, nullable=False),
    Column("name", String, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("story_id", "account"),
)

story_parts = Table(
    "story_parts",
    metadata,
    Column("story_id", ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", String),
    Column("name", String, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("story_id", "number"),
)
