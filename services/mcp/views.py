"""How a server whose tools are used does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 20
_WIDTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerView:
    """How a server does: ``state`` is ``ready``, ``waiting``, ``unreachable`` or ``off``.

    ``tools`` are those that can be used, by the names models call them, and ``pending`` those that
    wait for approval because they are new or changed, by the server's own names with what it says
    of them. ``trouble`` is one sentence. ``cut`` says that the server lists more than is taken.
    """

    name: str
    state: str
    tools: Sequence[str] = ()
    pending: Sequence[tuple[str, str]] = ()
    trouble: str = ""
    cut: bool = False

    def lines(self) -> list[str]:
        """Return it for reading, the name first; descriptions are the server's own words."""
        count = len(self.tools)
        told = [f"{self.name}: {self.state}, {count} {'tool' if count == 1 else 'tools'}"]
        if self.trouble:
            told.append(self.trouble)
        if self.cut:
            told.append("It lists more tools than are taken.")
        if self.pending:
            told.append(f"New or changed, not used before /mcp approve {self.name}:")
            told += [f"- {name}: {text[:_WIDTH]}" for name, text in self.pending[:_SHOWN]]
        if len(self.pending) > _SHOWN:
            told.append(f"- and {len(self.pending) - _SHOWN} more")
        return told

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "tools": list(self.tools),
            "pending": [name for name, _ in self.pending],
            "trouble": self.trouble,
            "cut": self.cut,
        }
