"""Reading a message by rule: what its writer says of themselves and of others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from services.memory.learning.rules.asked import ask_to_remember, told
from services.memory.learning.rules.attributes import corrected, read_attribute
from services.memory.learning.rules.belongings import BELONGINGS, named_companions, read_company
from services.memory.learning.rules.cleaning import own_words
from services.memory.learning.rules.english import (
    KIN,
    PETS,
    RELATION_OF,
    expanded,
    in_order,
)
from services.memory.learning.rules.findings import FactKind, Finding, Reading, Refusal
from services.memory.learning.rules.living import AGE, HEALTH, HOME, STANDING, WORK
from services.memory.learning.rules.patterns import Pattern
from services.memory.learning.rules.refusals import (
    command,
    joke,
    order,
    refusal,
    secret,
    without_announcement,
    without_parenthesis,
    without_tail,
)
from services.memory.learning.rules.sentences import Span, clauses, sentences
from services.memory.learning.rules.subjects import (
    Named,
    Subject,
    call_me,
    lead_in,
    reversed_words,
    subject_of,
)
from services.memory.learning.rules.tastes import DOINGS, LANGUAGES, PLANS, TASTES

LONGEST_MESSAGE = 4000
"""Characters of a message that are read; the rest is not looked at."""

_LONGEST_SENTENCE = 600
_MOST_SENTENCES = 100
_MOST_FINDINGS = 24
_RULES = (*AGE, *HOME, *HEALTH, *STANDING, *WORK, *LANGUAGES, *TASTES, *BELONGINGS, *DOINGS)
_GONE = Pattern(
    r"(?i)^(?:has |have |just |sadly |recently )*(?:died|passed away|ran away|run away|"
    r"is dead|is gone|is no longer with us|was put down|crossed the rainbow bridge)\b"
)
_MENTIONED = Pattern(
    rf"(?<=\w )(?i:my|our) {KIN}(?P<who>[a-z][a-z-]*),? (?P<name>[A-Z][\w-]+)\b(?!'s)"
)
_IT_IS = Pattern(r"(?i)^(?:now )?(?:it|that) is (?:now |actually )?(?P<value>.+)$")
_ATTRIBUTE = Pattern(r"(?i)^(?P<attribute>[\w' -]{2,50}?) (?:is|was|are|were|used to be)\b")
_DROPPED = Pattern(
    r"(?i)^(?:just |finally |recently )*(?:got|bought|adopted|moved|turned|grew up|graduated|"
    r"love|adore|hate)\s+(?!the\b|and\b|is\b|can\b|will\b|has\b|always\b|"
    r"you\b|it\b|that\b|this\b|your\b|to\b(?! \w+ing))\S"
)
_OTHERS = Pattern(r"(?i)\b(?:you|he|she|they|it|who|that|which)\b")
_OF_SELF = Pattern(r"(?i)\b(?:i|i'm|im|i've|my|we|our|me)\b")
_HEARSAY = 0.6
_PET_WORDS = frozenset(PETS)


@dataclass(slots=True)
class _Talk:
    """What has been read of one message: who it speaks of, and what was found."""

    teller: str
    third: Named | None = None
    last: Subject | None = None
    attribute: str | None = None


def read(text: str, *, teller: str, others: Collection[str] = ()) -> Reading:
    """Return what ``teller`` says in ``text``; ``others`` are the names of those who also speak.

    A pure function of its arguments, without any model. Every quote occurs in ``text``.
    """
    if not text.strip():
        return Reading(refusals=(Refusal.EMPTY,))
    text = text[:LONGEST_MESSAGE]
    if command(text):
        return Reading(refusals=(Refusal.COMMAND,))
    if joke(text):
        return Reading(refusals=(Refusal.JOKE,))
    words = own_words(text, teller=teller, others=others)
    talk = _Talk(teller)
    found: list[Finding] = []
    refused: list[Refusal] = []
    for sentence in islice(sentences(words), _MOST_SENTENCES):
        for each in _sentence(sentence, text, talk):
            if isinstance(each, Refusal):
                refused.append(each)
            else:
                found.append(each)
    if not words.strip():
        refused.append(Refusal.REPORTED)
    kept = _distinct(found)[:_MOST_FINDINGS]
    if not kept and not refused:
        refused.append(Refusal.NOTHING)
    return Reading(findings=tuple(kept), refusals=tuple(dict.fromkeys(refused)))


def _sentence(sentence: Span, text: str, talk: _Talk) -> Iterator[Finding | Refusal]:
    talk.attribute = talk.last = None
    if len(sentence.text) > _LONGEST_SENTENCE:
        return
    asked = ask_to_remember(sentence.text)
    body = sentence
    if asked is not None:
        body = sentence.part(asked.start, len(sentence.text))
        if asked.refusal is not None:
            yield asked.refusal
            return
    announced, cut = without_announcement(body.text)
    body = Span(without_tail(announced), body.start + cut)
    judged = body.text.rstrip("? ") if asked is not None else body.text
    reason = refusal(judged)
    if reason is not None:
        yield reason
        return
    shortened, cut = without_parenthesis(body.text)
    body = Span(shortened, body.start + cut)
    any_found = False
    for clause, goes_on in clauses(body):
        for finding in _clause(clause, talk, goes_on=goes_on):
            any_found = True
            quote = _quote(text, sentence if asked is not None else clause)
            if _unfit(finding):
                yield Refusal.INSTRUCTION
                continue
            if asked is not None:
                finding = replace(finding, asked=True, confidence=max(0.9, finding.confidence))
            yield replace(finding, quote=quote)
    if asked is not None and not any_found:
        kept = told(body.text) if asked.plainly or _OF_SELF.search(body.text) else None
        yield replace(kept, quote=_quote(text, sentence)) if kept else Refusal.REMINDER


def _clause(clause: Span, talk: _Talk, *, goes_on: bool) -> Iterator[Finding]:
    lead = lead_in(expanded(clause.text))
    words = lead.rest
    for finding in (*_said(words, talk, goes_on=goes_on), *_mentioned(words)):
        if lead.corrects:
            finding = corrected(finding)
        if lead.unsure:
            finding = replace(finding, confidence=round(finding.confidence - 0.2, 2))
        yield finding


def _mentioned(words: str) -> Iterator[Finding]:
    """Yield the names of relatives and pets that a clause mentions, such as "my cat Whiskers"."""
    for found in _MENTIONED.finditer(words):
        if found["who"].lower() in (RELATION_OF.keys() | _PET_WORDS):
            yield from named_companions(found["who"].lower(), found["name"], only=False)


def _said(words: str, talk: _Talk, *, goes_on: bool) -> Iterator[Finding]:
    named = call_me(words, greeted=False)
    if named is not None:
        talk.last = Subject.myself(words)
        yield named
        return
    subject = _subject(words, talk, goes_on=goes_on)
    if subject is None:
        return
    talk.last = subject
    if subject.named is not None:
        yield from _of_other(subject, subject.named, talk)
        return
    if subject.owned and (owned := _ATTRIBUTE.match(subject.rest)):
        talk.attribute = owned["attribute"]
    for each in _of_myself(subject):
        yield each
        talk.third = _introduced(each) or talk.third


def _subject(words: str, talk: _Talk, *, goes_on: bool) -> Subject | None:
    """Return of whom a clause speaks, also where it leaves that to what came before."""
    words = reversed_words(words)
    if talk.attribute is not None and (same := _IT_IS.match(words)):
        words = f"my {talk.attribute} is {same['value']}"
    elif _DROPPED.match(words) and not goes_on:
        words = f"I {words[:1].lower()}{words[1:]}"
    subject = subject_of(words, third=talk.third)
    last = talk.last
    if subject is None and goes_on and last is not None and not _OTHERS.search(last.rest):
        return replace(last, rest=words, owned=False)
    return subject


def _of_other(subject: Subject, named: Named, talk: _Talk) -> Iterator[Finding]:
    """Yield what is said of somebody else, and what they are to the teller."""
    talk.third = named
    if subject.introduces is not None and named.called:
        yield from named_companions(subject.introduces, named.called, only=False)
    companions = _of_companion(subject, named, talk.teller)
    if companions:
        yield from companions
        return
    for finding in _of_myself(subject):
        yield replace(
            finding,
            about=named.label(talk.teller),
            who=named.described(talk.teller),
            confidence=_HEARSAY,
        )


def _of_myself(subject: Subject) -> Iterator[Finding]:
    """Yield what is said of the subject, whoever that is."""
    if subject.owned:
        yield from read_attribute(subject.rest)
        return
    predicate = in_order(subject.rest)
    for each in PLANS:
        findings = list(each.read(predicate))
        if findings:
            yield from findings
            return
    company = list(read_company(predicate))
    if company:
        yield from company
        return
    for each in _RULES:
        findings = list(each.read(predicate))
        if findings:
            yield from findings
            return
    yield from _own_name(subject)


def _of_companion(subject: Subject, named: Named, teller: str) -> list[Finding]:
    """Return what is said of a pet's or relative's name or end, which concerns the teller."""
    word = named.relation.rpartition(" ")[2]
    if not word:
        return []
    called = re.match(
        r"(?i)^(?:names? is|is called|is named|am called|am named) (?P<v>.+)$", subject.rest
    )
    if called is not None:
        return named_companions(word, called["v"], only=False)
    if word in RELATION_OF and _GONE.match(subject.rest):
        return [
            Finding(
                slot="died",
                value="has died",
                kind=FactKind.FACT,
                sentence="{who} has died.",
                quote="",
                about=named.label(teller),
                who=named.described(teller),
            )
        ]
    if word not in RELATION_OF and _GONE.match(subject.rest):
        gone = f"{{who}} no longer has the {word}."
        return [
            replace(pet, value=named.called, ends=True, sentence=gone)
            for pet in named_companions(word, named.called or "Gone", only=False)
        ]
    return []


def _introduced(finding: Finding) -> Named | None:
    """Return the nameless pet or relative a finding speaks of first, whom "she" may mean next."""
    word = finding.value.rpartition(" ")[2].casefold()
    if finding.kind is FactKind.RELATIONSHIP and (word in RELATION_OF or word in _PET_WORDS):
        return Named(relation=word)
    return None


def _own_name(subject: Subject) -> Iterator[Finding]:
    if subject.named is None:
        found = call_me(f"I {subject.rest}", greeted=True)
        if found is None:
            return
        yield found
        for part in re.split(r",\s*|\s+and\s+|\s+(?=from\b)", subject.rest)[1:]:
            for each in (*AGE, *HOME):
                yield from each.read(f"am {part}")


def _unfit(finding: Finding) -> bool:
    return order(finding.value) or secret(finding.value) or "?" in finding.value


def _quote(text: str, span: Span) -> str:
    return text[span.start : span.start + len(span.text)].strip(" ,;")


def _distinct(found: Sequence[Finding]) -> list[Finding]:
    kept: dict[tuple[str, str, str, bool], Finding] = {}
    for each in found:
        kept.setdefault((each.about or "", each.slot, each.value.casefold(), each.ends), each)
    return list(kept.values())
