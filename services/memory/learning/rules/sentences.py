"""Cutting a message into sentences and clauses, each with its place in the message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.memory.learning.rules.english import VERB_FORMS
from services.memory.learning.rules.patterns import Pattern

_END = Pattern(r"[.!?\u2026]+[\"')\]]*(?=\s|$)|\n+|;(?=\s)|[\U0001F300-\U0001FAFF\u2600-\u27BF]+")
_ABBREVIATED = Pattern(
    r"(?i)(?:\b(?:dr|mr|mrs|ms|st|prof|jr|sr|vs|approx|no|e\.g|i\.e|etc|mt|ft|inc)|\b[a-z])\.$"
)
_STARTS = (
    r"(?:i|we|my|our|he|she|his|her|they|their|it's|its|it|there|you|that's|"
    r"i'm|i've|im|ive|we're|we've|he's|she's|call me|people call)"
)
_CUT = Pattern(
    rf"(?i)(?:\s*,\s*|\s+)(?:and|but|so|because|since|cause|cuz|while|whereas|although|though|plus|"
    rf"also|as|then|yet)\s+(?:also\s+|then\s+|now\s+|that\s+)?(?={_STARTS}\b)"
    rf"|\s*,\s*(?={_STARTS}\b)"
    rf"|\s+(?:-{{1,3}}|\+)\s+|\s*[()]\s*|\s*:\s+(?={_STARTS}\b)"
    rf"|\s*,?\s+(?:but|though|although|because|cause|cuz)\s+"
    rf"|\s*,\s*(?=[A-Z][a-z]+\s+(?:is|lives|works|loves|likes|hates|has)\b)"
    rf"|\s+and\s+(?=[A-Z][a-z]+(?:'s)?\s+(?:{VERB_FORMS}|favou?rite|birthday)\b)"
)
_SHARED_SUBJECT = Pattern(
    rf"(?i)\s*,?\s+(?:and|then|and then|and also|and now)\s+"
    rf"(?=(?:(?:also|now|currently|still|really|just|absolutely|usually|recently)\s+)*"
    rf"(?:{VERB_FORMS})\s+\S)"
)


_VERB_FIRST = Pattern(rf"(?i)(?:{VERB_FORMS})\s+\S")


@dataclass(frozen=True, slots=True)
class Span:
    """Words and where they stand in the message."""

    text: str
    start: int

    def part(self, start: int, end: int) -> Span:
        """Return what lies between two places of this one, without spaces around it."""
        words = self.text[start:end]
        lead = len(words) - len(words.lstrip())
        return Span(words.strip(), self.start + start + lead)


def sentences(words: str) -> Iterator[Span]:
    """Yield the sentences of ``words`` with the mark that ends each."""
    begun = 0
    whole = Span(words, 0)
    for end in _END.finditer(words):
        if end[0].startswith(".") and _ABBREVIATED.search(words[begun : end.end()]):
            continue
        found = whole.part(begun, end.end())
        begun = end.end()
        if found.text:
            yield found
    rest = whole.part(begun, len(words))
    if rest.text:
        yield rest


def clauses(sentence: Span) -> Iterator[tuple[Span, bool]]:
    """Yield the clauses of a sentence; True for one that goes on with the last one's subject."""
    begun = 0
    bounds = [(found.start(), found.end()) for found in _CUT.finditer(sentence.text)]
    for number, (start, end) in enumerate([*bounds, (len(sentence.text), len(sentence.text))]):
        clause = sentence.part(begun, start)
        begun = end
        goes_on = number > 0 and _VERB_FIRST.match(clause.text) is not None
        at = 0
        for shared in _SHARED_SUBJECT.finditer(clause.text):
            first = clause.part(at, shared.start())
            at = shared.end()
            if first.text:
                yield first, goes_on
            goes_on = True
        last = clause.part(at, len(clause.text))
        if last.text:
            yield last, goes_on
