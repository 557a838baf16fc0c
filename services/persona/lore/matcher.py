"""Tells which keys match in one scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.persona.javascript_regex import JavaScriptRegex, Verdict, read_regex
from services.persona.lore.entry import Logic, Source
from services.persona.lore.javascript import trimmed
from services.persona.lore.keys import (
    Key,
    KeyKind,
    encoded,
    occurs,
    plain_key,
    settled_key,
)
from services.persona.lore.lineup import Lineup
from services.persona.lore.prepared import ELSEWHERE, PreparedEntry
from services.persona.lore.request import ExpandMacros
from services.persona.lore.scan_text import Piece, ScanText

_INJECTED = 1
_RECURSED = 2
_SOURCE_BITS = {source: 4 << at for at, source in enumerate(Source)}
_MOST_RUNAWAYS = 5

NumberedKey = tuple[Key, int]


class RegexTester(Protocol):
    """Tests expressions on texts."""

    def test(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> list[Verdict]:
        """Return a verdict for each pair, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How far entries without a depth of their own see, and whether activated content counts."""

    depth: int
    recursed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrunnable:
    """A key that could not be run as the expression it looks like."""

    rank: int
    key: str
    verdict: Verdict


class Matcher:
    """The findings of one scan. ``touched`` are entries of which some primary key was found."""

    def __init__(
        self, lineup: Lineup, text: ScanText, *, tester: RegexTester, expand: ExpandMacros
    ) -> None:
        self._lineup = lineup
        self._text = text
        self._tester = tester
        self._expand = expand
        self._ages: list[dict[int, int]] = [{} for _ in lineup.books]
        self._elsewhere: list[dict[int, int]] = [{} for _ in lineup.books]
        self._seen_messages = 0
        self._verdicts: dict[tuple[JavaScriptRegex, int], Verdict] = {}
        self._pieces: dict[int, Piece] = {}
        self._runaways: dict[JavaScriptRegex, Verdict] = {}
        self._expanded: dict[tuple[int, str], Key] = {}
        self.touched: set[int] = set()
        self.unrunnable: dict[tuple[int, str], Unrunnable] = {}
        for source, piece in text.sources.items():
            self._look(piece, _SOURCE_BITS[source])
        for piece in text.injected:
            self._look(piece, _INJECTED)

    def look_back(self, depth: int) -> None:
        """Search the messages within ``depth`` that have not been searched."""
        for age in range(self._seen_messages, self._text.messages_within(depth)):
            piece = self._text.message(age)
            for which, book in enumerate(self._lineup.books):
                ages = self._ages[which]
                found = [number for number in book.index.found_in(piece) if number not in ages]
                ages.update(dict.fromkeys(found, age))
                self._touch(which, found)
            self._seen_messages = age + 1

    def look_at_activated(self, piece: Piece) -> None:
        """Search the content of activated entries."""
        self._look(piece, _RECURSED)

    def ready(self, ranks: Iterable[int], view: View) -> None:
        """Expand the keys of these entries and run their regexes, all in one go."""
        self._expanded.clear()
        checks: list[tuple[JavaScriptRegex, Piece]] = []
        for rank in ranks:
            entry = self._lineup.entries[rank]
            if not entry.asks:
                continue
            conditions = (*entry.additional, entry.excluded)
            for keys in (entry.primary, entry.secondary, *conditions):
                for key, _ in keys:
                    settled = self._settled(rank, key) if key.kind is KeyKind.MACRO else key
                    if settled.regex is not None:
                        checks.append((settled.regex, self._whole(entry, view)))
        self._run(checks)

    def matches(self, rank: int, keyed: NumberedKey, view: View) -> bool:
        """Whether a key of the entry matches; regexes have to be ready."""
        key, number = keyed
        if number != ELSEWHERE:
            return self._was_found(rank, number, view)
        if key.kind is KeyKind.MACRO:
            key = self._settled(rank, key)
        match key.kind:
            case KeyKind.NEVER:
                return False
            case KeyKind.ALWAYS:
                return True
        return self._is_in(rank, key, self._whole(self._lineup.entries[rank], view))

    def first_match(self, rank: int, keys: Iterable[NumberedKey], view: View) -> Key | None:
        """Return the first of the keys that matches."""
        for keyed in keys:
            if self.matches(rank, keyed, view):
                return keyed[0]
        return None

    def secondary_hold(self, rank: int, entry: PreparedEntry, view: View) -> bool:
        """Whether the secondary keys satisfy the entry's logic."""
        hits = [self.matches(rank, keyed, view) for keyed in entry.secondary]
        match entry.entry.logic:
            case Logic.AND_ANY:
                return any(hits)
            case Logic.NOT_ALL:
                return not all(hits)
            case Logic.NOT_ANY:
                return not any(hits)
            case Logic.AND_ALL:
                return all(hits)
        return False

    def scores(self, ranks: Sequence[int], view: View) -> dict[int, int]:
        """Return how many keys of each entry match, as written: not expanded and not trimmed.

        Secondary keys count for the two logics that want them, for the one that wants all only if
        all match.
        """
        entries = {rank: self._lineup.entries[rank] for rank in ranks}
        raw = {
            rank: (
                [_raw_key(key, entry) for key in entry.entry.keys],
                [_raw_key(key, entry) for key in entry.entry.secondary_keys],
            )
            for rank, entry in entries.items()
        }
        self._run(
            (key.regex, self._whole(entries[rank], view))
            for rank, lists in raw.items()
            for keys in lists
            for key in keys
            if key.regex is not None
        )
        return {rank: self._score(rank, *lists, view) for rank, lists in raw.items()}

    def _score(self, rank: int, primary: list[Key], secondary: list[Key], view: View) -> int:
        if not primary:
            return 0
        entry = self._lineup.entries[rank]
        piece = self._whole(entry, view)
        score = sum(self._is_in(rank, key, piece) for key in primary)
        hits = sum(self._is_in(rank, key, piece) for key in secondary)
        logic = entry.entry.logic
        if logic == Logic.AND_ANY or (logic == Logic.AND_ALL and hits == len(secondary)):
            score += hits
        return score

    def _look(self, piece: Piece, bit: int) -> None:
        for which, book in enumerate(self._lineup.books):
            elsewhere = self._elsewhere[which]
            found = book.index.found_in(piece)
            for number in found:
                elsewhere[number] = elsewhere.get(number, 0) | bit
            self._touch(which, found)

    def _touch(self, which: int, found: Iterable[int]) -> None:
        users = self._lineup.users[which]
        count = len(users)
        self.touched.update(*[users[number] for number in found if number < count])

    def _was_found(self, rank: int, number: int, view: View) -> bool:
        entry = self._lineup.entries[rank].entry
        depth = view.depth if entry.scan_depth is None else entry.scan_depth
        if depth <= 0:
            return False
        which = self._lineup.homes[rank]
        age = self._ages[which].get(number)
        if age is not None and age < depth:
            return True
        seen = self._elsewhere[which].get(number, 0)
        if not seen:
            return False
        allowed = _INJECTED | (_RECURSED if view.recursed else 0)
        for source in entry.sources:
            allowed |= _SOURCE_BITS[source]
        return bool(seen & allowed)

    def _whole(self, entry: PreparedEntry, view: View) -> Piece:
        own = entry.entry.scan_depth
        return self._text.whole(
            view.depth if own is None else own, entry.entry.sources, recursed=view.recursed
        )

    def _settled(self, rank: int, key: Key) -> Key:
        """Return a key with macros as it reads now."""
        settled = self._expanded.get((rank, key.written))
        if settled is None:
            text = self._expand(key.written)
            if text:
                rules = self._lineup.entries[rank].rules
                settled = settled_key(trimmed(text), rules, written=key.written)
            else:
                settled = Key(written=key.written, kind=KeyKind.NEVER)
            self._expanded[rank, key.written] = settled
        return settled

    def _is_in(self, rank: int, key: Key, piece: Piece) -> bool:
        if key.regex is not None:
            verdict = self._verdicts.get((key.regex, id(piece)), Verdict.NOT_RUN)
            if not verdict.decided:
                self.unrunnable[rank, key.written] = Unrunnable(
                    rank=rank, key=key.written, verdict=verdict
                )
            if verdict is not Verdict.INVALID:
                return verdict is Verdict.MATCH
            rules = self._lineup.entries[rank].rules
            key = plain_key(str(key.regex), rules, written=key.written)
        if not key.needle:
            return True
        return occurs(encoded(key.needle), piece.searched(cased=key.cased), whole=key.whole)

    def _run(self, checks: Iterable[tuple[JavaScriptRegex, Piece]]) -> None:
        wanted: dict[tuple[JavaScriptRegex, int], tuple[JavaScriptRegex, str]] = {}
        for regex, piece in checks:
            name = (regex, id(piece))
            if name in self._verdicts:
                continue
            self._pieces[id(piece)] = piece  # kept, so that its id stays its own
            if regex in self._runaways or len(self._runaways) >= _MOST_RUNAWAYS:
                self._verdicts[name] = self._runaways.get(regex, Verdict.NOT_RUN)
            else:
                wanted[name] = (regex, piece.text)
        if not wanted:
            return
        verdicts = self._tester.test(list(wanted.values()))
        for name, verdict in zip(wanted, verdicts, strict=True):
            self._verdicts[name] = verdict
            if verdict is Verdict.RUNAWAY:
                self._runaways[name[0]] = verdict


def _raw_key(written: str, entry: PreparedEntry) -> Key:
    regex = read_regex(written)
    if regex is not None:
        return Key(written=written, kind=KeyKind.REGEX, regex=regex)
    return plain_key(written, entry.rules, written=written)
