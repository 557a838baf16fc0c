"""Whatever people have said to each other: one is forgotten, the others are not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.memory.forgetting.redaction import FORGOTTEN
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import MIRA, World, traces, world_in

PLACES = [ConversationId("web", "g1", "a"), ConversationId("web", "g2", "b")]
SAID = 70


def people_of(chance: random.Random) -> list[Author]:
    return [
        Author(id=AuthorId("web", f"{chance.randrange(10**11, 10**12)}"), display_name=f"N{n}ame")
        for n in range(4)
    ]


def sentence(chance: random.Random, owner: int) -> str:
    return " ".join(f"o{owner}w{chance.randrange(10**6)}" for _ in range(chance.randint(6, 14)))


async def talked(world: World, chance: random.Random, people: list[Author]) -> dict[str, str]:
    """Let everybody talk; return what is to be left of each text when the first is forgotten."""
    left: dict[str, str] = {}
    theirs: list[str] = []
    for _ in range(SAID):
        number = chance.randrange(len(people))
        place = chance.choice(PLACES)
        own = sentence(chance, number)
        if number == 0:
            theirs.append(own)
            said = await world.say(own, people[0], place=place, present=people)
            if chance.random() < 0.3:
                await world.learn(said, own, about=chance.choice(people), slot=own[:8])
        elif theirs and chance.random() < 0.4:
            quoted = chance.choice(theirs).split()
            start = chance.randrange(len(quoted) - 4)
            part = " ".join(quoted[start : start + chance.randint(5, 8)])
            text = f"{own} {part} {own}"
            left[text] = f"{own} {FORGOTTEN} {own}"
            author = MIRA if chance.random() < 0.5 else people[number]
            await world.say(text, author, place=place, present=people)
        else:
            left[own] = own
            said = await world.say(own, people[number], place=place, present=people)
            await world.learn(said, own, about=people[number], slot=own[:8])
    return left


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_one_of_many_is_forgotten_and_nobody_else(
    seed: int, tmp_path: Path, clock: ManualClock
) -> None:
    chance = random.Random(seed)
    people = people_of(chance)
    async with world_in(tmp_path / "data", clock, seed) as world:
        left = await talked(world, chance, people)
        person = await world.person(people[0])
        others = [await world.person(other) for other in people[1:]]
        facts = [row for row in await world.rows("facts") if row[4] in others]
        receipt = await world.forgetting.forget(person)
        stored = [text for place in PLACES for text in await world.texts(place)]
        assert sorted(stored) == sorted(left.values())
        assert await world.rows("facts") == facts
        assert receipt.clean
        mine = [piece for text in left for piece in text.split() if piece.startswith("o0w")]
        assert traces(world.data, "o0w", people[0].id.user, *mine) == {}
