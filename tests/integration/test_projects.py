"""Projects, tasks, ideas and notes over a real database: what is allowed, and what is not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from services.conversation.history import History
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, Refused
from services.domain.ids import AuthorId, ConversationId, MessageId, UlidSource
from services.domain.messages import Message, TextPart
from services.domain.people import Author
from services.people.repository import PeopleRepository
from services.projects import ideas, notes, projects, tasks
from services.projects.projects import NewProject
from services.projects.records import Status
from services.projects.weeks import progress_bar
from tests.fakes.project_world import (
    ANN,
    BOB,
    CAT,
    GUEST,
    HERE,
    MODERATOR,
    STRANGER,
    THERE,
    asker,
    project_world,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path):
    async with project_world(tmp_path / "data") as made:
        yield made


async def started(world, who=ANN, title="Lamp", **more):
    outcome = await world.services.projects.start(who, NewProject(title=title, **more))
    return outcome.project


async def test_numbers_count_per_guild_and_are_never_given_twice(world):
    services = world.services
    assert [(await started(world)).number for _ in range(2)] == [1, 2]
    assert (await started(world, STRANGER)).number == 1
    task = await services.tasks.add(ANN, 1, "Solder")
    await services.tasks.remove(ANN, task.number)
    again = await services.tasks.add(ANN, 1, "Glue")
    assert again.number == task.number + 1, "a button for the deleted task must not find this one"


async def test_nothing_of_another_guild_is_read_or_written_by_id(world):
    services = world.services
    number = (await started(world)).number
    task = (await services.tasks.add(ANN, number, "Solder")).number
    idea = (await services.ideas.add(ANN, "A robot")).number
    await services.notes.add(ANN, "project", number, "secret")
    attempts = [
        services.projects.info(STRANGER, number),
        services.projects.move(STRANGER, number, Status.ARCHIVED),
        services.tasks.add(STRANGER, number, "mine now"),
        services.tasks.of(STRANGER, number),
        services.tasks.info(STRANGER, task),
        services.tasks.toggle(STRANGER, task),
        services.tasks.remove(STRANGER, task),
        services.tasks.assign(STRANGER, task, "me"),
        services.tasks.unassign(STRANGER, task),
        services.ideas.pick(STRANGER, idea),
        services.ideas.remove(STRANGER, idea),
        services.notes.add(STRANGER, "project", number, "hello"),
        services.notes.of(STRANGER, "project", number),
        services.notes.add(STRANGER, "task", task, "hello"),
        services.notes.of(STRANGER, "task", task),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt
    assert (await services.projects.listed(STRANGER)).total == 0
    assert not await services.ideas.listed(STRANGER)
    assert not await services.tasks.for_person(STRANGER, done=True)
    assert not (await services.tasks.info(ANN, task)).is_done


async def test_direct_messages_are_places_of_their_own(world):
    first = asker("ann", ConversationId("discord", "dm", "1"))
    second = asker("bob", ConversationId("discord", "dm", "2"))
    await started(world, first)
    with pytest.raises(NotFound):
        await world.services.projects.info(second, 1)
    thread = replace(HERE, channel="1:77")
    await started(world)
    assert await world.services.projects.info(asker("bob", thread), 1), "threads are the guild's"


async def test_only_owners_and_moderators_put_a_project_away(world):
    move = world.services.projects.move
    number = (await started(world)).number
    for who in (BOB, GUEST):
        with pytest.raises(NotAllowed):
            await move(who, number, Status.ARCHIVED)
    assert (await move(ANN, number, Status.ARCHIVED)).project.status is Status.ARCHIVED
    with pytest.raises(InvalidRequest):
        await move(ANN, number, Status.ARCHIVED)
    assert (await move(MODERATOR, number, Status.ACTIVE)).project.archived_at is None
    done = await move(MODERATOR, number, Status.COMPLETED)
    assert done.project.archived_at == world.clock.now()


async def test_a_task_is_ticked_by_those_it_concerns_alone(world):
    services = world.services
    number = (await started(world)).number
    task = (await services.tasks.add(BOB, number, "Solder")).number
    dan = asker("dan")
    for who in (CAT, GUEST):
        with pytest.raises(NotAllowed):
            await services.tasks.toggle(who, task)
    with pytest.raises(NotAllowed):
        await services.tasks.assign(CAT, task, AuthorId("discord", "dan"))
    await services.tasks.assign(ANN, task, dan.account)
    with pytest.raises(NotAllowed):
        await services.tasks.assign(CAT, task, "me")
    for expected, who in ((True, dan), (False, BOB), (True, ANN), (False, MODERATOR)):
        assert (await services.tasks.toggle(who, task)).is_done is expected
    with pytest.raises(NotAllowed):
        await services.tasks.remove(dan, task)
    assert [one.number for one in await services.tasks.for_person(dan)] == [task]
    assert (await services.tasks.unassign(dan, task)).assigned_to is None
    assert (await services.tasks.assign(CAT, task, "me")).assigned_to == CAT.account
    await services.tasks.remove(BOB, task)


async def test_guests_create_nothing(world):
    services = world.services
    number = (await started(world)).number
    for attempt in (
        services.projects.start(GUEST, NewProject(title="x")),
        services.tasks.add(GUEST, number, "x"),
        services.ideas.add(GUEST, "x"),
        services.notes.add(GUEST, "project", number, "x"),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_an_archived_project_takes_no_changes(world):
    services = world.services
    number = (await started(world)).number
    task = (await services.tasks.add(ANN, number, "Solder")).number
    await services.projects.move(ANN, number, Status.ARCHIVED)
    for attempt in (
        services.tasks.add(ANN, number, "x"),
        services.tasks.toggle(ANN, task),
        services.tasks.assign(ANN, task, "me"),
    ):
        with pytest.raises(InvalidRequest):
            await attempt


@pytest.mark.parametrize("title", ["", " \n\t ", "\u202e\u200b", "x" * 101])
async def test_titles_that_cannot_be_are_refused(world, title):
    with pytest.raises(InvalidRequest):
        await started(world, title=title)
    with pytest.raises(InvalidRequest):
        await world.services.ideas.add(ANN, title)


async def test_titles_lose_line_breaks_and_what_turns_text_around(world):
    project = await started(world, title="A\nB\u202eC\x00", tags="#one, two ,,one,")
    assert (project.title, project.tags) == ("A BC", ("one", "two"))


@pytest.mark.parametrize("number", [0, -1, 10**9 + 1, 10**30])
async def test_numbers_that_fit_nowhere_are_unknown(world, number):
    for attempt in (
        world.services.projects.info(ANN, number),
        world.services.tasks.toggle(ANN, number),
        world.services.ideas.remove(ANN, number),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_lists_have_an_end(world, monkeypatch):
    monkeypatch.setattr(projects, "MOST_ACTIVE", 2)
    monkeypatch.setattr(tasks, "MOST_TASKS", 2)
    monkeypatch.setattr(ideas, "MOST_IDEAS", 1)
    monkeypatch.setattr(notes, "MOST_NOTES", 1)
    services = world.services
    await started(world)
    await started(world)
    with pytest.raises(Refused):
        await started(world)
    with pytest.raises(Refused):
        await services.tasks.add_all(ANN, 1, ["a", "b", "c"])
    assert not await services.tasks.of(ANN, 1), "all or none"
    await services.ideas.add(ANN, "a")
    with pytest.raises(Refused):
        await services.ideas.add(ANN, "b")
    await services.notes.add(ANN, "project", 1, "a")
    with pytest.raises(Refused):
        await services.notes.add(ANN, "project", 1, "b")


async def test_a_thread_that_cannot_be_opened_does_not_lose_the_project(world):
    world.threads.forbidden = True
    outcome = await world.services.projects.start(ANN, NewProject(title="Lamp"), thread=True)
    assert "permission" in outcome.trouble
    assert (await world.services.projects.info(ANN, 1)).thread is None


async def test_a_thread_goes_with_its_project_and_may_vanish_before(world):
    services = world.services
    opened = (await services.projects.start(ANN, NewProject(title="Lamp"), thread=True)).project
    assert opened.thread == ConversationId("discord", "100", "1:91")
    await services.projects.move(ANN, 1, Status.ARCHIVED)
    assert world.threads.closed == [opened.thread]
    await services.projects.move(ANN, 1, Status.ACTIVE)
    world.threads.forbidden = True
    moved = await services.projects.move(ANN, 1, Status.ARCHIVED)
    assert moved.project.status is Status.ARCHIVED
    assert "could not be put away" in moved.trouble
    await services.projects.thread_gone(replace(opened.thread, scope="200"))
    assert (await services.projects.info(ANN, 1)).thread, "another guild's thread is not ours"
    await services.projects.thread_gone(opened.thread)
    assert (await services.projects.info(ANN, 1)).thread is None


async def test_an_idea_becomes_one_project_and_is_used_then(world):
    services = world.services
    with pytest.raises(NotFound):
        await services.ideas.random(ANN)
    first = await services.ideas.add(ANN, "A robot", "that dances")
    await services.ideas.add(BOB, "A kite")
    project = (await services.ideas.pick(BOB, first.number)).project
    assert (project.title, project.description, project.owners) == (
        "A robot",
        "that dances",
        (BOB.account,),
    )
    with pytest.raises(InvalidRequest):
        await services.ideas.pick(ANN, first.number)
    assert [one.title for one in await services.ideas.listed(ANN, unused=True)] == ["A kite"]
    assert {(await services.ideas.random(ANN)).title for _ in range(5)} == {"A kite"}
    with pytest.raises(NotAllowed):
        await services.ideas.remove(BOB, first.number)
    await services.ideas.remove(MODERATOR, first.number)


async def test_two_who_pick_the_same_idea_get_one_project(world):
    number = (await world.services.ideas.add(ANN, "A robot")).number
    picks = [world.services.ideas.pick(who, number) for who in (ANN, BOB, CAT)]
    results = await asyncio.gather(*picks, return_exceptions=True)
    assert sum(isinstance(one, InvalidRequest) for one in results) == 2
    assert (await world.services.projects.listed(ANN)).total == 1


async def test_people_are_found_only_where_they_talk(world):
    """A name must not tell that somebody exists in another guild."""
    services = world.services
    ids = UlidSource(world.clock, random.Random(1))
    people, history = PeopleRepository(ids), History()
    async with world.database.transaction() as tx:
        for name, where in (("dan", HERE), ("eve", THERE)):
            author = Author(id=AuthorId("discord", f"3{name}"), display_name=name.title())
            person = await people.ensure(tx, author, at=world.clock.now())
            message = Message(
                id=MessageId(ids.new()),
                conversation=where,
                author=replace(author, person=person),
                parts=(TextPart(text="hi"),),
                created_at=world.clock.now(),
            )
            await history.record(tx, message)
    number = (await started(world)).number
    task = (await services.tasks.add(ANN, number, "Solder")).number
    for typed in ("dan", "<@3dan>", "3dan", "discord:3dan", "@Dan"):
        assert (await services.tasks.assign(ANN, task, typed)).assignee == "Dan"
    for typed in ("eve", "3eve", "nobody", "%", "' OR 1=1"):
        with pytest.raises(NotFound):
            await services.tasks.assign(ANN, task, typed)


async def test_a_week_starts_with_what_is_under_way(world):
    services = world.services
    for title in "abcdef":
        await started(world, title=title)
        await services.ideas.add(ANN, title)
    await services.tasks.add_all(ANN, 6, ["one", "two"])
    await services.tasks.toggle(ANN, 1)
    week = await services.weeks.start(ANN)
    assert (week.year, week.week) == (2026, 1)
    assert [one.title for one in week.projects] == ["f", "e", "d", "c", "b"]
    assert (week.projects[0].done, week.projects[0].total) == (1, 2)
    assert len(week.ideas) == 5
    assert (await services.weeks.start(ANN, timezone="Not/AZone")).week == 1


async def test_the_number_of_a_week_is_that_of_the_persons_zone(world):
    world.clock.advance((3 * 24 + 11.5) * 3600)  # Sunday 23:30 in Greenwich
    assert (await world.services.weeks.start(ANN)).week == 1
    assert (await world.services.weeks.start(ANN, timezone="Europe/Berlin")).week == 2


async def test_a_look_back_counts_seven_days_and_asks_a_model_once(world):
    services = world.services
    await started(world)
    await services.tasks.add_all(ANN, 1, [f"task {one}" for one in range(12)])
    await services.tasks.toggle(ANN, 1)
    world.clock.advance(8 * 86_400)
    for number in range(2, 8):
        await services.tasks.toggle(ANN, number)
    world.planner.summary = "It went well."
    back = await services.weeks.retrospective(ANN)
    [project] = back.projects
    assert (len(project.done), len(project.left), project.bar) == (5, 5, "█████░░░░░")
    assert back.summary == "It went well."
    assert len(world.planner.asked) == 1
    summary = await services.weeks.summary(ANN)
    assert (len(summary.done), summary.started, summary.ideas) == (6, 0, 0)
    empty = await services.weeks.retrospective(STRANGER)
    assert not empty.projects
    assert len(world.planner.asked) == 1, "there was nothing to sum up"


@pytest.mark.parametrize(("done", "total", "filled"), [(0, 0, 0), (0, 3, 0), (2, 3, 6), (3, 3, 10)])
def test_a_bar_is_full_only_when_all_is_done(done, total, filled):
    assert progress_bar(done, total) == "█" * filled + "░" * (10 - filled)
