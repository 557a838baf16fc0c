"""Stored turns and pending actions: never two answers to one question of state."""

import asyncio
from datetime import timedelta

import pytest

from services.conversation.actions import ActionState, PendingAction, PendingActions
from services.conversation.history import History
from services.conversation.turns import DeliveredReply, TurnEnding, TurnState, TurnStore
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ActionId, AuthorId, MessageId, PersonaId, TurnId
from services.domain.messages import Modality, Source
from services.domain.replies import InterruptReason, TurnBrief, TurnKind, Usage
from tests.unit.storage.samples import ALICE, BOB, MIRA, PLACE, Said, database_in

WITNESSES: frozenset[AuthorId | PersonaId] = frozenset({ALICE.id, PersonaId("mira")})


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def said(ids, clock):
    return Said(ids, clock)


@pytest.fixture
def history():
    return History()


@pytest.fixture
def store(history, ids):
    return TurnStore(history, ids)


@pytest.fixture
def begin(database, history, store, said, ids, clock):
    async def begun(kind=TurnKind.REPLY, **options):
        trigger = said("question")
        brief = TurnBrief(
            turn=TurnId(ids.new()),
            conversation=PLACE,
            persona=PersonaId("mira"),
            persona_name="Mira",
            kind=kind,
            started_at=clock.now(),
            trigger=trigger,
            modality=Modality.VOICE,
            hop=1,
        )
        async with database.transaction() as tx:
            await history.record(tx, trigger, witnesses=WITNESSES)
            await store.begin(tx, brief, **options)
        return brief

    return begun


async def get(database, store, turn):
    async with database.reader() as snapshot:
        return await store.get(snapshot, turn)


async def recover(database, store, clock):
    async with database.transaction() as tx:
        return await store.recover(tx, at=clock.now())


async def test_a_turn_and_its_reply_are_stored_together(
    database, store, history, begin, said, clock
):
    brief = await begin(why={"trigger": "mention"})
    async with database.transaction() as tx:
        await store.checkpoint(tx, brief.turn, delivered="One.", sentences=1)
    clock.advance(2)
    ending = TurnEnding(
        state=TurnState.FINISHED,
        at=clock.now(),
        model="small",
        usage=Usage(prompt_tokens=5, seconds=1.5),
    )
    reply = DeliveredReply(message=said("One. Two.", MIRA), witnesses=WITNESSES, heard="One.")
    async with database.transaction() as tx:
        entry = await store.conclude(tx, brief.turn, ending, reply=reply)
    turn = await get(database, store, brief.turn)
    assert (turn.state, turn.reply) == (TurnState.FINISHED, entry.message.id)
    assert (turn.usage, turn.model, turn.delivered) == (ending.usage, "small", "")
    assert turn.ended_at - turn.started_at == timedelta(seconds=2)
    assert turn.why == {"trigger": "mention"}
    assert (entry.turn, entry.text, entry.witnesses) == (brief.turn, "One.", WITNESSES)
    async with database.reader() as snapshot:
        assert (await history.recent(snapshot, PLACE, limit=9))[-1] == entry
        assert await store.why(snapshot, brief.turn) == {"trigger": "mention"}
        assert await store.last(snapshot, PLACE) == turn


async def test_a_reply_that_cannot_be_stored_leaves_the_turn_open(
    database, store, begin, said, clock
):
    brief = await begin()
    ending = TurnEnding(state=TurnState.FINISHED, at=clock.now())
    reply = DeliveredReply(message=said("x", MIRA), alternative_of=MessageId("nothing"))

    async def conclude():
        async with database.transaction() as tx:
            await store.conclude(tx, brief.turn, ending, reply=reply)

    with pytest.raises(NotFound):
        await conclude()
    assert (await get(database, store, brief.turn)).state is TurnState.OPEN


async def test_a_turn_ends_once(database, store, history, begin, said, clock):
    brief = await begin()
    ending = TurnEnding(state=TurnState.FAILED, at=clock.now(), reason="provider_timeout")

    async def conclude(reply=None):
        async with database.transaction() as tx:
            await store.conclude(tx, brief.turn, ending, reply=reply)

    await conclude()
    with pytest.raises(InvalidRequest):
        await conclude(DeliveredReply(message=said("late", MIRA)))
    async with database.transaction() as tx:
        await store.checkpoint(tx, brief.turn, delivered="late", sentences=9)
        assert len(await history.recent(tx, PLACE, limit=9)) == 1
    turn = await get(database, store, brief.turn)
    assert (turn.delivered, turn.reason) == ("", "provider_timeout")


async def test_after_a_crash_what_was_delivered_becomes_the_reply(
    database, store, history, begin, clock
):
    brief = await begin()
    for count, text in enumerate(("One.", "One. Two."), 1):
        async with database.transaction() as tx:
            await store.checkpoint(tx, brief.turn, delivered=text, sentences=count)
    clock.advance(60)
    (turn,) = await recover(database, store, clock)
    assert (turn.state, turn.reason) == (TurnState.INTERRUPTED, InterruptReason.CRASH)
    async with database.reader() as snapshot:
        question, reply = await history.recent(snapshot, PLACE, limit=9)
    assert reply.text == "One. Two."
    assert reply.message.id == turn.reply
    assert (reply.parent, reply.turn) == (question.message.id, brief.turn)
    assert reply.message.reply_to == question.message.id
    assert (reply.message.author.persona, reply.message.source) == ("mira", Source.PERSONA)
    assert (reply.message.modality, reply.message.hop) == (Modality.VOICE, 1)
    assert reply.witnesses == WITNESSES
    assert (await get(database, store, brief.turn)).reply == turn.reply
    assert await recover(database, store, clock) == []


async def test_after_a_crash_nothing_delivered_means_no_reply(
    database, store, history, begin, clock
):
    await begin()
    (turn,) = await recover(database, store, clock)
    assert turn.reply is None
    async with database.reader() as snapshot:
        assert len(await history.recent(snapshot, PLACE, limit=9)) == 1


async def test_a_crash_brings_no_answer_back_whose_question_was_deleted_meanwhile(
    database, store, history, begin, clock
):
    brief = await begin()
    async with database.transaction() as tx:
        await store.checkpoint(tx, brief.turn, delivered="A secret.", sentences=1)
    clock.advance(1)
    async with database.transaction() as tx:
        await history.remove(tx, brief.trigger.id, at=clock.now())
    (turn,) = await recover(database, store, clock)
    assert (turn.state, turn.reason) == (TurnState.INTERRUPTED, InterruptReason.CRASH)
    assert turn.reply is None
    assert (await get(database, store, brief.turn)).delivered == ""
    async with database.reader() as snapshot:
        assert await history.recent(snapshot, PLACE, limit=9) == []


async def test_a_crash_keeps_an_answer_whose_question_had_been_deleted_before_it_began(
    database, store, history, begin, clock
):
    brief = await begin()
    async with database.transaction() as tx:
        await history.remove(tx, brief.trigger.id, at=clock.now() - timedelta(seconds=1))
        await store.checkpoint(tx, brief.turn, delivered="Told anew.", sentences=1)
    await recover(database, store, clock)
    async with database.reader() as snapshot:
        [reply] = await history.recent(snapshot, PLACE, limit=9)
    assert reply.text == "Told anew."


async def test_after_a_crash_a_regenerated_reply_is_still_an_alternative(
    database, store, history, begin, said, clock
):
    async with database.transaction() as tx:
        await history.record(tx, said("earlier"))
        old = (await history.record(tx, said("old", MIRA))).entry.message.id
    async with database.transaction() as tx:
        brief = TurnBrief(
            turn=TurnId("t"),
            conversation=PLACE,
            persona=PersonaId("mira"),
            persona_name="Mira",
            kind=TurnKind.REGENERATE,
            started_at=clock.now(),
        )
        await store.begin(tx, brief, alternative_of=old)
        await store.checkpoint(tx, brief.turn, delivered="new", sentences=1)
    await recover(database, store, clock)
    async with database.reader() as snapshot:
        recent = await history.recent(snapshot, PLACE, limit=9)
        versions = await history.alternatives(snapshot, old)
    assert [entry.text for entry in recent] == ["earlier", "new"]
    assert recent[-1].message.author == MIRA
    assert versions.active == 1


async def test_a_persona_may_speak_first_in_a_new_place(database, store, history, clock, said):
    brief = TurnBrief(
        turn=TurnId("t"),
        conversation=PLACE,
        persona=PersonaId("mira"),
        persona_name="Mira",
        kind=TurnKind.INITIATIVE,
        started_at=clock.now(),
    )
    async with database.transaction() as tx:
        await store.begin(tx, brief)
        entry = await store.conclude(
            tx,
            brief.turn,
            TurnEnding(state=TurnState.FINISHED, at=clock.now()),
            reply=DeliveredReply(message=said("hello?", MIRA)),
        )
    assert entry.ordinal == 1


async def test_unknown_turns(database, store):
    async with database.reader() as snapshot:
        assert await store.last(snapshot, PLACE) is None
        with pytest.raises(NotFound):
            await store.get(snapshot, TurnId("nothing"))


class TestPendingActions:
    """A confirmation is given once, in time."""

    @pytest.fixture
    def actions(self):
        return PendingActions()

    @pytest.fixture
    async def pending(self, database, begin, actions, ids, clock):
        brief = await begin()
        action = PendingAction(
            id=ActionId(ids.new()),
            turn=brief.turn,
            conversation=PLACE,
            persona=brief.persona,
            tool="delete_note",
            arguments={"note": 3, "why": ["a", None]},
            question="Delete note 3?",
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=1),
            requested_by=ALICE.id,
        )
        async with database.transaction() as tx:
            await actions.create(tx, action)
        return action

    async def test_comes_back_as_it_was_asked(self, database, actions, pending):
        async with database.reader() as snapshot:
            assert await actions.get(snapshot, pending.id) == pending
            with pytest.raises(NotFound):
                await actions.get(snapshot, ActionId("nothing"))

    async def test_of_two_answers_at_once_one_counts(self, database, actions, pending, clock):
        async def decide(approve, by):
            async with database.transaction() as tx:
                return await actions.decide(tx, pending.id, approve=approve, by=by, at=clock.now())

        results = await asyncio.gather(
            decide(True, ALICE.id), decide(False, BOB.id), return_exceptions=True
        )
        (refused,) = [result for result in results if isinstance(result, InvalidRequest)]
        (decided,) = [result for result in results if isinstance(result, PendingAction)]
        assert refused.code == "action_decided"
        async with database.reader() as snapshot:
            assert await actions.get(snapshot, pending.id) == decided

    async def test_too_late_is_refused(self, database, actions, pending, clock):
        clock.advance(3600)

        async def decide():
            async with database.transaction() as tx:
                await actions.decide(tx, pending.id, approve=True, by=ALICE.id, at=clock.now())

        with pytest.raises(InvalidRequest, match="expired"):
            await decide()
        async with database.transaction() as tx:
            assert await actions.expire(tx, at=clock.now()) == [pending.id]
            assert await actions.expire(tx, at=clock.now()) == []
        with pytest.raises(InvalidRequest, match="expired"):
            await decide()

    async def test_only_an_approved_action_can_be_done(self, database, actions, pending, clock):
        async def finish():
            async with database.transaction() as tx:
                await actions.finish(tx, pending.id, failed=True)

        with pytest.raises(InvalidRequest):
            await finish()
        async with database.transaction() as tx:
            decided = await actions.decide(tx, pending.id, approve=True, by=BOB.id, at=clock.now())
        assert (decided.state, decided.decided_by) == (ActionState.APPROVED, BOB.id)
        await finish()
        async with database.reader() as snapshot:
            assert (await actions.get(snapshot, pending.id)).state is ActionState.FAILED
        with pytest.raises(InvalidRequest):
            await finish()
