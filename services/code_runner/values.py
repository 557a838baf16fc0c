"""What running code takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_CODE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeResult:
    """What came of code.

    ``output`` is what it printed, ``value`` its last expression as Python writes it or nothing,
    ``error`` why it did not end well, ``seconds`` how long it ran. ``cut`` says that something
    was too long to be kept. All of it is text of whoever wrote the code, with any characters.
    """

    output: str
    value: str
    error: str
    seconds: float
    cut: bool

    def text(self) -> str:
        """Return everything as plain text, for a model or a terminal."""
        parts = [self.output.rstrip("\n"), self.value and f"=> {self.value}", self.error]
        shown = "\n".join(part for part in parts if part) or "It ended without printing anything."
        return f"{shown}\n(cut short)" if self.cut else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may take: seconds, bytes of memory, characters of each part of the result."""

    seconds: float
    memory: int
    characters: int
