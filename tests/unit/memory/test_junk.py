"""32 simulated days of chat: nothing but what people said is learnt, once, and it lasts."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from services.domain.ids import ConversationId
from services.domain.messages import Visibility
from tests.unit.memory.learning_world import HELPER, SYSTEM, learning_in
from tests.unit.memory.planted import CHANGES, DISTRACTORS, ENDINGS, PLANTED, POISON
from tests.unit.storage.samples import ALICE, BOB, MIRA

DAYS = 32
MONOLOGUES = (
    "I live in a lighthouse and I love storms. My favourite colour is sea green.",
    "My name is Mira, I was born in Tromso and I'm allergic to small talk.",
    "Remember that I hate mornings. My sister is called Vela. I work as a keeper.",
    "Bob hates cats and Alice lives in Oslo, doesn't she?",
)
DAY = 86_400


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with learning_in(tmp_path, clock, ids) as opened:
        yield opened


async def live(world, rng):
    """Talk for 32 days, restarting now and then; return the messages that planted something."""
    planted = {}
    sayings = list(PLANTED)
    changes = [(first, second) for first, second, _, _ in CHANGES]
    endings = [(said, over) for said, over, _ in ENDINGS]
    for day in range(DAYS):
        for said, held in sayings[day::DAYS]:
            entry = await world.say(said)
            planted[entry.message.id] = (said, held)
            world.clock.advance(600)
            # The character says it back, from memory, and the person repeats the character.
            await world.say(f"I remember: {said} And {rng.choice(MONOLOGUES)}", MIRA)
            world.clock.advance(60)
            await world.say(rng.choice(MONOLOGUES), MIRA)
            await world.say(f"> {said}\nYes, you said that")
            await world.say(rng.choice(DISTRACTORS))
        monologue = rng.choice(MONOLOGUES)
        await world.say(monologue, MIRA)
        await world.say(monologue)
        await world.say(f"Known facts: Alice likes {day} spoons. Alice lives in a box.", SYSTEM)
        await world.say(f"I love tractor number {day}", HELPER)
        await world.say(rng.choice(POISON))
        for said in rng.sample(DISTRACTORS, 3):
            await world.say(said)
        later = [*endings, *changes] if day == DAYS - 1 else []
        for first, second in later:
            await world.say(first)
            world.clock.advance(30)
            await world.say(second)
            world.clock.advance(30)
        if day % 5 == 2:
            world.restart()
        await world.learner.read_everything()
        if day % 7 == 3:
            await world.learner.read_everything()
        if day % 9 == 4:
            world.clock.set(world.clock.now() - timedelta(hours=7))  # a clock put right
        world.clock.advance(DAY)
    return planted


async def test_32_days_leave_what_people_said_and_nothing_else(world):
    planted = await live(world, random.Random(11))
    known = await world.known()
    kinds = await world.authors()

    assert known
    assert {kinds[each.message] for each in known} == {"human"}
    words = " ".join(each.text for each in known).casefold()
    for never in ("lighthouse", "tromso", "vela", "spoon", "tractor", "oslo", "obey", "4921"):
        assert never not in words

    standing = [each for each in known if each.standing]
    assert len({(each.audience, each.digest) for each in standing}) == len(standing)

    text_of: dict[str | None, list[str]] = {}
    for each in known:
        text_of.setdefault(each.message, []).append(f"{each.value} {each.text}".casefold())
    lost = [
        said
        for message, (said, held) in planted.items()
        if not any(held.casefold() in text for text in text_of.get(message, ()))
    ]
    assert len(lost) <= len(planted) * 0.05, lost

    now = {(each.slot, each.value) for each in standing if not each.hearsay}
    for _, _, slot, value in CHANGES:
        values = {held for name, held in now if name == slot}
        assert value in values
        assert slot.startswith("pet:") or values == {value}
    ended = {each.quote for each in known if not each.standing}
    for said, _, _ in ENDINGS:
        assert said in ended


async def test_whispers_and_unheard_words_teach_nothing(world):
    await world.say("I live in Bonn", visibility=Visibility.PRIVATE)
    await world.say("I love tea", visibility=Visibility.HIDDEN)
    await world.say("I hate rain", place=ConversationId("discord", "1", "9"), witnesses=())
    world.clock.advance(3600)
    await world.learner.read_everything()
    assert await world.known() == []


async def test_two_people_are_told_apart_and_hearsay_finds_who_is_present(world):
    await world.say("I live in Leeds", BOB)
    await world.say("Bob hates cats and I live in Bonn", ALICE)
    await world.learner.read_everything()
    facts = {(each.about.name, each.slot): each for each in await world.known()}
    bob = facts["Bob", "lives_in"]
    assert facts["Alice", "lives_in"].standing
    assert bob.standing
    assert facts["Bob", "dislikes"].hearsay
    assert facts["Bob", "dislikes"].about.person == bob.about.person
    assert facts["Bob", "dislikes"].teller.name == "Alice"
    assert facts["Bob", "dislikes"].audience == facts["Alice", "lives_in"].audience
