"""Lists and polls: whose they are, who may change them, and what they count."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.calls import ToolCall
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, TooMany
from services.domain.ids import AuthorId, ConversationId, PersonaId, TurnId
from services.domain.people import Author, Role
from services.lists.holding import ListHolding
from services.lists.lists import Lists
from services.lists.polls import Polls
from services.lists.tools import list_tools
from services.settings import StorageSettings
from services.storage.database import Database
from services.toolbox.spec import ToolContext
from services.toolbox.toolbox import Toolbox
from tests.fakes.clock import ManualClock

SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")
HERE = ConversationId("test", "guild", "general")
NEXT_DOOR = ConversationId("test", "guild", "random")
ELSEWHERE = ConversationId("test", "other", "general")
NOW = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)


@asynccontextmanager
async def world(tmp_path):
    clock = ManualClock(NOW)
    async with Database(StorageSettings(data=tmp_path), clock=clock) as database:
        lists = Lists(database=database, clock=clock)
        yield lists, Polls(database=database, clock=clock), database


def lines(found):
    return [(item.number, item.text, item.done) for item in found.items]


async def test_lines_are_added_ticked_and_taken_off_and_numbers_never_come_again(tmp_path):
    async with world(tmp_path) as (lists, _, __):
        await lists.add("Shopping", ["milk", " eggs  large "], by=SAM, where=HERE)
        found = await lists.tick("shopping", 1, by=SAM, where=NEXT_DOOR)
        assert lines(found) == [(2, "eggs large", False), (1, "milk", True)]
        found = await lists.tick("shopping", 1, by=SAM, where=HERE)
        assert not found.items[0].done, "ticking again takes the tick away"
        await lists.remove("shopping", 2, by=SAM, where=HERE)
        found = await lists.add("SHOPPING", ["bread"], by=SAM, where=HERE)
        assert lines(found) == [(1, "milk", False), (3, "bread", False)]
        await lists.tick("shopping", 1, by=SAM, where=HERE, done=True)
        assert lines(await lists.remove("shopping", None, by=SAM, where=HERE)) == [
            (3, "bread", False)
        ]


async def test_ones_own_list_is_nobody_elses_and_stays_in_its_place(tmp_path):
    async with world(tmp_path) as (lists, _, __):
        await lists.add("gifts", ["a hat for kim"], by=SAM, where=HERE)
        for work in (
            lists.show("gifts", by=KIM, where=HERE),
            lists.tick("gifts", 1, by=KIM, where=HERE),
            lists.remove("gifts", 1, by=KIM, where=HERE),
            lists.delete("gifts", by=KIM, role=Role.OWNER, where=HERE),
            lists.show("gifts", by=SAM, where=ELSEWHERE),
        ):
            with pytest.raises(NotFound):
                await work
        assert await lists.all(by=KIM, where=HERE) == []


async def test_a_shared_list_is_everybodys_to_fill_and_its_makers_to_delete(tmp_path):
    async with world(tmp_path) as (lists, _, __):
        await lists.add("party", ["cake"], by=SAM, where=HERE, shared=True)
        found = await lists.add("party", ["balloons"], by=KIM, where=HERE)
        assert found.shared
        assert len(found.items) == 2
        with pytest.raises(NotAllowed):
            await lists.delete("party", by=KIM, role=Role.MEMBER, where=HERE)
        await lists.add("party", ["my own"], by=KIM, where=ELSEWHERE)
        await lists.delete("party", by=KIM, role=Role.MODERATOR, where=HERE)
        with pytest.raises(NotFound):
            await lists.show("party", by=SAM, where=HERE)
        assert len((await lists.show("party", by=KIM, where=ELSEWHERE)).items) == 1


async def test_what_is_shared_in_private_is_not_shared_with_everybodys_private_talk(tmp_path):
    mine = ConversationId("discord", "dm", "1")
    theirs = ConversationId("discord", "dm", "2")
    async with world(tmp_path) as (lists, polls, _):
        await lists.add("secret", ["gift"], by=SAM, where=mine, shared=True)
        poll = await polls.ask("Secret?", ["yes", "no"], by=SAM, where=mine)
        assert await lists.all(by=KIM, where=theirs) == []
        assert await polls.listed(where=theirs) == []
        with pytest.raises(NotFound):
            await polls.vote(poll.number, 1, by=KIM, where=theirs)


async def test_too_much_is_refused_and_leaves_the_list_as_it_was(tmp_path):
    async with world(tmp_path) as (lists, _, __):
        await lists.add("long", [f"line {n}" for n in range(199)], by=SAM, where=HERE)
        with pytest.raises(TooMany):
            await lists.add("long", ["one", "two"], by=SAM, where=HERE)
        with pytest.raises(InvalidRequest):
            await lists.add("long", ["fine", "x" * 501], by=SAM, where=HERE)
        assert len((await lists.show("long", by=SAM, where=HERE)).items) == 199
        for name in ("", "x" * 61, "a\u0000b"):
            with pytest.raises(InvalidRequest):
                await lists.add(name, ["line"], by=SAM, where=HERE)
        for number in (0, -1, 10**30):
            with pytest.raises(InvalidRequest):
                await lists.tick("long", number, by=SAM, where=HERE)


async def test_each_has_one_vote_that_can_be_changed_and_taken_back(tmp_path):
    async with world(tmp_path) as (_, polls, __):
        poll = await polls.ask("Tea?", ["yes", "no"], by=SAM, where=HERE)
        await polls.vote(poll.number, 1, by=KIM, where=HERE)
        found = await polls.vote(poll.number, 2, by=KIM, where=NEXT_DOOR)
        assert (found.votes, found.people) == ([0, 1], 1)
        found = await polls.vote(poll.number, 2, by=KIM, where=HERE)
        assert (found.votes, found.people, found.leading) == ([0, 0], 0, [])
        several = await polls.ask("Which?", ["a", "b"], by=SAM, where=HERE, several=True)
        await polls.vote(several.number, 1, by=KIM, where=HERE)
        found = await polls.vote(several.number, 2, by=KIM, where=HERE)
        assert (found.votes, found.people, found.leading) == ([1, 1], 1, ["a", "b"])


async def test_a_closed_poll_counts_no_more_and_only_its_asker_closes_it(tmp_path):
    async with world(tmp_path) as (_, polls, __):
        poll = await polls.ask("Tea?", ["yes", "no"], by=SAM, where=HERE)
        with pytest.raises(NotAllowed):
            await polls.close(poll.number, by=KIM, role=Role.MEMBER, where=HERE)
        for option in (0, 3, -1):
            with pytest.raises(InvalidRequest):
                await polls.vote(poll.number, option, by=KIM, where=HERE)
        await polls.vote(poll.number, 1, by=KIM, where=HERE)
        closed = await polls.close(poll.number, by=SAM, role=Role.MEMBER, where=HERE)
        assert closed.closed_at == NOW
        with pytest.raises(InvalidRequest):
            await polls.vote(poll.number, 2, by=SAM, where=HERE)
        assert (await polls.show(poll.number, where=HERE)).votes == [1, 0]


async def test_polls_of_another_place_are_not_found_and_numbered_apart(tmp_path):
    async with world(tmp_path) as (_, polls, __):
        await polls.ask("One?", ["a", "b"], by=SAM, where=HERE)
        second = await polls.ask("Two?", ["a", "b"], by=SAM, where=HERE)
        assert second.number == 2
        with pytest.raises(NotFound):
            await polls.vote(2, 1, by=KIM, where=ELSEWHERE)
        assert (await polls.ask("Three?", ["a", "b"], by=KIM, where=ELSEWHERE)).number == 1
        assert [poll.number for poll in await polls.listed(where=HERE)] == [2, 1]


@pytest.mark.parametrize("options", [[], ["a"], ["a", "A"], ["a", ""], ["a"] * 11, ["a", "b" * 81]])
async def test_options_that_make_no_poll_are_refused(tmp_path, options):
    async with world(tmp_path) as (_, polls, __):
        with pytest.raises(InvalidRequest):
            await polls.ask("Which?", options, by=SAM, where=HERE)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(votes=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=12))
async def test_the_count_is_always_one_vote_per_person(tmp_path_factory, votes):
    kept: dict[str, int] = {}
    async with world(tmp_path_factory.mktemp("polls")) as (_, polls, __):
        poll = await polls.ask("Which?", ["x", "y", "z"], by=SAM, where=HERE)
        for who, option in votes:
            by = Author(id=AuthorId("test", who), display_name=who)
            poll = await polls.vote(poll.number, option, by=by, where=HERE)
            if kept.get(who) == option:
                del kept[who]
            else:
                kept[who] = option
        assert list(poll.votes) == [list(kept.values()).count(n) for n in (1, 2, 3)]
        assert poll.people == len(kept)


async def test_forgetting_somebody_leaves_what_others_share_without_their_name(tmp_path):
    holding = ListHolding()
    async with world(tmp_path) as (lists, polls, database):
        await lists.add("mine", ["secret"], by=SAM, where=HERE)
        await lists.add("party", ["cake"], by=SAM, where=HERE, shared=True)
        await lists.add("party", ["balloons"], by=KIM, where=HERE)
        poll = await polls.ask("Tea?", ["yes", "no"], by=SAM, where=HERE)
        await polls.vote(poll.number, 1, by=SAM, where=HERE)
        await polls.vote(poll.number, 1, by=KIM, where=HERE)
        async with database.transaction() as tx:
            assert len(await tx.run(holding.of_person, [SAM.id])) == 4
            assert await tx.run(holding.erase_person, [SAM.id]) > 0
            assert await tx.run(holding.of_person, [SAM.id]) == []
        assert [one.name for one in await lists.all(by=SAM, where=HERE)] == ["party"]
        assert len((await lists.show("party", by=KIM, where=HERE)).items) == 2
        assert (await polls.show(poll.number, where=HERE)).votes == [1, 0]
        async with database.transaction() as tx:
            assert await tx.run(holding.erase_place, "test:guild") > 0
        assert await lists.all(by=KIM, where=HERE) == []
        assert await polls.listed(where=HERE) == []


async def test_what_nobody_else_took_part_in_goes_with_its_person(tmp_path):
    holding = ListHolding()
    async with world(tmp_path) as (lists, polls, database):
        await lists.add("party", ["cake"], by=SAM, where=HERE, shared=True)
        poll = await polls.ask("Do you like me?", ["yes", "no"], by=SAM, where=HERE)
        await polls.vote(poll.number, 1, by=SAM, where=HERE)
        kims = await polls.ask("Tea?", ["yes", "no"], by=KIM, where=HERE)
        async with database.transaction() as tx:
            await tx.run(holding.erase_person, [SAM.id])
        assert await lists.all(by=KIM, where=HERE) == []
        assert [one.number for one in await polls.listed(where=HERE)] == [kims.number]


async def test_tools_work_for_who_asks_and_hostile_arguments_do_nothing(tmp_path):
    async with world(tmp_path) as (lists, polls, _):
        tools = Toolbox([list_tools(lists, polls)])

        async def run(tool, asker=SAM, /, **arguments):
            context = ToolContext(
                conversation=HERE,
                persona=PersonaId("mira"),
                turn=TurnId("t"),
                asker=asker,
                role=Role.MEMBER,
            )
            call = ToolCall(id="c", name=tool, arguments=arguments)
            return await tools.run(call, context, limit=4000)

        assert "2 lines" in (await run("add_to_list", name="shopping", items=["a", "b"])).content
        assert (await run("show_list", name="shopping")).content == "1: a\n2: b"
        assert (await run("show_list", KIM, name="shopping")).is_error
        assert (await run("tick_list_item", name="shopping", number=1)).content == "Line 1 is done."
        assert (await run("remove_list_item", name="shopping", number=9)).is_error
        assert (await run("add_to_list", name="shopping", items="a")).is_error
        assert (await run("add_to_list", name="s", items=["x"] * 51)).is_error
        assert (await run("add_to_list", None, name="s", items=["x"])).is_error
        made = await run("create_poll", question="Tea?", options=["yes", "no"])
        assert made.content.startswith("Poll 1 is open")
        assert "yes: 0; no: 0" in (await run("poll_results", number=1)).content
        poll = tools.find("create_poll")
        assert poll is not None
        assert poll.confirm, "a poll asks everybody, so a person must agree"
