"""From a card to a persona; what is wrong in our own fields costs the field, never the card."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest
from services.persona.cards.acore_fields import AcoreFields, read_fields
from services.persona.cards.normalising import normalise
from services.persona.cards.personas import persona_of, read_persona
from services.persona.cards.versions import as_v2
from services.persona.character import DepthPrompt, EvolutionStep
from tests.fakes.card_files import as_json, book, entry, png, text, v1, v2, v3

OWN = {
    "id": "ada",
    "aliases": ["beekeeper"],
    "tools": ["weather"],
    "voice": {"engine": "e", "voice": "v", "speed": 1.1, "pitch": -2},
    "model": {"model": "m", "fallbacks": ["n"], "temperature": 0.4, "max_tokens": 90},
    "behaviors": {"check_in": {"hour": 9}},
    "knowledge": ["bees"],
    "frameworks": {"caring": 0.8},
    "evolution": [{"messages": 100, "tone": "warm"}, {"messages": 50, "quirks": ["hums"]}],
    "activities": {"game": ["chess"]},
    "verbosity": 150,
}


def test_every_field_reaches_the_persona() -> None:
    lore = book(entry())
    card = v3(
        nickname="Addy",
        post_history_instructions="Stay.",
        group_only_greetings=["All!"],
        tags=["t"],
        character_book=lore,
        extensions={
            "acore": OWN,
            "talkativeness": "0.9",
            "world": "Hives",
            "depth_prompt": {"prompt": "p", "depth": 1, "role": "user"},
            "regex_scripts": [{"scriptName": "s"}],
        },
    )
    persona = persona_of(normalise(card), slug="ada-2", version="1")
    character = persona.character
    assert (persona.id, persona.slug, persona.name) == ("ada", "ada-2", "Addy")
    assert persona.names == ("Ada", "Addy", "beekeeper")
    assert character.post_history_instructions == "Stay."
    assert character.group_only_greetings == ("All!",)
    assert character.talkativeness == 0.9
    assert character.world == "Hives"
    assert character.depth_prompt == DepthPrompt(prompt="p", depth=1, role="user")
    assert character.regex_scripts == ({"scriptName": "s"},)
    assert character.character_book is not None
    assert character.character_version == "1"
    assert persona.model.fallbacks == ("n",)
    assert persona.voice.speed == 1.1
    assert persona.evolution == (
        EvolutionStep(messages=50, quirks=("hums",)),
        EvolutionStep(messages=100, tone="warm"),
    )
    assert persona.verbosity == 150
    assert persona.activities == {"game": ("chess",)}
    assert persona.frameworks == {"caring": 0.8}
    assert persona.behaviors == {"check_in": {"hour": 9}}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "../x"}, "id"),
        ({"aliases": {"a": 1}}, "aliases"),
        ({"tools": [1]}, "tools"),
        ({"voice": "loud"}, "voice"),
        ({"voice": {"speed": 99, "voice": "v"}}, "voice.speed"),
        ({"model": {"temperature": "hot", "model": "m"}}, "model.temperature"),
        ({"behaviors": ["x"]}, "behaviors"),
        ({"frameworks": {"caring": 3}}, "frameworks"),
        ({"evolution": [{"messages": 0}]}, "evolution"),
        ({"verbosity": 9_000}, "verbosity"),
    ],
)
def test_a_wrong_field_is_left_out_alone(wrong: dict[str, object], field: str) -> None:
    fields, warnings = read_fields({**OWN, **wrong})
    assert [f"`extensions.acore.{field}`" in warning for warning in warnings] == [True]
    whole, _ = read_fields(OWN)
    for name in AcoreFields.model_fields:
        if name != field.partition(".")[0]:
            assert getattr(fields, name) == getattr(whole, name)
    if field == "voice.speed":
        assert (fields.voice.voice, fields.voice.speed) == ("v", 1.0)


def test_what_is_no_object_is_left_out() -> None:
    assert read_fields(None) == (AcoreFields(), ())
    assert len(read_fields("x")[1]) == 1


def test_one_name_is_a_list_of_one() -> None:
    assert read_fields({"aliases": "Bee"})[0].aliases == ("Bee",)


def test_a_card_without_id_and_name_takes_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "ada" / "card.json"
    path.parent.mkdir()
    path.write_bytes(as_json(v1(name="  ")))
    persona = read_persona(path)
    assert (persona.id, persona.name) == ("ada", "ada")


def test_a_picture_card_is_a_persona_too_and_its_version_follows_its_content(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ada" / "card.json"
    path.parent.mkdir()
    path.write_bytes(png(text("chara", v2())))
    first = read_persona(path)
    path.write_bytes(png(text("chara", v2(description="Changed."))))
    second = read_persona(path)
    assert first.character.name == "Ada"
    assert first.version != second.version
    assert read_persona(path).version == second.version


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        read_persona(tmp_path / name)


def test_half_a_surrogate_pair_never_reaches_a_prompt() -> None:
    persona = persona_of(normalise(v1(description="cut \ud83d")), slug="a", version="1")
    assert persona.character.description == "cut \ufffd"


def test_v2_has_no_decorators_and_no_later_fields() -> None:
    lore = book(entry(content="@@depth 2\n@@@role user\n\nBees.", id="x", use_regex=True))
    card = normalise(v3(nickname="Addy", source=["https://a.example"], character_book=lore))
    older = as_v2(card)
    data = older["data"]
    assert isinstance(data, dict)
    assert (older["spec"], older["spec_version"]) == ("chara_card_v2", "2.0")
    assert not {"nickname", "source", "group_only_greetings", "assets"} & set(data)
    [first] = data["character_book"]["entries"]
    assert first["content"] == "Bees."
    assert "use_regex" not in first
    assert "id" not in first
    assert normalise(older) == card


def test_a_field_filled_in_since_wins_over_the_one_put_away() -> None:
    older = as_v2(normalise(v3(nickname="Addy")))
    data = older["data"]
    assert isinstance(data, dict)
    data["nickname"] = "Dee"
    assert normalise(older).called == "Dee"
