"""Who speaks next in a scene."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from services.domain.ids import PersonaId
from services.persona.activation import Activation, Occasion, activate
from services.persona.character import Character, Persona
from services.persona.router import Routing


def persona(name: str, talkativeness: float = 0.0) -> Persona:
    slug = name.split()[0].lower()
    character = Character(name=name, talkativeness=talkativeness)
    return Persona(id=PersonaId(slug), slug=slug, version="1", character=character)


class Dice(random.Random):
    """Chance as a test wants it: ``random`` gives the numbers in turn."""

    def __new__(cls, *_: float) -> Dice:
        return super().__new__(cls)

    def __init__(self, *numbers: float) -> None:
        super().__init__(1)
        self._numbers: Iterator[float] = iter(numbers)

    def random(self) -> float:
        return next(self._numbers, 0.999)


SILENT = [persona("Ann Lee"), persona("Ben Ash"), persona("Cleo")]


def natural(
    text: str,
    members: Sequence[Persona] = SILENT,
    *,
    rng: random.Random | None = None,
    speaker: str | None = None,
    self_reply: bool = False,
) -> Routing:
    return activate(
        members,
        Occasion(text=text, speaker=None if speaker is None else PersonaId(speaker)),
        mode=Activation.NATURAL,
        self_reply=self_reply,
        rng=rng or random.Random(1),
    )


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Cleo and Ann", "cleo ann"),
        ("the ash is cold", "ben"),
        ("hey lee!", "ann"),
        ("BEN'S turn", "ben"),
        ("benign annual cleopatra leery", ""),
        ("", ""),
    ],
)
def test_any_word_of_a_name_calls_as_a_whole_word(text: str, who: str) -> None:
    assert list(natural(text).personas) == who.split()


def test_each_uncalled_one_speaks_by_its_talkativeness() -> None:
    members = [persona("Ann", 0.5), persona("Ben", 0.5), persona("Cleo", 0.5), persona("Dov")]
    routing = natural("Dov?", members, rng=Dice(0.5, 0.51, 0.1))
    assert routing.personas == ("dov", "ann", "cleo")
    assert "Ann (talkativeness 0.5)" in routing.detail
    assert "Dov (called)" in routing.detail


def test_somebody_talkative_always_answers_and_the_mute_never_by_themselves() -> None:
    members = [persona("Ann"), persona("Ben", 0.01), persona("Cleo")]
    drawn = {natural("hm", members, rng=Dice(0.9)).personas for _ in range(20)}
    assert drawn == {("ben",)}
    assert natural("hm", SILENT, rng=Dice(0.0, 0.0, 0.0)).personas == ()


def test_nobody_answers_itself_unless_allowed() -> None:
    loud = [persona("Ann", 1.0), persona("Ben", 1.0)]
    assert natural("Ann!", loud, speaker="ann").personas == ("ben",)
    assert natural("Ann!", loud, speaker="ann", self_reply=True).personas == ("ann", "ben")


def test_the_pool_empties_before_it_fills_again() -> None:
    def pooled(*spoken: str) -> set[PersonaId]:
        occasion = Occasion(spoken=frozenset(PersonaId(one) for one in spoken))
        return {
            activate(
                SILENT,
                occasion,
                mode=Activation.POOLED,
                self_reply=False,
                rng=random.Random(seed),
            ).personas[0]
            for seed in range(30)
        }

    assert pooled() == {"ann", "ben", "cleo"}
    assert pooled("ann", "cleo") == {"ben"}
    assert pooled("ann", "ben", "cleo") == {"ann", "ben", "cleo"}


def test_a_list_keeps_its_order_and_a_manual_scene_waits() -> None:
    chance = random.Random(1)
    occasion = Occasion(text="Cleo?")
    ways = {"self_reply": False, "rng": chance}
    listed = activate(SILENT, occasion, mode=Activation.LIST, **ways)  # type: ignore[arg-type]
    assert listed.personas == ("ann", "ben", "cleo")
    manual = activate(SILENT, occasion, mode=Activation.MANUAL, **ways)  # type: ignore[arg-type]
    assert (manual.personas, manual.reason) == ((), "manual")
    assert manual.detail
