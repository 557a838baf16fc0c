"""Of whom a clause speaks, and what people put before what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.memory.learning.rules import values
from services.memory.learning.rules.english import KIN, PAST, PET, RELATION, THIRD, VERBS
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.rules.patterns import Pattern

_OPENING = Pattern(
    r"(?i)^(?:(?:well|oh|ah|um+|uh+|hmm+|so|also|and|but|then|plus|ok(?:ay)?|yes|yeah|yep|yup|sure|"
    r"right|hey(?: there)?|hi(?: there)?|hello(?: there)?|hiya|yo|"
    r"good (?:morning|evening|afternoon)|"
    r"btw|by the way|fyi|fun fact|funny thing|the thing is|the truth "
    r"is|truth is|fact is|guess what|"
    r"you know(?: what)?|you see|look|listen|honestly|to be honest|tbh|frankly|in fact|"
    r"for the record|as i (?:said|mentioned|told you)(?: before| earlier)?|like i said|turns out|"
    r"it turns out|just so you know|so you know|speaking of which|anyway|anyways|besides|"
    r"basically|obviously|of course|luckily|sadly|unfortunately|thankfully|fortunately|personally|"
    r"recently|lately|nowadays|these days|currently|right now|now|today|yesterday|last \w+|"
    r"this (?:year|month|week|morning|summer)|on (?:mon|tues|wednes|thurs|fri|satur|sun)days?|"
    r"every \w+|each \w+|in the (?:mornings?|evenings?|winter|summer)"
    r"|at night|after work|at the moment|since last \w+|for a living|"
    r"in my (?:free|spare) time|on (?:the )?weekends?|at weekends|when i was (?:a|\d+)[\w -]{0,30}|"
    r"as a (?:kid|child|hobby)|these past \w+|for fun|in my opinion|"
    r"i (?:should|must|have to|need to|want to|wanted to|can|forgot "
    r"to|just wanted to|would like to) "
    r"(?:mention|tell you|say|admit|confess|add|let you know|share|"
    r"introduce myself)(?: you)?(?: that)?|"
    r"(?:did|have) i (?:ever |already )?(?:tell|told|mention(?:ed)"
    r"?|say|said)(?: to)?(?: you)?(?: that)?|"
    r"did you know(?: that)?|you (?:should|may|might|will want to) (?:also )?know(?: that)?|"
    r"i (?:already )?(?:told|said|mentioned)(?: to)?(?: you)?(?: before)?(?: that)?|"
    r"i (?:can|must) say(?: that)?|thanks(?: for asking)?|thank you(?: for asking)?|"
    r"nice to meet you|pleased to meet you|haha+|lol|hehe|wow|aww+|omg|"
    r"(?:big|happy|good|great|exciting|sad|bad) news|update|confession|true story|long story short|"
    r"the reason is(?: that)?|it is true that|that is because|because|since|as for me|"
    r"about me|me too|same here|same|nope|not yet|nah|good question|let me think|"
    r"one thing about me(?: is(?: that)?)?|something about me|what i do is|"
    r"dear|darling|honey|that)"
    r"(?:\s*[,:;!.-]+\s*|\s+))"
)
_CORRECTION = Pattern(
    r"(?i)^(?:actually|no+|nope|wait|sorry|correction|scratch that|i meant(?: to say)?(?: that)?|"
    r"i mean(?: that)?|oops|whoops|my mistake|my bad|to correct myself|small correction|edit|"
    r"i was wrong|i misspoke|that is (?:wrong|not right|incorrect|not true|outdated)|"
    r"that was (?:wrong|a typo)|let me correct (?:that|myself)|not any ?more|it changed|"
    r"things changed|as of (?:now|today|this \w+)|instead)\b(?:\s*[,:;!.-]+\s*|\s+)"
)
_UNSURE = Pattern(
    r"(?i)^(?:i (?:think|guess|believe|suppose|reckon|feel like)|probably|"
    r"apparently|i am pretty sure|"
    r"i am fairly sure|if i am not mistaken|i would say|supposedly|rumou?r has it(?: that)?|"
    r"i heard|i have heard|as far as i know)\b(?: that)?[\s,]+"
)
_VOCATIVE = Pattern(r"^[A-Z][\w'-]{1,20}(?: [A-Z][\w'-]{1,20})?\s*[,!:]\s+(?=\S)")
_NOT_NAMES = frozenset(
    [
        "i",
        "the",
        "a",
        "an",
        "it",
        "this",
        "that",
        "there",
        "these",
        "those",
        "what",
        "when",
        "where",
        "who",
        "why",
        "how",
        "my",
        "our",
        "your",
        "his",
        "her",
        "their",
        "he",
        "she",
        "they",
        "we",
        "you",
        "today",
        "tomorrow",
        "yesterday",
        "everyone",
        "everybody",
        "nobody",
        "someone",
        "somebody",
        "people",
        "some",
        "many",
        "most",
        "all",
        "nothing",
        "everything",
        "something",
        "work",
        "life",
        "god",
        "and",
        "but",
        "so",
        "if",
        "because",
        "also",
        "then",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "winter",
        "summer",
        "spring",
        "autumn",
        "no",
        "yes",
        "not",
        "one",
        "lots",
        "plenty",
        "things",
        "pets",
        "kids",
        "dogs",
        "cats",
        "please",
        "remember",
        "english",
        "school",
        "music",
        "food",
        "money",
        "time",
        "love",
        "here",
        "now",
        "well",
        "sorry",
        "thanks",
    ]
)
_NAME = (
    r"(?P<name>(?:(?:Dr|Mr|Mrs|Ms|Prof|Uncle|Aunt|Auntie|Grandma|Grandpa)"
    r"\.? )?[A-Z\u00c0-\u00de][\w-]{1,20}(?: [A-Z\u00c0-\u00de][\w-]{1,20})"
    r"?)"
)
_MOVES = "|".join(
    sorted(({*THIRD, *PAST} - {"are", "were"}) | {"will", "can", "used"}, key=len, reverse=True)
)
_NAMED = Pattern(
    rf"^{_NAME} (?P<rest>(?:(?:also|really|just|still|now|always|never|recently|usually|"
    rf"absolutely|currently|no longer|already|actually|apparently) )*(?i:{_MOVES})\b.*)$"
)
_NAMES_OWN = Pattern(
    rf"^{_NAME}'s? (?P<rest>(?i:favourite|birthday|name|job|hobby|hobbies|eyes|hair|"
    rf"age|home|least|dream|native|mother|star|last|wedding|dog|cat|pet|phone|"
    rf"allergy|profession|{RELATION})\b.*)$"
)
_KIN = Pattern(rf"(?i)^(?:my|our) (?P<adj>{KIN})(?P<rel>{RELATION}|{PET})\b(?P<rest>.*)$")
_HE = Pattern(r"(?i)^(?P<who>he|she|they|it) (?P<rest>.+)$")
_HIS = Pattern(r"(?i)^(?P<who>his|her|their|its) (?P<rest>.+)$")
_SAID_OF_SELF = Pattern(
    r"^(?P<whom>(?:(?i:my|our) (?:\w+ ){0,2}\w+|[A-Z][\w-]+))(?i: "
    r"(?:said|says|told (?:me|us)|tells (?:me|us)|"
    r"mentioned|claims|admitted|swears|announced)(?: that)? (?:he|she|they)) (?P<rest>.+)$"
)
_I = Pattern(r"(?i)^(?:i|we|me and my \w+|my \w+ and (?:i|me))\b[\s,]*(?P<rest>.*)$")
_MY = Pattern(r"(?i)^(?:my|our)(?: own)? (?P<rest>.+)$")
_CALL_ME = Pattern(
    r"(?i)^(?:(?:please |just |so |and |but )*(?:you (?:can|may|could)"
    r" |feel free to |from now on |)"
    r"(?:just |please |)call me|"
    r"(?:everyone|everybody|people|friends|my friends|they|folks|most "
    r"people|my (?:family|mates|mum|"
    r"mom|colleagues)|some people|all my friends)(?: \w+ly| all| just| mostly)? call(?:s)? me|"
    r"i (?:go by|am called|am known as|prefer to be called|like to be called|prefer being called|"
    r"answer to|am named|want to be called|was named|"
    r"go by the name(?: of)?|(?:have |legally |just )*changed my name to)|name is|the name is|"
    r"my (?:friends|family|mates|parents|mum|mom) (?:all |usually |just )?call me) "
    r"(?P<name>.+)$"
)
_I_AM = Pattern(
    r"^(?i:i am|this is|it is me) (?P<name>[A-Z\u00c0-\u00de][\w'-]{1,20}(?: "
    r"[A-Z\u00c0-\u00de][\w'-]{1,20})?)(?=\s*(?:$|[,.!(]|and\b|by "
    r"the way|from\b))"
)
_NOT_CALLED = frozenset(
    [
        "english",
        "german",
        "french",
        "spanish",
        "italian",
        "dutch",
        "irish",
        "scottish",
        "welsh",
        "american",
        "british",
        "canadian",
        "australian",
        "indian",
        "chinese",
        "japanese",
        "korean",
        "polish",
        "russian",
        "ukrainian",
        "turkish",
        "greek",
        "swedish",
        "christian",
        "catholic",
        "muslim",
        "jewish",
        "hindu",
        "buddhist",
        "aries",
        "taurus",
        "gemini",
        "cancer",
        "leo",
        "virgo",
        "libra",
        "scorpio",
        "sagittarius",
        "capricorn",
        "aquarius",
        "pisces",
        "ok",
        "okay",
        "back",
        "here",
        "sorry",
        "sure",
        "done",
        "fine",
        "good",
        "great",
        "intj",
        "intp",
        "infj",
        "infp",
        "entj",
        "entp",
        "enfj",
        "enfp",
        "istj",
        "isfj",
        "estj",
        "esfj",
        "istp",
        "isfp",
        "estp",
        "esfp",
        "god",
        "batman",
        "yes",
        "no",
        "not",
        "so",
        "very",
        "just",
        "too",
        "home",
        "late",
        "portuguese",
        "brazilian",
        "mexican",
        "norwegian",
        "danish",
        "finnish",
    ]
)
_FLIPPED = (
    (
        Pattern(
            r"(?i)^(?P<v>.+?) (?:is|are|am|has always been|will always be) (?:still |probably |"
            r"definitely |by far |)my (?P<a>(?:all[- ]time |absolute |least |)favourite"
            r"(?: [\w' -]+)?)$"
        ),
        r"my \g<a> is \g<v>",
    ),
    (
        Pattern(
            rf"(?i)^(?P<v>(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?(?-i:[A-Z])[\w'-]+(?: "
            rf"(?-i:[A-Z])[\w'-]+)?) is (?:my|our) (?P<a>{KIN}(?:{RELATION}|"
            rf"{PET}))(?P<r>(?!'s)\W.*|)$"
        ),
        r"my \g<a> is called \g<v>",
    ),
    (
        Pattern(rf"(?i)^the name of (?:my|our) (?P<a>{KIN}(?:{RELATION}|{PET})) is (?P<v>.+)$"),
        r"my \g<a> is called \g<v>",
    ),
    (
        Pattern(
            rf"(?i)^(?:this is |meet )?(?:my|our) (?P<a>{KIN}(?:{RELATION}|{PET}))(?:,| is|:) "
            rf"(?P<v>(?-i:[A-Z])[\w'-]+)$"
        ),
        r"my \g<a> is called \g<v>",
    ),
    (
        Pattern(
            rf"(?i)^(?:i|we) (?:call|named|called) (?:my|our) (?P<a>{KIN}(?:{RELATION}|{PET})) "
            rf"(?P<v>.+)$"
        ),
        r"my \g<a> is called \g<v>",
    ),
    (
        Pattern(
            r"(?i)^the (?P<a>(?:colou?r|food|book|song|film|movie|band|game|animal|season|drink|"
            r"city|number|\w+)) (?:that )?i (?:like|love) (?:the )?(?:most|best|more than any "
            r"other) is (?P<v>.+)$"
        ),
        r"my favourite \g<a> is \g<v>",
    ),
    (Pattern(r"(?i)^i was born on my birthday (?P<v>.+)$"), r"my birthday is \g<v>"),
    (
        Pattern(r"(?i)^(?:i (?:have|celebrate) )my birthday (?:on|in) (?P<v>.+)$"),
        r"my birthday is on \g<v>",
    ),
    (
        Pattern(r"(?i)^(?:it is|that is) my birthday (?:on|in) (?P<v>.+)$"),
        r"my birthday is on \g<v>",
    ),
    (
        Pattern(r"(?i)^(?P<v>.+?) is where i (?:live|am living|reside|am based)$"),
        r"i live in \g<v>",
    ),
    (
        Pattern(r"(?i)^(?:home|home for me|home base) is (?:now |in )?(?P<v>.+)$"),
        r"i live in \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?:what i do (?:for a living|for work)|for (?:a living|work)) is (?P<v>.+)$"
        ),
        r"my job is \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?:nothing beats|there is nothing (?:better|like)|there is nothing i love more "
            r"than) (?P<v>.+)$"
        ),
        r"i love \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?P<v>[\w' -]{2,40}) (?:is|are) (?:what i (?:love|enjoy|like)(?: most| best)?|"
            r"my (?:thing|jam|passion|happy place|comfort \w+|guilty pleasure))$"
        ),
        r"i love \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?P<v>[\w' -]{2,40}) (?:is|are) (?:not my thing|not my cup of tea|not for me|"
            r"what i hate(?: most)?|my nemesis)$"
        ),
        r"i hate \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?P<v>[\w' -]{2,40}?) (?:makes?|give|gives) me (?:sick|break out|hives|swell up|"
            r"itch|sneeze)\b.*$"
        ),
        r"i am allergic to \g<v>",
    ),
    (
        Pattern(r"(?i)^(?P<v>[\w' -]{2,40}?) (?:scares?|terrif(?:y|ies)|frightens?) me\b.*$"),
        r"i am afraid of \g<v>",
    ),
    (
        Pattern(
            r"(?i)^there (?:is|are) (?:nothing|no \w+) i (?:hate|dislike) more than (?P<v>.+)$"
        ),
        r"i hate \g<v>",
    ),
    (
        Pattern(
            r"(?i)^(?P<v>[A-Z]\w+) is my (?P<a>name|first name|middle name|last name|surname|"
            r"hometown|home town|native language|mother tongue|nickname)$"
        ),
        r"my \g<a> is \g<v>",
    ),
)


@dataclass(frozen=True, slots=True)
class LeadIn:
    """A clause without what was put before it."""

    rest: str
    corrects: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Somebody a teller speaks of, by name or by what they are to the teller."""

    called: str = ""
    relation: str = ""

    def label(self, teller: str) -> str:
        """Return the name, or "Anna's sister"."""
        return self.called or f"{teller}'s {self.relation}"

    def described(self, teller: str) -> str:
        """Return how a sentence calls them."""
        if self.called and self.relation:
            return f"{teller}'s {self.relation} {self.called}"
        return self.label(teller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Of whom a clause speaks, none for the teller, and what it says.

    ``owned``: the rest begins with something of theirs, such as "favourite colour is".
    ``introduces``: the word, such as "sister", that tells what the named one is to the teller.
    """

    rest: str
    named: Named | None = None
    owned: bool = False
    introduces: str | None = None

    @classmethod
    def myself(cls, rest: str) -> Subject:
        """Return the teller as the subject."""
        return cls(rest=rest)


def lead_in(words: str) -> LeadIn:
    """Return ``words`` without openings such as "well," and what those openings tell."""
    corrects = unsure = False
    for _ in range(8):
        before = words
        if found := _CORRECTION.match(words):
            corrects, words = True, words[found.end() :]
        elif found := _UNSURE.match(words):
            unsure, words = True, words[found.end() :]
        elif (found := _OPENING.match(words)) or (found := _VOCATIVE.match(words)):
            words = words[found.end() :]
        words = words.lstrip(" ,.:;!-")
        if words == before:
            break
    return LeadIn(words, corrects, unsure)


def call_me(words: str, *, greeted: bool) -> Finding | None:
    """Return the name somebody gives for themselves; ``greeted`` reads "I am Anna" as well."""
    found = _CALL_ME.match(words)
    called = values.name(found["name"], loose=True) if found else ""
    if found and re.match(
        r"(?i)\s*(?:a|an|the|when|if|if you|back|later|tomorrow|crazy|every)\b", found["name"]
    ):
        return None
    if not called and greeted and (found := _I_AM.match(words)):
        called = "" if found["name"].split()[0].casefold() in _NOT_CALLED else found["name"]
    if not called:
        return None
    return Finding(
        slot="name",
        value=called,
        kind=FactKind.NAME,
        sentence=f"{{who}} is called {called}.",
        quote="",
        confidence=0.7 if greeted else 0.8,
    )


def reversed_words(words: str) -> str:
    """Return a clause such as "teal is my favourite colour" the other way round."""
    stripped = words.rstrip(" .!")
    for pattern, order in _FLIPPED:
        if pattern.match(stripped):
            return pattern.sub(order, stripped)
    return words


def subject_of(words: str, *, third: Named | None) -> Subject | None:
    """Return of whom a clause speaks; ``third`` is whom "he" and "she" mean."""
    if found := _SAID_OF_SELF.match(words):
        words = f"{found['whom']} {found['rest']}"
    if found := _KIN.match(words):
        return _kin(words, found)
    if found := _MY.match(words):
        return Subject(rest=found["rest"], owned=True)
    if found := _I.match(words):
        return Subject(rest=found["rest"])
    if third is not None and (found := _HE.match(words)):
        return Subject(rest=found["rest"], named=third)
    if third is not None and (found := _HIS.match(words)):
        return Subject(rest=found["rest"], named=third, owned=True)
    if (found := _NAMES_OWN.match(words)) and _is_name(found["name"]):
        return Subject(rest=found["rest"], named=Named(called=found["name"]), owned=True)
    if (found := _NAMED.match(words)) and _is_name(found["name"]):
        return Subject(rest=found["rest"], named=Named(called=found["name"]))
    return None


def _kin(words: str, found: re.Match[str]) -> Subject | None:
    relation = " ".join(f"{found['adj']}{found['rel']}".split()).lower()
    rest = found["rest"]
    whose = re.match(r"(?i)^(?:'s|s'|') (?P<rest>.+)$", rest)
    if whose is not None:
        if re.match(r"(?i)^names?\b", whose["rest"]):
            return Subject(rest=words.split(" ", 1)[1], owned=True)
        return Subject(rest=whose["rest"], named=Named(relation=relation), owned=True)
    if re.match(r"(?i)^ (?:is|are|am) (?:called|named|known as)\b", rest):
        return Subject(rest=words.split(" ", 1)[1], owned=True)
    if re.match(r"(?i)^ and (?:i|me)\b", rest):
        after = re.sub(r"(?i)^ and (?:i|me)\b\s*", "", rest)
        return Subject(rest=after)
    named = re.match(
        r"^[,:]? (?P<name>[A-Z\u00c0-\u00de][\w-]{1,20}(?: [A-Z\u00c0-\u00de][\w-]{1,20})?)"
        r"(?P<own>'s)?(?P<rest>(?:,? .*)?)$",
        rest,
    )
    if named is not None and _is_name(named["name"]):
        return Subject(
            rest=named["rest"].lstrip(" ,"),
            named=Named(called=named["name"], relation=relation),
            owned=bool(named["own"]),
            introduces=found["rel"].lower(),
        )
    lower = re.match(rf"^,? (?P<name>[a-z][\w-]{{1,20}}) (?P<rest>(?i:{_MOVES})\b.*)$", rest)
    if lower is not None and values.name(lower["name"], loose=True):
        called = values.name(lower["name"], loose=True)
        if lower["name"] not in {*VERBS, *THIRD, *PAST, "will", "can", "no"}:
            return Subject(
                rest=lower["rest"],
                named=Named(called=called, relation=relation),
                introduces=found["rel"].lower(),
            )
    predicate = rest.strip(" ,")
    if not predicate or rest[:1] not in {" ", ","}:
        return Subject(rest=words.split(" ", 1)[1], owned=True)
    return Subject(rest=predicate, named=Named(relation=relation))


def _is_name(words: str) -> bool:
    first = words.split()[0].casefold().rstrip(".")
    return first not in _NOT_NAMES and first not in VERBS
