"""The entries of several books in the order in which they compete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.persona.lore.entry import BookForm, Scope
from services.persona.lore.javascript import property_order
from services.persona.lore.prepared import PreparedBook, PreparedEntry
from services.persona.lore.request import Strategy
from services.persona.lore.scan_text import DEEPEST

_BY_ID = frozenset({BookForm.CARD, BookForm.LOREBOOK_V3})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lineup:
    """Entries of several books in the order in which they compete.

    ``users`` gives, for each book, the entries that have a key of this number among the primary;
    ``homes`` is the book of each entry. ``budgets`` are the tokens of books that have a budget of
    their own, ``yields`` says whether any entry gives way when the context is short.
    """

    books: tuple[PreparedBook, ...]
    entries: tuple[PreparedEntry, ...]
    users: tuple[tuple[tuple[int, ...], ...], ...]
    homes: tuple[int, ...]
    eager: tuple[int, ...]
    timed: tuple[int, ...]
    levels: tuple[float, ...]
    deepest: int
    budgets: Mapping[int, int]
    yields: bool


def line_up(books: Sequence[PreparedBook], strategy: Strategy) -> Lineup:
    """Put the entries of all books in their order.

    Books of the conversation come first, then those of the persona and the user, then the
    character's and the global ones as ``strategy`` says; within a list by order, descending, and
    as they stand in the books where that is equal. The books of cards stand by their ids, as they
    do once SillyTavern has made world files of them.
    """
    placed: list[tuple[int, int]] = []
    for scopes in _lists(strategy):
        listed = [
            (which, place)
            for scope in scopes
            for which, book in enumerate(books)
            if book.book.scope is scope
            for place in _standing(book)
        ]
        listed.sort(key=lambda at: -books[at[0]].entries[at[1]].entry.order)
        placed += listed
    entries = tuple([books[which].entries[place] for which, place in placed])
    ranks = [[0] * len(book.entries) for book in books]
    for rank, (which, place) in enumerate(placed):
        ranks[which][place] = rank
    levels = {entry.entry.delay_until_recursion for entry in entries}
    return Lineup(
        books=tuple(books),
        entries=entries,
        users=tuple(
            tuple([tuple([its[place] for place in places]) for places in book.users])
            for book, its in zip(books, ranks, strict=True)
        ),
        homes=tuple([which for which, _ in placed]),
        eager=tuple([rank for rank, entry in enumerate(entries) if entry.eager]),
        timed=tuple([rank for rank, entry in enumerate(entries) if entry.timed]),
        levels=tuple(sorted(level for level in levels if level)),
        deepest=min(DEEPEST, max((book.deepest for book in books), default=0)),
        budgets={
            which: book.token_budget
            for which, book in enumerate(books)
            if book.token_budget is not None
        },
        yields=any(entry.conditions.ignore_on_max_context for entry in entries),
    )


def _standing(book: PreparedBook) -> Sequence[int]:
    """Return the places of a book's entries in the order in which they count."""
    places = range(len(book.entries))
    if book.book.form not in _BY_ID:
        return places
    names = [str(entry.entry.uid) for entry in book.entries]
    standing = {name: at for at, name in enumerate(property_order(dict.fromkeys(names)))}
    return sorted(places, key=lambda place: standing[names[place]])


def _lists(strategy: Strategy) -> Iterable[tuple[Scope, ...]]:
    yield (Scope.CHAT,)
    yield (Scope.PERSONA,)
    yield (Scope.USER,)
    match strategy:
        case Strategy.EVENLY:
            yield (Scope.GLOBAL, Scope.CHARACTER)
        case Strategy.CHARACTER_FIRST:
            yield (Scope.CHARACTER,)
            yield (Scope.GLOBAL,)
        case Strategy.GLOBAL_FIRST:
            yield (Scope.GLOBAL,)
            yield (Scope.CHARACTER,)
