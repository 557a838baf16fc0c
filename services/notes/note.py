"""A note as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.domain.errors import InvalidRequest, TooMany

MOST_NOTES = 500
LONGEST_NOTE = 4_000
LONGEST_CATEGORY = 40
DEFAULT_CATEGORY = "general"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote down; ``number`` is what the owner calls it.

    ``shared_in`` is the place, as ``platform:scope``, whose people may read it.
    """

    number: int
    category: str
    content: str
    created_at: datetime
    updated_at: datetime
    author_name: str
    pinned: bool = False
    shared_in: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the note as JSON values."""
        return {
            "number": self.number,
            "category": self.category,
            "content": self.content,
            "pinned": self.pinned,
            "shared": self.shared_in is not None,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


def checked_content(text: str) -> str:
    """Return what a note says; raises ``InvalidRequest``."""
    content = text.replace("\0", "").strip()
    if not content:
        raise InvalidRequest("note_empty", "Write what the note should say.")
    if len(content) > LONGEST_NOTE:
        raise InvalidRequest("note_long", f"A note may have {LONGEST_NOTE:,} characters.")
    return content


def checked_category(text: str | None) -> str:
    """Return a category's name in small letters; raises ``InvalidRequest``."""
    category = " ".join((text or DEFAULT_CATEGORY).split()).casefold() or DEFAULT_CATEGORY
    if len(category) > LONGEST_CATEGORY or not category.isprintable():
        raise InvalidRequest("note_category", f"A category may have {LONGEST_CATEGORY} characters.")
    return category


def too_many() -> TooMany:
    """Return the refusal of one note too many."""
    return TooMany(
        "notes_full", f"You have {MOST_NOTES} notes; delete some with /delnote.", retry_after=0.0
    )
