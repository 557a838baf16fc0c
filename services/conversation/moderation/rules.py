"""Words and patterns that nobody may say, compiled for searching."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from services.conversation.moderation.automaton import Automaton, unspaced, word_char
from services.conversation.moderation.expression_reader import read_expression
from services.conversation.moderation.expressions import (
    Chars,
    Choice,
    Edge,
    Expression,
    ExpressionError,
    Repeat,
    folded_char,
)
from services.conversation.moderation.expressions import Sequence as InOrder
from services.conversation.moderation.scanner import Ban, Scanner, Search
from services.domain.errors import InvalidRequest
from services.persona.impersonation import mixed_words_folded

MASK = "▮▮▮"
"""What stands where a banned word was, however long that was."""

MOST_WORDS = 2_000
"""Words of one list."""

MOST_PATTERNS = 50
"""Patterns of one list."""

REACH = 100
"""Characters that one match can have at most."""

_LONGEST_WORD = 60
_MOST_STATES = 1_000
_SHOWN = 60
_QUICK = 1_000  # characters times bans, each of which costs at most some 20 microseconds
_SPACE = Repeat(Chars(kinds=frozenset("s")), 1, 4)

_Tree: TypeAlias = "dict[str, _Tree]"


class ContentRules:
    """Compiled rules; equal texts are judged alike, in whatever case or width they are written.

    Words stand for themselves alone, not for longer words that contain them, except in scripts
    without spaces. Patterns are what ``read_expression`` understands; each match has 100
    characters at most. Use ``compile_rules`` to make some.
    """

    def __init__(self, bans: Sequence[Ban] = ()) -> None:
        self.bans = tuple(bans)

    def __bool__(self) -> bool:
        return bool(self.bans)

    def also(self, other: ContentRules) -> ContentRules:
        """Return rules that forbid what either forbids."""
        if not other:
            return self
        return ContentRules((*self.bans, *other.bans)) if self else other

    def forbids(self, text: str) -> bool:
        """Whether ``text`` contains what is forbidden, letters of look-alike scripts included."""
        if not self.bans:
            return False
        composed = unicodedata.normalize("NFC", text)
        forms = dict.fromkeys((text, composed, mixed_words_folded(composed)))
        return any(map(self._finds, forms))

    async def found_in(self, text: str) -> bool:
        """Do ``forbids``, in a thread where it may take long."""
        if len(text) * len(self.bans) <= _QUICK:
            return self.forbids(text)
        return await asyncio.to_thread(self.forbids, text)

    def _finds(self, text: str) -> bool:
        scanner = Scanner(self._search)
        scanner.feed(text)
        scanner.close()
        return scanner.found > 0

    @cached_property
    def _search(self) -> Search:
        return Search(self.bans)


NO_RULES = ContentRules()


def compile_rules(words: Iterable[str] = (), patterns: Iterable[str] = ()) -> ContentRules:
    """Return rules against ``words`` and ``patterns``; blocking, up to 0.3 s per pattern.

    Raises ``InvalidRequest`` with a sentence that names the first one that cannot be used.
    """
    listed, expressions = list(dict.fromkeys(words)), list(dict.fromkeys(patterns))
    if len(listed) > MOST_WORDS or len(expressions) > MOST_PATTERNS:
        raise InvalidRequest(
            "rules_many",
            f"At most {MOST_WORDS} words and {MOST_PATTERNS} patterns can be forbidden; "
            "take some away.",
        )
    bans = [_pattern_ban(pattern) for pattern in expressions]
    cleaned = [_cleaned(word) for word in listed]
    if any(cleaned):
        bans.append(_ban(_any_of([word for word in cleaned if word])))
    return ContentRules(bans)


def _pattern_ban(pattern: str) -> Ban:
    try:
        ban = _ban(read_expression(pattern))
        ban.automaton.check(most_states=_MOST_STATES)
    except ExpressionError as error:
        shown = pattern if len(pattern) <= _SHOWN else f"{pattern[:_SHOWN]}…"
        raise InvalidRequest(
            "pattern_refused", f"The pattern {shown} cannot be used: it {error.reason}."
        ) from error
    return ban


def _ban(expression: Expression) -> Ban:
    automaton = Automaton(expression, folding=True)
    return Ban(kind="rule", automaton=automaton, replaced=lambda _: MASK, reach=REACH)


def _cleaned(word: str) -> str:
    """Return a word as it is compared: composed, without invisible characters."""
    plain = " ".join(unicodedata.normalize("NFKC", word).split())
    visible = (char for char in plain if unicodedata.category(char) != "Cf")
    folded = "".join(folded_char(char) for char in visible)
    if len(folded) > _LONGEST_WORD:
        raise InvalidRequest(
            "word_long",
            f"The forbidden word {folded[:_SHOWN]}… is longer than {_LONGEST_WORD} characters.",
        )
    return folded


def _any_of(words: Sequence[str]) -> Expression:
    """Return the expression of whole words, sharing their beginnings."""
    tree: _Tree = {}
    for word in words:
        branch = tree
        for char in word:
            branch = branch.setdefault(char, {})
        branch[""] = {}
    return Choice(
        tuple(InOrder((*_edge(char), _continued(char, branch))) for char, branch in tree.items())
    )


def _continued(char: str, branch: Mapping[str, _Tree]) -> Expression:
    options = [
        InOrder(_edge(char)) if following == "" else _continued(following, rest)
        for following, rest in branch.items()
    ]
    step = _SPACE if char == " " else Chars(singles=frozenset(char), folded=True)
    return InOrder((step, options[0] if len(options) == 1 else Choice(tuple(options))))


def _edge(char: str) -> tuple[Edge, ...]:
    return (Edge("word"),) if word_char(char) and not unspaced(char) else ()
