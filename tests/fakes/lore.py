"""Lorebooks and scans in a line each."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.persona.lore.books import read_book
from services.persona.lore.budget import chars4
from services.persona.lore.effects import NO_EFFECTS, TimedEffects
from services.persona.lore.entry import Lorebook, Scope
from services.persona.lore.request import ChatLine, ScanRequest
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.wire import read_settings

SCANNER = LoreScanner()


def entry(uid: int, *keys: str, **fields: object) -> dict[str, object]:
    """An entry as SillyTavern's editor makes it."""
    return {
        "uid": uid,
        "key": list(keys),
        "content": f"content {uid}",
        "selective": True,
        "useProbability": True,
        "order": 100,
        **fields,
    }


def book(*entries: Mapping[str, object], name: str = "book", scope: str = "global") -> Lorebook:
    """A book of these entries, in this order."""
    return read_book({"entries": list(entries)}, name=name, scope=Scope(scope))


def chat(*texts: str) -> list[ChatLine]:
    """Messages oldest first, turn by turn of Ann and the assistant Bo."""
    return [
        ChatLine(name="Bo" if n % 2 else "Ann", content=text, role="assistant" if n % 2 else "user")
        for n, text in enumerate(texts)
    ]


@dataclass
class Told:
    """A conversation that is scanned turn by turn."""

    books: Sequence[Lorebook]
    settings: Mapping[str, object] = field(default_factory=dict)
    timed: TimedEffects = NO_EFFECTS

    def scan(self, *texts: str, **more: Any) -> ScanResult:
        """Scan this chat; what lasts is kept for the next scan."""
        given: dict[str, Any] = {
            "books": self.books,
            "chat": chat(*texts),
            "count_tokens": chars4,
            "rng": random.Random(1),
            "settings": read_settings(self.settings),
            "timed": self.timed,
            **more,
        }
        result = SCANNER.scan(ScanRequest(**given))
        self.timed = result.timed
        return result


def scan(entries: Sequence[Mapping[str, object]], *texts: str, **settings: Any) -> ScanResult:
    """Scan a chat with one global book."""
    return Told([book(*entries)], settings).scan(*texts)


def activated(result: ScanResult) -> list[object]:
    """The ids in the order of activation."""
    return [one.uid for one in result.activated]


def uids(entries: Sequence[Any]) -> list[object]:
    """The ids of one place."""
    return [one.uid for one in entries]


def skipped(result: ScanResult) -> dict[object, str]:
    """Why each entry was kept out."""
    return {skip.uid: skip.reason for skip in result.skipped}
