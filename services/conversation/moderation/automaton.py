"""Finds one expression in a text that comes bit by bit, in linear time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from threading import Lock

from services.conversation.moderation.expressions import (
    Chars,
    Choice,
    Edge,
    EdgeKind,
    Expression,
    ExpressionError,
    Flaw,
    Repeat,
)
from services.conversation.moderation.openings import Opening, invisible

_MOST_NODES = 20_000
_MOST_KNOWN_CHARS = 4_096
_MOST_STATES = 4_096
_WORD, _OTHER, _LINE, _END = range(4)
_BEFORE = (_WORD, _OTHER, _LINE)
_AFTER = (*_BEFORE, _END)
_UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # kana
    ("\u3400", "\u9fff"),  # Han
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)


class State:
    """How far one reading of the text has come."""

    __slots__ = ("before", "moves", "nodes")

    def __init__(self, nodes: frozenset[int], before: int) -> None:
        self.nodes = nodes
        self.before = before
        self.moves: dict[int, tuple[bool, State | None]] = {}


class Automaton:
    """One expression, ready to be followed character by character.

    Built while it is used: each state once, each step afterwards two look-ups. In ``folding`` ones
    invisible characters inside a match count for nothing. Whoever follows it begins with
    ``start``; the longest match wins. Several threads may follow it.
    """

    def __init__(self, expression: Expression, *, folding: bool) -> None:
        self._folding = folding
        self._sets: dict[Chars, int] = {}
        self._moves: list[tuple[int, int] | None] = [None]
        self._empty: list[tuple[int, ...]] = [()]
        self._edges: list[EdgeKind | None] = [None]
        self._begin = self._build(expression, 0)
        self._lock = Lock()
        self._chars: dict[str, int] = {}
        self._classes: dict[tuple[int, int], int] = {}
        self._members: list[tuple[int, int]] = []
        self._states: dict[tuple[frozenset[int], int], State] = {}
        begin = frozenset({self._begin})
        self._starts = [State(begin, before) for before in _BEFORE]

    def start(self, before: str) -> State:
        """Return the state before a match that follows the character ``before``, if any."""
        return self._starts[_category(before) if before else _LINE]

    def follow(
        self, state: State, text: str, at: int, end: int
    ) -> tuple[State | None, int, int | None]:
        """Read ``text`` from ``at`` to ``end`` at most.

        Return the state after it, ``None`` once nothing more can match; where reading ended; and
        where the last match among what was read ended.
        """
        chars, matched = self._chars, None
        here: State | None = state
        while at < end and here is not None:
            char = text[at]
            kind = chars.get(char)
            if kind is None:
                kind = self._class_of(char)
            if kind >= 0:
                move = here.moves.get(kind)
                if move is None:
                    move = self._move(here, kind)
                if move[0]:
                    matched = at
                here = move[1]
            at += 1
        return here, at, matched

    def ends(self, state: State) -> bool:
        """Whether a match is complete if the text ends here."""
        return 0 in self._reached(state, _END)

    def begins(self, char: str) -> bool:
        """Whether a match may begin with ``char``."""
        kind = self._class_of(char)
        return kind >= 0 and any(self._move(state, kind)[1] for state in self._starts)

    def openings(self) -> Iterator[Opening]:
        """Yield how matches begin."""
        sets = list(self._sets)
        for node in self._reached_anyhow(self._begin, _BEFORE):
            move = self._moves[node]
            if move is not None:
                following = self._reached_anyhow(move[1], _BEFORE)
                moves = (self._moves[each] for each in following)
                second = frozenset(sets[each[0]] for each in moves if each)
                yield Opening(
                    first=sets[move[0]],
                    second=None if 0 in following else second,
                    at_word=node not in self._reached_within(sets[move[0]]),
                )

    def _reached_within(self, first: Chars) -> set[int]:
        """Return the nodes reached within a word before a character of ``first``."""
        within = State(frozenset({self._begin}), _WORD)
        return set().union(*(self._reached(within, each) for each in _categories(first)))

    def _reached_anyhow(self, node: int, before: Iterable[int]) -> set[int]:
        states = [State(frozenset({node}), each) for each in before]
        return set().union(*(self._reached(one, each) for one in states for each in _AFTER))

    def check(self, *, most_states: int) -> None:
        """Raise ``ExpressionError`` if it matches an empty text or needs more states than that."""
        if 0 in self._reached_anyhow(self._begin, _BEFORE):
            raise ExpressionError(Flaw.NULLABLE)
        for char in self._samples():
            self._class_of(char)
        waiting = deque(self._starts)
        seen = {(state.nodes, state.before) for state in waiting}
        while waiting:
            state = waiting.popleft()
            for kind in range(len(self._members)):
                after = self._move(state, kind)[1]
                if after is not None and (after.nodes, after.before) not in seen:
                    seen.add((after.nodes, after.before))
                    waiting.append(after)
            if len(seen) > most_states:
                raise ExpressionError(Flaw.COMPLICATED)

    def _samples(self) -> Iterator[str]:
        """Yield a character of every kind the sets tell apart."""
        yield from "a0_ \n.-\u00e9\u4e2d"
        for chars in self._sets:
            yield from chars.singles
            for first, last in chars.ranges:
                yield from (first, last, chr(min(ord(last) + 1, 0x10FFFF)))

    def _build(self, part: Expression, after: int) -> int:
        """Add nodes for ``part`` before ``after`` and return the first."""
        if isinstance(part, Chars):
            number = self._sets.setdefault(part, len(self._sets))
            return self._node(move=(number, after))
        if isinstance(part, Edge):
            return self._node(empty=(after,), edge=part.kind)
        if isinstance(part, Choice):
            return self._node(empty=tuple(self._build(each, after) for each in part.options))
        if isinstance(part, Repeat):
            return self._build_repeat(part, after)
        for each in reversed(part.parts):
            after = self._build(each, after)
        return after

    def _build_repeat(self, repeat: Repeat, after: int) -> int:
        if repeat.most is None:
            loop = self._node()
            self._empty[loop] = (self._build(repeat.part, loop), after)
            after = loop
        else:
            for _ in range(repeat.most - repeat.least):
                after = self._node(empty=(self._build(repeat.part, after), after))
        for _ in range(repeat.least):
            after = self._build(repeat.part, after)
        return after

    def _node(
        self,
        *,
        move: tuple[int, int] | None = None,
        empty: tuple[int, ...] = (),
        edge: EdgeKind | None = None,
    ) -> int:
        if len(self._moves) >= _MOST_NODES:
            raise ExpressionError(Flaw.COMPLICATED)
        self._moves.append(move)
        self._empty.append(empty)
        self._edges.append(edge)
        return len(self._moves) - 1

    def _state(self, nodes: frozenset[int], before: int) -> State:
        state = self._states.get((nodes, before))
        if state is None:
            if len(self._states) >= _MOST_STATES:
                for each in self._states.values():
                    each.moves.clear()
                self._states.clear()
            state = self._states[nodes, before] = State(nodes, before)
        return state

    def _class_of(self, char: str) -> int:
        """Return the number of the characters that are all alike here; -1 counts for nothing."""
        kind = self._chars.get(char)
        if kind is None:
            with self._lock:
                kind = self._classified(char)
                if len(self._chars) >= _MOST_KNOWN_CHARS:
                    self._chars.clear()
                self._chars[char] = kind
        return kind

    def _classified(self, char: str) -> int:
        if self._folding and invisible(char):
            return -1
        bits = sum(1 << n for chars, n in self._sets.items() if chars.contains(char))
        traits = (bits, _category(char))
        kind = self._classes.setdefault(traits, len(self._members))
        if kind == len(self._members):
            self._members.append(traits)
        return kind

    def _move(self, state: State, kind: int) -> tuple[bool, State | None]:
        move = state.moves.get(kind)
        if move is None:
            bits, category = self._members[kind]
            reached = self._reached(state, category)
            steps = (self._moves[node] for node in reached)
            after = frozenset(step[1] for step in steps if step and bits >> step[0] & 1)
            move = 0 in reached, self._state(after, category) if after else None
            state.moves[kind] = move
        return move

    def _reached(self, state: State, following: int) -> set[int]:
        """Return the nodes reached without a character, before one of category ``following``."""
        open_ = list(state.nodes)
        reached = set(open_)
        while open_:
            node = open_.pop()
            edge = self._edges[node]
            if edge is not None and not _holds(edge, state.before, following):
                continue
            for each in self._empty[node]:
                if each not in reached:
                    reached.add(each)
                    open_.append(each)
        return reached


def unspaced(char: str) -> bool:
    """Whether ``char`` is of a script that writes words without spaces between them."""
    return any(first <= char <= last for first, last in _UNSPACED)


def word_char(char: str) -> bool:
    """Whether ``char`` is part of a word that spaces set off."""
    return (char.isalnum() or char == "_") and not unspaced(char)


@lru_cache(maxsize=4096)
def _category(char: str) -> int:
    if char == "\n":
        return _LINE
    return _WORD if word_char(char) else _OTHER


def _categories(chars: Chars) -> Iterable[int]:
    if chars.negated or chars.ranges or chars.kinds:
        return _AFTER
    return {_category(char) for char in chars.singles}


def _holds(edge: EdgeKind, before: int, following: int) -> bool:
    match edge:
        case "start":
            return before == _LINE
        case "end":
            return following in {_LINE, _END}
        case "word":
            return (before == _WORD) is not (following == _WORD)
        case "no_word":
            return (before == _WORD) is (following == _WORD)
