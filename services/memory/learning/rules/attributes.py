"""Rules for what belongs to somebody: "my name is", "my favourite colour is", "my exam is on"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.memory.learning.rules import values
from services.memory.learning.rules.belongings import named_companions
from services.memory.learning.rules.english import DATE, KIN, MONTH, PET, PET_MANY, RELATION
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.rules.patterns import Pattern
from services.memory.learning.slots import single, slug

_COMPANION = Pattern(
    rf"(?i)^(?P<adj>{KIN})(?P<who>{RELATION}|{PET}|{PET_MANY})(?:s'|'s|')? names?$"
)
_CALLED = Pattern(
    rf"(?i)^(?P<adj>{KIN})(?P<who>{RELATION}|{PET}|{PET_MANY}) (?:is|"
    rf"are|am) (?:called|named|known as) (?P<v>.+)$"
)
_IS = Pattern(
    r"(?i)^(?P<attribute>[\w' -]{2,60}?)(?: (?P<verb>is|are|has always "
    r"been|has been|have always been|"
    r"was|were|used to be|will be|falls on|starts|leaves|begins|takes place|happens to be|would be|"
    r"has to be|must be|remains|became|is called|changed to|turned)| ?[:=]) (?P<rest>.+)$"
)
_NAME = Pattern(
    r"(?i)^(?:full |first |real |given |actual |legal |preferred |christian |own |)name$"
)
_FAVOURITE = Pattern(
    r"(?i)^(?:current |all[- ]time |absolute |personal |number one |number-one |top |new |very |"
    r"other |)favourite (?P<what>[\w' -]+?)(?: (?:of all time|ever|"
    r"in the world|these days|right now|"
    r"at the moment|to \w+|by far|as a (?:kid|child)))?$"
)
_WORST = Pattern(r"(?i)^least favourite (?P<what>[\w' -]+)$")
_WORK = Pattern(
    r"(?i)^(?:day |current |new |main |)(?:job|profession|occupation|trade|job title|career)$"
)
_HOME = Pattern(
    r"(?i)^(?:current |)(?:home|city|town|village|place|country|neighbou?rhood|address)$"
)
_ORIGIN = Pattern(r"(?i)^(?:home ?town|home country|birthplace|place of birth|homeland)$")
_TONGUE = Pattern(r"(?i)^(?:native|first|mother|home) (?:language|tongue)s?$")
_HOBBY = Pattern(
    r"(?i)^(?:main |biggest |new |favourite |only |)(?:hobby|hobbies|pastimes?|interests?)$"
)
_BIRTHDAY = Pattern(
    r"(?i)^(?:birthday|birth ?date|date of birth|name day|anniversary|wedding anniversary)$"
)
_DREAM = Pattern(
    r"(?i)^(?:big |biggest |greatest |lifelong |life |)(?:dream|goal|"
    r"ambition|wish)(?: in life| job|(?: for)? this year)?$"
)
_NO_ATTRIBUTE = Pattern(
    r"(?i)\b(?:point|question|problem|issue|idea|guess|bad|fault|head|"
    r"day|week|weekend|night|evening|"
    r"morning|mood|turn|pleasure|opinion|view|answer|advice|mind|heart|god|life|back|feet|legs|arm|"
    r"throat|stomach|brain|phone battery|internet|connection|computer|"
    r"laptop|room|message|text|reply|"
    r"suggestion|concern|worry|fear is that|thing|stuff|code|app|last|next question|understanding|"
    r"impression|feeling|feelings|hope|lunch|dinner|breakfast|meal|coffee|tea|mouth|hands?|face|"
    r"body|self|own|instructions?|rules?|command|orders?|prompt|system|reason|excuse|mistake|bag|"
    r"word|words|thoughts?|test|character|persona|avatar)$"
)
_FITTING = Pattern(
    r"(?i)^(?:\W*\d|(?-i:[A-Z])|an? |the |in |on |at |called |named "
    r"|blue|green|brown|red|black|white|"
    r"blond|grey|gray|pink|purple|orange|yellow|teal|curly|straight|long|short|dark|light)"
)
_TELLING = Pattern(
    r"(?i)\b(?:hair|eyes?|eye colou?r|hair colou?r|size|number|sign|"
    r"zodiac|type|pronouns|height|weight|"
    r"time ?zone|nickname|surname|username|handle|team|club|instrument|major|minor|subject|car|"
    r"bike|house|flat|apartment|guitar|religion|faith|nationality|gender|star sign|username|"
    r"signature dish|specialty|role model|hero|idol|email|gamertag|band|school|university|company|"
    r"employer|shop|business|allergy|diet|ethnicity|motto|comfort food|guilty pleasure|"
    r"go-to \w+|style|model|brand|blood type|phobia|instagram|blog|podcast|channel)$"
)
_JUDGED = Pattern(
    r"(?i)^(?:(?:so|super|really|very|too|quite|pretty|just|always|"
    r"being|getting|going) |(?:great|good|"
    r"bad|amazing|awesome|terrible|horrible|fine|nice|fun|okay|ok|broken|dead|slow|fast|late|empty|"
    r"full|killing|driving|acting|the (?:best|worst|one|same|reason))\b)"
)
_ON_DATE = Pattern(
    rf"(?i)^(?:scheduled |planned |set |due |booked |coming up |going to be |)"
    rf"(?:on|in|at|for|this|next|from|the)?\s*(?P<v>{DATE}.*)$"
)
_PAST = frozenset({"was", "were", "used to be"})


@dataclass(frozen=True, slots=True)
class _Plain:
    """An attribute that always fills the same slot, and what may stand before its value."""

    pattern: Pattern
    slot: str
    sentence: str
    before: str = ""
    kind: FactKind = FactKind.FACT
    many: bool = False
    needs: str = ""

    def read(self, rest: str) -> Iterator[Finding]:
        """Yield the value or values in ``rest``."""
        if self.needs and not re.match(self.needs, rest):
            return
        words = re.sub(self.before, "", rest) if self.before else rest
        if self.many:
            yield from _many(self.slot, words, self.kind, self.sentence)
        else:
            yield from _one(self.slot, values.tidy(words), self.kind, self.sentence)


_PLAIN = (
    _Plain(Pattern(r"(?i)^age$"), "age", "{who} is <v> years old."),
    _Plain(_WORK, "works_as", "{who} works as <v>.", before=r"(?i)^(?:as|being|to be)\s+"),
    _Plain(_HOME, "lives_in", "{who} lives in <v>.", before=r"(?i)^(?:in|at|near|now)\s+"),
    _Plain(_ORIGIN, "from", "{who} is from <v>."),
    _Plain(_TONGUE, "native_language", "{who}'s native language is <v>.", many=True),
    _Plain(
        _HOBBY,
        "hobby",
        "{who}'s hobby is <v>.",
        before=r"(?i)^(?:including|include)\s+",
        kind=FactKind.PREFERENCE,
        many=True,
    ),
    _Plain(
        _DREAM,
        "wants",
        "{who} wants: <v>.",
        before=r"(?i)^to\s+",
        kind=FactKind.PREFERENCE,
        needs=r"(?i)^(?:to|an?|my|\w+ing)\b",
    ),
)


def read_attribute(words: str) -> Iterator[Finding]:
    """Yield what "favourite colour is teal" says; ``words`` follow "my" or "Bob's"."""
    if found := _CALLED.match(words):
        yield from named_companions(_whose(found), found["v"], only=True)
        return
    found = _IS.match(words)
    if found is None:
        return
    attribute = " ".join(found["attribute"].split())
    verb, rest = (found["verb"] or "is").lower(), found["rest"]
    if companion := _COMPANION.match(attribute):
        if verb not in _PAST:
            yield from named_companions(_whose(companion), _called(rest), only=True)
        return
    negative = re.match(r"(?i)^(?:not|no longer)\s+(?P<rest>.+)$", rest)
    for each in _of(attribute, negative["rest"] if negative else rest):
        if negative:
            yield replace(each, ends=True, sentence=f"This no longer holds: {each.sentence}")
        elif verb not in _PAST or each.slot == "birthday":
            yield each


def _whose(found: re.Match[str]) -> str:
    return "bestie" if re.match(r"(?i)best ", found["adj"]) else str(found["who"])


def _called(rest: str) -> str:
    return re.sub(
        r"(?i)^(?:called|named|spel(?:led|t)|pronounced|written|actually|really)\s+", "", rest
    )


def _of(attribute: str, rest: str) -> Iterator[Finding]:
    """Yield the finding for an attribute and what is said of it."""
    if _NAME.match(attribute):
        yield from _one(
            "name", values.name(_called(rest), loose=True), FactKind.NAME, "{who}'s name is <v>."
        )
    elif found := _FAVOURITE.match(attribute):
        yield from _favourites(found["what"], rest)
    elif found := _WORST.match(attribute):
        yield from _one(
            f"least_favourite:{slug(found['what'])}",
            values.tidy(rest, article=False),
            FactKind.PREFERENCE,
            f"{{who}}'s least favourite {found['what']} is <v>.",
        )
    elif _BIRTHDAY.match(attribute):
        slot = "birthday" if attribute.lower().startswith(("birth", "date")) else slug(attribute)
        value = re.sub(
            r"(?i)^(?:on|in|is|this|coming up on|coming up in)\s+", "", values.tidy(rest)
        )
        if re.search(rf"(?i){MONTH}|\d", value):
            yield from _one(slot, value, FactKind.DATE, f"{{who}}'s {attribute.lower()} is <v>.")
    elif plain := next((each for each in _PLAIN if each.pattern.match(attribute)), None):
        yield from plain.read(rest)
    elif (
        attribute.lower() != "favourite"
        and not _NO_ATTRIBUTE.search(attribute)
        and len(attribute.split()) <= 4
    ):
        yield from _other(attribute, rest)


def _favourites(what: str, rest: str) -> Iterator[Finding]:
    plural = re.search(r"(?i)(?:ies|[^s]s)$", what) and what.lower() not in {"series", "species"}
    listed = values.listed(re.sub(r"(?i)^(?:either|probably|definitely|always)\s+", "", rest))
    value = " and ".join(listed) if plural else values.tidy(rest)
    what = re.sub(r"(?i)^(?:kind|type|sort|genre) of ", "", what).strip()
    word = re.sub(r"(?i)(?<=[^s])s$", "", what) if plural and not what.endswith("ies") else what
    verb = "are" if plural else "is"
    yield from _one(
        f"favourite:{slug(word)}",
        value,
        FactKind.PREFERENCE,
        f"{{who}}'s favourite {what} {verb} <v>.",
    )


def _other(attribute: str, rest: str) -> Iterator[Finding]:
    words = attribute.lower()
    if found := _ON_DATE.match(rest):
        yield from _one(
            f"date:{slug(attribute)}",
            values.tidy(found["v"]),
            FactKind.DATE,
            f"{{who}}'s {words} is on <v>.",
        )
        return
    if _JUDGED.match(rest):
        return
    telling = _TELLING.search(attribute)
    if not telling and not _FITTING.match(rest):
        return
    value = values.tidy(rest)
    if value and not re.match(
        r"(?i)^(?:in (?:trouble|pain|danger)|a mess|on fire|the (?:one|reason))", value
    ):
        plural = "are" if words.endswith("s") and not words.endswith("ss") else "is"
        found_kind = FactKind.TRAIT if telling else FactKind.FACT
        sentence = f"{{who}}'s {words} {plural} <v>."
        for each in _one(slug(attribute), value, found_kind, sentence):
            yield replace(each, confidence=0.8 if telling else 0.6)


def _one(slot: str, value: str, kind: FactKind, sentence: str) -> Iterator[Finding]:
    if value:
        yield Finding(
            slot=slot, value=value, kind=kind, sentence=sentence.replace("<v>", value), quote=""
        )


def _many(slot: str, rest: str, kind: FactKind, sentence: str) -> Iterator[Finding]:
    for value in values.listed(rest):
        yield from _one(slot, value, kind, sentence)


def corrected(finding: Finding) -> Finding:
    """Return ``finding`` as one that puts an earlier statement right."""
    keeps = single(finding.slot) or finding.slot in {"likes", "dislikes", "told"}
    return finding if keeps else replace(finding, replaces=True)
