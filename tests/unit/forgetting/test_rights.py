"""Seeing, correcting, pinning, taking away and forgetting one's own memories, and only those."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import AuthorId, MessageId
from services.domain.people import Author, Role
from services.memory.rights.service import MemoryRights, Requester
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import (
    ALICE,
    ALICE_HERE,
    BOB,
    GUILD,
    MIRA,
    PRIVATE,
    World,
    world_in,
)

AS_ALICE = Requester(account=ALICE.id)
AS_BOB = Requester(account=BOB.id)


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        await opened.link(ALICE, ALICE_HERE)
        await opened.person(BOB)
        yield opened


@pytest.fixture
def rights(world: World, clock: ManualClock) -> MemoryRights:
    return MemoryRights(
        database=world.database,
        forgetting=world.forgetting,
        clock=clock,
        ids=world.ids,
        index=world.index,
    )


async def test_everything_from_all_accounts_is_listed(world: World, rights: MemoryRights) -> None:
    one = await world.say("My kite is turquoise", ALICE)
    await world.say("My boat is yellow", ALICE_HERE, place=PRIVATE)
    await world.learn(one, "turquoise", about=ALICE, slot="kite_colour")
    for requester in (AS_ALICE, Requester(account=ALICE_HERE.id)):
        overview = await rights.overview(requester)
        assert (overview.messages, overview.facts, overview.told_by_others) == (2, 1, 0)
        (fact,) = await rights.facts(requester)
        assert (fact.value, fact.message, fact.conversation) == (
            "turquoise",
            one.message.id,
            str(GUILD),
        )


async def test_what_others_told_is_counted_and_forgotten_but_not_shown(
    world: World, rights: MemoryRights
) -> None:
    gossip = await world.say("I am in love with her", BOB)
    await world.learn(gossip, "loved by Bob", about=ALICE, slot="secret")
    assert (await rights.overview(AS_ALICE)).told_by_others == 1
    assert await rights.facts(AS_ALICE, past=True) == []
    assert (await rights.search(AS_ALICE, "love")).count == 0
    assert "love" not in json.dumps(await rights.export(AS_ALICE))
    assert [fact.value for fact in await rights.facts(AS_BOB)] == ["loved by Bob"]
    assert await rights.forget_hearsay(AS_ALICE) == 1
    assert (await rights.overview(AS_ALICE)).told_by_others == 0
    assert await world.texts() == ["I am in love with her"]


async def test_search_finds_ones_own_words_only(world: World, rights: MemoryRights) -> None:
    await world.say("The turquoise kite flies high", ALICE)
    await world.say("A turquoise kite? Splendid!", MIRA)
    await world.say("I saw the turquoise kite too", BOB)
    found = await rights.search(AS_ALICE, "turquoise KITES")
    assert [turn.text for turn in found.turns] == ["The turquoise kite flies high"]
    assert (await rights.search(AS_ALICE, "urquois")).turns
    assert not (await rights.search(AS_ALICE, "saw")).count
    for odd in ('"', "* OR NEAR(", "%", "", "\x00"):
        assert (await rights.search(AS_ALICE, odd)).count == 0


async def test_a_correction_closes_the_old_fact(
    world: World, rights: MemoryRights, clock: ManualClock
) -> None:
    said = await world.say("My kite is turquoise", ALICE)
    old = await world.learn(said, "turquoise", about=ALICE, slot="kite_colour")
    clock.advance(60)
    new = await rights.correct(AS_ALICE, old, "  deep   crimson ")
    assert (new.value, new.text, new.origin, new.quote) == (
        "deep crimson",
        "kite_colour: deep crimson",
        "told",
        "",
    )
    assert [fact.id for fact in await rights.facts(AS_ALICE)] == [new.id]
    past = {fact.id: fact for fact in await rights.facts(AS_ALICE, past=True)}
    assert past[old].until == clock.now()
    assert await world.found("crimson") == 1
    assert await world.found("turquoise") == 1  # the message itself
    again = await rights.correct(AS_ALICE, new.id, "deep crimson")
    assert [fact.id for fact in await rights.facts(AS_ALICE)] == [again.id]
    with pytest.raises(InvalidRequest, match="no longer"):
        await rights.correct(AS_ALICE, old, "blue")
    for value in ("", " ", "x" * 301):
        with pytest.raises(InvalidRequest):
            await rights.correct(AS_ALICE, again.id, value)


async def test_pinned_facts_come_first(world: World, rights: MemoryRights) -> None:
    said = await world.say("My kite is turquoise, my boat is yellow", ALICE)
    first = await world.learn(said, "turquoise", about=ALICE, slot="kite")
    second = await world.learn(said, "yellow", about=ALICE, slot="boat")
    assert [fact.id for fact in await rights.facts(AS_ALICE)] == [second, first]
    assert (await rights.pin(AS_ALICE, first)).pinned
    assert [fact.id for fact in await rights.facts(AS_ALICE)] == [first, second]
    assert not (await rights.pin(AS_ALICE, first, pinned=False)).pinned


async def test_a_forgotten_fact_is_not_learnt_from_that_message_again(
    world: World, rights: MemoryRights
) -> None:
    said = await world.say("My kite is turquoise", ALICE)
    fact = await world.learn(said, "turquoise", about=ALICE, slot="kite")
    await rights.forget_fact(AS_ALICE, fact)
    assert await rights.facts(AS_ALICE, past=True) == []
    ((message, version, outcome, _),) = await world.rows("lessons")
    assert (message, version, outcome) == (said.message.id, 2**31 - 1, "forgotten")


async def test_one_message_and_everything_that_matches_is_forgotten(
    world: World, rights: MemoryRights
) -> None:
    first = await world.say("The turquoise kite flies high", ALICE)
    await world.say("My turquoise boat sank", ALICE)
    await world.say("Herons eat at noon", ALICE)
    await world.learn(first, "turquoise", about=ALICE, slot="kite")
    await world.say("I like turquoise myself", BOB)
    preview = await rights.preview(AS_ALICE, "turquoise")
    assert preview.count == 3
    with pytest.raises(InvalidRequest, match="3"):
        await rights.forget_matching(AS_ALICE, "turquoise", expected=2)
    receipt = await rights.forget_matching(AS_ALICE, "turquoise", expected=3)
    assert receipt is not None
    assert receipt.counts["messages"] == 2
    assert await world.texts() == ["Herons eat at noon", "I like turquoise myself"]
    with pytest.raises(NotFound):
        await rights.preview(AS_ALICE, "turquoise")
    last = (await rights.search(AS_ALICE, "herons")).turns[0]
    await rights.forget_message(AS_ALICE, MessageId(last.id))
    assert (await rights.overview(AS_ALICE)).messages == 0


async def test_export_holds_everything_of_the_person_and_no_word_of_others(
    world: World, rights: MemoryRights
) -> None:
    said = await world.say("My kite is turquoise", ALICE, attachment=b"kite")
    await world.say("Mine is purple", BOB)
    await world.say("Turquoise suits you!", MIRA, answers=said)
    await world.learn(said, "turquoise", about=ALICE, slot="kite")
    exported = await rights.export(AS_ALICE)
    text = json.dumps(exported)
    assert [one["text"] for one in exported["messages"]] == ["My kite is turquoise"]  # type: ignore[attr-defined]
    assert [one["value"] for one in exported["facts"]] == ["turquoise"]  # type: ignore[attr-defined]
    assert [one["name"] for one in exported["attachments"]] == ["note.txt"]  # type: ignore[attr-defined]
    assert "purple" not in text
    assert "suits" not in text
    assert str(ALICE_HERE.id) in text
    assert str(BOB.id) not in text


async def test_nobody_acts_for_another_but_owners(world: World, rights: MemoryRights) -> None:
    said = await world.say("My kite is turquoise", ALICE)
    fact = await world.learn(said, "turquoise", about=ALICE, slot="kite")
    spying = Requester(account=BOB.id, about=ALICE.id, role=Role.ADMIN)
    for attempt in (
        rights.overview(spying),
        rights.facts(spying),
        rights.search(spying, "kite"),
        rights.export(spying),
        rights.correct(spying, fact, "blue"),
        rights.pin(spying, fact),
        rights.forget_fact(spying, fact),
        rights.forget_hearsay(spying),
        rights.forget_message(spying, said.message.id),
        rights.forget_me(spying),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    for theft in (
        rights.correct(AS_BOB, fact, "blue"),
        rights.pin(AS_BOB, fact),
        rights.forget_fact(AS_BOB, fact),
        rights.forget_message(AS_BOB, said.message.id),
    ):
        with pytest.raises(NotFound):
            await theft
    linked = Requester(account=ALICE_HERE.id, about=ALICE.id)
    assert len(await rights.facts(linked)) == 1
    owner = Requester(account=AuthorId("console", "root"), about=ALICE.id, role=Role.OWNER)
    assert len(await rights.facts(owner)) == 1
    with pytest.raises(NotFound):
        await rights.overview(Requester(account=AuthorId("web", "nobody")))


async def test_random_people_never_see_a_word_of_each_other(
    world: World, rights: MemoryRights
) -> None:
    chance = random.Random(77)
    people = [
        Author(id=AuthorId("web", f"u{number}"), display_name=f"Person{number}")
        for number in range(8)
    ]
    marks: dict[AuthorId, set[str]] = {one.id: set() for one in people}
    for number in range(120):
        author, other = chance.choice(people), chance.choice(people)
        mark = f"mark{number}x"
        marks[author.id].add(mark)
        said = await world.say(f"the common word {mark}", author, present=people)
        if number % 3 == 0:
            await world.learn(said, f"value {mark}", about=other, slot=f"slot{number}")
    for one in people:
        requester = Requester(account=one.id)
        seen = json.dumps(
            [
                await rights.export(requester),
                (await rights.search(requester, "common word", limit=500)).as_json(),
                [fact.as_json() for fact in await rights.facts(requester, past=True)],
            ]
        )
        for owner, theirs in marks.items():
            for mark in theirs:
                assert (mark in seen) == (owner == one.id), (one.id, owner, mark)


class Kept:
    """Something another service keeps of one account."""

    name = "kept"

    def __init__(self, account: AuthorId) -> None:
        self.account = account

    def of_person(self, connection, accounts):
        return [{"text": "secret"}] if self.account in accounts else []

    def erase_person(self, connection, accounts):
        return 0

    def erase_place(self, connection, place):
        return 0


async def test_who_used_commands_and_never_said_a_word_can_export_and_be_forgotten(
    world: World, clock: ManualClock
) -> None:
    silent = AuthorId("test", "silent")
    rights = MemoryRights(
        database=world.database,
        forgetting=world.forgetting,
        clock=clock,
        ids=world.ids,
        holdings=[Kept(silent)],
    )
    requester = Requester(account=silent)
    assert (await rights.overview(requester)).messages == 0
    assert (await rights.export(requester))["kept"] == [{"text": "secret"}]
    assert (await rights.forget_me(requester)).id
    with pytest.raises(NotFound):
        await rights.overview(Requester(account=AuthorId("test", "stranger")))
    with pytest.raises(NotAllowed):
        await rights.export(Requester(account=BOB.id, about=silent))
