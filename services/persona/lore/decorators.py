"""``@@`` lines at the head of an entry's content: what they are and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from services.persona.cards.leniency import as_number
from services.persona.lore.entry import LoreEntry, Position, Role

_ROLES: Mapping[str, int] = {
    "system": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_POSITIONS: Mapping[str, int] = {
    "before_desc": Position.BEFORE,
    "after_desc": Position.AFTER,
}
_SECTIONS = frozenset({"personality", "scenario"})
_PROMPTS = frozenset({"post_history_instructions", "system_prompt"})
_REPEATABLE = frozenset({"additional_keys", "disable_ui_prompt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decorator:
    """One line; ``fallback`` stands for the line above where that one is not understood."""

    name: str
    value: str = ""
    fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the decorators of an entry ask for beyond the entry's fields.

    Counts are messages of the assistant. ``section`` is the part of the card the text belongs to,
    ``reverse_depth`` a depth counted from the oldest message.
    """

    activate: bool = False
    dont_activate: bool = False
    only_after: int | None = None
    only_every: int | None = None
    keep_after_match: bool = False
    not_after_match: bool = False
    greeting: int | None = None
    user_icon: str | None = None
    additional_keys: tuple[tuple[str, ...], ...] = ()
    exclude_keys: tuple[str, ...] = ()
    ignore_on_max_context: bool = False
    reverse_depth: int | None = None
    section: str | None = None
    disabled_prompts: tuple[str, ...] = ()


NO_CONDITIONS = Conditions()


def split_decorators(content: str) -> tuple[list[Decorator], str]:
    """Return the decorators that ``content`` starts with, and the text without them."""
    if not content.startswith("@@"):
        return [], content
    lines = content.split("\n")
    count = next((n for n, line in enumerate(lines) if not line.startswith("@@")), len(lines))
    found = [_decorator(line) for line in lines[:count]]
    return found, "\n".join(lines[count:])


def sillytavern_conditions(decorators: list[Decorator]) -> Conditions:
    """Return what SillyTavern understands: ``activate`` and ``dont_activate``."""
    names = {
        decorator.name
        for decorator in understood(decorators, lambda one: one.name in _SILLYTAVERN)
        if not decorator.value
    }
    return Conditions(activate="activate" in names, dont_activate="dont_activate" in names)


_SILLYTAVERN = frozenset({"activate", "dont_activate"})


def understood(
    decorators: list[Decorator], accepts: Callable[[Decorator], bool]
) -> Iterator[Decorator]:
    """Yield the decorators that count: of each chain of fallbacks the first that is accepted."""
    settled = True  # a fallback with nothing above it has nothing to stand in for
    for decorator in decorators:
        if decorator.fallback and settled:
            continue
        settled = accepts(decorator)
        if settled:
            yield decorator


def v3_entry(
    entry: LoreEntry, decorators: list[Decorator], *, knows_greeting: bool, knows_icon: bool
) -> tuple[LoreEntry, Conditions]:
    """Return the entry as its decorators change it, and the conditions they set.

    What the scan cannot tell (the greeting, the user's icon) leaves its decorator ignored, so a
    fallback counts.
    """
    reading = _Reading(entry=entry, knows_greeting=knows_greeting, knows_icon=knows_icon)
    for decorator in understood(decorators, reading.take):
        reading.seen.add(decorator.name)
    return reading.finished()


@dataclass(slots=True)
class _Reading:
    """Decorators of one entry, taken one after the other."""

    entry: LoreEntry
    knows_greeting: bool
    knows_icon: bool
    conditions: Conditions = NO_CONDITIONS
    depth: int | None = None
    position: str | None = None
    seen: set[str] = field(default_factory=set)

    def take(self, decorator: Decorator) -> bool:
        """Apply the decorator; say whether it is understood. Later ones of a name do nothing."""
        name, value = decorator.name, decorator.value
        again = name in self.seen and name not in _REPEATABLE
        changes = self._changes(name, value)
        if changes is None:
            return False
        if not again:
            self._apply(changes)
        return True

    def finished(self) -> tuple[LoreEntry, Conditions]:
        if self.conditions.activate:
            self.conditions = replace(self.conditions, dont_activate=False)
        if self.position is not None:
            self._set_position(self.position)
        elif self.depth is not None:
            self.entry = replace(self.entry, position=Position.AT_DEPTH, depth=max(0, self.depth))
            self.conditions = replace(self.conditions, reverse_depth=None)
        elif self.conditions.reverse_depth is not None:
            self.entry = replace(self.entry, position=Position.AT_DEPTH)
        return self.entry, self.conditions

    def _set_position(self, position: str) -> None:
        self.conditions = replace(self.conditions, reverse_depth=None)
        if position in _SECTIONS:
            self.conditions = replace(self.conditions, section=position)
        else:
            self.entry = replace(self.entry, position=_POSITIONS[position])

    def _apply(self, changes: dict[str, object]) -> None:
        for name, value in changes.items():
            match name:
                case "depth" | "position":
                    setattr(self, name, value)
                case "role" | "scan_depth":
                    self.entry = replace(self.entry, **cast("dict[str, Any]", {name: value}))
                case "additional_keys":
                    before = self.conditions.additional_keys
                    self._set(additional_keys=(*before, value))
                case "disabled_prompts":
                    self._set(disabled_prompts=(*self.conditions.disabled_prompts, value))
                case _:
                    self._set(**{name: value})

    def _set(self, **changes: object) -> None:
        self.conditions = replace(self.conditions, **cast("dict[str, Any]", changes))

    def _changes(self, name: str, value: str) -> dict[str, object] | None:
        """Return what a decorator sets; ``None`` when it is unknown, ignored or has no value."""
        if name in _SWITCHES:
            return {_SWITCHES[name]: True}
        if name in _NUMBERS:
            number = as_number(value)
            return None if number is None else {_NUMBERS[name]: int(number)}
        keys = tuple(part.strip() for part in value.split(",") if part.strip())
        if name in {"additional_keys", "exclude_keys"}:
            return {name: keys} if keys else None
        return self._named(name, value)

    def _named(self, name: str, value: str) -> dict[str, object] | None:
        if name == "is_greeting" and self.knows_greeting:
            number = as_number(value)
            return None if number is None else {"greeting": int(number)}
        if name == "is_user_icon" and self.knows_icon and value:
            return {"user_icon": value}
        if name == "role" and value.lower() in _ROLES:
            return {"role": _ROLES[value.lower()]}
        if name == "position" and (value in _POSITIONS or value in _SECTIONS):
            return {"position": value}
        if name == "disable_ui_prompt" and value in _PROMPTS:
            return {"disabled_prompts": value}
        return None


_SWITCHES: Mapping[str, str] = {
    "activate": "activate",
    "dont_activate": "dont_activate",
    "keep_activate_after_match": "keep_after_match",
    "dont_activate_after_match": "not_after_match",
    "ignore_on_max_context": "ignore_on_max_context",
}
_NUMBERS: Mapping[str, str] = {
    "activate_only_after": "only_after",
    "activate_only_every": "only_every",
    "depth": "depth",
    "reverse_depth": "reverse_depth",
    "scan_depth": "scan_depth",
}


def _decorator(line: str) -> Decorator:
    name, _, value = line.lstrip("@").strip().partition(" ")
    return Decorator(name=name, value=value.strip(), fallback=line.startswith("@@@"))
