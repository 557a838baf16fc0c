"""Rules for whom and what somebody has: pets, relatives, possessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from services.memory.learning.rules import values
from services.memory.learning.rules.english import (
    PET,
    PET_MANY,
    PETS_PLURAL,
    RELATION,
    RELATION_OF,
    SPECIES,
)
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.rules.patterns import Pattern
from services.memory.learning.rules.rule import rule

_CALLED = (
    r"(?:,?\s+(?:who (?:is|am|are) |that is |which is |and )?(?:(?:is|"
    r"are|am) )?(?:called|named|by the name of|whose names? (?:is|"
    r"are))\s+|(?:,?\s+whose names? (?:is|are)|\s*[:,(-]+)\s*)"
)
_WORD = r"(?:(?!with |for |of |to |from |at |in |on |and |the |my |some )[\w'-]+ )"
_ADJ = rf"{_WORD}{{0,4}}?"
_COUNT = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|both|several|"
    r"many|a couple of|some|\d+|lots of"
    r"|a few|no)"
)
_GET = (
    r"(?:(?:have |)(?:just |recently |finally |)(?:have|had|got|own|adopted|bought|rescued|foster|"
    r"fostered|raise|keep|gotten|am getting|inherited|found))"
)
_APART = (
    r"(?=\s*$|\s*[,.!(:;&-]|\s+(?:and|who|that|which|named|called|"
    r"whose|in|from|with|at|living|aged|"
    r"but|he|she|by|for|now|too|back|since|i|we|so|as|on|of|again|together|\d|(?-i:[A-Z])))"
)
_PET_ONE = Pattern(
    rf"(?i)^{_GET} (?:an?|one|my|our|another|this|the) (?P<adj>{_ADJ})"
    rf"(?P<pet>{PET})\b{_APART}(?P<rest>.*)$"
)
_PET_SOME = Pattern(
    rf"(?i)^{_GET} (?P<n>{_COUNT}) (?:{_ADJ})(?P<pet>{PET_MANY})\b{_APART}(?P<rest>.*)$"
)
_KIN_ONE = Pattern(
    rf"(?i)^(?:have|have got|live with|share a \w+ with|am dating|am seeing|am married to|"
    rf"married|am engaged to) (?:an?|one|my|another) "
    rf"(?P<adj>{_WORD}{{0,3}}?)(?P<rel>{RELATION})\b{_APART}(?P<rest>.*)$"
)
_KIN_SOME = Pattern(
    rf"(?i)^have (?P<n>{_COUNT}) (?P<adj>{_WORD}{{0,3}}?)(?P<rel>{RELATION})\b{_APART}(?P<rest>.*)$"
)
_WITH = Pattern(
    r"(?i)^(?:am|have been|got|was|married|have) ?(?:(?:happily |recently |newly )?"
    r"(?P<how>married to|dating|seeing|engaged to|in love with|going out with|together with|"
    r"living with|roommates with|friends with|best friends with|married)) "
    r"(?P<name>(?:my (?:\w+ )?)?[A-Z]\w+.*)$"
)
_HOW = {
    "dating": "partner",
    "seeing": "partner",
    "going out with": "partner",
    "together with": "partner",
    "living with": "roommate",
    "roommates with": "roommate",
    "in love with": "partner",
    "engaged to": "fiance",
    "friends with": "friend",
    "best friends with": "best_friend",
}
_PARENT_OF = Pattern(
    r"(?i)^(?:am|became|have become|am now) (?:an? )?(?:proud |single "
    r"|new |happy |)(?P<v>(?:mother|"
    r"father|mum|mom|dad|parent|grandmother|grandfather|grandma|grandpa|aunt|uncle|godmother|"
    r"godfather|twin|stepmother|stepfather|stepmum|stepdad)(?: (?:of|to) .+|))$"
)
_CHILD_CALLED = Pattern(
    rf"(?i)^(?:named|called|are naming|am naming) (?:my|our) (?:new "
    rf"|\w+ )?(?P<who>{RELATION}|{PET}) "
    rf"(?P<name>.+)$"
)
BELONGINGS = (
    rule(
        r"(?:have )?(?:broke|broken|split|separated) (?:up )?(?:with|from) my (?P<rel>boyfriend|"
        r"girlfriend|partner|fianc[e\u00e9]e?|husband|wife)\s*"
        r"(?:$|[.,!]|\w+ (?:ago|week|month|year))",
        "<rel>",
        "{who} is no longer together with their <rel>.",
        FactKind.RELATIONSHIP,
        fixed="",
        ends=True,
    ),
    rule(
        r"am (?:dating|seeing|going out with) (?:an?|this) [\w -]{2,30} (?:called|named) (?P<v>.+)",
        "partner",
        "{who}'s partner is called <value>.",
        FactKind.RELATIONSHIP,
        named=True,
    ),
    rule(
        r"(?:have )?(?:broke|broken|split|separated|am breaking) (?:up )?(?:with|from) (?:my \w+ )?"
        r"(?P<v>.+)",
        "partner+boyfriend+girlfriend+spouse+fiance+husband+wife",
        "{who} is no longer together with <value>.",
        FactKind.RELATIONSHIP,
        named=True,
        ends=True,
    ),
    rule(
        r"(?:sold|got rid of|gave away|crashed|lost|no longer have|no longer own|do not have|"
        r"do not own|have sold) (?:my|our|the|an?) (?:old )?(?P<v>(?:[\w-]+ ){0,3}(?:car|bike|"
        r"bicycle|motorbike|motorcycle|house|flat|boat|van|guitar|piano|phone|laptop|camera|"
        r"apartment|scooter|truck)\b(?: .+)?)",
        "owns",
        "{who} no longer has <a value>.",
        ends=True,
    ),
    rule(
        r"drive (?P<v>(?:an?|my|the|our) .+?)(?: (?:to|for|around|every) .+|)$",
        "owns",
        "{who} drives <value>.",
    ),
    rule(
        r"(?:own|have owned) (?P<v>(?:an?|two|three|\d+|my own|over|about|"
        r"more than|many|several|the) .+)",
        "owns",
        "{who} owns <value>.",
    ),
    rule(
        r"(?:bought|have bought|purchased|inherited|have inherited|got myself|treated myself to|"
        r"built|restored) (?P<v>(?:an?|my|our|the) (?:[\w'-]+ ){0,5}(?:house|"
        r"flat|apartment|car|bike|"
        r"bicycle|motorbike|motorcycle|boat|van|campervan|camper|guitar|piano|violin|cello|camera|"
        r"telescope|laptop|computer|pc|keyboard|console|drone|farm|cottage|cabin|tesla|volvo|"
        r"harley|vespa|kayak|typewriter|record player|synth\w*|printer|phone)\b.*)",
        "owns",
        "{who} owns <value>.",
    ),
    rule(
        r"have (?!been |had |never )(?P<v>(?:(?:blue|green|brown|gr[ea]y|"
        r"hazel|red|blond\w*|black|curly|long|short|straight|"
        r"dark|ginger|dyed|wavy|purple|pink) )+(?:eyes|hair)\b.*|freckles|dimples|perfect pitch|"
        r"(?:an? |two |three |four |five |several |many |\d+ |some |)(?:[\w'-]+ ){0,3}?(?:tattoos?|"
        r"piercings?|scars?|beard|birthmark|moustache|dreadlocks|collection|"
        r"garden|balcony|allotment|"
        r"greenhouse|car|bike|bicycle|motorbike|motorcycle|scooter|boat|van|truck|house|flat|"
        r"apartment|cottage|cabin|farm|vineyard|piano|guitar|violin|cello|telescope|kayak|camper|"
        r"caravan|tesla|record player|3d printer|sewing machine|library card|pilot'?s licen[cs]e|"
        r"driving licen[cs]e|driver'?s license|black belt|blog|podcast|youtube channel|beehives?|"
        r"pool|sauna|workshop|drone|steam deck|playstation|xbox|switch|gaming pc|synthesi[sz]ers?|"
        r"typewriters?|aquarium|terrarium|photographic memory|stutter|lisp|pacemaker)\b.*)",
        "has",
        "{who} has <value>.",
        confidence=0.7,
    ),
)


def read_company(predicate: str) -> Iterator[Finding]:
    """Yield the pets and people that a predicate in the first person's form says there are."""
    if found := _PET_ONE.match(predicate):
        yield from _pets([found["pet"]], found["rest"], found["adj"])
        another = re.search(
            rf"(?i)(?:,| and|,? as well as|,? plus) (?P<next>an? .*\b(?:{PET})\b.*)$", found["rest"]
        )
        if another is not None:
            yield from read_company(f"have {another['next']}")
    elif found := _PET_SOME.match(predicate):
        if found["n"].lower() == "no":
            return
        pet = PETS_PLURAL.get(found["pet"].lower(), found["pet"].lower())
        yield from _pets([pet], found["rest"], "", count=f"{found['n']} {found['pet']}")
    else:
        yield from _people(predicate)


def _people(predicate: str) -> Iterator[Finding]:
    if (found := _CHILD_CALLED.match(predicate)) and (called := _names(found["name"])):
        yield _named(found["who"].lower(), called[0])
    elif (found := _WITH.match(predicate)) and (called := _names(found["name"])):
        relation = _HOW.get(found["how"].lower(), "spouse")
        yield _kin(relation, called[0], relation.replace("_", " "))
    elif found := _PARENT_OF.match(predicate):
        value = values.tidy(found["v"])
        if value:
            yield Finding(
                slot="is_a",
                value=value,
                kind=FactKind.RELATIONSHIP,
                sentence=f"{{who}} is a {value}.",
                quote="",
            )
    elif found := _KIN_ONE.match(predicate):
        yield from _kin_found(found["rel"].lower(), found["adj"], found["rest"], count="a")
    elif found := _KIN_SOME.match(predicate):
        yield from _kin_found(found["rel"].lower(), found["adj"], found["rest"], count=found["n"])


def named_companions(owned: str, called: str, *, only: bool) -> list[Finding]:
    """Return that somebody's relatives or pets ``owned`` have the names in ``called``.

    ``only`` says that the words leave no room for a second one, as "my dog's name is" does.
    """
    found = [_named(owned, each) for each in _names(called)]
    return [replace(found[0], replaces=True)] if only and len(found) == 1 else found


def _named(owned: str, called: str) -> Finding:
    word = owned.lower().strip()
    if word in RELATION_OF:
        return _kin(RELATION_OF[word], called, word)
    return _pet(PETS_PLURAL.get(word, word), called)


def _pets(pets: list[str], rest: str, adjective: str, count: str = "") -> Iterator[Finding]:
    pet = pets[0].lower()
    found = re.match(rf"(?i)^(?:[\w' -]{{0,40}}?)?{_CALLED}(?P<names>.+)$", rest)
    names = _names(found["names"]) if found else []
    for each in names:
        yield _pet(pet, each)
    if not names:
        words = " ".join(f"{adjective}{pet}".split())
        shown = count or f"a {words}"
        yield Finding(
            slot=f"pet:{_species(pet)}",
            value=shown.removeprefix("a "),
            kind=FactKind.RELATIONSHIP,
            sentence=f"{{who}} has {shown}.",
            quote="",
        )


def _pet(pet: str, called: str) -> Finding:
    return Finding(
        slot=f"pet:{_species(pet)}",
        value=called,
        kind=FactKind.RELATIONSHIP,
        sentence=f"{{who}}'s {pet} is called {called}.",
        quote="",
    )


def _species(pet: str) -> str:
    return SPECIES.get(pet, pet).replace(" ", "_")


def _kin_found(word: str, adjective: str, rest: str, *, count: str) -> Iterator[Finding]:
    relation = RELATION_OF[word]
    found = re.match(rf"(?i)^(?:[\w' -]{{0,40}}?)?{_CALLED}(?P<names>.+)$", rest)
    names = _names(found["names"]) if found else []
    if not names and (plain := re.match(r"^ (?P<name>[A-Z][\w-]+)", rest)):
        names = _names(plain["name"])
    if re.search(r"(?i)\bbest ", adjective):
        relation = "best_friend"
    for each in names:
        yield _kin(relation, each, f"{adjective}{word}".strip())
    if names or count == "no":
        return
    shown = " ".join(f"{count} {adjective}{word}".split())
    yield Finding(
        slot=relation,
        value=shown.removeprefix("a "),
        kind=FactKind.RELATIONSHIP,
        sentence=f"{{who}} has {shown}.",
        quote="",
    )


def _kin(relation: str, called: str, word: str) -> Finding:
    if word == "bestie":
        word = "best friend"
    if word.endswith(relation + "s") or word in {"kids", "children", "twins"}:
        word = relation
    return Finding(
        slot=relation,
        value=called,
        kind=FactKind.RELATIONSHIP,
        sentence=f"{{who}}'s {word} is called {called}.",
        quote="",
    )


def _names(words: str) -> list[str]:
    """Return the names at the start of ``words``, of which the first may be in lower case."""
    found = []
    for part in re.split(r"(?i)\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+", words.strip(" .!?:,(\"'")):
        called = values.name(part, loose=True)
        if not called:
            break
        found.append(called)
        if len(part.strip(" .!?)\"'")) > len(called) + 1:
            break
    return found
