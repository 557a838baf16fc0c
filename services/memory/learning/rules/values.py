"""The value in a statement: where it ends, what is no value, and lists of values."""

from __future__ import annotations

import re

from services.memory.learning.rules.english import of_another
from services.memory.learning.rules.patterns import Pattern

LONGEST = 120

_ENDS = Pattern(
    r"(?i)\s*(?:[,;!?\u2026]|\.(?=\s|$)|\s-{1,3}\s|:\s|\()"
    r"|\s+(?:because|since|so|but|when|whenever|while|although|though|which|who|where|unless|"
    r"until|till|if|except|and (?:i|we|my|our|he|she|it|they|his|her|that|so|also|you)|"
    r"as (?:i|we|well|my|you|of)|right now|at the moment|these days|nowadays|too|as well|lol|"
    r"haha\w*|anymore|any ?more|any longer|by the way|btw|actually|you know|very much|a lot|"
    r"so much|the most|the best|more than anything\w*|ever since|for (?:about |almost |nearly |"
    r"over |around )?(?:\w+ )?(?:years?|months?|weeks?|decades?|ages|now|a while|a long time|"
    r"good)\b|since (?:\d{4}|\w+ \d{4}|last|i|we|childhood|forever)|"
    r"now|already|again|instead|obviously|though|tho|xd|:\)|even more|honestly|i (?:think|guess|"
    r"suppose|swear|promise)|of course|all the time|with all my heart|to be honest|tbh|"
    r"at least|in general|with a passion|with every \w+|with all my "
    r"\w+|yesterday|recently|originally|last (?:week|month|year|night|"
    r"summer|winter|"
    r"spring|autumn|fall|\w+day)|(?:a|an|two|three|four|five|six|\d+|some|many|few|a few|several|a "
    r"couple of|about \w+) (?:days?|weeks?|months?|years?|hours?|decades?)"
    r" ago|thanks|thank you|please|nice to meet you|remember)(?=\W|"
    r"$)"
)
_EDGES = " \t\n.,;:!?\"'()[]{}*_~<>|\u2026-"
_NO_VALUE = Pattern(
    r"(?i)^(?:it|me|us|that|this|these|those|them|him|her|you|one|"
    r"ones|there|here|everything|nothing|"
    r"something|anything|someone|anyone|everyone|nobody|so|not|no|yes|yeah|none|a lot|lots|much|"
    r"more|less|all|both|either|neither|some|any|how|what|when|where|why|who|whoever|whatever|to|"
    r"too|well|ok|okay|fine|good|bad|great|nice|cool|hard|ready|sure|sorry|same|different|weird|"
    r"crazy|done|over|the same|the best|the worst|your .*|you .*|yours|how .*|when .*|what .*|"
    r"that .*|it when .*|it that .*|it how .*|this .*|the way .*|the idea .*|the fact .*|"
    r"to (?:say|admit|think|know|see you|hear|tell|ask|be honest|meet you|talk to you|chat)\b.*|"
    r"myself|a minute|thing|things|stuff|back|off|up|out|it .*|secret|"
    r"unknown|important|.*\b(?:you|your|yours|yourself|you're)\b.*)"
    r"$"
)
_JOINED = Pattern(r"(?i)\s*,\s*(?:and\s+|or\s+|&\s*)?|\s+(?:and|or|&|plus|as well as)\s+")
_ARTICLE = Pattern(r"(?i)^(?:a|an|the|some)\s+")
_QUANTITY = Pattern(r"(?i)^(?:some|a little|a bit of|a little bit of|also|both|mostly|especially) ")
_LONGEST_OF_LIST = 4


def tidy(words: str, *, article: bool = True) -> str:
    """Return the value at the start of ``words``, empty when there is none.

    It ends where another thought begins; without ``article`` it begins after one.
    """
    found = _ENDS.search(words)
    value = (words[: found.start()] if found else words).strip(_EDGES)
    if not article:
        value = _ARTICLE.sub("", value)
    if not value or len(value) > LONGEST or _NO_VALUE.match(value):
        return ""
    return of_another(value)


def listed(words: str, *, most_words: int = _LONGEST_OF_LIST) -> list[str]:
    """Return the values of a list such as "tea, coffee and cake"; a single one as it is."""
    cut = re.split(r"(?<=\w)[.!?;](?:\s|$)|\s-{1,3}\s|\(", words, maxsplit=1)[0]
    parts = [part.strip() for part in _JOINED.split(cut.strip(_EDGES)) if part.strip()]
    if len(parts) > 1 and all(len(part.split()) <= most_words for part in parts[:-1]):
        values = [tidy(part) for part in parts]
        kept: list[str] = []
        for part, value in zip(parts, values, strict=True):
            value = _QUANTITY.sub("", value)
            if not value or (kept and len(value.split()) > most_words):
                break
            kept.append(value)
            if len(value) < len(part.strip(_EDGES)):
                break
        if kept:
            return list(dict.fromkeys(kept))
    value = tidy(words)
    return [value] if value else []


def name(words: str, *, loose: bool = False) -> str:
    """Return the name at the start of ``words``: capitalised words, or one word if ``loose``."""
    found = _NAME.match(words.strip(" \"'*_"))
    if found is not None:
        return found[0].strip(" '\"") if found[0].casefold() not in _NO_NAMES else ""
    if loose:
        single = re.match(r"[^\W\d_][\w'-]{1,30}", words.strip(" \"'*_"))
        if single is not None and single[0].casefold() not in _NO_NAMES | _COMMON:
            return single[0][:1].upper() + single[0][1:]
    return ""


_NAME = Pattern(
    r"(?:(?:Dr|Mr|Mrs|Ms|Prof|St|Sir|Lady|Lord|Captain)\.? )?"
    r"[A-Z\u00c0-\u00de][\w'\u2019-]*(?:\.[A-Z]\.?)?"
    r"(?: (?:[A-Z\u00c0-\u00de][\w'\u2019.-]*|van|von|de|der|den|da|di|la|le|del|bin|al|of|the)"
    r"(?= |$|[^\w'-]))*"
)
_NO_NAMES = frozenset({"i", "the", "a", "an", "my", "it", "this", "that", "he", "she", "we", "you"})
_COMMON = frozenset(
    [
        "not",
        "so",
        "very",
        "really",
        "too",
        "also",
        "just",
        "still",
        "now",
        "here",
        "there",
        "back",
        "fine",
        "good",
        "bad",
        "great",
        "tired",
        "happy",
        "sad",
        "sorry",
        "sure",
        "ready",
        "new",
        "old",
        "busy",
        "bored",
        "done",
        "going",
        "doing",
        "trying",
        "looking",
        "feeling",
        "thinking",
        "in",
        "on",
        "at",
        "from",
        "to",
        "with",
        "for",
        "about",
        "like",
        "because",
        "and",
        "or",
        "but",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "have",
        "has",
        "had",
        "do",
        "does",
        "did",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "what",
        "who",
        "where",
        "when",
        "why",
        "how",
        "which",
        "if",
        "then",
        "always",
        "never",
        "often",
        "usually",
        "sometimes",
        "maybe",
        "someone",
        "somebody",
        "nobody",
        "everyone",
        "something",
        "nothing",
        "called",
        "named",
        "pretty",
        "quite",
        "kind",
        "sort",
        "mine",
        "yours",
        "his",
        "hers",
        "theirs",
        "ours",
        "sick",
        "ill",
        "dead",
        "alive",
        "gone",
        "hungry",
        "lost",
        "late",
        "early",
        "free",
        "afraid",
        "scared",
        "okay",
        "ok",
        "well",
        "lol",
        "getting",
        "having",
        "making",
        "turning",
        "one",
        "two",
        "three",
        "a",
        "an",
        "the",
        "my",
        "your",
        "it",
        "this",
        "that",
        "he",
        "she",
        "we",
        "they",
        "you",
        "me",
        "him",
        "her",
        "them",
        "us",
        "adorable",
        "cute",
        "annoying",
        "amazing",
        "awesome",
        "awful",
        "beautiful",
        "crazy",
        "dying",
        "driving",
        "killing",
        "sleeping",
        "visiting",
        "working",
        "coming",
        "staying",
        "moving",
        "living",
        "allergic",
        "vegan",
        "vegetarian",
        "pregnant",
        "married",
        "single",
        "divorced",
        "retired",
        "asleep",
        "awake",
        "upset",
        "angry",
        "mad",
        "nice",
        "sweet",
        "lovely",
        "funny",
        "smart",
        "lazy",
        "loud",
        "barking",
        "meowing",
        "snoring",
        "hurting",
        "broken",
        "missing",
        "best",
        "worst",
        "better",
        "worse",
        "different",
        "similar",
        "important",
        "hard",
        "easy",
        "fun",
        "boring",
        "complicated",
        "secret",
        "unknown",
        "already",
        "only",
        "even",
        "more",
        "most",
        "less",
        "least",
        "many",
        "much",
        "few",
        "some",
        "any",
        "all",
        "both",
        "either",
        "neither",
        "no",
        "none",
        "yes",
    ]
)
