"""Replaces what automata find in a text that comes bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.conversation.moderation.automaton import Automaton, State
from services.conversation.moderation.openings import candidates

_MOST_KNOWN_CHARS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """What is replaced: each match of at most ``reach`` characters; ``kind`` is for counting."""

    kind: str
    automaton: Automaton
    replaced: Callable[[str], str]
    reach: int


class Search:
    """Bans brought together: where any of them may begin."""

    def __init__(self, bans: Sequence[Ban]) -> None:
        self.bans = tuple(bans)
        self.candidate = candidates(
            opening for ban in self.bans for opening in ban.automaton.openings()
        )
        self._starting: dict[str, Sequence[Ban]] = {}

    def starting(self, char: str) -> Sequence[Ban]:
        """Return the bans of which a match may begin with ``char``."""
        bans = self._starting.get(char)
        if bans is None:
            if len(self._starting) >= _MOST_KNOWN_CHARS:
                self._starting.clear()
            bans = tuple(ban for ban in self.bans if ban.automaton.begins(char))
            self._starting[char] = bans
        return bans


class _Run:
    """One ban followed from one place; offsets count from there."""

    __slots__ = ("at", "ban", "matched", "state")

    def __init__(self, ban: Ban, state: State | None) -> None:
        self.ban = ban
        self.state = state
        self.at = 0
        self.matched = 0


class Scanner:
    """Replaces matches in a stream; the result does not depend on how it was chunked.

    The leftmost match counts, there the longest. Held back is only what some ban still may match.
    ``found`` counts the replacements so far; ``on_found`` hears the kind of each.
    """

    def __init__(self, search: Search, *, on_found: Callable[[str], None] | None = None) -> None:
        self._search = search
        self._on_found = on_found
        self._held = ""
        self._before = ""
        self._runs: list[_Run] = []
        self.found = 0

    def feed(self, text: str) -> str:
        """Take more text and return what may be shown of it."""
        if not text:
            return ""
        if not self._held and self._search.candidate.search(text) is None:
            self._before = text[-1]
            return text
        return self._take(self._held + text, final=False)

    def close(self) -> str:
        """Return what was held back, as the end of the text."""
        return self._take(self._held, final=True)

    def _take(self, text: str, *, final: bool) -> str:
        shown: list[str] = []
        plain, at = 0, 0
        while True:
            if not self._runs:
                at = self._begin(text, at)
                bans = self._search.starting(text[at]) if at < len(text) else ()
                if at == len(text) or (bans and at == len(text) - 1 and not final):
                    break
                self._runs = [_Run(ban, ban.automaton.start(self._before)) for ban in bans]
            if not self._advance(text, at, final=final):
                break
            length = 0
            if matching := [run for run in self._runs if run.matched]:
                best = max(matching, key=lambda run: run.matched)
                length = best.matched
                shown += (text[plain:at], best.ban.replaced(text[at : at + length]))
                plain = at + length
                self._count(best.ban.kind)
            self._runs = []
            at += length or 1
            self._before = text[at - 1]
        shown.append(text[plain:at])
        self._held = text[at:]
        return "".join(shown)

    def _count(self, kind: str) -> None:
        self.found += 1
        if self._on_found is not None:
            self._on_found(kind)

    def _begin(self, text: str, at: int) -> int:
        """Return the next place where a match may begin, or the end."""
        candidate = self._search.candidate.search(text, at)
        start = len(text) if candidate is None else candidate.start()
        if start > at:
            self._before = text[start - 1]
        return start

    def _advance(self, text: str, start: int, *, final: bool) -> bool:
        """Follow every run to the end of ``text``; say whether all of them are decided."""
        decided = True
        length = len(text)
        for run in self._runs:
            if run.state is None:
                continue
            end = min(length, start + run.ban.reach)
            automaton = run.ban.automaton
            state, at, matched = automaton.follow(run.state, text, start + run.at, end)
            if matched is not None:
                run.matched = matched - start
            if state is not None:
                if length > end:
                    _, _, matched = automaton.follow(state, text, end, end + 1)
                    run.matched = end - start if matched is not None else run.matched
                    state = None
                elif final:
                    run.matched = at - start if automaton.ends(state) else run.matched
                    state = None
                else:
                    decided = False
            run.state, run.at = state, at - start
        return decided
