"""Linking accounts: only by a code shown at the one, entered at the other and confirmed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from services.domain.errors import InvalidRequest, NotFound, TooMany
from services.domain.ids import AuthorId, PersonaId, PersonId
from services.domain.people import Author
from services.memory.recollections import Audience, audience_id
from services.memory.scope import Kind
from services.people.linking import LIFETIME, AccountLinks
from services.storage.tables import affections, audiences, facts, link_codes
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import ALICE, ALICE_HERE, BOB, World, world_in


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        for author in (ALICE, ALICE_HERE, BOB):
            await opened.person(author)
        yield opened


@pytest.fixture
def links(world: World, clock: ManualClock) -> AccountLinks:
    return AccountLinks(
        database=world.database, people=world.people, clock=clock, rng=random.Random(3)
    )


async def test_a_code_confirmed_on_both_sides_links(world: World, links: AccountLinks) -> None:
    shown = await links.begin(ALICE.id)
    claim = await links.claim(shown.code.lower().replace("-", " "), ALICE_HERE.id)
    assert claim.account == ALICE.id
    assert await world.person(ALICE_HERE) != await world.person(ALICE)
    waiting = await links.claimed(ALICE.id)
    assert waiting is not None
    assert (waiting.account, waiting.name) == (ALICE_HERE.id, "Aly")
    person = await links.confirm(ALICE.id, ALICE_HERE.id)
    assert await world.person(ALICE_HERE) == await world.person(ALICE) == person
    assert await world.rows("link_codes") == []


async def test_the_code_is_not_stored_as_it_is(world: World, links: AccountLinks) -> None:
    shown = await links.begin(ALICE.id)
    stored = repr(await world.rows("link_codes"))
    secret = shown.code.replace("-", "")[3:]
    assert secret not in stored
    assert secret not in stored.upper().replace("-", "")


async def test_a_code_works_once_and_only_for_the_first_who_enters_it(
    links: AccountLinks,
) -> None:
    shown = await links.begin(ALICE.id)
    await links.claim(shown.code, ALICE_HERE.id)
    with pytest.raises(InvalidRequest, match="does not hold"):
        await links.claim(shown.code, BOB.id)
    with pytest.raises(NotFound):
        await links.confirm(ALICE.id, BOB.id)
    await links.confirm(ALICE.id, ALICE_HERE.id)
    with pytest.raises(InvalidRequest):
        await links.claim(shown.code, BOB.id)
    with pytest.raises(NotFound):
        await links.confirm(ALICE.id, ALICE_HERE.id)


async def test_nothing_is_linked_without_the_second_confirmation(
    world: World, links: AccountLinks
) -> None:
    shown = await links.begin(ALICE.id)
    await links.claim(shown.code, BOB.id)
    with pytest.raises(NotFound):
        await links.confirm(BOB.id, ALICE.id)
    await links.cancel(ALICE.id)
    with pytest.raises(NotFound):
        await links.confirm(ALICE.id, BOB.id)
    assert await world.person(BOB) != await world.person(ALICE)


async def test_a_code_expires(links: AccountLinks, clock: ManualClock) -> None:
    shown = await links.begin(ALICE.id)
    clock.advance(LIFETIME.total_seconds())
    with pytest.raises(InvalidRequest):
        await links.claim(shown.code, BOB.id)
    later = await links.begin(ALICE.id)
    await links.claim(later.code, BOB.id)
    clock.advance(LIFETIME.total_seconds())
    assert await links.claimed(ALICE.id) is None
    with pytest.raises(NotFound):
        await links.confirm(ALICE.id, BOB.id)


async def test_a_new_code_voids_the_old_one(links: AccountLinks) -> None:
    old = await links.begin(ALICE.id)
    new = await links.begin(ALICE.id)
    with pytest.raises(InvalidRequest):
        await links.claim(old.code, BOB.id)
    await links.claim(new.code, BOB.id)


async def test_ones_own_code_links_nothing(links: AccountLinks) -> None:
    shown = await links.begin(ALICE.id)
    with pytest.raises(InvalidRequest):
        await links.claim(shown.code, ALICE.id)


async def test_an_account_that_guesses_has_to_wait(links: AccountLinks, clock: ManualClock) -> None:
    shown = await links.begin(ALICE.id)
    for number in range(5):
        with pytest.raises(InvalidRequest):
            await links.claim(f"ZZZ-ZZZ-ZZZ-ZZ{number}", BOB.id)
    with pytest.raises(TooMany):
        await links.claim(shown.code, BOB.id)
    clock.advance(LIFETIME.total_seconds())
    fresh = await links.begin(ALICE.id)
    assert (await links.claim(fresh.code, BOB.id)).account == ALICE.id


async def test_many_accounts_cannot_guess_a_code_whose_beginning_they_know(
    world: World, links: AccountLinks
) -> None:
    shown = await links.begin(ALICE.id)
    for number in range(6):
        guesser = Author(id=AuthorId("web", f"g{number}"), display_name="G")
        await world.person(guesser)
        with pytest.raises(InvalidRequest):
            await links.claim(f"{shown.code[:3]}ZZZZZZZZ{number}", guesser.id)
    with pytest.raises(InvalidRequest):
        await links.claim(shown.code, BOB.id)


@pytest.mark.parametrize("code", ["", "%", "___", "é" * 12, "\ud800", "A" * 10_000, "'; --"])
async def test_odd_codes_are_wrong_codes(links: AccountLinks, code: str) -> None:
    await links.begin(ALICE.id)
    with pytest.raises(InvalidRequest, match="does not hold"):
        await links.claim(code, BOB.id)


async def test_strangers_get_no_code(links: AccountLinks) -> None:
    with pytest.raises(NotFound):
        await links.begin(AuthorId("web", "nobody"))


async def test_a_restart_voids_codes(world: World, links: AccountLinks, clock: ManualClock) -> None:
    shown = await links.begin(ALICE.id)
    again = AccountLinks(
        database=world.database, people=world.people, clock=clock, rng=random.Random(4)
    )
    with pytest.raises(InvalidRequest):
        await again.claim(shown.code, BOB.id)


async def test_memories_of_both_become_one(world: World) -> None:
    first, second = await world.person(ALICE), await world.person(ALICE_HERE)
    one = await world.say("I collect old lighthouse postcards.", ALICE)
    two = await world.say("I collect old lighthouse postcards.", ALICE_HERE)
    same = await world.learn(one, "postcards", about=ALICE, slot="collects")
    double = await world.learn(two, "postcards", about=ALICE_HERE, slot="collects")
    other = await world.learn(two, "a kite", about=ALICE_HERE, slot="owns")
    async with world.database.transaction() as tx:
        await tx.run(_feel, first, "mira", 20)
        await tx.run(_feel, second, "mira", 55)
        await tx.run(_feel, second, "juno", 5)
    person = await world.link(ALICE, ALICE_HERE)
    assert person == first
    async with world.database.reader() as snapshot:
        standing = await snapshot.run(
            lambda c: set(
                c.execute(
                    select(facts.c.id).where(
                        facts.c.teller_id == person, facts.c.valid_to.is_(None)
                    )
                ).scalars()
            )
        )
        felt = await snapshot.run(
            lambda c: c.execute(
                select(affections.c.persona_id, affections.c.value).order_by(
                    affections.c.persona_id
                )
            ).all()
        )
        whose = await snapshot.run(
            lambda c: set(
                c.execute(select(audiences.c.person_id).where(audiences.c.kind == "fact")).scalars()
            )
        )
        key = await snapshot.run(
            lambda c: (
                c.execute(select(audiences.c.id).where(audiences.c.person_id == person))
                .scalars()
                .all()
            )
        )
    assert standing == {same, other}
    assert double not in standing
    assert [tuple(row) for row in felt] == [("juno", 5), ("mira", 55)]
    assert whose == {person}
    async with world.database.transaction() as tx:
        found = await tx.run(
            audience_id,
            Audience(kind=Kind.FACT, place="discord:1", persona=PersonaId("mira"), person=person),
        )
    assert found in key
    assert second not in repr([await world.rows(table) for table in ("facts", "recollections")])


async def test_codes_of_one_account_are_one_row(world: World, links: AccountLinks) -> None:
    for _ in range(20):
        await links.begin(ALICE.id)
    async with world.database.reader() as snapshot:
        rows = await snapshot.run(lambda c: c.execute(select(link_codes)).all())
    assert len(rows) == 1


def _feel(connection: Connection, person: PersonId, persona: str, value: int) -> None:
    connection.execute(
        insert(affections).values(
            person_id=person,
            persona_id=persona,
            value=value,
            changed_here=0,
            updated_at=ManualClock().now(),
        )
    )
