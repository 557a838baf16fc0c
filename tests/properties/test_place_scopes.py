"""Whoever chooses what where: the narrowest choice that still stands holds."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.ids import AuthorId, ConversationId, PersonId
from services.domain.people import Role
from services.memory.scope import place_of
from services.people.scopes import (
    Asker,
    Scope,
    ScopedSetting,
    ScopedSettings,
    narrowest,
    parent_of,
    scopes_of,
)
from tests.fakes.clock import ManualClock
from tests.unit.storage.samples import database_in

VALUE: ScopedSetting[int] = ScopedSetting("test.value", int, default=-1)
OWNER = Asker(account=AuthorId("discord", "1"), role=Role.OWNER)
PEOPLE = [PersonId("p1"), PersonId("p2")]
PLACES = [
    ConversationId("discord", guild, channel)
    for guild in ("1", "2")
    for channel in ("1", "11", "1:1", "1:2", "11:1")
]
SCOPES = [
    *(Scope.user(person) for person in PEOPLE),
    *(Scope.channel(place) for place in PLACES),
    Scope.guild(PLACES[0]),
    Scope.guild(PLACES[-1]),
    Scope.everywhere(),
]


def expected(chosen: dict[Scope, int], place: ConversationId, person: PersonId | None) -> int:
    """Write the order down once more, by hand: user, thread, channel, guild, global."""
    channel, _, thread = place.channel.partition(":")
    order = [Scope.user(person)] if person else []
    if thread:
        order.append(Scope.channel(ConversationId("discord", place.scope, f"{channel}:{thread}")))
    order.append(Scope.channel(ConversationId("discord", place.scope, channel)))
    order += [Scope.guild(place), Scope.everywhere()]
    return next((chosen[scope] for scope in order if scope in chosen), -1)


@settings(max_examples=40)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(SCOPES), st.none() | st.integers(0, 99)), max_size=25
    )
)
def test_the_narrowest_choice_holds(changes: list[tuple[Scope, int | None]]) -> None:
    async def play(folder: Path) -> None:
        clock = ManualClock()
        async with database_in(folder, clock) as database:
            scopes = ScopedSettings(database, clock=clock)
            chosen: dict[Scope, int] = {}
            for scope, value in changes:
                if value is None:
                    await scopes.unset(VALUE, scope, asker=OWNER)
                    chosen.pop(scope, None)
                else:
                    await scopes.set(VALUE, scope, value, asker=OWNER)
                    chosen[scope] = value
                place = PLACES[len(chosen) % len(PLACES)]
                held = await scopes.resolve(VALUE, conversation=place)
                assert held == expected(chosen, place, None)
            for place in PLACES:
                assert narrowest(VALUE, await scopes.chosen(place))[0] == expected(
                    chosen, place, None
                )
                for person in PEOPLE:
                    held = await scopes.resolve(VALUE, conversation=place, person=person)
                    assert held == expected(chosen, place, person)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


@given(
    scope=st.sampled_from(["1", "2", "dm", "room"]),
    channel=st.text("0123456789:x", min_size=1, max_size=8),
)
def test_a_thread_hangs_on_one_channel_of_the_same_guild(scope: str, channel: str) -> None:
    place = ConversationId("discord", scope, channel)
    parent, found = parent_of(place), scopes_of(place)
    assert found[0] == Scope.channel(place)
    assert found[-2:] == (Scope.guild(place), Scope.everywhere())
    if parent is None:
        assert len(found) == 3
        assert ":" not in channel.strip(":") or channel.startswith(":")
    else:
        assert found[1] == Scope.channel(parent)
        assert parent_of(parent) is None
        assert str(place).startswith(f"{parent}:")
        if scope.isdigit():
            assert place_of(place) == place_of(parent) == f"discord:{scope}"
