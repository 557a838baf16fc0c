"""A conversation as text to read."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.messages import HistoryEntry


def write_markdown(entries: Sequence[HistoryEntry], *, title: str) -> str:
    """Return the messages under a heading, each with its number, author and time in UTC."""
    parts = [f"# {_line(title)}\n"]
    for entry in entries:
        author = _line(entry.message.author.display_name)
        moment = f"{entry.message.created_at:%Y-%m-%d %H:%M} UTC"
        files = "".join(f"\n\n[{_line(one.name)}]" for one in entry.message.attachments)
        parts.append(f"**{author}** · {moment} · #{entry.ordinal}\n\n{entry.text.strip()}{files}\n")
    return "\n---\n\n".join(parts)


def _line(text: str) -> str:
    return " ".join(text.split())
