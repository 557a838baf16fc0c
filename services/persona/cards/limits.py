"""How large a card may be, and how its problems are told."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.errors import InvalidRequest
from services.settings import LoreSettings, PersonaSettings

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLimits:
    """Bounds on what is read; sizes in MB of 1,048,576 bytes.

    ``inflated_mb`` bounds one compressed text of a picture, ``archive_mb`` all files of an archive
    together once unpacked, ``archive_ratio`` how many times a file of an archive may grow.
    """

    card_mb: float = 10
    inflated_mb: float = 8
    megapixels: float = 25
    archive_files: int = 500
    archive_mb: float = 64
    archive_ratio: int = 200
    lore_entries: int = 5_000
    text_chunks: int = 2_000

    @property
    def card_bytes(self) -> int:
        """The largest file, in bytes."""
        return int(self.card_mb * _MB)

    @property
    def inflated_bytes(self) -> int:
        """The largest text once inflated, in bytes."""
        return int(self.inflated_mb * _MB)

    @property
    def archive_bytes(self) -> int:
        """The largest archive once unpacked, in bytes."""
        return int(self.archive_mb * _MB)

    @property
    def pixels(self) -> int:
        """The largest picture, in pixels."""
        return int(self.megapixels * 1_000_000)


def configured_limits(persona: PersonaSettings, lore: LoreSettings) -> CardLimits:
    """Return the limits that the settings set."""
    return CardLimits(
        card_mb=persona.max_card_mb,
        inflated_mb=persona.max_inflated_mb,
        megapixels=persona.max_megapixels,
        archive_files=persona.max_archive_files,
        archive_mb=persona.max_archive_mb,
        lore_entries=lore.max_entries,
    )


class CardProblem(InvalidRequest):
    """A card cannot be read or written; ``problem`` is a clause that names why."""

    def __init__(self, code: str, problem: str, *, name: str = "") -> None:
        called = f"The card {name}" if name else "The card"
        super().__init__(code, f"{called} cannot be used: {problem}.")
        self.problem = problem

    def about(self, name: str) -> CardProblem:
        """Return the same problem, naming the file it is in."""
        return CardProblem(self.code, self.problem, name=name)
