"""Facts over time: nothing twice, later words end earlier ones, whatever the order they come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from services.domain.ids import ConversationId, MessageId, PersonaId, PersonId
from services.memory.learning.fact import Changes, Outcome, Party, Telling
from services.memory.learning.facts import Facts
from services.memory.learning.rules.reader import read
from services.storage.tables import facts as table
from services.storage.tables import recollections
from tests.unit.storage.samples import database_in

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GUILD = ConversationId("discord", "1", "2")
ANNA = Party(name="Anna", person=PersonId("anna"))


@pytest.fixture
async def book(tmp_path, clock, ids):
    async with database_in(tmp_path, clock) as database:
        yield Book(database, Facts(ids))


class Book:
    """Says things on days of March and tells what is known."""

    def __init__(self, database, facts):
        self.database = database
        self.facts = facts
        self.changes = Changes()
        self.count = 0

    async def say(self, words, *, day, teller=ANNA, persona="mira", place=GUILD):
        self.count += 1
        told = Telling(
            teller=teller,
            persona=PersonaId(persona),
            conversation=place,
            message=MessageId(f"m{self.count}"),
            said_at=START + timedelta(days=day),
        )
        kept = []
        async with self.database.transaction() as tx:
            for finding in read(words, teller=teller.name).findings:
                kept.append(
                    await tx.run(
                        self.facts.keep,
                        finding,
                        told,
                        changes=self.changes,
                        now=START,
                        about=None if finding.about is None else Party(name=finding.about),
                    )
                )
        assert kept, words
        return kept

    async def do(self, work, *args, **kwargs):
        async with self.database.transaction() as tx:
            return await tx.run(work, *args, changes=self.changes, **kwargs)

    async def all(self, condition=None):
        async with self.database.reader() as snapshot:
            return await snapshot.run(
                self.facts.load, table.c.id.is_not(None) if condition is None else condition
            )

    async def now(self):
        return sorted((each.slot, each.value) for each in await self.all() if each.standing)

    async def found(self, word):
        async with self.database.reader() as snapshot:
            return await snapshot.run(
                lambda connection: (
                    connection.execute(
                        select(recollections.c.ref).where(
                            recollections.c.id.in_(
                                text(
                                    "SELECT rowid FROM recollection_words "
                                    "WHERE recollection_words MATCH :word"
                                ).bindparams(word=word)
                            ),
                            recollections.c.kind == "fact",
                        )
                    )
                    .scalars()
                    .all()
                )
            )


async def test_a_later_statement_ends_the_earlier_one_and_says_when(book):
    await book.say("I live in Bonn", day=0)
    await book.say("I moved to Lyon", day=5)
    late, early = await book.all()
    assert (early.value, early.valid_from, early.valid_to) == (
        "Bonn",
        START,
        START + timedelta(days=5),
    )
    assert early.superseded_by == late.id
    assert (late.value, late.standing) == ("Lyon", True)


async def test_what_is_told_out_of_order_ends_up_the_same(book):
    await book.say("I live in Lyon", day=5)
    await book.say("I live in Bonn", day=0)
    await book.say("I live in Cork", day=3)
    known = {each.value: each for each in await book.all()}
    assert known["Bonn"].valid_to == known["Cork"].valid_from
    assert known["Cork"].valid_to == known["Lyon"].valid_from
    assert known["Lyon"].standing


async def test_saying_it_again_stores_nothing(book):
    await book.say("I live in Bonn. I love tea!", day=0)
    for day in range(1, 4):
        again = await book.say("i live in bonn and i love TEA", day=day)
        assert {each.outcome for each in again} == {Outcome.KNOWN}
    assert len(await book.all()) == 2


async def test_an_earlier_statement_of_the_same_moves_the_beginning(book):
    await book.say("I live in Bonn", day=9)
    kept = await book.say("I live in Bonn", day=2)
    assert kept[0].outcome is Outcome.EARLIER
    (fact,) = await book.all()
    assert (fact.valid_from, fact.message) == (START + timedelta(days=2), "m2")


async def test_many_values_stand_beside_each_other_until_one_is_denied(book):
    await book.say("I like tea and chess", day=0)
    await book.say("I don't like tea any more", day=4)
    assert await book.now() == [("likes", "chess")]
    tea = next(each for each in await book.all() if each.value == "tea" and not each.ending)
    assert tea.valid_to == START + timedelta(days=4)


async def test_disliking_ends_liking_and_the_other_way_round(book):
    await book.say("I like tea", day=0)
    await book.say("I hate tea", day=1)
    assert await book.now() == [("dislikes", "tea")]
    await book.say("I love tea", day=2)
    assert await book.now() == [("likes", "tea")]


async def test_an_ending_told_first_still_ends_what_was_said_before_it(book):
    await book.say("I no longer live in Bonn", day=5)
    await book.say("I live in Bonn", day=0)
    assert await book.now() == []


async def test_a_corrected_name_of_a_pet_replaces_the_wrong_one(book):
    await book.say("I have a cat called Moss", day=0)
    await book.say("No, my cat is called Fern", day=1)
    assert await book.now() == [("pet:cat", "Fern")]


async def test_a_second_pet_does_not_replace_the_first(book):
    await book.say("I have a cat called Moss", day=0)
    await book.say("I got a cat named Fern", day=1)
    assert await book.now() == [("pet:cat", "Fern"), ("pet:cat", "Moss")]


async def test_leaving_a_job_ends_whatever_the_job_was(book):
    await book.say("I work as a baker at the mill", day=0)
    await book.say("I quit my job", day=1)
    assert await book.now() == []


async def test_hearsay_names_its_teller_and_never_ends_what_somebody_said_themselves(book):
    bob = Party(name="Bob", person=PersonId("bob"))
    await book.say("I live in Leeds", day=0, teller=bob)
    await book.say("Bob lives in Paris", day=1)
    told = {each.teller.name: each for each in await book.all()}
    assert told["Bob"].standing
    assert told["Anna"].hearsay
    assert told["Anna"].text == "Bob lives in Paris, according to Anna."


async def test_characters_and_places_know_only_what_they_were_told(book):
    await book.say("I live in Bonn", day=0)
    await book.say("I live in Bonn", day=0, persona="nova")
    await book.say("I live in Bonn", day=0, place=ConversationId("discord", "9", "9"))
    await book.say("I live in Bonn", day=0, place=ConversationId("discord", "1", "77"))
    assert len({each.audience for each in await book.all()}) == 3
    assert len(await book.all()) == 3


async def test_only_what_holds_can_be_found(book):
    await book.say("I live in Bonn", day=0)
    assert len(await book.found("Bonn")) == 1
    await book.say("I live in Lyon", day=1)
    assert await book.found("Bonn") == []
    assert len(await book.found("Lyon")) == 1


async def test_taking_words_back_lets_what_they_ended_hold_again(book):
    await book.say("I live in Bonn", day=0)
    await book.say("I moved to Lyon", day=1)
    assert await book.do(book.facts.retract, ["m2"]) == 1
    assert await book.now() == [("lives_in", "Bonn")]
    assert len(await book.found("Bonn")) == 1
    assert await book.found("Lyon") == []


async def test_taking_back_the_middle_of_three_joins_the_others(book):
    await book.say("I live in Bonn", day=0)
    await book.say("I live in Cork", day=1)
    await book.say("I live in Lyon", day=2)
    await book.do(book.facts.retract, ["m2"])
    known = {each.value: each for each in await book.all()}
    assert known["Bonn"].valid_to == known["Lyon"].valid_from


async def test_a_new_name_of_the_teller_makes_no_new_facts(book):
    await book.say("I live in Bonn", day=0)
    await book.say("I live in Bonn", day=1, teller=replace(ANNA, name="Anni"))
    assert len(await book.all()) == 1
