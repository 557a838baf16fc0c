"""Add what games and proposals to remember something need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _trivia()
    _dilemmas()
    _stories()
    _proposals()


def _trivia() -> None:
    op.create_table(
        "trivia_games",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("started_by", sa.String()),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trivia_games"),
        sa.UniqueConstraint("conversation", name="uq_trivia_games_conversation"),
    )
    op.create_index("ix_trivia_games_ends_at", "trivia_games", ["ends_at"])
    op.create_table(
        "trivia_players",
        sa.Column("game_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["game_id"],
            ["trivia_games.id"],
            name="fk_trivia_players_game_id_trivia_games",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("game_id", "account", name="pk_trivia_players"),
    )
    op.create_table(
        "trivia_answers",
        sa.Column("game_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["game_id"],
            ["trivia_games.id"],
            name="fk_trivia_answers_game_id_trivia_games",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("game_id", "number", "account", name="pk_trivia_answers"),
    )
    op.create_table(
        "trivia_scores",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("best_streak", sa.Integer(), nullable=False),
        sa.Column("games", sa.Integer(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place", "account", name="pk_trivia_scores"),
    )


def _dilemmas() -> None:
    op.create_table(
        "dilemmas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dilemmas"),
        sa.UniqueConstraint("place", "number", name="uq_dilemmas_place_number"),
    )
    op.create_table(
        "dilemma_votes",
        sa.Column("dilemma_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dilemma_id"],
            ["dilemmas.id"],
            name="fk_dilemma_votes_dilemma_id_dilemmas",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dilemma_id", "account", name="pk_dilemma_votes"),
    )


def _stories() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("started_by", sa.String()),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("turn", sa.String()),
        sa.Column("turn_since", sa.DateTime(), nullable=False),
        sa.Column("since_character", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_stories"),
        sa.UniqueConstraint("place", "number", name="uq_stories_place_number"),
    )
    op.create_index("ix_stories_conversation", "stories", ["conversation"])
    op.create_table(
        "story_writers",
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"],
            ["stories.id"],
            name="fk_story_writers_story_id_stories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("story_id", "account", name="pk_story_writers"),
    )
    op.create_table(
        "story_parts",
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", sa.String()),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"],
            ["stories.id"],
            name="fk_story_parts_story_id_stories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("story_id", "number", name="pk_story_parts"),
    )


def _proposals() -> None:
    op.create_table(
        "memory_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("about_name", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposer_name", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("declined_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_memory_proposals"),
        sa.UniqueConstraint("about", "number", name="uq_memory_proposals_about_number"),
    )
    op.create_index("ix_memory_proposals_proposed_by", "memory_proposals", ["proposed_by"])
