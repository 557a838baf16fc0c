"""Who is reminded in a turn, when it changes whose accounts are whose."""

from __future__ import annotations

import pytest

from services.domain.ids import PersonaId, TurnId
from services.domain.replies import TurnBrief, TurnKind
from services.memory.rights.service import Requester
from tests.fakes.app import KIM, PLACE, SAM, opened_app
from tests.fakes.scripted_model import ScriptedModel


@pytest.fixture
async def app(tmp_path):
    async with opened_app(tmp_path, ScriptedModel("Hm.")) as opened:
        yield opened


async def turn_of(app, author):
    """Let somebody say something, and return the turn that answered as it stood then."""
    await app.say("hello", by=author)
    entries = await app.conversations.recent(PLACE, 2)
    said = entries[0].message
    assert said.author.id == author.id
    assert said.author.person is not None
    return TurnBrief(
        turn=TurnId(app.factory.ids().new()),
        conversation=PLACE,
        persona=PersonaId("mira"),
        persona_name="Mira",
        kind=TurnKind.REPLY,
        started_at=said.created_at,
        trigger=said,
    )


async def link(app, first, second):
    links = app.factory.account_links()
    code = (await links.begin(first.id)).code
    await links.claim(code, second.id)
    return await links.confirm(first.id, second.id)


async def test_accounts_that_are_linked_in_the_middle_of_a_turn_count_at_once(app):
    viewers = app.factory.viewers()
    await app.say("hello", by=SAM)
    turn = await turn_of(app, KIM)
    assert (await viewers.of(turn)).accounts == (KIM.id,)
    person = await link(app, SAM, KIM)
    viewer = await viewers.of(turn)
    assert viewer.person == person
    assert set(viewer.accounts) == {SAM.id, KIM.id}


async def test_who_is_forgotten_in_the_middle_of_a_turn_is_nobody_and_kept_nowhere(app):
    viewers = app.factory.viewers()
    turn = await turn_of(app, SAM)
    assert (await viewers.of(turn)).person is not None
    await app.factory.memory_rights().forget_me(Requester(account=SAM.id))
    assert not viewers._asked
    viewer = await viewers.of(turn)
    assert viewer.person is None


async def test_a_choice_made_in_the_middle_of_a_turn_counts_at_once(app):
    viewers = app.factory.viewers()
    turn = await turn_of(app, SAM)
    assert (await viewers.of(turn)).person is not None
    await app.factory.privacy().choose(SAM.id, recall=False)
    assert (await viewers.of(turn)).person is None
