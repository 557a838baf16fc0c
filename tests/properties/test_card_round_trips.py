"""What is written is read again, unknown fields and all, in every container and specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.persona.cards.document import CardDocument
from services.persona.cards.jsontree import parse
from services.persona.cards.limits import CardLimits
from services.persona.cards.normalising import normalise
from services.persona.cards.reading import read_card
from services.persona.cards.writing import Spec, Target, write_card
from tests.fakes.card_files import as_json, png

texts = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | texts
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(texts.map(lambda name: f"x_{name}"), values, max_size=3)
decorated = st.sampled_from(
    ["", "@@depth 3\n", "\n@@a\r\n@@@b 1\n\n", "@@", "@@x\n@@@y", "@ @\n", "\n\n"]
)


@st.composite
def objects(draw: st.DrawFn, /, **known: st.SearchStrategy[Any]) -> dict[str, object]:
    """A JSON object with some of the known fields and some that nobody knows."""
    picked = {name: draw(values_of) for name, values_of in known.items() if draw(st.booleans())}
    return {**draw(unknown), **picked}


entries = objects(
    keys=st.lists(texts, max_size=3),
    content=st.tuples(decorated, texts).map("".join),
    extensions=unknown,
    enabled=st.booleans(),
    insertion_order=st.integers(),
    use_regex=st.booleans(),
    id=st.integers() | texts | st.none(),
    position=st.sampled_from(["before_char", "after_char"]),
)
books = objects(name=texts, extensions=unknown, entries=st.lists(entries, max_size=3))
assets = objects(
    type=st.just("icon") | texts, uri=st.just("ccdefault:") | texts, name=texts, ext=texts
)
data = objects(
    description=texts,
    first_mes=texts,
    alternate_greetings=st.lists(texts, max_size=3),
    tags=st.lists(texts, max_size=3),
    extensions=unknown,
    character_book=books,
    nickname=texts | st.none(),
    group_only_greetings=st.lists(texts, max_size=2),
    source=st.lists(texts, max_size=2),
    assets=st.lists(assets, max_size=2),
    creation_date=st.integers() | texts,
    modification_date=st.integers(),
    creator_notes_multilingual=st.dictionaries(texts, texts, max_size=2),
)
cards = st.builds(
    lambda rest, inner, spec: {**rest, **spec, "data": {**inner, "name": "Ada"}},
    unknown,
    data,
    st.sampled_from(
        [
            {"spec": "chara_card_v2", "spec_version": "2.0"},
            {"spec": "chara_card_v3", "spec_version": "3.0"},
            {"spec": "chara_card_v3", "spec_version": "3.2"},
        ]
    ),
)


def exactly(document: CardDocument) -> str:
    """The card in a form that tells 1 from 1.0 and true, and null from nothing."""

    def sorted_out(value: object) -> object:
        if isinstance(value, Mapping):
            return sorted((key, sorted_out(inner)) for key, inner in value.items())
        return [sorted_out(inner) for inner in value] if isinstance(value, tuple) else value

    return repr(sorted_out(document.card))


@pytest.mark.parametrize("to", ["json", "png", "charx"])
@pytest.mark.parametrize("spec", ["v2", "v3"])
@given(card=cards)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_what_is_written_is_read_again(to: Target, spec: Spec, card: dict[str, object]) -> None:
    document = normalise(parse(as_json(card)))
    written = write_card(document, to=to, spec=spec, picture=None if to == "json" else png())
    again = read_card(written, name="card", limits=CardLimits())
    assert exactly(again.document) == exactly(document)


@given(card=cards)
def test_normalising_twice_changes_nothing(card: dict[str, object]) -> None:
    once = normalise(parse(as_json(card)))
    assert exactly(normalise(parse(once.as_json()))) == exactly(once)
    assert once.as_json() == normalise(parse(once.as_json())).as_json(), "key order stays too"


@given(card=cards)
def test_unknown_fields_survive_unchanged(card: dict[str, Any]) -> None:
    plain: dict[str, Any] = normalise(parse(as_json(card))).plain()
    pairs: list[tuple[Any, Any]] = [(card, plain), (card["data"], plain["data"])]
    before, after = card["data"].get("character_book"), plain["data"].get("character_book")
    if before is not None:
        pairs.append((before, after))
        pairs.extend(zip(before.get("entries", []), after["entries"], strict=True))
    for before, after in pairs:
        for name, value in before.items():
            if name.startswith("x_"):
                assert repr(after[name]) == repr(value)
