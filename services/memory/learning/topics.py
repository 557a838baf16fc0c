"""The topics a model may name, and the slots, kinds and sentences that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.memory.learning.rules.english import RELATION_OF, SPECIES
from services.memory.learning.rules.findings import FactKind
from services.memory.learning.slots import slug

TopicName = Literal[
    "name",
    "birthday",
    "age",
    "lives_in",
    "from",
    "works_as",
    "works_at",
    "studies",
    "relationship_status",
    "family",
    "friend",
    "pet",
    "likes",
    "dislikes",
    "favourite",
    "allergy",
    "diet",
    "hobby",
    "plays",
    "speaks",
    "owns",
    "plan",
    "wants",
    "fear",
    "health",
    "trait",
    "other",
]


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a claim belongs; ``sentence`` has ``{who}`` and ``<v>`` for the value."""

    slot: str
    kind: FactKind
    sentence: str


_FACT, _PREFERENCE, _TRAIT = FactKind.FACT, FactKind.PREFERENCE, FactKind.TRAIT
_RELATIONSHIP, _DATE = FactKind.RELATIONSHIP, FactKind.DATE
_TOPICS: dict[str, Topic] = {
    "name": Topic("name", FactKind.NAME, "{who} is called <v>."),
    "birthday": Topic("birthday", _DATE, "{who}'s birthday is <v>."),
    "age": Topic("age", _FACT, "{who} is <v> years old."),
    "lives_in": Topic("lives_in", _FACT, "{who} lives in <v>."),
    "from": Topic("from", _FACT, "{who} is from <v>."),
    "works_as": Topic("works_as", _FACT, "{who} works as <v>."),
    "works_at": Topic("works_at", _FACT, "{who} works at <v>."),
    "studies": Topic("studies", _FACT, "{who} studies <v>."),
    "relationship_status": Topic("relationship_status", _RELATIONSHIP, "{who} is <v>."),
    "likes": Topic("likes", _PREFERENCE, "{who} likes <v>."),
    "dislikes": Topic("dislikes", _PREFERENCE, "{who} does not like <v>."),
    "allergy": Topic("allergy", _FACT, "{who} is allergic to <v>."),
    "diet": Topic("diet", _FACT, "{who}'s diet: <v>."),
    "hobby": Topic("hobby", _PREFERENCE, "{who}'s hobby is <v>."),
    "plays": Topic("plays", _FACT, "{who} plays <v>."),
    "speaks": Topic("speaks", _FACT, "{who} speaks <v>."),
    "owns": Topic("owns", _FACT, "{who} has <v>."),
    "plan": Topic("plan", _DATE, "{who} plans: <v>."),
    "wants": Topic("wants", _PREFERENCE, "{who} wants: <v>."),
    "fear": Topic("fear", _TRAIT, "{who} is afraid of <v>."),
    "health": Topic("health", _FACT, "{who} has <v>."),
    "trait": Topic("trait", _TRAIT, "{who}: <v>."),
    "friend": Topic("friend", _RELATIONSHIP, "{who}'s friend: <v>."),
}
_KEYS = {
    "residence": "lives_in",
    "location": "lives_in",
    "city": "lives_in",
    "home": "lives_in",
    "address": "lives_in",
    "country": "lives_in",
    "job": "works_as",
    "profession": "works_as",
    "occupation": "works_as",
    "work": "works_as",
    "employer": "works_at",
    "company": "works_at",
    "hometown": "from",
    "origin": "from",
    "birth_date": "birthday",
    "date_of_birth": "birthday",
    "like": "likes",
    "interest": "likes",
    "interests": "likes",
    "preference": "likes",
    "preferences": "likes",
    "dislike": "dislikes",
    "hates": "dislikes",
    "allergies": "allergy",
    "hobbies": "hobby",
    "language": "speaks",
    "languages": "speaks",
    "instrument": "plays",
    "user_name": "name",
    "username": "name",
    "first_name": "name",
    "nickname": "name",
    "fears": "fear",
    "goal": "wants",
    "dream": "wants",
    "pets": "pet",
    "major": "studies",
    "diet": "diet",
    "food_preference": "diet",
}


def topic_of(name: str, detail: str = "") -> Topic:
    """Return the topic that ``name`` and ``detail`` mean; an unknown one holds many values."""
    key = slug(name)
    if key.startswith(("favourite_", "favorite_", "fav_")):
        key, detail = "favourite", key.partition("_")[2]
    key = _KEYS.get(key, key)
    word = " ".join(detail.split()).lower()
    if key in _TOPICS:
        return _TOPICS[key]
    if key == "favourite" and word:
        return Topic(f"favourite:{slug(word)}", _PREFERENCE, f"{{who}}'s favourite {word} is <v>.")
    relation = RELATION_OF.get(word) or RELATION_OF.get(key)
    if relation is not None:
        return Topic(relation, _RELATIONSHIP, f"{{who}}'s {relation.replace('_', ' ')}: <v>.")
    if key == "pet" or key in SPECIES.values():
        species = SPECIES.get(word, word) or (key if key != "pet" else "any")
        return Topic(f"pet:{slug(species)}", _RELATIONSHIP, f"{{who}}'s pet {word}: <v>.")
    shown = (word or name).replace("_", " ")
    return Topic(f"has:{slug(shown) or 'something'}", _FACT, f"{{who}}, {shown}: <v>.")
