"""Blanking out what a message holds beside its writer's own words; nothing moves."""

from __future__ import annotations

import re
from collections.abc import Collection

from services.memory.learning.rules.patterns import Pattern

_SAME_LENGTH = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u02bc": "'",
        "\u00b4": "'",
        "`": "`",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u00a0": " ",
        "\t": " ",
        "\u2014": "-",
        "\u2013": "-",
    }
)
_CODE = Pattern(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)
_QUOTED_LINE = Pattern(r"^[ ]{0,3}(?:>|&gt;).*$", re.MULTILINE)
_ADDRESS = Pattern(r"(?i)\b(?:https?://|www\.)\S+")
_STRONG = Pattern(r"\*\*|__")
_EMPHASIS = Pattern(r"(?<=\w )\*(\w+)\*(?= \w)")
_ACTION = Pattern(r"\*[^*\n]*(?:\*|$)", re.MULTILINE)
_MARKUP = Pattern(r"<[^<>\n]{0,200}>")
_BRACKETED = Pattern(
    r"(?i)\[[^\[\]\n]{0,300}\b(?:memor(?:y|ies)|recall(?:ed)?|remember(?:ed)"
    r"?|facts?|system|context|note|"
    r"inst|summary|said|earlier)\b[^\[\]\n]{0,300}\](?:[^\n]*)"
)
_HEADED = Pattern(
    r"(?im)^[^\w\n]*(?:what (?:i|we) (?:know|remember|recall)|memor(?:y|"
    r"ies)|recalled|known facts|facts|"
    r"summary|context|system|assistant|user|human|###\s*\w+)\b[^\n:]*:[^\n]*(?:\n[ ]*[-*\u2022].*)*"
)
_LISTED = Pattern(r"(?m)^[ ]*(?:[-*\u2022]\s+)(?=\S)")
_SPEECH = Pattern(r'"[^"\n]{1,1000}"')
_FIRST_PERSON = Pattern(r"(?i)\b(?:i|i'm|i've|my|me|we|you|your)\b")
_REPORTS = Pattern(
    r"(?i)(?:\b(?:said|says|say|saying|told|tells|asked|asks|replied|wrote|writes|goes|like|yelled|"
    r"whispered|shouted|answered|sings?|sang|quote|lyrics?)\b[^\w\"]*|[:,]\s*)$"
)
_LABEL = Pattern(r"(?m)^[ ]*\*{0,2}([^\n:*]{1,40}?)\*{0,2}:[ ]")
_KEEPS_EDGES = "\n"
_NEAR = 60


def own_words(text: str, *, teller: str = "", others: Collection[str] = ()) -> str:
    """Return ``text`` with all but its writer's own words blanked, every other place unchanged.

    Blanked are code, quoted lines and speech, addresses, actions between asterisks, markup,
    recalled text that is marked as such, and lines that begin with one of ``others`` as their
    speaker. Curly marks become straight ones.
    """
    words = text.translate(_SAME_LENGTH)
    for pattern in (_CODE, _QUOTED_LINE, _ADDRESS, _MARKUP, _BRACKETED):
        words = pattern.sub(_blank, words)
    words = _LABEL.sub(lambda found: _label(found, teller, others), words)
    words = _drop_spoken_for(words)
    words = _HEADED.sub(_blank, words)
    words = _STRONG.sub(_blank, words)
    words = _EMPHASIS.sub(lambda found: f" {found[1]} ", words)
    words = _LISTED.sub(_blank, words)
    words = _ACTION.sub(_blank, words)
    return _SPEECH.sub(lambda found: _spoken(found, words), words)


_SPOKEN_FOR = "\x1a"


def _label(found: re.Match[str], teller: str, others: Collection[str]) -> str:
    name = found[1].strip(" []").casefold()
    if teller and name == teller.casefold():
        return _blank(found)
    if name in {other.casefold() for other in others}:
        return _SPOKEN_FOR * len(found[0])
    return found[0]


def _drop_spoken_for(words: str) -> str:
    """Blank the lines that another speaker's name begins."""
    if _SPOKEN_FOR not in words:
        return words
    lines = words.split("\n")
    return "\n".join(" " * len(each) if _SPOKEN_FOR in each else each for each in lines)


def _spoken(found: re.Match[str], words: str) -> str:
    """Blank speech; the marks alone of a title or a nickname."""
    inside = found[0][1:-1]
    reported = _REPORTS.search(words[max(0, found.start() - _NEAR) : found.start()].rstrip(" "))
    if _FIRST_PERSON.search(inside) or (reported and len(inside.split()) > 3):
        return _blank(found)
    return f" {inside} "


def _blank(found: re.Match[str]) -> str:
    return "".join(each if each in _KEEPS_EDGES else " " for each in found[0])
