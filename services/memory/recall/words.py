"""The words of a question that are worth looking up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 64
_MOST_LOOKED_AT = 64

_COMMON = """
    a about above after again against all am an and any are aren as at be because been before being
    below between both but by can could d did didn do does doesn doing don down during each few for
    from further had hadn has hasn have haven having he her here hers herself him himself his how i
    if in into is isn it its itself just ll m me more most my myself no nor not now of off on once
    only or other our ours ourselves out over own re s same shall she should shouldn so some such t
    than that the their theirs them themselves then there these they this those through to too
    under until up ve very was wasn we were weren what when where which while who whom whose why
    will with won would wouldn you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_COMMON.split())
"""English words that say how a question is put, not what it is about."""

# What stemming does not bring together: irregular verbs, plurals and degrees of English.
_IRREGULAR = """
    bear bore born borne | become became | begin began begun | bend bent | bite bit bitten
    blow blew blown | break broke broken | bring brought | build built | buy bought
    catch caught | child children | choose chose chosen | come came | dig dug | draw drew drawn
    drink drank drunk | drive drove driven | eat ate eaten | fall fell fallen | feed fed
    feel felt | fight fought | find found | fly flew flown | foot feet | forget forgot forgotten
    get got gotten | give gave given | go goes going gone went | good better best
    grow grew grown | half halves | hear heard | hide hid hidden | hold held | keep kept
    knife knives | know knew known | lead led | leaf leaves | leave left | lend lent
    lie lay lain | life lives | light lit | lose lost | make made | man men | mean meant
    meet met | mouse mice | pay paid | person people | ride rode ridden | rise rose risen
    run ran | say said | see saw seen | seek sought | sell sold | send sent | shoot shot
    show shown | sing sang sung | sit sat | sleep slept | speak spoke spoken | spend spent
    stand stood | steal stole stolen | stick stuck | strike struck | swim swam swum
    take took taken | teach taught | tell told | think thought | throw threw thrown
    tooth teeth | understand understood | wake woke woken | wear wore worn | wife wives
    win won | woman women | worse worst bad | write wrote written
"""


def _forms(table: str) -> Mapping[str, tuple[str, ...]]:
    rows = (tuple(row.split()) for line in table.splitlines() for row in line.split("|"))
    return {word: row for row in rows for word in row}


_FORMS = _forms(_IRREGULAR)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question, and the other forms it may be said in."""

    word: str
    forms: tuple[str, ...]

    @property
    def match(self) -> str:
        """Return the term in the syntax of FTS5; whatever the word is, it is no operator."""
        return " OR ".join(f'"{form}"' for form in self.forms)


def tokens(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, as FTS5's ``unicode61`` separates them."""
    return [word[:_LONGEST] for word in _WORD.findall(text.lower())]


def terms(question: str) -> tuple[Term, ...]:
    """Return what to look up for ``question``: each word once, in order, without stop-words.

    Of a long text only the first words count; a question of nothing but stop-words has none.
    """
    found: dict[tuple[str, ...], Term] = {}
    for word in tokens(question):
        if word in STOP_WORDS:
            continue
        forms = _FORMS.get(word, (word,))
        found.setdefault(forms, Term(word, forms))
        if len(found) == _MOST_LOOKED_AT:
            break
    return tuple(found.values())


def any_of(chosen: Iterable[Term]) -> str:
    """Return a query of FTS5 for rows with any of the terms."""
    return " OR ".join(term.match for term in chosen)
