"""Tools for lists and polls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from services.lists.lists import Lists
from services.lists.polls import Polls
from services.lists.values import (
    LONGEST_ITEM,
    LONGEST_NAME,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_OPTIONS,
    NamedList,
    Poll,
)
from services.toolbox.spec import Effect, ToolContext, ToolHandler, ToolSpec, asked_by

_LISTS = ("list", "lists", "shopping", "packing", "checklist", "todo", "liste", "einkaufsliste")
_POLLS = ("poll", "vote", "votes", "survey", "umfrage", "abstimmung", "abstimmen")
_SHOWN = 40

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="The list's name.")]
Line = Annotated[str, Field(min_length=1, max_length=LONGEST_ITEM)]


class _Named(BaseModel):
    name: Name


class _Added(_Named):
    items: list[Line] = Field(min_length=1, max_length=50, description="What to put on the list.")


class _Ticked(_Named):
    number: int = Field(ge=1, le=2**31 - 1, description="The line's number.")
    done: bool = True


class _Removed(_Named):
    number: int = Field(ge=1, le=2**31 - 1, description="The line's number.")


class _Asked(BaseModel):
    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    options: list[Annotated[str, Field(min_length=1, max_length=LONGEST_OPTION)]] = Field(
        min_length=2, max_length=MOST_OPTIONS
    )


class _Counted(BaseModel):
    number: int = Field(ge=1, le=2**31 - 1, description="The poll's number.")


def list_tools(lists: Lists, polls: Polls) -> Sequence[ToolSpec]:
    """Return the tools; lists are those of whoever asks, and those shared in the place."""
    return [*_for_lists(lists), *_for_polls(polls)]


def _for_lists(lists: Lists) -> Sequence[ToolSpec]:
    async def add(given: _Added, context: ToolContext) -> str:
        found = await lists.add(
            given.name, given.items, by=asked_by(context), where=context.conversation
        )
        return f"On the list {found.name} now: {len(found.items)} lines."

    async def show(given: _Named, context: ToolContext) -> str:
        return told(await lists.show(given.name, by=asked_by(context), where=context.conversation))

    async def tick(given: _Ticked, context: ToolContext) -> str:
        await lists.tick(
            given.name,
            given.number,
            by=asked_by(context),
            where=context.conversation,
            done=given.done,
        )
        return f"Line {given.number} is {'done' if given.done else 'to do'}."

    async def remove(given: _Removed, context: ToolContext) -> str:
        await lists.remove(
            given.name, given.number, by=asked_by(context), where=context.conversation
        )
        return f"Line {given.number} is taken off."

    def tool(
        name: str,
        description: str,
        parameters: type[BaseModel],
        handler: ToolHandler,
        *,
        read: bool,
    ) -> ToolSpec:
        return ToolSpec(
            name=name,
            area="lists",
            description=description,
            parameters=parameters,
            handler=handler,
            keywords=_LISTS,
            effect=Effect.READ if read else Effect.OWN,
            untrusted=read,
        )

    return [
        tool("add_to_list", "Puts things on a list, such as shopping.", _Added, add, read=False),
        tool("show_list", "Shows what is on a list.", _Named, show, read=True),
        tool("tick_list_item", "Marks a line of a list as done.", _Ticked, tick, read=False),
        tool("remove_list_item", "Takes a line off a list.", _Removed, remove, read=False),
    ]


def _for_polls(polls: Polls) -> Sequence[ToolSpec]:
    async def ask(given: _Asked, context: ToolContext) -> str:
        poll = await polls.ask(
            given.question, given.options, by=asked_by(context), where=context.conversation
        )
        return f"Poll {poll.number} is open; people vote with /poll show {poll.number}."

    async def results(given: _Counted, context: ToolContext) -> str:
        return counted(await polls.show(given.number, where=context.conversation))

    return [
        ToolSpec(
            name="create_poll",
            area="polls",
            description="Asks everybody here a question with several options to vote for.",
            parameters=_Asked,
            handler=ask,
            keywords=_POLLS,
            effect=Effect.OTHERS,
            untrusted=False,
        ),
        ToolSpec(
            name="poll_results",
            area="polls",
            description="Tells how a poll stands.",
            parameters=_Counted,
            handler=results,
            keywords=_POLLS,
        ),
    ]


def told(found: NamedList) -> str:
    """Return a list for a model, a line each."""
    lines = [f"{one.number}{' (done)' if one.done else ''}: {one.text}" for one in found.items]
    more = len(lines) - _SHOWN
    tail = [f"and {more} more"] if more > 0 else []
    return "\n".join([*lines[:_SHOWN], *tail]) or f"The list {found.name} is empty."


def counted(poll: Poll) -> str:
    """Return a poll's votes for a model."""
    state = "closed" if poll.closed_at is not None else "open"
    votes = "; ".join(
        f"{option}: {count}" for option, count in zip(poll.options, poll.votes, strict=True)
    )
    return f"{poll.question} ({state}, {poll.people} people voted) {votes}"
