"""Lore scans the slow way: each rule once, in the order they are told, with nothing kept ready."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.persona.lore.budget import chars4

Entry = Mapping[str, Any]
Name = tuple[str, int]
Effect = tuple[str, int, int, bool]

_LISTS = {0: [["global", "character"]], 1: [["character"], ["global"]]}
_LISTS[2] = _LISTS[1][::-1]


@dataclass
class Model:
    """A conversation. Books are (name, scope, entries as SillyTavern's editor makes them)."""

    books: list[tuple[str, str, list[Entry]]]
    settings: Mapping[str, Any]
    sticky: dict[Name, Effect] = field(default_factory=dict)
    cooldown: dict[Name, Effect] = field(default_factory=dict)

    def scan(self, chat: Sequence[tuple[str, str]], rng: random.Random) -> _Scan:
        """Scan these (name, text), oldest first."""
        scan = _Scan(self, chat, rng)
        scan.run()
        return scan


class _Scan:
    def __init__(self, model: Model, chat: Sequence[tuple[str, str]], rng: random.Random) -> None:
        self.model, self.set, self.chat, self.rng = model, model.settings, chat, rng
        self.names: list[Name] = []
        self.entries: dict[Name, Entry] = {}
        for scopes in [["chat"], ["persona"], *_LISTS[self.set["strategy"]]]:
            listed = [
                ((book, entry["uid"]), entry)
                for scope in scopes
                for book, its, entries in model.books
                if its == scope
                for entry in entries
            ]
            for name, entry in sorted(listed, key=lambda one: -one[1]["order"]):
                self.names.append(name)
                self.entries[name] = entry
        self.depth = self.set["scan_depth"]
        self.fed: list[str] = []
        self.fed_text = ""
        self.activated: list[Name] = []
        self.failed: set[Name] = set()
        self.overflowed = False
        delays = {entry["delayUntilRecursion"] for entry in self.entries.values()}
        self.levels = sorted(int(delay) for delay in delays if delay)
        self.level = self.levels.pop(0) if self.levels else 0
        self.is_sticky, self.is_cooling = self._effects()

    def run(self) -> None:
        why, passes, most = "first", 0, self.set["max_recursion_steps"]
        while why and not (most and passes >= most):
            passes += 1
            new = [name for name in self.names if self._is_in(name, why)]
            new.sort(key=lambda name: name not in self.is_sticky)
            new = self._grouped(new, why)
            said = self._admit(new)
            feeding = [
                name
                for name in new
                if name not in self.failed and not self.entries[name]["preventRecursion"]
            ]
            why = self._next(bool(feeding))
            if why:
                texts = [said[n] if n in said else self.entries[n]["content"] for n in feeding]
                text = "\n".join(texts)
                self.fed.append(text)
                self.fed_text = f"{text}\n{self.fed_text}"
        self._begin()

    def place(self, position: int) -> list[Name]:
        """Return what stands at a position, from the top down."""
        placed = sorted(self.activated, key=lambda name: -self.entries[name]["order"])[::-1]
        return [
            name
            for name in placed
            if self.entries[name]["position"] == position and self.entries[name]["content"]
        ]

    def at_depth(self) -> list[tuple[int, int, list[Name]]]:
        """Return what stands at each depth and role, from the top down."""
        blocks: dict[tuple[int, int], list[Name]] = {}
        for name in self.place(4):
            entry = self.entries[name]
            blocks.setdefault((entry["depth"], entry["role"]), []).append(name)
        return [(*at, blocks[at]) for at in sorted(blocks, reverse=True)]

    def _text(self, entry: Entry, why: str) -> str:
        depth = self.depth if entry["scanDepth"] is None else entry["scanDepth"]
        if depth <= 0:
            return ""
        named = self.set["include_names"]
        lines = [(f"{name}: " if named else "") + text for name, text in self.chat]
        parts = [line.strip() for line in lines[::-1][:depth]]
        return "\x01" + "\n\x01".join([*parts, *(self.fed if why != "widening" else [])])

    def _matches(self, key: str, entry: Entry, text: str) -> bool:
        regex = re.fullmatch(r"/(.+)/([gims]*)", key, re.DOTALL)
        if regex and not re.search(r"(^|[^\\])/", regex[1]):
            flags = re.ASCII
            for flag in regex[2]:
                flags |= {"i": re.I, "m": re.M, "s": re.S, "g": 0}[flag]
            return re.search(regex[1], text, flags) is not None
        cased = entry["caseSensitive"]
        if not (self.set["case_sensitive"] if cased is None else cased):
            key, text = key.lower(), text.lower()
        whole = entry["matchWholeWords"]
        whole = self.set["match_whole_words"] if whole is None else whole
        if whole and len(re.split(r"\s+", key)) == 1:
            word = rf"(?:^|[^A-Za-z0-9_])(?:{re.escape(key)})(?:$|[^A-Za-z0-9_])"
            return re.search(word.replace("$", r"\Z"), text) is not None
        return key in text

    def _found(self, key: str, entry: Entry, text: str) -> bool:
        return bool(key) and self._matches(key.strip(), entry, text)

    def _is_in(self, name: Name, why: str) -> bool:  # noqa: C901
        entry, sticky = self.entries[name], name in self.is_sticky
        if name in self.activated or name in self.failed or entry["disable"]:
            return False
        wanted = entry["characterFilter"]
        if wanted and wanted["names"]:
            listed = self.set["char"] in wanted["names"]
            if listed is wanted["isExclude"]:
                return False
        if len(self.chat) < (entry["delay"] or 0):
            return False
        if name in self.is_cooling and not sticky:
            return False
        delay = int(entry["delayUntilRecursion"])
        if delay and not sticky and (why != "recursion" or delay > self.level):
            return False
        if why == "recursion" and self.set["recursive"] and entry["excludeRecursion"]:
            return False
        if entry["constant"] or sticky:
            return True
        text = self._text(entry, why)
        if not any(self._found(key, entry, text) for key in entry["key"]):
            return False
        if not entry["selective"] or not entry["keysecondary"]:
            return True
        hits = [self._found(key, entry, text) for key in entry["keysecondary"]]
        return [any(hits), not all(hits), not any(hits), all(hits)][entry["selectiveLogic"]]

    def _members(self, new: list[Name]) -> dict[str, list[Name]]:
        groups: dict[str, list[Name]] = {}
        for name in new:
            for group in dict.fromkeys(
                filter(None, re.split(r",\s*", self.entries[name]["group"]))
            ):
                groups.setdefault(group, []).append(name)
        # An object lists the names that are numbers first.
        return {name: groups[name] for name in sorted(groups, key=lambda name: not name.isdigit())}

    def _grouped(self, new: list[Name], why: str) -> list[Name]:
        groups = self._members(new)
        lost: set[Name] = set()
        for members in [*groups.values()]:
            if any(name in self.is_sticky for name in members):
                lost.update(name for name in members if name not in self.is_sticky)
        contested = {
            group: members
            for group, members in groups.items()
            if not any(name in self.is_sticky for name in members)
        }
        for members in contested.values():
            scores = {name: self._score(name, why) for name in members}
            for name in list(members):
                own = self.entries[name]["useGroupScoring"]
                scored = self.set["use_group_scoring"] if own is None else own
                if scored and scores[name] < max(scores.values()):
                    lost.add(name)
                    members.remove(name)
        won = {self.entries[name]["group"] for name in self.activated}
        for group, members in contested.items():
            if group in won:
                lost.update(members)
            elif len(members) > 1:
                winner = self._winner(members)
                lost.update(name for name in members if name != winner)
        return [name for name in new if name not in lost]

    def _winner(self, members: list[Name]) -> Name:
        first = [name for name in members if self.entries[name]["groupOverride"]]
        if first:
            return max(first, key=lambda name: self.entries[name]["order"])
        roll = self.rng.random() * sum(self.entries[name]["groupWeight"] for name in members)
        for name in members:
            roll -= self.entries[name]["groupWeight"]
            if roll <= 0:
                return name
        return members[-1]

    def _score(self, name: Name, why: str) -> int:
        entry = self.entries[name]
        text = self._text(entry, why)
        if not entry["key"]:
            return 0
        score = sum(self._matches(key, entry, text) for key in entry["key"])
        hits = [self._matches(key, entry, text) for key in entry["keysecondary"]]
        if entry["selectiveLogic"] == 0 or (entry["selectiveLogic"] == 3 and all(hits)):
            score += sum(hits)
        return score

    def _admit(self, new: list[Name]) -> dict[Name, str]:
        said: dict[Name, str] = {}
        contents, full = "", False
        for name in new:
            entry = self.entries[name]
            if full and not entry["ignoreBudget"]:
                continue
            if (
                entry["useProbability"]
                and entry["probability"] != 100
                and name not in self.is_sticky
                and self.rng.random() * 100 > entry["probability"]
            ):
                self.failed.add(name)
                continue
            said[name] = entry["content"]
            contents += entry["content"] + "\n"
            spent = chars4(self.fed_text) + chars4(contents)
            if spent >= self.set["budget"] and not entry["ignoreBudget"]:
                full = self.overflowed = True
                continue
            self.activated.append(name)
        return said

    def _next(self, feeds: bool) -> str:
        if self.set["recursive"] and feeds and not self.overflowed:
            return "recursion"
        most = self.set["min_activations_depth_max"]
        if (
            not self.overflowed
            and len(self.activated) < self.set["min_activations"]
            and not (most and self.depth > most)
            and self.depth <= len(self.chat)
        ):
            self.depth += 1
            return "widening"
        if self.levels:
            self.level = self.levels.pop(0)
            return "recursion"
        return ""

    def _effects(self) -> tuple[set[Name], set[Name]]:
        now = len(self.chat)
        by_print = {_print(name, entry): name for name, entry in self.entries.items()}
        active: dict[str, set[Name]] = {"sticky": set(), "cooldown": set()}
        for kind, stored in (("sticky", self.model.sticky), ("cooldown", self.model.cooldown)):
            for key, (print_, start, end, protected) in list(stored.items()):
                name = by_print.get(print_)
                if now <= start and not protected:
                    del stored[key]
                elif name is None:
                    if now >= end:
                        del stored[key]
                elif not self.entries[name][kind]:
                    del stored[key]
                elif now < end:
                    active[kind].add(name)
                else:
                    del stored[key]
                    if kind == "sticky" and self.entries[name]["cooldown"]:
                        last = now + self.entries[name]["cooldown"]
                        self.model.cooldown[name] = (print_, now, last, True)
        return active["sticky"], active["cooldown"]

    def _begin(self) -> None:
        now = len(self.chat)
        for name in self.activated:
            for kind in ("sticky", "cooldown"):
                length = self.entries[name][kind]
                if length:
                    effect = (_print(name, self.entries[name]), now, now + length, False)
                    getattr(self.model, kind).setdefault(name, effect)


def _print(name: Name, entry: Entry) -> str:
    return repr((name, sorted((field, repr(value)) for field, value in entry.items())))
