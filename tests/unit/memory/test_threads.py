"""Threads belong to their channel and its guild."""

from __future__ import annotations

import pytest

from services.conversation.recollection import PLACE as PLACE_CHOICE
from services.domain.ids import ConversationId, PersonaId
from services.domain.people import Role
from services.memory.recall.retrieval import TurnRetrieval
from services.memory.scope import Reach, Viewer, place_of
from services.people.scopes import Asker, Scope, ScopedSettings
from tests.fakes.memory_world import opened_world
from tests.unit.storage.samples import ALICE, PLACE

THREAD = ConversationId("discord", "1", "2:77")
NEIGHBOUR = ConversationId("discord", "1", "22:77")
BESIDE = ConversationId("discord", "1", "3")
OWNER = Asker(account=ALICE.id, role=Role.OWNER)
VIEWER = Viewer(persona=PersonaId("mira"), conversation=BESIDE, accounts=(ALICE.id,))


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with opened_world(tmp_path, clock, ids) as opened:
        yield opened


def test_a_thread_is_in_the_guild_of_its_channel():
    assert place_of(THREAD) == place_of(PLACE) == "discord:1"


@pytest.mark.parametrize(
    ("closed", "left"),
    [(None, {"77", "22"}), (PLACE, {"22"}), (THREAD, {"22"}), (NEIGHBOUR, {"77"})],
)
async def test_a_channel_that_keeps_its_talk_keeps_that_of_its_threads(world, closed, left):
    scopes = ScopedSettings(world.database, clock=world.clock)
    if closed is not None:
        await scopes.set(PLACE_CHOICE, Scope.channel(closed), Reach.HERE, asker=OWNER)
    await world.say("The lantern of 77 is red", place=THREAD)
    await world.say("The lantern of 22 is red", place=NEIGHBOUR)
    retrieval = TurnRetrieval(
        database=world.database,
        index=world.turns,
        embedder=world.embedder,
        metrics=world.metrics,
    )
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await retrieval.search(
            "What colour is the lantern?", VIEWER, now=world.clock.now(), limit=5
        )
    assert {one.text.split()[3] for one in found} == left
