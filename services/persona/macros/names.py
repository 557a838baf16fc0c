"""Names in card text: ``{{char}}``, ``{{user}}`` and their older spellings."""

from __future__ import annotations

import re

_NAMES = re.compile(r"\{\{\s*(char|user)\s*\}\}|<(bot|char|user)>", re.IGNORECASE)


def fill(text: str, *, char: str, user: str) -> str:
    """Return ``text`` with the names filled in, in one pass: names are never expanded again."""

    def name(match: re.Match[str]) -> str:
        word = (match[1] or match[2]).lower()
        return user if word == "user" else char

    return _NAMES.sub(name, text)
