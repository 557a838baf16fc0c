"""What is offered while somebody types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discord import app_commands

MOST = 25
"""Choices Discord takes at once."""
_LONGEST = 100

Choices = list[app_commands.Choice[str]]


def suggested(names: Iterable[str], typed: str) -> Choices:
    """Return the names that fit what is typed: those that begin with it, then those with it."""
    return suggested_labels({name: name for name in names}, typed)


def suggested_labels(labels: Mapping[str, str], typed: str) -> Choices:
    """Do ``suggested`` for values by what is shown for them; both may be typed.

    What is longer than Discord takes is left out.
    """
    wanted = typed.strip().casefold()
    ranked: list[tuple[int, str, str]] = []
    for label, value in labels.items():
        if not 0 < len(value) <= _LONGEST:
            continue
        texts = (label.casefold(), value.casefold())
        if any(text.startswith(wanted) for text in texts):
            ranked.append((0, label, value))
        elif any(wanted in text for text in texts):
            ranked.append((1, label, value))
    ranked.sort(key=lambda one: one[0])
    return [
        app_commands.Choice(name=label[:_LONGEST] or value, value=value)
        for _, label, value in ranked[:MOST]
    ]
