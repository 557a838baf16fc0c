"""Finds "remind me to" and its like, and cuts out what is to be remembered."""

from __future__ import annotations

from collections.abc import Collection

from services.reminders.tokens import Tokens
from services.reminders.words import DASHES, one_of

_CORES = (
    ("remind", "me"),
    ("remind", "us"),
    ("send", "me", "a", "reminder"),
    ("don't", "let", "me", "forget"),
    ("do", "not", "let", "me", "forget"),
    *(
        (verb, *me, article, "reminder")
        for verb in ("set", "create", "add", "make", "schedule")
        for me in ((), ("me",))
        for article in ("a", "another", "the")
    ),
    ("set", "reminder"),
    ("erinnere", "mich"),
    ("erinner", "mich"),
    *(
        (verb, *me, "eine", "erinnerung")
        for verb in ("setze", "setz", "stelle", "stell", "erstelle", "mach")
        for me in ((), ("mir",))
    ),
)
_AFTER_COMMAND = frozenset({"me", "mich", "to"})
_NOT_BEHIND = frozenset({"time", "day", "do"}) | DASHES
_ASKING = frozenset({"kannst", "könntest", "würdest", "kannste"})
_AT_START = frozenset({"reminder", "erinnerung", "remind"})
_BEFORE = one_of("please hey ok okay can could would will you bitte kannst könntest würdest du")
_BEHIND = one_of("please bitte to that of about for an daran dass für zu auch : ,") | DASHES
_EDGES = " ,;:.\t" + "".join(DASHES)
_ENDS = "!?)(*_~`'\""
_EMPTIED = ("()", "( )", "[]", "[ ]", '""', '" "')


def find_lead_ins(tokens: Tokens) -> frozenset[int]:
    """Return the positions of the words that only ask for a reminder."""
    found: set[int] = set()
    at = 0
    while at < len(tokens):
        end = _core(tokens, at)
        if end == at:
            at += 1
            continue
        start = at
        while start > 0 and tokens.word(start - 1) in _BEFORE:
            start -= 1
        while tokens.word(end) in _BEHIND:
            end += 1
        found.update(range(start, end))
        at = end
    return frozenset(found)


def remaining_text(
    text: str, tokens: Tokens, *, times: Collection[int], lead_ins: Collection[int]
) -> str:
    """Return ``text`` without times and lead-ins, as one line.

    Words that join a lead-in or a time at the beginning to the rest go with them.
    """
    pieces: list[str] = []
    joining = 0 in times
    last = -1
    for at in range(len(tokens)):
        token = tokens[at]
        if at in lead_ins or at in times:
            joining = joining or at in lead_ins
            continue
        if joining and token.word in _BEHIND:
            continue
        joining = False
        glued = token.glued and last == at - 1
        space = "" if not pieces or glued or (last != at - 1 and token.word in ",.!?") else " "
        pieces.append(space + text[token.start : token.end])
        last = at
    rest = "".join(pieces)
    for brackets in _EMPTIED:
        rest = rest.replace(brackets, "")
    rest = " ".join(rest.split()).strip(_EDGES).lstrip("!?" + _EDGES)
    return rest if any(char.isalnum() for char in rest) else rest.strip(_ENDS + " ")


def _core(tokens: Tokens, at: int) -> int:
    for core in _CORES:
        end = tokens.skip(at, *core)
        if end > at:
            return end
    word = tokens.word(at)
    if word in _ASKING and tokens.word(at + 1) == "du" and tokens.word(at + 2) == "mich":
        return at + 3
    if word == "erinnern" and (
        tokens.word(at - 1) in {"daran", "mich"} or not tokens.is_word(at + 1)
    ):
        return at + 1
    if word == "daran" and tokens.word(at + 1) == "erinnern":
        return at + 2
    if at == 0 and word in _AT_START:
        return at + 1
    if at == 0 and word in _AFTER_COMMAND and tokens.word(1) not in _NOT_BEHIND:
        return at + 1
    return at
