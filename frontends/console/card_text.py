"""Cards and their versions as people and programs read them in a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.wording import printable

if TYPE_CHECKING:
    from services.persona.cards.importing import ImportedCard
    from services.persona.cards.keeping import KeptVersion
    from services.persona.cards.reading import CardFile

_OUTCOMES = {
    "new": "{name} is here, as {slug}.",
    "replaced": "{slug} has a new version; `main.py card versions {slug}` shows all.",
    "unchanged": "{slug} is like that already; nothing was changed.",
}


def outcome(imported: ImportedCard) -> str:
    """Say what became of a card."""
    text = _OUTCOMES[imported.outcome].format(name=imported.name, slug=imported.slug)
    return printable(text)


def version_lines(versions: Sequence[KeptVersion]) -> str:
    """Return the versions of a character, one a line, the newest first."""
    return "".join(
        f"{version.number:>3}  {_when(version)}  {version.digest[:8]}"
        f"  {printable(str(version.folder))}{'  (present)' * version.is_current}\n"
        for version in reversed(versions)
    )


def version_array(versions: Sequence[KeptVersion]) -> str:
    """Return the versions of a character as one JSON array, the oldest first."""
    listed = [
        {
            "number": version.number,
            "saved_at": version.saved_at.isoformat() if version.saved_at else None,
            "digest": version.digest,
            "present": version.is_current,
            "folder": str(version.folder),
        }
        for version in versions
    ]
    return json.dumps(listed) + "\n"


def _when(version: KeptVersion) -> str:
    moment = version.saved_at
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else f"{'not kept yet':<19}"


def write_text(text: str) -> None:
    """Print text whatever the terminal's encoding is; what it has not is written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def write_json(content: bytes) -> None:
    """Print JSON whatever the terminal's encoding is."""
    text = content.decode()
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _escaped(text)
    sys.stdout.write(text + "\n")


def _escaped(text: str) -> str:
    return json.dumps(json.loads(text))


def summary(file: CardFile) -> str:
    """Return what a card says, in short."""
    card = file.document
    book = card.character_book or {}
    entries = book.get("entries")
    lines = [
        ("Name", card.name),
        ("Nickname", card.text("nickname")),
        ("Form", f"{card.origin} in {file.container.upper()}"),
        ("Creator", card.text("creator")),
        ("Version", card.text("character_version")),
        ("Tags", ", ".join(card.texts("tags"))),
        ("Description", _length(card.text("description"))),
        ("Personality", _length(card.text("personality"))),
        ("Scenario", _length(card.text("scenario"))),
        ("Examples", _length(card.text("mes_example"))),
        ("Greetings", _greetings(file)),
        ("Lorebook", f"{len(entries)} entries" if isinstance(entries, tuple) else ""),
        ("World", card.world),
        ("Picture", f"{len(file.picture) / 1024:,.0f} kB" if file.picture else ""),
        ("Files", str(len(file.assets) or "")),
        ("Extensions", ", ".join(card.extensions)),
    ]
    width = max(len(label) for label, _ in lines)
    shown = (f"{label:<{width}}  {_one_line(value)}\n" for label, value in lines if value)
    return "".join(shown)


def _length(text: str) -> str:
    return f"{len(text):,} characters" if text else ""


def _greetings(file: CardFile) -> str:
    card = file.document
    counts = (
        (bool(card.text("first_mes")), "first"),
        (len(card.texts("alternate_greetings")), "alternate"),
        (len(card.group_only_greetings), "for groups"),
    )
    return ", ".join(f"{count:d} {kind}" for count, kind in counts if count)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:200]
