"""Every form of a card becomes the one normal form, with nothing lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.domain.errors import InvalidRequest
from services.persona.cards.document import CardDocument
from services.persona.cards.jsontree import parse
from services.persona.cards.normalising import normalise
from tests.fakes.card_files import as_json, book, entry, v1, v2, v3


def entries(card: CardDocument) -> Any:
    assert card.character_book is not None
    return card.character_book["entries"]


def normal(value: object) -> CardDocument:
    return normalise(parse(as_json(value)))


def test_flat_v1_becomes_v3_and_keeps_what_it_does_not_know() -> None:
    card = normal(v1(avatar="none", chat="Ada - 2023", create_date="2023-5-12 @21h 32m 29s 228ms"))
    assert card.origin == "chara_card_v1"
    assert card.card["spec"] == "chara_card_v3"
    assert card.card["spec_version"] == "3.0"
    assert card.name == "Ada"
    assert card.card["create_date"] == "2023-5-12 @21h 32m 29s 228ms"
    assert "description" not in card.card, "one place for each text"
    for name in ("alternate_greetings", "group_only_greetings", "tags"):
        assert card.data[name] == ()
    assert card.extensions == {}
    assert card.text("system_prompt") == ""


def test_older_flat_cards_keep_their_later_fields() -> None:
    card = normal(v1(creatorcomment="mine", talkativeness="0.7", fav=True, tags=["a"]))
    assert card.text("creator_notes") == "mine"
    assert card.talkativeness == 0.7
    assert card.extensions["talkativeness"] == "0.7", "kept as it was written"
    assert card.texts("tags") == ("a",)


def test_data_wins_over_the_same_fields_at_the_top() -> None:
    card = normal({**v2(description="inner"), **v1(description="outer"), "x_app": {"a": None}})
    assert card.text("description") == "inner"
    assert "description" not in card.card
    assert card.card["x_app"] == {"a": None}
    assert any("twice" in warning for warning in card.warnings)


def test_a_field_only_at_the_top_is_taken_in() -> None:
    card = v2()
    data = card["data"]
    assert isinstance(data, dict)
    del data["first_mes"]
    assert normal({**card, "first_mes": "outer"}).text("first_mes") == "outer"


@pytest.mark.parametrize(
    ("spec", "version", "written", "warned"),
    [
        ("chara_card_v3", "3.0", "3.0", False),
        ("chara_card_v3", 3, "3.0", False),
        ("chara_card_v3", "3.10", "3.10", True),
        ("chara_card_v3", "10.0", "10.0", True),
        ("chara_card_v3", "draft", "3.0", False),
        ("chara_card_v2", "2.0", "3.0", False),
        ("chara_card_v2", "2.5", "3.0", True),
        ("chara_card_v4", "4.0", "4.0", True),
        ("chara_card_v3", None, "3.0", False),
    ],
)
def test_versions_are_compared_as_numbers(
    spec: str, version: object, written: str, warned: bool
) -> None:
    card = normal({**v3(), "spec": spec, "spec_version": version})
    assert card.card["spec"] == "chara_card_v3"
    assert card.card["spec_version"] == written
    assert any("newer" in warning for warning in card.warnings) is warned


def test_unknown_fields_and_key_order_survive_at_every_level() -> None:
    odd = {"n": None, "big": 12345678901234567890, "f": 1.0, "e": 1e-7, "deep": [{"z": 1, "a": []}]}
    lore = book(entry(x_entry=odd, extensions={"e": odd}), x_book=odd, extensions={"b": odd})
    raw = {**v3(character_book=lore, x_data=odd, extensions={"x": odd}), "x_root": odd}
    assert json.loads(normal(raw).as_json()) == raw
    assert normal(raw).as_json() == json.dumps(raw, separators=(",", ":")).encode()


def test_wrong_types_are_repaired_where_the_meaning_is_clear() -> None:
    card = normal(
        v2(
            character_version=1.2,
            alternate_greetings=None,
            tags="bees, smoke , ",
            mes_example=["a", "b"],
            extensions=[],
            creator=None,
            description={"looks": "tall"},
        )
    )
    assert card.text("character_version") == "1.2"
    assert card.data["alternate_greetings"] == ()
    assert card.data["tags"] == ("bees", "smoke")
    assert card.text("mes_example") == "a\nb"
    assert card.extensions == {}
    assert card.data["creator"] == ""
    assert card.text("description") == '{"looks":"tall"}'
    assert any("`tags`" in warning for warning in card.warnings)


def test_a_single_greeting_with_commas_is_one_greeting() -> None:
    assert normal(v2(alternate_greetings="Hi, you")).data["alternate_greetings"] == ("Hi, you",)


@pytest.mark.parametrize(
    ("written", "read"),
    [("0.5", 0.5), (1, 1.0), ("1", 1.0), ("nan", 0.5), ("", 0.5), (None, 0.5), (7, 1.0), (-1, 0)],
)
def test_talkativeness_reads_as_a_number(written: object, read: float) -> None:
    card = normal(v2(extensions={"talkativeness": written}))
    assert card.talkativeness == read
    assert card.extensions["talkativeness"] == written


def test_a_date_in_words_is_kept() -> None:
    said = "2023-5-12 @21h 32m 29s 228ms"
    assert normal(v3(creation_date=said)).data["creation_date"] == said


@pytest.mark.parametrize(
    ("written", "depth", "role"),
    [
        ({"prompt": "p"}, 4, "system"),
        ({"prompt": "p", "depth": "2", "role": "user"}, 2, "user"),
        ({"prompt": "p", "depth": 0, "role": 2}, 0, "assistant"),
        ({"prompt": "p", "depth": -3, "role": ["x"]}, 0, "system"),
    ],
)
def test_depth_prompt_defaults(written: object, depth: int, role: str) -> None:
    prompt = normal(v2(extensions={"depth_prompt": written})).depth_prompt
    assert prompt is not None
    assert (prompt.prompt, prompt.depth, prompt.role) == ("p", depth, role)


def test_an_empty_depth_prompt_is_none() -> None:
    assert normal(v2(extensions={"depth_prompt": {"prompt": " ", "depth": 4}})).depth_prompt is None


def test_group_greetings_of_older_cards_are_found() -> None:
    card = normal(v2(extensions={"group_greetings": ["all hail"]}))
    assert card.group_only_greetings == ("all hail",)
    assert normal(v3(group_only_greetings=["own"])).group_only_greetings == ("own",)


def test_book_entries_get_what_the_specification_requires() -> None:
    lore = {"entries": [{"keys": "bee, wasp", "content": None, "insertion_order": "7"}, "junk"]}
    card = normal(v2(character_book=lore))
    [first] = entries(card)
    assert first == entry(keys=("bee", "wasp"), content="", insertion_order=7)
    assert any("left out" in warning for warning in card.warnings)


def test_null_stays_null_where_a_field_may_be_missing() -> None:
    lore = book(entry(case_sensitive=None, priority=None, secondary_keys=None), scan_depth=None)
    card = normal(v2(character_book=lore, nickname=None))
    [first] = entries(card)
    assert first["case_sensitive"] is None
    assert first["secondary_keys"] == ()
    assert card.character_book["scan_depth"] is None  # type: ignore[index]
    assert card.called == "Ada"


def test_a_world_file_in_place_of_the_book_is_understood() -> None:
    world = {"entries": {"0": {"key": ["bee"], "order": 3, "disable": True, "position": 4}}}
    card = normal(v2(character_book=world))
    [first] = entries(card)
    assert first["keys"] == ("bee",)
    assert first["insertion_order"] == 3
    assert first["enabled"] is False
    assert first["extensions"] == {"position": 4}


def test_assets_behave_as_the_default_icon_when_there_are_none() -> None:
    [asset] = normal(v2()).assets
    assert (asset.type, asset.uri, asset.name, asset.ext) == ("icon", "ccdefault:", "main", "png")
    assert normal(v3(assets=[])).assets == ()


def test_the_icon_called_main_is_the_main_one() -> None:
    icons = [{"type": "icon", "uri": uri, "name": uri, "ext": "png"} for uri in ("a", "main")]
    icon = normal(v3(assets=icons)).icon
    assert icon is not None
    assert icon.uri == "main"


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "text",
        7,
        None,
        {"hello": "world"},
        {"data": {}},
        {"data": {"hello": 1}},
        {"spec": "lorebook_v3", "data": {"entries": []}},
        {"entries": {"0": {"key": ["a"]}}},
        {"kind": "memory", "name": 3, "entries": []},
        {"kind": "memory", "name": "Bees", "description": "d", "entries": [{"entry": "e"}]},
        {"name": "Bees", "description": "", "entries": {"0": {"key": ["a"], "content": "c"}}},
        {"data": {"name": "Bees", "description": "d", "entries": []}},
        {"spec": "other", "data": {"x": 1}},
    ],
)
def test_what_is_no_card_is_refused_with_one_sentence(value: object) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        normal(value)
    assert refusal.value.user_message.count(".") == 1
    assert refusal.value.user_message.endswith(".")


def test_a_card_with_entries_of_its_own_is_a_card() -> None:
    assert normal(v1(entries=[1])).card["entries"] == (1,)


@pytest.mark.parametrize(
    "raw",
    [
        b"{" * 5_000,
        b"[" * 100_000,
        b'{"name":"A","x":' + b"[" * 150 + b"]" * 150 + b"}",
        b'{"name":"A","x":1e999}',
        b'{"name":"A","x":NaN}',
        b'{"name":"A","x":' + b"9" * 5_000 + b"}",
        b'{"name":"A"} trailing',
        b"{'name':'A'}",
        b"[" + b"{}," * 300_000 + b"{}]",
    ],
)
def test_json_traps_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        normalise(parse(raw))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_any_unicode_encoding(encoding: str) -> None:
    raw = json.dumps(v2(name="凛"), ensure_ascii=False).encode(encoding)
    assert normalise(parse(raw)).name == "凛"


def test_half_a_surrogate_pair_survives_and_stays_writable() -> None:
    raw = b'{"name":"A","description":"cut \\ud83d"}'
    card = normalise(parse(raw))
    again = normalise(parse(card.as_json()))
    assert again == card
    assert again.text("description") == "cut \ud83d"


def test_a_document_cannot_be_changed() -> None:
    card = normal(v2(extensions={"x": {"y": [1]}}))
    with pytest.raises(TypeError):
        card.data["name"] = "other"  # type: ignore[index]
    with pytest.raises(TypeError):
        card.extensions["x"]["y"] = 2  # type: ignore[index]
    changed = card.with_extension("acore", {"id": "a"})
    assert changed.extensions["acore"] == {"id": "a"}
    assert "acore" not in card.extensions
