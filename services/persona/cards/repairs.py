"""Putting right the fields of a card whose type is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.persona.cards.leniency import as_flag, as_number, as_text

_MOST_WARNINGS = 50


class Repairs:
    """Repairs values and remembers, in sentences, what a person should know about."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said, each sentence once, 50 at most."""
        return tuple(self._said)

    def say(self, sentence: str) -> None:
        """Remember ``sentence``."""
        if len(self._said) < _MOST_WARNINGS:
            self._said.setdefault(sentence)

    def text(self, value: object, where: str) -> str:
        """Return ``value`` as text; null is empty."""
        if not (value is None or isinstance(value, str)):
            self._repaired(where)
        return as_text(value)

    def texts(self, value: object, where: str) -> list[object]:
        """Return ``value`` as a list of texts; null is empty, a single text a list of it."""
        items = self.listed(value, where)
        if any(not isinstance(item, str) for item in items):
            self._repaired(where)
        return [as_text(item) for item in items if item is not None]

    def words(self, value: object, where: str) -> list[object]:
        """Return ``value`` as a list of texts; a single text is split at its commas."""
        if isinstance(value, str):
            if value.strip():
                self._repaired(where)
            value = [word.strip() for word in value.split(",") if word.strip()]
        return self.texts(value, where)

    def listed(self, value: object, where: str) -> list[object]:
        """Return ``value`` as a list: an object's values, or the one value there is."""
        if isinstance(value, list):
            return value
        if value is None or value == "":
            return []
        self._repaired(where)
        return list(value.values()) if isinstance(value, Mapping) else [value]

    def mapping(self, value: object, where: str) -> dict[str, object]:
        """Return ``value`` if it is an object, an empty one otherwise."""
        if isinstance(value, dict):
            return value
        if value:
            self.say(f"`{where}` was no object and was left out.")
        return {}

    def flag(self, value: object, where: str, *, default: bool) -> bool:
        """Return ``value`` as true or false."""
        if isinstance(value, bool):
            return value
        meant = as_flag(value)
        if value is not None:
            self._repaired(where)
        return default if meant is None else meant

    def number(self, value: object, where: str, *, default: int) -> int | float:
        """Return ``value`` as a number."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        meant = as_number(value)
        if value is not None:
            self._repaired(where)
        return default if meant is None else meant

    def optional(
        self, value: object, where: str, read: Callable[[object], int | float | bool | None]
    ) -> object:
        """Return what ``read`` makes of ``value``; null, and what it cannot read, is null."""
        if value is None:
            return None
        meant = read(value)
        if meant is None or type(meant) is not type(value):
            self._repaired(where)
        return meant

    def _repaired(self, where: str) -> None:
        self.say(f"`{where}` had the wrong type and was repaired.")
