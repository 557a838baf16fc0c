"""What is told about something forgotten: how much, when, and how that was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.memory.forgetting.scanning import Scan

BACKUPS_EXPIRE = timedelta(days=30)
"""How long what was forgotten may live on in backups, which lie outside the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The proof of one erasure; it holds nothing of what was erased.

    ``counts`` are rows by kind. ``scan`` is the search through every file of the data folder for
    pieces of the text, ``None`` where the text was gone already when it could have been made: then
    the database was rewritten instead, as ``compacted`` says. Backups made before ``finished_at``
    hold the text until ``backups_until``.
    """

    id: str
    requested_at: datetime
    finished_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    scan: Scan | None = None
    compacted: bool = False
    backups: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was found afterwards."""
        return self.scan is None or self.scan.clean

    @property
    def backups_until(self) -> datetime:
        """Return when the last backup that holds the text is deleted."""
        return self.finished_at + BACKUPS_EXPIRE

    def lines(self) -> list[str]:
        """Return the receipt for reading."""
        counted = ", ".join(
            f"{number} {kind.replace('_', ' ')}" for kind, number in self.counts.items()
        )
        lines = [f"Forgotten: {counted or 'nothing was left'}.", f"Receipt {self.id}."]
        if self.scan is not None and self.scan.clean:
            lines.append(
                f"{self.scan.files} files were searched for {self.scan.strings} pieces of the "
                "text; none has any."
            )
        elif self.scan is not None:
            names = ", ".join([name for name, _ in self.scan.found] + list(self.scan.unread))
            lines.append(f"Pieces of the text are still in: {names}.")
        if self.backups:
            lines.append(
                f"{self.backups} backups outside the data folder still hold it; the last is "
                f"deleted by {self.backups_until:%Y-%m-%d}."
            )
        return lines

    def as_json(self) -> dict[str, object]:
        """Return the receipt as JSON values."""
        return {
            "id": self.id,
            "requested_at": self.requested_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "counts": dict(self.counts),
            "verified": None
            if self.scan is None
            else {
                "clean": self.scan.clean,
                "files": self.scan.files,
                "bytes": self.scan.bytes,
                "strings": self.scan.strings,
                "found": dict(self.scan.found),
                "unread": list(self.scan.unread),
            },
            "compacted": self.compacted,
            "backups": {"copies": self.backups, "until": self.backups_until.isoformat()},
        }
