"""What one message teaches by rule: findings that stand on their writer's own words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from services.memory.learning.echoes import Earlier
from services.memory.learning.rules.findings import Finding, Reading, Refusal
from services.memory.learning.rules.reader import read
from services.memory.learning.rules.sentences import sentences

NOTHING_EARLIER = Earlier(())


def learn_by_rule(
    text: str,
    *,
    teller: str,
    others: Collection[str] = (),
    earlier: Earlier = NOTHING_EARLIER,
) -> Reading:
    """Return what ``teller`` says in ``text`` that is not a repeat of what was said ``earlier``."""
    reading = read(text, teller=teller, others=others)
    if not reading.findings:
        return reading
    repeated = [text] if earlier.echoed(text) else _repeated_sentences(text, earlier)
    kept = tuple(
        each
        for each in reading.findings
        if not _repeats(each, teller, earlier) and not any(each.quote in said for said in repeated)
    )
    if len(kept) == len(reading.findings):
        return reading
    refusals = dict.fromkeys((*reading.refusals, Refusal.ECHO))
    return replace(reading, findings=kept, refusals=tuple(refusals))


def _repeated_sentences(text: str, earlier: Earlier) -> list[str]:
    spans = sentences(text)
    return [each.text for each in spans if earlier.echoed(each.text)]


def _repeats(finding: Finding, teller: str, earlier: Earlier) -> bool:
    about_self = finding.about is not None and finding.about.casefold() == teller.casefold()
    return about_self or earlier.echoed(finding.quote)
