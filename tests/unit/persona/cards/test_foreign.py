"""Characters of other programs become cards."""

from __future__ import annotations

import json
from typing import Any

from services.persona.cards.document import CardDocument
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from tests.fakes.card_files import as_json, byaf, png, v1


def entries(card: CardDocument) -> Any:
    assert card.character_book is not None
    return card.character_book["entries"]


def read(data: bytes):
    return read_card(data, name="card", limits=CardLimits())


def test_ooba_names() -> None:
    told = {
        "char_name": "Ada",
        "char_persona": "Keeps bees.",
        "char_greeting": "Hi.",
        "world_scenario": "a garden",
        "example_dialogue": "{{char}}: yes",
        "x_more": [1],
    }
    card = read(as_json(told)).document
    assert card.origin == "ooba or CAI"
    assert card.name == "Ada"
    assert card.text("description") == "Keeps bees."
    assert card.text("first_mes") == "Hi."
    assert card.text("scenario") == "a garden"
    assert card.text("mes_example") == "{{char}}: yes"
    assert card.card["x_more"] == (1,)


def test_a_card_that_carries_both_sets_of_names_keeps_its_own() -> None:
    card = read(as_json({**v1(), "char_name": "Other", "char_persona": "other"})).document
    assert card.name == "Ada"
    assert card.text("description") == "Keeps bees."
    assert card.card["char_name"] == "Other"


def test_agnai_character_with_its_memory_book() -> None:
    told = {
        "kind": "character",
        "name": "Ada",
        "description": "for the gallery",
        "persona": {"kind": "attributes", "attributes": {"species": ["human"], "mind": ["a", "b"]}},
        "greeting": "Hi.",
        "scenario": "a garden",
        "sampleChat": "{{char}}: yes",
        "alternateGreetings": ["Hello."],
        "systemPrompt": "Be brief.",
        "postHistoryInstructions": "Stay.",
        "insert": {"depth": 2, "prompt": "remember"},
        "characterBook": {
            "kind": "memory",
            "name": "bees",
            "entries": [
                {
                    "name": "hive",
                    "entry": "A hive hums.",
                    "keywords": ["hive"],
                    "priority": 5,
                    "weight": 3,
                    "enabled": True,
                }
            ],
        },
        "voice": {"service": "x"},
    }
    card = read(as_json(told)).document
    assert card.origin == "Agnai"
    assert card.text("description") == "species: human\nmind: a, b"
    assert card.text("creator_notes") == "for the gallery"
    assert card.texts("alternate_greetings") == ("Hello.",)
    assert card.depth_prompt is not None
    assert card.depth_prompt.depth == 2
    assert card.extensions["agnai"] == {"kind": "character", "voice": {"service": "x"}}
    [entry] = entries(card)
    assert entry["keys"] == ("hive",)
    assert entry["content"] == "A hive hums."
    assert (entry["priority"], entry["insertion_order"]) == (5, 3)


def test_agnai_free_text_persona() -> None:
    told = {"name": "A", "persona": {"kind": "text", "attributes": {"text": ["Tall."]}}}
    assert read(as_json(told)).document.text("description") == "Tall."


def test_backyard_archive() -> None:
    character = {
        "schemaVersion": 1,
        "id": "c1",
        "name": "Ada",
        "displayName": "Ada Comb",
        "isNSFW": False,
        "persona": "{character} likes {user}.",
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2025-01-02T00:00:00Z",
        "loreItems": [{"key": "hive, comb", "value": "{character} hums."}],
        "images": [
            {"path": "images/a.png", "label": "front"},
            {"path": "images/b.png", "label": "side"},
        ],
    }
    first = {
        "narrative": "A garden.",
        "formattingInstructions": "Be brief.",
        "exampleMessages": [{"characterID": "c1", "text": "#{user}: hi\n#{character}: hello"}],
        "firstMessages": [{"characterID": "c1", "text": "Hello {user}."}],
        "messages": [{"type": "human", "text": "private"}],
        "temperature": 0.7,
    }
    second = {"firstMessages": [{"characterID": "c1", "text": "Again."}], "messages": []}
    picture = png()
    images = {"characters/c1/images/a.png": picture, "characters/c1/images/b.png": png(after=b"b")}
    file = read(byaf(character, [first, second], images))
    card = file.document
    assert file.container == "byaf"
    assert (card.name, card.called) == ("Ada Comb", "Ada")
    assert card.text("description") == "{{char}} likes {{user}}."
    assert card.text("mes_example") == "<START>\n{{user}}: hi\n{{char}}: hello"
    assert card.text("first_mes") == "Hello {{user}}."
    assert card.texts("alternate_greetings") == ("Again.",)
    assert card.text("system_prompt") == "Be brief."
    assert card.data["creation_date"] == 1735689600
    assert card.text("creator") == "Bee Keeper"
    [entry] = entries(card)
    assert entry["keys"] == ("hive", "comb")
    assert file.picture == picture
    assert set(file.assets) == set(images)
    assert "private" not in json.dumps(card.plain()), "chats are not part of a character"
