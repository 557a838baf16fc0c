"""Who answers, and whom a name wakes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from services.domain.errors import InvalidRequest
from services.domain.ids import PersonaId
from services.persona.activity import Activity, liking_for
from services.persona.character import Character, Persona
from services.persona.mood import Mood, MoodKind
from services.persona.names import NameIndex
from services.persona.relationship import Relationship, Stage
from services.persona.router import Routing, route


def persona(name: str, *aliases: str) -> Persona:
    slug = name.split()[0].lower()
    return Persona(
        id=PersonaId(slug), slug=slug, version="1", character=Character(name=name), aliases=aliases
    )


MIRA, ROB, AVA, TODD, COM = (
    persona(name) for name in ("Mira Stone", "Rob", "Ava", "Todd", "Com Puter")
)
EVERYBODY = [MIRA, ROB, AVA, TODD, COM]


def named(text: str, *present: Persona) -> list[str]:
    namings = NameIndex.of(present or EVERYBODY).find(text)
    return [one for naming in namings for one in naming.personas]


@pytest.mark.parametrize(
    "text",
    [
        "the robot is broken",
        "I study computer science",
        "a scavenger hunt",
        "toadstool soup",
        "Java and lava",
        "rob_the_builder",
        "Robert, Mirabel and Avanti",
        "see https://rob.example/ava?todd=1",
        "write to rob@example.com",
        "ROBOT TODDLER",
    ],
)
def test_a_name_inside_another_word_wakes_nobody(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    "text",
    ["Rob?", "hey ROB!", "rob's here", "(rob)", "@Rob", "rob, ok", "so...rob", "ｒｏｂ", "*Rob*"],
)
def test_a_whole_name_wakes_in_any_case_and_company(text: str) -> None:
    assert named(text) == ["rob"]


@pytest.mark.parametrize(
    ("name", "text", "wakes"),
    [
        ("José", "hola jose\u0301!", True),
        ("José", "Josép", False),
        ("Straße", "STRASSE?", True),
        ("O'Brien", "ask O\u2019Brien", True),
        ("राम", "राम कहाँ है", True),
        ("राम", "रामू कहाँ है", False),
        ("ミク", "ミクさん、こんにちは", True),
        ("ミク", "ミクロの世界", False),
        ("小明", "小明你好", True),
        ("Mira", "Miraさん、元気？", True),
        ("Мира", "привет, мира!", True),
        ("Мира", "миран", False),
    ],
)
def test_names_are_words_in_every_script(name: str, text: str, wakes: bool) -> None:
    assert bool(named(text, persona(name))) is wakes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("The Narrator", "the end"),
        ("Dr. House", "the dr is out"),
        ("Al Pacino", "et al and so on"),
        ("Q", "press q"),
        ("Little Red", "a little more"),
    ],
)
def test_articles_titles_and_short_first_names_wake_nobody(name: str, text: str) -> None:
    assert named(text, persona(name)) == []


@pytest.mark.parametrize(
    ("name", "text", "wakes"),
    [
        ("Will", "will you come?", False),
        ("Will", "Will you come?", False),
        ("Will", "I will, thanks", False),
        ("Will", "will, are you there?", True),
        ("Will", "what does Will think?", True),
        ("Will", "hey will", True),
        ("Will", "thanks will!", True),
        ("Will", "@will what now", True),
        ("Will", "I WILL GO NOW", False),
        ("May Lin", "it may rain", False),
        ("May Lin", "ask May's opinion", True),
        ("May Lin", "is may lin here", True),
        ("Hope", "I hope so", False),
        ("Hope", "Hope: any news?", True),
        ("Hope", "give me hope.", False),
        ("Computer", "computer science", False),
        ("Computer", "Computer, lights", True),
    ],
)
def test_a_name_that_is_an_everyday_word_calls_only_as_a_name(
    name: str, text: str, wakes: bool
) -> None:
    assert bool(named(text, persona(name))) is wakes


def test_an_alias_wakes_and_the_longer_name_takes_the_words() -> None:
    ann, marie = persona("Ann"), persona("Marie Ann Curie", "Ann Marie")
    assert named("Ann Marie, hello", ann, marie) == ["marie"]
    assert named("ann and Curie", ann, marie) == ["ann"]


def test_a_flood_of_near_misses_is_cheap_and_finds_nothing() -> None:
    assert named("rob" * 30_000) == []


AVA_LAST = {"last_responder": (AVA.id, 300.0)}
AVA_LONG_AGO = {"last_responder": (AVA.id, 301.0)}
GONE_LAST = {"last_responder": (PersonaId("gone"), 1.0)}
BY_DEFAULT = {"default": ROB.id}
REPLY = {"replied_to": TODD.id}
ONLY_TODD = {"mira": 0, "rob": 0, "ava": 0, "todd": 2, "com": 0}


@pytest.mark.parametrize(
    ("text", "extra", "personas", "reason"),
    [
        ("Rob?", {"mentioned": {AVA.id}} | REPLY, "ava", "mention"),
        ("Rob?", REPLY | AVA_LAST, "todd", "reply"),
        ("Rob?", AVA_LAST, "rob", "name"),
        ("mira stone?", {}, "mira", "name"),
        ("mira?", AVA_LAST, "mira", "first_name"),
        ("Todd or mira?", {}, "todd mira", "name"),
        ("so?", AVA_LAST | BY_DEFAULT, "ava", "sticky"),
        ("so?", AVA_LONG_AGO | BY_DEFAULT, "rob", "default"),
        ("so?", GONE_LAST | BY_DEFAULT, "rob", "default"),
        ("so?", {"weights": ONLY_TODD} | BY_DEFAULT, "todd", "weighted"),
        ("so?", {"weights": {"mira": 0}} | BY_DEFAULT, "rob", "default"),
        ("so?", {"mentioned": {PersonaId("gone")}} | BY_DEFAULT, "rob", "default"),
    ],
)
def test_the_first_rule_that_fits_decides(
    text: str, extra: dict[str, object], personas: str, reason: str
) -> None:
    routing = route(text, EVERYBODY, rng=random.Random(1), **extra)  # type: ignore[arg-type]
    assert (list(routing.personas), routing.reason) == (personas.split(), reason)
    assert routing.detail


def test_several_names_answer_in_the_order_they_are_called_three_at_most() -> None:
    routing = route("Todd, Ava, todd, Rob and Mira!", EVERYBODY, rng=random.Random(1))
    assert routing.personas == ("todd", "ava", "rob")


def test_mentions_keep_the_order_of_the_text() -> None:
    mentioned = {PersonaId("mira"), PersonaId("todd"), PersonaId("ava")}
    routing = route("@Todd and @Mira Stone", EVERYBODY, rng=random.Random(1), mentioned=mentioned)
    assert routing.personas == ("todd", "mira", "ava")


def test_a_shared_first_name_means_whoever_spoke_last_else_one_of_them() -> None:
    twins = [persona("Mira Stone"), Persona(
        id=PersonaId("vale"), slug="vale", version="1", character=Character(name="Mira Vale")
    )]  # fmt: skip
    spoke = (PersonaId("vale"), 10.0)
    recent = route("mira?", twins, rng=random.Random(1), last_responder=spoke)
    assert recent.personas == ("vale",)
    drawn = {route("mira?", twins, rng=random.Random(seed)).personas for seed in range(20)}
    assert drawn == {("mira",), ("vale",)}
    assert route("Mira Vale?", twins, rng=random.Random(1)).personas == ("vale",)


def test_weights_are_chances() -> None:
    rng = random.Random(7)
    weights = {PersonaId("rob"): 3.0, PersonaId("ava"): 1.0}
    drawn = [route("so?", [ROB, AVA], rng=rng, weights=weights).personas[0] for _ in range(400)]
    assert 260 < drawn.count(PersonaId("rob")) < 340


def test_one_persona_alone_answers_and_nobody_cannot() -> None:
    assert route("so?", [AVA], rng=random.Random(1)).reason == "only"
    nobody = route("Ava?", [], rng=random.Random(1))
    assert (nobody.personas, nobody.reason) == ((), "nobody")


def player(name: str, **activities: tuple[str, ...]) -> Persona:
    return replace(persona(name), activities=activities)


GAMER = player("Gia", game=("Chess", "factory games", "strategy"))
VIEWER = player("Vic", watch=("chess",), listen=("folk",))
DABBLER = player("Dee", game=("space chess",))


@pytest.mark.parametrize(
    ("kind", "title", "about", "points"),
    [
        ("game", "chess", (), 100),
        ("game", "  CHESS ", (), 100),
        ("game", "Go", ("Strategy", "board"), 50),
        ("game", "Chess Titans", (), 25),
        ("game", "Chessboard", (), 0),
        ("watch", "chess titans", (), 0),
        ("stream", "chess", (), 0),
    ],
)
def test_liking_counts_title_category_and_word(
    kind: str, title: str, about: tuple[str, ...], points: int
) -> None:
    activity = Activity(kind=kind, title=title, about=about)  # type: ignore[arg-type]
    assert liking_for(activity, GAMER) == points


def test_an_activity_calls_whoever_likes_it_before_the_last_responder() -> None:
    company = [VIEWER, GAMER, DABBLER]
    last = (VIEWER.id, 1.0)

    def routed(text: str, title: str) -> Routing:
        return route(
            text,
            company,
            rng=random.Random(1),
            last_responder=last,
            activity=Activity(kind="game", title=title),
        )

    assert (routed("so?", "Chess").personas, routed("so?", "Chess").reason) == (
        ("gia",),
        "activity",
    )
    assert "100 points" in routed("so?", "Chess").detail
    assert routed("so?", "Chess Titans").reason == "sticky", "25 points are not enough"
    assert routed("Dee?", "Chess").personas == ("dee",), "a name outweighs what is being done"


@pytest.mark.parametrize(
    ("affection", "stage"),
    [(0, "stranger"), (19.9, "stranger"), (20, "acquaintance"), (40, "friend"),
     (60, "close friend"), (79.9, "close friend"), (80, "best friend"), (100, "best friend")],
)  # fmt: skip
def test_stages_begin_at_their_thresholds(affection: float, stage: str) -> None:
    assert Relationship(affection=affection).stage == Stage(stage)


def test_neutral_values_say_nothing_in_a_prompt() -> None:
    assert Relationship().describe() == Mood().describe() == ""
    assert Mood(kind=MoodKind.SAD, intensity=0.2).describe() == ""
    assert Mood(kind=MoodKind.SAD, intensity=0.5).describe() == "somewhat sad"
    assert Mood(kind=MoodKind.EXCITED, intensity=0.7).describe() == "very excited"
    assert Relationship(affection=45).describe() == "friend"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_values_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(InvalidRequest):
        Mood(kind=MoodKind.SAD, intensity=value)
    with pytest.raises(InvalidRequest):
        Relationship(affection=value * 100)
