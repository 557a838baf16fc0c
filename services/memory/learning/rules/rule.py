"""One rule: the words it knows and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from services.memory.learning.rules import values
from services.memory.learning.rules.english import of_third
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.rules.patterns import Pattern
from services.memory.learning.slots import slug

_SHORT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Reads a predicate in the first person's form, such as "live in Rome".

    ``slot`` and ``sentence`` may name groups of ``pattern``: in the slot as parts of it, in the
    sentence as words. The group ``v`` is the value, or the values of a list where there are
    ``many``; a ``+`` in the slot stands between several. ``fixed`` stands for a value the words
    only imply. ``whole`` takes the predicate itself as the value.
    """

    pattern: Pattern
    slot: str
    sentence: str
    kind: FactKind = FactKind.FACT
    fixed: str | None = None
    many: bool = False
    named: bool = False
    whole: bool = False
    article: bool = True
    ends: bool = False
    replaces: bool = False
    confidence: float = 0.8

    def read(self, predicate: str) -> Iterator[Finding]:
        """Yield what ``predicate`` says by this rule; nothing when it does not fit."""
        found = self.pattern.match(predicate)
        if found is None:
            return
        groups = {key: _short(each or "") for key, each in found.groupdict().items()}
        for value in self._values(found.groupdict(), predicate):
            known = {**groups, "value": value, "third": value, "a value": with_article(value)}
            for slot in self.slot.split("+"):
                yield Finding(
                    slot=_filled(slot, {key: slug(each) for key, each in known.items()}),
                    value=value,
                    kind=self.kind,
                    sentence=" ".join(_filled(self.sentence, known).split()).replace(" .", "."),
                    quote="",
                    ends=self.ends,
                    replaces=self.replaces,
                    confidence=self.confidence,
                )

    def _values(self, groups: Mapping[str, str | None], predicate: str) -> list[str]:
        if self.fixed is not None:
            return [self.fixed]
        if self.whole:
            value = values.tidy(predicate)
            return [of_third(value)] if value else []
        words = groups.get("v") or ""
        if self.many:
            return values.listed(words)
        if self.named:
            value = values.name(words, loose=True)
        else:
            value = values.tidy(words, article=self.article)
        return [value] if value else []


def rule(
    pattern: str,
    slot: str,
    sentence: str,
    kind: FactKind = FactKind.FACT,
    **more: object,
) -> Rule:
    """Return a rule for the words of ``pattern``, whatever their case."""
    made = Rule(pattern=Pattern(pattern, re.IGNORECASE), slot=slot, sentence=sentence, kind=kind)
    return replace(made, **more)  # type: ignore[arg-type]


def _short(words: str) -> str:
    return words.strip() if len(words) <= _SHORT else values.tidy(words)


def with_article(value: str) -> str:
    """Return "a nurse" for "nurse"; a value that has an article or is a name stays as it is."""
    if not value[:1].islower() or re.match(r"(?:an?|the|my|their|one|some) ", value):
        return value
    return f"{'an' if value[0] in 'aeiou' else 'a'} {value}"


def _filled(text: str, known: Mapping[str, str]) -> str:
    for key, value in known.items():
        text = text.replace(f"<{key}>", value)
    return text
