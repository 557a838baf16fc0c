"""Effects that last for a number of messages: sticky and cooldown."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping

from services.persona.lore.effects import TimedEffect, TimedEffects
from services.persona.lore.prepared import PreparedEntry


class TimedState:
    """The effects during one scan; made at its start, read at its end."""

    def __init__(
        self,
        stored: TimedEffects,
        entries: Iterable[tuple[int, PreparedEntry]],
        *,
        chat_length: int,
    ) -> None:
        """Settle which of ``stored`` are active; ``entries`` are those that can have any."""
        self._now = chat_length
        self._entries = dict(entries)
        self._by_hash: dict[str, tuple[int, PreparedEntry]] = {}
        if stored.sticky or stored.cooldown:
            for rank, entry in self._entries.items():
                self._by_hash.setdefault(entry.fingerprint, (rank, entry))
        self._sticky = dict(stored.sticky)
        self._cooldown = dict(stored.cooldown)
        self._matched = {
            name: effect for name, effect in stored.matched.items() if effect.start < chat_length
        }
        self.sticky: set[int] = set()
        self.cooling: set[int] = set()
        self._settle_sticky()
        self._settle_cooldown()
        self.matched = {
            rank
            for rank, entry in (self._entries.items() if self._matched else ())
            if entry.name in self._matched
        }

    def begin(self, activated: Iterable[tuple[int, PreparedEntry]]) -> TimedEffects:
        """Start the effects of the activated entries that have none running; return all."""
        for rank, entry in activated:
            if rank not in self._entries:
                continue
            name = entry.name
            if entry.entry.sticky:
                self._sticky.setdefault(name, self._effect(entry, entry.entry.sticky))
            if entry.entry.cooldown:
                self._cooldown.setdefault(name, self._effect(entry, entry.entry.cooldown))
            if entry.conditions.keep_after_match or entry.conditions.not_after_match:
                self._matched.setdefault(name, self._effect(entry, 0))
        return TimedEffects(sticky=self._sticky, cooldown=self._cooldown, matched=self._matched)

    def _settle_sticky(self) -> None:
        for rank, entry, is_over in self._running(self._sticky, "sticky"):
            if not is_over:
                self.sticky.add(rank)
            elif entry.entry.cooldown:
                effect = self._effect(entry, entry.entry.cooldown, protected=True)
                self._cooldown[entry.name] = effect

    def _settle_cooldown(self) -> None:
        for rank, _, is_over in self._running(self._cooldown, "cooldown"):
            if not is_over:
                self.cooling.add(rank)

    def _running(
        self, effects: MutableMapping[str, TimedEffect], kind: str
    ) -> list[tuple[int, PreparedEntry, bool]]:
        """Drop what no longer holds; return the entries of the rest and whether it is over now.

        An effect that began at this length of the chat or later was taken back, by a deleted or
        another version of a message. One of an entry that is not here, or was edited since, stays
        until its end, without effect.
        """
        running = []
        for name, effect in list(effects.items()):
            known = self._by_hash.get(effect.hash)
            is_over = self._now >= effect.end
            if self._now <= effect.start and not effect.protected:
                del effects[name]
            elif known is None:
                if is_over:
                    del effects[name]
            elif not getattr(known[1].entry, kind):
                del effects[name]
            else:
                if is_over:
                    del effects[name]
                running.append((*known, is_over))
        return running

    def _effect(
        self, entry: PreparedEntry, length: float, *, protected: bool = False
    ) -> TimedEffect:
        end = self._now + length
        return TimedEffect(hash=entry.fingerprint, start=self._now, end=end, protected=protected)
