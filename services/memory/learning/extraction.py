"""Checking what a model says a message teaches: nothing stands that the message does not say."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from services.memory.learning.echoes import Earlier
from services.memory.learning.fact_rules import NOTHING_EARLIER
from services.memory.learning.rules.cleaning import own_words
from services.memory.learning.rules.findings import Finding, Refusal
from services.memory.learning.rules.refusals import (
    command,
    instruction,
    joke,
    refusal,
    secret,
    without_tail,
)
from services.memory.learning.rules.sentences import Span, sentences
from services.memory.learning.topics import Topic, topic_of

_LONGEST_VALUE = 120
_CONFIDENCE = 0.6
_SUPPORTED = 0.6
_WORD = re.compile(r"\w+")
_LITTLE = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "with",
        "and",
        "or",
        "is",
        "are",
        "was",
        "my",
        "his",
        "her",
        "their",
        "our",
        "i",
        "you",
        "it",
        "that",
        "this",
        "they",
        "them",
        "as",
        "by",
        "from",
        "be",
        "has",
        "have",
        "had",
        "not",
        "no",
        "very",
        "really",
        "some",
        "any",
    ]
)
_SELF = frozenset(
    {"", "i", "me", "myself", "self", "user", "the user", "speaker", "human", "we", "you"}
)
_FIRST_PERSON = re.compile(
    r"(?i)\b(?:i|i'm|im|i've|ive|i'd|i'll|my|me|mine|myself|we|our|we're|us)\b"
)
_DENIES = re.compile(
    r"(?i)\b(?:not|no longer|n'?t|never|any ?more|stopped|quit|used to|gave up|broke up|left|sold|"
    r"moved (?:away|out)|former|ex)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a model says that a message says; an empty ``quote`` lets the sentence be looked for."""

    topic: str
    value: str
    detail: str = ""
    quote: str = ""
    about: str = ""
    ends: bool = False


def examine(
    claim: Claim,
    text: str,
    *,
    teller: str,
    others: Collection[str] = (),
    earlier: Earlier = NOTHING_EARLIER,
) -> Finding | Refusal:
    """Return the finding a claim about ``text`` amounts to, or why it is not taken over.

    Its quote has to occur in the teller's own words, in a sentence that the rules would learn from,
    and that sentence has to hold the value and name whom it is about.
    """
    value = " ".join(claim.value.split()).strip(" .\"'")
    if not 0 < len(value) <= _LONGEST_VALUE or "\n" in claim.value.strip():
        return Refusal.MALFORMED
    if instruction(value) or secret(value) or instruction(f"{claim.topic} {claim.detail}"):
        return Refusal.INSTRUCTION
    if command(text):
        return Refusal.COMMAND
    if joke(text):
        return Refusal.JOKE
    words = own_words(text, teller=teller, others=others)
    found = _sentence(words, claim.quote or value, exact=bool(claim.quote))
    if found is None:
        return Refusal.UNSUPPORTED
    said = without_tail(found.text)
    reason = refusal(said)
    if reason is not None:
        return reason
    if earlier.echoed(said):
        return Refusal.ECHO
    if not _supports(said, value):
        return Refusal.UNSUPPORTED
    quote = text[found.start : found.start + len(found.text)].strip()
    return _finding(claim, value, said, quote, teller)


def _finding(claim: Claim, value: str, said: str, quote: str, teller: str) -> Finding | Refusal:
    about = " ".join(claim.about.split())
    themselves = about.casefold() in _SELF or about.casefold() == teller.casefold()
    if themselves and not _FIRST_PERSON.search(said):
        return Refusal.UNSUPPORTED
    if not themselves and not _supports(said, about):
        return Refusal.UNSUPPORTED
    if claim.ends != bool(_DENIES.search(said)) and (claim.ends or _turns(said, value)):
        return Refusal.UNSUPPORTED
    topic: Topic = topic_of(claim.topic, claim.detail)
    return Finding(
        slot=topic.slot,
        value=value,
        kind=topic.kind,
        sentence=topic.sentence.replace("<v>", value),
        quote=quote,
        about=None if themselves else about,
        confidence=_CONFIDENCE,
        ends=claim.ends,
    )


def _sentence(words: str, quote: str, *, exact: bool) -> Span | None:
    """Return the sentence that holds ``quote``, or most of its words where it need not be exact."""
    wanted = _words(quote)
    if not wanted:
        return None
    for each in sentences(words):
        held = _words(each.text)
        if exact and f" {' '.join(wanted)} " in f" {' '.join(held)} ":
            return each
        if not exact and _supports(each.text, quote):
            return each
    return None


def _supports(said: str, value: str) -> bool:
    """Tell whether the words of ``value`` that matter occur in a sentence, numbers exactly."""
    held = set(_words(said))
    matter = [each for each in _words(value) if each not in _LITTLE] or _words(value)
    if not matter:
        return False
    if any(each not in held for each in matter if each.isdigit()):
        return False
    stems = {each[:_STEM] for each in held}
    shared = sum(each in held or (len(each) >= _STEM and each[:_STEM] in stems) for each in matter)
    return shared >= max(1.0, _SUPPORTED * len(matter))


def _turns(said: str, value: str) -> bool:
    """Tell whether a denial in a sentence stands shortly before the value, and so turns it."""
    found = re.search(rf"(?i)\b(?:not|n't|never|no longer)\b[\w' ]{{0,30}}{re.escape(value)}", said)
    return found is not None and re.match(r"(?i)(?:no|not|never)\b", value) is None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


_STEM = 5
