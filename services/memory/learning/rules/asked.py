"""Requests to remember something, and reminders, which are no facts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.memory.learning.rules.english import expanded, of_another
from services.memory.learning.rules.findings import FactKind, Finding, Refusal
from services.memory.learning.rules.patterns import Pattern

_LONGEST = 300
_REQUEST = Pattern(
    r"(?i)^(?:(?:hey|hi|ok(?:ay)?|oh|so|and|also|well|yes|please|pls|btw|by the way|actually|"
    r"important)[\s,!:]+|(?-i:[A-Z])[\w'-]+[,!:]\s+)*"
    r"(?:(?:can|could|will|would) you (?:please |kindly )?|i (?:want|"
    r"need|would like|'d like|ask) you "
    r"to |i'd like you to |you (?:should|must|need to|have to|can|may) (?:also )?|"
    r"(?:please |pls |kindly |do |just |always )*|let'?s )"
    r"(?P<verb>(?:remember|memori[sz]e|never forget|don'?t (?:you )?(?:ever )?forget|do not forget|"
    r"note(?: down)?|take note|make a (?:mental )?note|keep in mind|bear in mind|keep a note|"
    r"store|save|write down|jot down|be aware|know)"
    r"(?: (?:of )?(?:this|it)(?: (?:down|about me|for me|for later|please))?| for me| for later| "
    r"about me| please)*)"
    r"(?P<link>\s*[:,-]\s*(?:that\s+)?|\s+(?:the (?:fact|following)(?: that)?:?\s+|that\s+|"
    r"(?=(?:i|i'm|im|i've|my|our|we|he|she|his|her|[A-Z][\w-]+(?:'s)?)\b)))"
)
_TOPIC = Pattern(
    r"(?i)^(?:for (?:future reference|the record|your (?:information|records|notes|memory))|fyi|"
    r"note to self|important|mental note|reminder|fun fact(?: about "
    r"me)?|random fact|note|ps|p\.s\.|"
    r"nb|heads up|just so you know|for your info)\s*[:,-]\s*"
)
_REMINDER = Pattern(
    r"(?i)^(?:please |pls |just |but |and |hey,? |ok(?:ay)?,? )*(?:remember|"
    r"don'?t forget|do not forget|remind me|"
    r"never forget|make sure|note),? (?:about\b|to\b|when\b|how\b|"
    r"me\b|us\b|the time\b|what\b|who\b|"
    r"where\b|why\b)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where in a sentence begins what is to be remembered, or why it is not.

    ``plainly``: the words ask for it, and do not only underline what follows.
    """

    start: int
    plainly: bool = False
    refusal: Refusal | None = None


def ask_to_remember(sentence: str) -> Asked | None:
    """Return the request a sentence opens with; ``None`` when there is none."""
    if _REMINDER.match(sentence):
        return Asked(0, refusal=Refusal.REMINDER)
    found = _REQUEST.match(sentence)
    if found is not None and found.end() < len(sentence):
        knows = found["verb"].lower() == "know"
        if not knows or re.search(r"(?i)\byou (?:should|must|need|have|can|may)\b", found[0]):
            return Asked(found.end(), plainly="," not in found["link"])
    topic = _TOPIC.match(sentence)
    if topic is not None and topic.end() < len(sentence):
        return Asked(topic.end())
    return None


def told(words: str) -> Finding | None:
    """Return a statement that no rule knows as its teller's own words, to be shown as a quote."""
    value = " ".join(words.split()).strip(" .!?,;:-\"'")
    if len(value.split()) < 3 or len(value) > _LONGEST:
        return None
    shown = of_another(expanded(value))
    return Finding(
        slot="told",
        value=value,
        kind=FactKind.QUOTE,
        sentence=f"{{who}} asked to remember: \u201c{value}\u201d",
        quote="",
        asked=True,
        confidence=0.9 if shown else 0.5,
    )
