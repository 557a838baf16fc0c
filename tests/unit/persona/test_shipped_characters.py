"""The characters that ship: sound, distinct, small, and together a use of every feature."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from services.domain.ids import PersonaId
from services.llm.tokens import EstimatedTokens
from services.persona.cards.acore_fields import read_fields
from services.persona.cards.document import CardDocument
from services.persona.cards.jsontree import thaw
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import read_persona
from services.persona.cards.reading import read_card
from services.persona.cards.versions import as_v2
from services.persona.character import Persona
from services.persona.javascript_regex import JavaScriptRegex, read_regex, shared_engine
from services.persona.lore.books import card_lorebook, read_book_file
from services.persona.lore.decorators import split_decorators, v3_entry
from services.persona.lore.entry import Lorebook, LoreEntry
from services.persona.lore.request import ChatLine, ScanRequest
from services.persona.lore.scanner import LoreScanner
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment
from services.persona.names import NameIndex
from services.persona.portraits.drawing import draw
from services.persona.portraits.making import FIELD, portrait_of
from services.persona.portraits.shapes import SIZE, Portrait
from services.persona.router import route

FOLDER = Path(__file__).parents[3] / "characters"
SLUGS = sorted(path.parent.name for path in FOLDER.glob("*/card.json"))
CONSTANT_TOKENS = 700
PICTURE_BYTES = 60_000

V3_FIELDS = (
    "nickname",
    "group_only_greetings",
    "creator_notes_multilingual",
    "assets",
    "source",
    "creation_date",
    "modification_date",
)
OWN_FIELDS = (
    "voice",
    "model",
    "behaviors",
    "tools",
    "knowledge",
    "frameworks",
    "evolution",
    "activities",
    "aliases",
    "verbosity",
)
DECORATORS = (
    "activate",
    "activate_only_after",
    "activate_only_every",
    "keep_activate_after_match",
    "dont_activate_after_match",
    "depth",
    "reverse_depth",
    "role",
    "scan_depth",
    "is_greeting",
    "position",
    "ignore_on_max_context",
    "additional_keys",
    "exclude_keys",
)


@dataclass(frozen=True)
class Shipped:
    slug: str
    document: CardDocument
    warnings: tuple[str, ...]
    persona: Persona
    books: tuple[Lorebook, ...]

    @property
    def entries(self) -> list[LoreEntry]:
        return [entry for book in self.books for entry in book.entries]


def load(slug: str) -> Shipped:
    path = FOLDER / slug / "card.json"
    file = read_card(path.read_bytes(), name=str(path), limits=CardLimits())
    books = []
    if file.document.character_book is not None:
        books.append(card_lorebook(file.document.character_book, name=slug))
    if (world := path.with_name("lorebook.json")).exists():
        books.append(read_book_file(world.read_bytes(), name=slug))
    return Shipped(slug, file.document, file.warnings, read_persona(path), tuple(books))


ALL = {slug: load(slug) for slug in SLUGS}
ENTRIES = [entry for one in ALL.values() for entry in one.entries]
each = pytest.mark.parametrize("one", ALL.values(), ids=SLUGS)


def texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def environment(persona: Persona) -> MacroEnvironment:
    return MacroEnvironment(
        user="Sam",
        char=persona.name,
        now=datetime(2026, 11, 21, 15, 4, 5, tzinfo=UTC),
        rng=random.Random(3),
        original="ORIGINAL",
        outlets={"wares": "rope"},
    )


def test_ten_characters_ship() -> None:
    assert len(SLUGS) == 10
    assert {"mira", "orin"} <= set(SLUGS)


@each
def test_a_card_needs_no_repair_and_keeps_everything_it_says(one: Shipped) -> None:
    raw = json.loads((FOLDER / one.slug / "card.json").read_text("utf-8"))
    assert one.warnings == ()
    assert read_fields(one.document.extensions["acore"])[1] == ()
    assert one.document.plain() == raw
    assert (raw["spec"], raw["spec_version"]) == ("chara_card_v3", "3.0")
    assert isinstance(raw["data"]["group_only_greetings"], list)


@each
def test_a_card_survives_the_way_through_v2(one: Shipped) -> None:
    raw = json.dumps(as_v2(one.document)).encode()
    again = read_card(raw, name="v2.json", limits=CardLimits()).document
    assert again == one.document


@each
def test_a_character_has_what_people_meet_first(one: Shipped) -> None:
    card = one.persona.character
    assert 80 <= len(card.description.split()) <= 250
    assert card.personality
    assert card.scenario
    assert card.first_mes
    assert len(card.alternate_greetings) >= 2
    assert len(card.group_only_greetings) >= 1
    assert card.mes_example.count("<START>") >= 2
    assert card.creator == "acore"
    assert one.persona.voice.engine == "edge-tts"
    assert one.persona.voice.voice in VOICES
    assert one.persona.id == one.slug


@each
def test_the_constant_part_of_a_prompt_stays_small(one: Shipped) -> None:
    card = one.persona.character
    fixed = (
        card.description,
        card.personality,
        card.scenario,
        card.mes_example,
        card.system_prompt,
        card.post_history_instructions,
        card.depth_prompt.prompt if card.depth_prompt else "",
        *(entry.content for entry in one.entries if entry.constant),
    )
    assert EstimatedTokens().count("\n".join(fixed)) <= CONSTANT_TOKENS


@each
def test_the_evaluated_beginning_is_the_same_for_everybody_at_every_hour(one: Shipped) -> None:
    """Only names of the character may be filled in where the prompt is kept evaluated."""
    card = one.persona.character
    system = "".join((card.description, card.personality, card.scenario, card.system_prompt))
    assert set(re.findall(r"\{\{(.*?)\}\}", system)) <= {"char", "original"}


def test_the_examples_of_the_default_character_do_not_name_the_user_either() -> None:
    assert "{{user}}" not in ALL["mira"].persona.character.mes_example


@each
def test_every_macro_is_known(one: Shipped) -> None:
    card = as_mapping(thaw(one.document.data))
    shown = {name: value for name, value in card.items() if name not in {"extensions"}}
    depth = one.persona.character.depth_prompt
    every = [*texts(shown), *(entry.content for entry in one.entries)]
    every += [depth.prompt] if depth else []
    known = environment(one.persona)
    for text in every:
        expanded = expand(text, known)
        assert "{{" not in expanded, text
        assert "}}" not in expanded, text


def test_the_game_masters_notes_keep_state_and_roll_anew() -> None:
    depth = ALL["wenna"].persona.character.depth_prompt
    assert depth is not None
    known = environment(ALL["wenna"].persona)
    turns = [expand(depth.prompt, known) for _ in range(12)]
    assert all(turn.startswith("[Notes for this turn: the die shows ") for turn in turns)
    assert len(set(turns)) > 3
    assert str(known.local["health"]) == "5"
    wound = next(entry for entry in ENTRIES if entry.comment == "A wound")
    assert "falls to 4" in expand(wound.content, known)
    assert "Health 4 of 5" in expand(depth.prompt, known)


@each
def test_every_expression_compiles(one: Shipped) -> None:
    keys = [key for entry in one.entries for key in (*entry.keys, *entry.secondary_keys)]
    written = [key for key in keys if key.startswith("/")]
    written += [str(script["findRegex"]) for script in one.persona.character.regex_scripts]
    read = [read_regex(text) for text in written]
    assert None not in read, written
    expressions = [regex for regex in read if isinstance(regex, JavaScriptRegex)]
    assert shared_engine().valid(expressions) == [True] * len(expressions)


@each
def test_a_book_is_sound(one: Shipped) -> None:
    for book in one.books:
        assert len({entry.uid for entry in book.entries}) == len(book.entries)
        for entry in book.entries:
            assert entry.content.strip()
            assert entry.position in range(8)
            decorators, content = split_decorators(entry.content)
            assert content.strip()
            _, asked = v3_entry(entry, decorators, knows_greeting=True, knows_icon=True)
            assert entry.keys or entry.constant or asked.activate, entry.comment


def test_the_book_for_stress_has_66_entries() -> None:
    [book] = ALL["sefa"].books
    assert len(book.entries) == 66


def test_linked_worlds_exist() -> None:
    names = {book.name for one in ALL.values() for book in one.books}
    linked = {one.persona.character.world for one in ALL.values()} - {""}
    assert linked
    assert linked <= names


def test_ids_and_names_belong_to_one_character_each() -> None:
    ids = [one.persona.id for one in ALL.values()]
    names = [name.casefold() for one in ALL.values() for name in one.persona.names]
    voices = [one.persona.voice.voice for one in ALL.values()]
    assert len(set(ids)) == len(ids)
    assert len(set(names)) == len(names)
    assert len(set(voices)) == len(voices)


@each
def test_a_character_is_woken_by_each_of_its_names_and_by_nothing_else(one: Shipped) -> None:
    present = [other.persona for other in ALL.values()]
    for name in one.persona.names:
        routed = route(f"Well, {name.upper()}, what now?", present, rng=random.Random(1))
        assert routed.personas == (one.persona.id,), name
    everyday = (
        "I saw an owl near the moss, fell over a bell, and rolled home to read the news. "
        "Could somebody please make tea, write a list and tell me the time of the film?"
    )
    assert NameIndex.of([one.persona]).find(everyday) == ()


def test_the_pair_knows_each_other() -> None:
    cosima, ozan = ALL["cosima"].persona, ALL["ozan"].persona
    assert ozan.name in cosima.character.description
    assert cosima.name in ozan.character.description
    assert cosima.character.world == ozan.character.world
    assert min(cosima.character.talkativeness, ozan.character.talkativeness) >= 0.7


@each
def test_a_card_points_nowhere(one: Shipped) -> None:
    for text in texts(thaw(one.document.card)):
        assert "://" not in text
        assert "www." not in text


@each
def test_the_picture_is_what_the_card_describes(one: Shipped) -> None:
    stored = (FOLDER / one.slug / "avatar.png").read_bytes()
    drawn = draw(portrait_of(one.document))
    assert len(stored) < PICTURE_BYTES
    with Image.open(io.BytesIO(stored)) as old, Image.open(io.BytesIO(drawn)) as new:
        assert old.size == (SIZE, SIZE)
        assert old.mode == new.mode
        assert old.tobytes() == new.tobytes()


@each
def test_a_portrait_uses_all_its_colours_and_no_other(one: Shipped) -> None:
    raw = as_mapping(one.document.extensions["acore"])[FIELD]
    portrait = Portrait.model_validate(thaw(raw))
    dumped = [shape.model_dump() for shape in portrait.shapes]
    used = {shape[part] for shape in dumped for part in ("fill", "top", "bottom") if part in shape}
    assert used == set(portrait.palette)


def _decorator_names() -> set[str]:
    return {decorator.name for entry in ENTRIES for decorator in split_decorators(entry.content)[0]}


def _has_fallback() -> bool:
    return any(
        decorator.fallback for entry in ENTRIES for decorator in split_decorators(entry.content)[0]
    )


def _groups() -> dict[str, list[LoreEntry]]:
    found: dict[str, list[LoreEntry]] = {}
    for entry in ENTRIES:
        if entry.group:
            found.setdefault(entry.group, []).append(entry)
    return {name: members for name, members in found.items() if len(members) > 1}


def _some(fits: Callable[[LoreEntry], object]) -> Callable[[], bool]:
    return lambda: any(fits(entry) for entry in ENTRIES)


def _logic(logic: int) -> Callable[[], bool]:
    return _some(lambda entry: entry.selective and entry.secondary_keys and entry.logic == logic)


def _position(position: int) -> Callable[[], bool]:
    return _some(lambda entry: entry.position == position)


def _role(role: int) -> Callable[[], bool]:
    return _some(lambda entry: entry.position == 4 and entry.role == role)


def _decorated(name: str) -> Callable[[], bool]:
    return lambda: name in _decorator_names()


def _said(name: str) -> Callable[[], bool]:
    return lambda: any(one.document.data.get(name) for one in ALL.values())


def _own(name: str) -> Callable[[], bool]:
    return lambda: any(
        as_mapping(one.document.extensions["acore"]).get(name) for one in ALL.values()
    )


def _scripts(fits: Callable[[dict[str, object]], object]) -> Callable[[], bool]:
    every = [dict(script) for one in ALL.values() for script in one.persona.character.regex_scripts]
    return lambda: any(fits(script) for script in every)


def _macro(name: str) -> Callable[[], bool]:
    opened = re.compile(r"\{\{[!#]?" + re.escape(name) + r"\b", re.IGNORECASE)
    return lambda: any(
        opened.search(text)
        for one in ALL.values()
        for text in (
            *texts(thaw(one.document.data)),
            *(entry.content for entry in one.entries),
        )
    )


# English voices that edge-tts lists.
VOICES = frozenset(
    f"en-{voice}Neural"
    for voice in (
        "AU-Natasha", "CA-Clara", "CA-Liam", "GB-Libby", "GB-Maisie", "GB-Ryan", "GB-Sonia",
        "GB-Thomas", "IE-Connor", "IE-Emily", "IN-Neerja", "IN-Prabhat", "KE-Asilia", "NZ-Mitchell",
        "NZ-Molly", "US-Ana", "US-Andrew", "US-Aria", "US-Ava", "US-Brian", "US-Christopher",
        "US-Emma", "US-Eric", "US-Guy", "US-Jenny", "US-Michelle", "US-Roger", "US-Steffan",
        "ZA-Leah", "ZA-Luke",
    )
)  # fmt: skip

MATRIX: dict[str, Callable[[], bool]] = {
    **{f"V3 field {name}": _said(name) for name in V3_FIELDS},
    **{f"extensions.acore.{name}": _own(name) for name in OWN_FIELDS},
    "model fallbacks": lambda: any(one.persona.model.fallbacks for one in ALL.values()),
    "model temperature": lambda: any(one.persona.model.temperature for one in ALL.values()),
    "voices with other speeds": lambda: len({one.persona.voice.speed for one in ALL.values()}) > 4,
    "voices with other pitches": lambda: len({one.persona.voice.pitch for one in ALL.values()}) > 3,
    "system_prompt with the original": lambda: any(
        "{{original}}" in one.persona.character.system_prompt for one in ALL.values()
    ),
    "post-history with the original": lambda: any(
        "{{original}}" in one.persona.character.post_history_instructions for one in ALL.values()
    ),
    "post-history without it": lambda: any(
        one.persona.character.post_history_instructions.strip()
        and "{{original}}" not in one.persona.character.post_history_instructions
        for one in ALL.values()
    ),
    "depth prompts at several depths": lambda: (
        len({d.depth for one in ALL.values() if (d := one.persona.character.depth_prompt)}) > 2
    ),
    "talkativeness from shy to eager": lambda: (
        min(one.persona.character.talkativeness for one in ALL.values()) < 0.2
        and max(one.persona.character.talkativeness for one in ALL.values()) > 0.7
    ),
    "talkativeness as text": lambda: any(
        isinstance(one.document.extensions.get("talkativeness"), str) for one in ALL.values()
    ),
    "linked world": lambda: any(one.persona.character.world for one in ALL.values()),
    "book in the card": _said("character_book"),
    "world file": lambda: any(
        book.form == "sillytavern" for one in ALL.values() for book in one.books
    ),
    "script for display": _scripts(lambda script: script["markdownOnly"]),
    "script for the prompt": _scripts(lambda script: script["promptOnly"]),
    "script on edit": _scripts(lambda script: script["runOnEdit"]),
    "script with depths": _scripts(lambda script: script["minDepth"]),
    "constant": _some(lambda entry: entry.constant),
    **{f"logic {logic}": _logic(logic) for logic in range(4)},
    "regex key": _some(lambda entry: any(key.startswith("/") for key in entry.keys)),
    "regex key for a script": _some(lambda entry: any(key.endswith("/u") for key in entry.keys)),
    "probability": _some(lambda entry: entry.use_probability and entry.probability < 100),
    "groups with weights": lambda: any(
        len({entry.group_weight for entry in members}) > 1 for members in _groups().values()
    ),
    "group override": _some(lambda entry: entry.group and entry.group_override),
    "group scoring": _some(lambda entry: entry.group and entry.use_group_scoring),
    "sticky": _some(lambda entry: entry.sticky),
    "cooldown": _some(lambda entry: entry.cooldown),
    "delay": _some(lambda entry: entry.delay),
    "exclude recursion": _some(lambda entry: entry.exclude_recursion),
    "prevent recursion": _some(lambda entry: entry.prevent_recursion),
    "delay until recursion, first level": _some(lambda entry: entry.delay_until_recursion == 1),
    "delay until recursion, second level": _some(lambda entry: entry.delay_until_recursion == 2),
    **{f"position {position}": _position(position) for position in range(8)},
    **{f"role {role} at depth": _role(role) for role in range(3)},
    "outlet with a name": _some(lambda entry: entry.position == 7 and entry.outlet_name),
    "scan depth of its own": _some(lambda entry: entry.scan_depth),
    "case sensitive": _some(lambda entry: entry.case_sensitive),
    "whole words on": _some(lambda entry: entry.match_whole_words is True),
    "whole words off": _some(lambda entry: entry.match_whole_words is False),
    "filter by names": _some(lambda entry: entry.character_filter.names),
    "filter by tags": _some(lambda entry: entry.character_filter.tags),
    "filter that excludes": _some(lambda entry: entry.character_filter.exclude),
    "triggers": _some(lambda entry: entry.triggers),
    "extra match sources": _some(lambda entry: entry.sources),
    "beyond the budget": _some(lambda entry: entry.ignore_budget),
    "found by meaning": _some(lambda entry: entry.vectorized),
    "automation": _some(lambda entry: entry.automation_id),
    "switched off": _some(lambda entry: entry.disabled),
    **{f"decorator {name}": _decorated(name) for name in DECORATORS},
    "decorator with a fallback": _has_fallback,
    **{
        f"macro {name}": _macro(name)
        for name in (
            "user",
            "char",
            "roll",
            "random",
            "pick",
            "setvar",
            "getvar",
            "decvar",
            "if",
            "else",
            "time",
            "date",
            "weekday",
            "idle_duration",
            "original",
            "outlet",
            "noop",
        )
    },
}


@pytest.mark.parametrize("feature", MATRIX)
def test_each_feature_is_shown_by_some_character(feature: str) -> None:
    assert MATRIX[feature]()


def test_a_character_can_be_found_by_its_id() -> None:
    assert {one.persona.id for one in ALL.values()} == {PersonaId(slug) for slug in SLUGS}


def activated(slug: str, *said: str, seed: int = 4) -> list[str]:
    """Return the comments of what the books of a character add to this chat."""
    known = environment(ALL[slug].persona)
    request = ScanRequest(
        books=ALL[slug].books,
        chat=[ChatLine(name="Sam", content=text, role="user") for text in said],
        count_tokens=len,
        rng=random.Random(seed),
        expand=lambda text: expand(text, known),
        character_names=frozenset({slug.title()}),
    )
    return [each.entry.comment for each in LoreScanner().scan(request).activated]


def test_a_town_leads_to_its_secrets_level_by_level() -> None:
    found = activated("sefa", "Have you seeds from Ninefold?")
    wanted = ["Ninefold", "The ninth floor", "What a secret weighs"]
    assert [name for name in found if name in wanted] == wanted


def test_what_always_stands_in_the_prompt_wakes_nothing_else() -> None:
    found = activated("sefa", "Hm.")
    assert sorted(found) == ["How she sells", "Place: style", "Place: wares", "Today's load"]


def test_one_encounter_at_most_happens_on_the_way() -> None:
    counts = [
        sum(name.startswith("Encounter") for name in activated("wenna", "I row on", seed=seed))
        for seed in range(20)
    ]
    assert set(counts) == {0, 1}


def test_shared_lore_tells_each_of_the_pair_its_own_side() -> None:
    assert "House rule" in activated("cosima", "What an argument!")
    assert "House rule, his side" not in activated("cosima", "What an argument!")
