"""The tree of messages: what stands, what is kept, what is gone."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.conversation.history import Anchor, History
from services.conversation.turns import TurnStore
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId, ConversationId, PersonaId, TurnId
from services.domain.messages import BlobPart, Modality, TextPart, Visibility
from services.domain.people import Author, AuthorKind
from services.domain.replies import TurnBrief, TurnKind
from services.storage.tables import conversations, messages, roster_members, rosters, turns
from tests.unit.storage.samples import ALICE, BOB, MIRA, PLACE, Said, database_in

ELSEWHERE = ConversationId("discord", "1", "3")
NOVA = Author(
    id=AuthorId("discord", "nova"),
    display_name="Nova",
    kind=AuthorKind.PERSONA,
    persona=PersonaId("nova"),
)


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def said(ids, clock):
    return Said(ids, clock)


class Talk:
    """One conversation, each step its own transaction."""

    def __init__(self, database, said, history):
        self.database = database
        self.said = said
        self.history = history

    async def say(self, text, author=ALICE, **place):
        async with self.database.transaction() as tx:
            recorded = await self.history.record(tx, self.said(text, author), **place)
        return recorded.entry.message.id

    async def swipe(self, of, text):
        async with self.database.transaction() as tx:
            recorded = await self.history.record_alternative(tx, self.said(text, MIRA), of=of)
        return recorded.entry.message.id

    async def change(self, operation, *args, **kwargs):
        async with self.database.transaction() as tx:
            return await getattr(self.history, operation)(tx, *args, **kwargs)

    async def look(self, operation, *args, **kwargs):
        async with self.database.reader() as snapshot:
            return await getattr(self.history, operation)(snapshot, *args, **kwargs)

    async def texts(self, limit=100):
        return [entry.text for entry in await self.look("recent", PLACE, limit=limit)]


@pytest.fixture
def talk(database, said):
    return Talk(database, said, History())


async def test_everything_about_a_message_comes_back(talk, database, said):
    first = await talk.say("hello")
    message = replace(
        said("look", BOB, external=("x2", "x1")),
        parts=(
            TextPart(text="look"),
            BlobPart(kind="image", sha256="ab", media_type="image/png", name="a.png", size=3),
            BlobPart(kind="file", sha256="cd", media_type="text/plain", name="b.txt", size=4),
        ),
        reply_to=first,
        mentions=(ALICE.id, AuthorId("discord", "x:y")),
        modality=Modality.VOICE,
        visibility=Visibility.PRIVATE,
        hop=2,
    )
    witnesses = frozenset({ALICE.id, BOB.id, PersonaId("mira")})
    async with database.transaction() as tx:
        recorded = await talk.history.record(
            tx, message, witnesses=witnesses, turn=TurnId("t"), heard="loo-"
        )
    assert not recorded.known
    fresh = History()
    async with database.reader() as snapshot:
        entry = await fresh.entry(snapshot, message.id)
    assert entry == recorded.entry
    assert entry.message == message
    assert entry.text == "loo-"
    assert (entry.ordinal, entry.parent, entry.turn) == (2, first, "t")
    assert entry.witnesses == witnesses


async def test_recent_is_the_end_of_the_branch_oldest_first(talk):
    for number in range(12):
        await talk.say(str(number))
    assert await talk.texts(5) == ["7", "8", "9", "10", "11"]
    assert await talk.texts(100) == [str(number) for number in range(12)]
    assert await talk.look("recent", ELSEWHERE, limit=5) == []
    assert await talk.look("recent", PLACE, limit=0) == []


async def test_removed_messages_do_not_use_up_the_limit(talk, clock):
    ids = [await talk.say(str(number)) for number in range(6)]
    for gone in (ids[5], ids[3]):
        await talk.change("remove", gone, at=clock.now())
    assert await talk.texts(3) == ["1", "2", "4"]


async def test_conversations_do_not_mix(talk, database, said):
    await talk.say("here")
    async with database.transaction() as tx:
        there = (await talk.history.record(tx, said("there", place=ELSEWHERE))).entry
    assert (there.ordinal, there.parent) == (1, None)
    assert await talk.texts() == ["here"]
    with pytest.raises(NotFound):
        await talk.say("x", parent=there.message.id)
    with pytest.raises(NotFound):
        await talk.change("branch", PLACE, there.message.id)
    with pytest.raises(NotFound):
        await talk.swipe(there.message.id, "x")


async def test_a_message_the_platform_sends_twice_is_stored_once(talk, database, said):
    async with database.transaction() as tx:
        first = await talk.history.record(tx, said("hello", external=("x1", "x2")))
        again = await talk.history.record(tx, said("hello", external=("x2",)))
    assert again.known
    assert again.entry.message.id == first.entry.message.id
    assert await talk.texts() == ["hello"]
    found = await talk.look("by_external_id", "discord", "x1")
    assert found.message.id == first.entry.message.id
    assert await talk.look("by_external_id", "web", "x1") is None


async def test_the_same_number_on_two_platforms_is_two_messages(talk, database, said):
    web = ConversationId("web", "room", "1")
    async with database.transaction() as tx:
        await talk.history.record(tx, said("one", external=("7",)))
        other = await talk.history.record(tx, said("two", place=web, external=("7",)))
    assert not other.known


async def test_later_external_ids_follow_the_earlier_ones(talk, database, said):
    async with database.transaction() as tx:
        mine = (await talk.history.record(tx, said("a", external=("1",)))).entry.message.id
        await talk.history.record(tx, said("b", external=("9",)))
    await talk.change("add_external_ids", mine, ["3", "2", "1", "3"])
    assert (await talk.look("entry", mine)).message.external_ids == ("1", "3", "2")
    with pytest.raises(InvalidRequest):
        await talk.change("add_external_ids", mine, ["4", "9"])
    assert (await talk.look("entry", mine)).message.external_ids == ("1", "3", "2")


async def test_the_same_group_of_witnesses_is_stored_once_even_after_a_rollback(
    talk, database, said
):
    group = frozenset({ALICE.id, PersonaId("mira")})

    async def fail():
        async with database.transaction() as tx:
            await talk.history.record(tx, said("lost"), witnesses=group)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    for text in ("one", "two"):
        await talk.say(text, witnesses=group)
    await talk.say("three", witnesses=group | {BOB.id})
    async with database.reader() as snapshot:
        assert len(await snapshot.run(lambda c: c.execute(select(rosters)).all())) == 2
        assert len(await snapshot.run(lambda c: c.execute(select(roster_members)).all())) == 5
    entries = await talk.look("recent", PLACE, limit=9)
    assert [entry.witnesses for entry in entries] == [group, group, group | {BOB.id}]


async def test_versions_of_a_reply_share_its_place_and_one_stands(talk):
    question = await talk.say("question")
    first = await talk.say("first", MIRA)
    second = await talk.swipe(first, "second")
    assert await talk.texts() == ["question", "second"]
    versions = await talk.look("alternatives", first)
    assert [entry.text for entry in versions.entries] == ["first", "second"]
    assert versions.active == 1
    assert {entry.parent for entry in versions.entries} == {question}
    chosen = await talk.change("activate", first)
    assert chosen.active
    assert chosen.text == "first"
    assert await talk.texts() == ["question", "first"]
    assert (await talk.look("alternatives", second)).active == 0


async def test_what_others_said_in_the_same_place_is_no_version_of_a_reply(talk):
    question = await talk.say("question")
    reply = await talk.say("reply", MIRA)
    await talk.say("otherwise", BOB, parent=question)
    by_nova = await talk.say("by nova", NOVA, parent=question)
    versions = await talk.look("alternatives", reply)
    assert [entry.text for entry in versions.entries] == ["reply"]
    assert versions.active == -1
    assert [entry.text for entry in (await talk.look("alternatives", by_nova)).entries] == [
        "by nova"
    ]
    assert [entry.text for entry in (await talk.look("alternatives", question)).entries] == [
        "question"
    ]


async def test_making_room_for_a_version_keeps_every_branch_in_order(talk, database):
    question = await talk.say("question")
    first = await talk.say("first", MIRA)
    await talk.say("below first")
    second = await talk.swipe(first, "second")
    await talk.say("meanwhile", BOB)
    await talk.say("and more", BOB)
    async with database.transaction() as tx:
        parent = await tx.run(talk.history.beside, first)
    assert await talk.texts() == ["question", "meanwhile", "and more"]
    third = await talk.say("third", MIRA, parent=parent)
    assert await talk.texts() == ["question", "meanwhile", "and more", "third"]
    versions = await talk.look("alternatives", third)
    assert [entry.message.id for entry in versions.entries] == [first, second, third]
    await talk.change("activate", first)
    assert await talk.texts() == ["question", "meanwhile", "and more", "first", "below first"]
    await talk.change("activate", second)
    assert await talk.texts() == ["question", "meanwhile", "and more", "second"]
    async with database.transaction() as tx:
        assert await tx.run(talk.history.beside, question) is None


async def test_a_version_that_stands_again_brings_back_what_followed_it(talk):
    await talk.say("question")
    first = await talk.say("first", MIRA)
    await talk.say("more")
    await talk.say("answer", MIRA)
    await talk.swipe(first, "second")
    await talk.say("other")
    await talk.change("activate", first)
    assert await talk.texts() == ["question", "first", "more", "answer"]
    await talk.say("onward")
    assert await talk.texts() == ["question", "first", "more", "answer", "onward"]


async def test_the_first_message_of_all_may_have_versions_too(talk):
    greeting = await talk.say("greeting", MIRA)
    await talk.say("hi")
    await talk.swipe(greeting, "another greeting")
    assert await talk.texts() == ["another greeting"]
    await talk.change("activate", greeting)
    assert await talk.texts() == ["greeting", "hi"]


async def test_going_back_starts_a_new_branch_and_keeps_the_old(talk):
    await talk.say("one")
    two = await talk.say("two", MIRA)
    await talk.say("three")
    four = await talk.say("four", MIRA)
    await talk.change("branch", PLACE, two)
    assert await talk.texts() == ["one", "two"]
    five = await talk.say("five")
    assert await talk.texts() == ["one", "two", "five"]
    leaves = await talk.look("leaves", PLACE)
    assert [(leaf.message, leaf.opening, leaf.current) for leaf in leaves] == [
        (five, "five", True),
        (four, "four", False),
    ]
    await talk.change("branch", PLACE, four)
    assert await talk.texts() == ["one", "two", "three", "four"]
    assert len(await talk.look("leaves", PLACE, limit=1)) == 1


async def test_naming_a_parent_branches_there(talk):
    one = await talk.say("one")
    await talk.say("two")
    await talk.say("other two", parent=one)
    assert await talk.texts() == ["one", "other two"]
    await talk.say("fresh", parent=None)
    assert await talk.texts() == ["fresh"]
    await talk.say("on", parent=Anchor.HEAD)
    assert await talk.texts() == ["fresh", "on"]


async def test_reset_starts_afresh_and_keeps_everything(talk):
    one = await talk.say("one")
    await talk.change("reset", PLACE)
    assert await talk.texts() == []
    assert await talk.look("head", PLACE) is None
    assert (await talk.look("entry", one)).text == "one"
    await talk.say("two")
    assert await talk.texts() == ["two"]
    await talk.change("activate", one)
    assert await talk.texts() == ["one"]


async def test_ordinals_are_never_used_again(talk, clock):
    ids = [await talk.say(str(number)) for number in range(3)]
    await talk.change("remove", ids[2], at=clock.now())
    await talk.change("undo_turn", PLACE)
    await talk.change("reset", PLACE)
    fresh = await talk.say("fresh")
    assert (await talk.look("entry", fresh)).ordinal == 4


async def test_editing_replaces_what_was_written_and_heard(talk, clock):
    mine = await talk.say("helo", heard="hel-")
    clock.advance(5)
    edited = await talk.change("edit", mine, "hello", at=clock.now())
    assert edited.text == "hello"
    assert edited.message.text == "hello"
    assert edited.edited_at == clock.now()
    assert (await talk.look("entry", mine)) == edited


async def test_what_was_heard_is_what_the_conversation_knows(talk):
    mine = await talk.say("one two three", MIRA)
    heard = await talk.change("set_heard", mine, "one two")
    assert (heard.text, heard.message.text) == ("one two", "one two three")


async def test_removing_erases_words_and_files_but_not_the_place(talk, database, said, clock):
    part = BlobPart(kind="file", sha256="ab", media_type="text/plain", name="secret.txt", size=1)
    message = replace(said("secret", external=("x",)), parts=(TextPart(text="secret"), part))
    async with database.transaction() as tx:
        await talk.history.record(tx, message, heard="secret")
    follower = await talk.say("after")
    gone = await talk.change("remove", message.id, at=clock.now())
    assert (gone.text, gone.message.parts, gone.heard) == ("", (), None)
    assert gone.deleted_at == clock.now()
    assert await talk.texts() == ["after"]
    assert (await talk.look("entry", follower)).parent == message.id
    assert (await talk.look("by_external_id", "discord", "x")).deleted_at is not None
    for operation, args, kwargs in (
        ("edit", ("back",), {"at": clock.now()}),
        ("set_heard", ("back",), {}),
    ):
        with pytest.raises(NotFound):
            await talk.change(operation, message.id, *args, **kwargs)


async def test_removed_and_edited_words_are_gone_from_the_bytes_on_disk(
    talk, database, tmp_path, clock
):
    removed = await talk.say("the heron flies " * 300, heard="the heron flew " * 300)
    edited = await talk.say("the stork stands " * 300)
    await database.checkpoint()
    assert b"heron" in (tmp_path / "acore.db").read_bytes()
    await talk.change("remove", removed, at=clock.now())
    await talk.change("edit", edited, "nothing", at=clock.now())
    await database.checkpoint()
    for file in tmp_path.glob("acore.db*"):
        content = file.read_bytes()
        assert b"heron" not in content
        assert b"stork" not in content


async def test_an_unknown_message_is_not_found(talk):
    for operation in ("entry", "alternatives"):
        with pytest.raises(NotFound):
            await talk.look(operation, "nothing")
    with pytest.raises(NotFound):
        await talk.change("activate", "nothing")


class TestUndo:
    """What goes with the last reply, and what does not."""

    async def turn(self, talk, ids, trigger, *, kind=TurnKind.REPLY, persona=MIRA, text="reply"):
        turn = TurnId(ids.new())
        async with talk.database.transaction() as tx:
            asked = None
            if trigger is not None:
                asked = (await talk.history.entry(tx, trigger)).message
            await TurnStore(talk.history, ids).begin(
                tx,
                TurnBrief(
                    turn=turn,
                    conversation=PLACE,
                    persona=persona.persona,
                    persona_name=persona.display_name,
                    kind=kind,
                    started_at=talk.said("x").created_at,
                    trigger=asked,
                ),
            )
            await talk.history.record(tx, talk.said(text, persona), turn=turn)
        return turn

    async def test_takes_the_reply_and_its_question_and_nothing_before(self, talk, ids):
        await talk.say("earlier")
        await talk.say("earlier reply", MIRA)
        question = await talk.say("question")
        turn = await self.turn(talk, ids, question)
        undone = await talk.change("undo_turn", PLACE)
        assert undone.messages[0] == question
        assert len(undone.messages) == 2
        assert undone.turns == (turn,)
        assert await talk.texts() == ["earlier", "earlier reply"]
        async with talk.database.reader() as snapshot:
            state = await snapshot.run(lambda c: c.execute(select(turns.c.state)).scalar_one())
        assert state == "undone"
        assert (await talk.look("entry", question)).text == "question"

    async def test_takes_the_whole_burst(self, talk, ids):
        await talk.say("chatter", BOB)
        await talk.say("que")
        trigger = await talk.say("stion")
        await self.turn(talk, ids, trigger)
        await talk.change("undo_turn", PLACE)
        assert await talk.texts() == ["chatter"]

    async def test_takes_what_came_between_question_and_reply(self, talk, ids):
        trigger = await talk.say("question")
        await talk.say("meanwhile", BOB)
        await self.turn(talk, ids, trigger)
        await talk.change("undo_turn", PLACE)
        assert await talk.texts() == []

    async def test_takes_every_persona_that_answered(self, talk, ids):
        await talk.say("before", BOB)
        trigger = await talk.say("you two")
        first = await self.turn(talk, ids, trigger)
        second = await self.turn(talk, ids, trigger, persona=NOVA)
        undone = await talk.change("undo_turn", PLACE)
        assert undone.turns == (first, second)
        assert await talk.texts() == ["before"]

    async def test_takes_only_what_was_said_unasked(self, talk, ids):
        await talk.say("question")
        await talk.say("reply", MIRA)
        await self.turn(talk, ids, None, kind=TurnKind.INITIATIVE, text="by the way")
        await talk.change("undo_turn", PLACE)
        assert await talk.texts() == ["question", "reply"]

    async def test_leaves_others_words_that_did_not_cause_the_reply(self, talk, ids):
        trigger = await talk.say("question")
        await self.turn(talk, ids, trigger, text="first")
        await talk.say("chatter", BOB)
        await self.turn(talk, ids, trigger, text="second")
        await talk.change("undo_turn", PLACE)
        assert await talk.texts() == ["question", "first", "chatter"]

    async def test_without_a_reply_takes_the_last_authors_words(self, talk):
        await talk.say("bob", BOB)
        await talk.say("one")
        await talk.say("two")
        await talk.change("undo_turn", PLACE)
        assert await talk.texts() == ["bob"]

    async def test_is_not_undone_by_choosing_another_version_and_back(self, talk):
        await talk.say("question")
        kept = await talk.say("reply", MIRA)
        await talk.say("next question")
        await talk.say("next reply", MIRA)
        await talk.change("undo_turn", PLACE)
        await talk.swipe(kept, "other reply")
        await talk.change("activate", kept)
        assert await talk.texts() == ["question", "reply"]

    async def test_of_nothing_says_so(self, talk):
        with pytest.raises(NotFound):
            await talk.change("undo_turn", PLACE)


class Model:
    """The tree as it should be: for every parent, which child stands."""

    def __init__(self):
        self.parent = {}
        self.chosen = {}

    def path(self):
        found, at = [], None
        while (at := self.chosen.get(at)) is not None:
            found.append(at)
        return found

    def stand_at(self, tip):
        self.chosen[tip] = None
        while tip is not None:
            self.chosen[self.parent[tip]] = tip
            tip = self.parent[tip]

    def add(self, new, parent):
        self.stand_at(parent)
        self.parent[new] = parent
        self.chosen[parent] = new

    def activate(self, message):
        self.stand_at(self.parent[message])
        self.chosen[self.parent[message]] = message


def tree_of(connection):
    rows = connection.execute(
        select(messages.c.id, messages.c.parent_id, messages.c.active).order_by(messages.c.ordinal)
    ).all()
    head = connection.execute(select(conversations.c.head_message_id)).scalar_one()
    return rows, head


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_operations_keeps_one_active_branch(talk, clock, seed):
    chance = random.Random(seed)
    model = Model()
    for step in range(70):
        clock.advance(1)
        known = list(model.parent)
        path = model.path()
        operation = chance.choice(("say", "say", "say", "swipe", "activate", "branch", "reset"))
        if operation == "say" or not known:
            new = await talk.say(str(step), chance.choice((ALICE, MIRA)))
            model.add(new, path[-1] if path else None)
        elif operation == "swipe":
            of = chance.choice(known)
            model.add(await talk.swipe(of, str(step)), model.parent[of])
        elif operation == "activate":
            target = chance.choice(known)
            await talk.change("activate", target)
            model.activate(target)
        elif operation == "branch":
            target = chance.choice(known)
            await talk.change("branch", PLACE, target)
            model.stand_at(target)
        else:
            await talk.change("reset", PLACE)
            model.stand_at(None)
        async with talk.database.reader() as snapshot:
            rows, head = await snapshot.run(tree_of)
        standing = [(parent, message) for message, parent, active in rows if active]
        assert len({parent for parent, _ in standing}) == len(standing)
        assert dict(standing) == {key: one for key, one in model.chosen.items() if one}
        path = model.path()
        assert head == (path[-1] if path else None)
        recent = await talk.look("recent", PLACE, limit=1000)
        assert [entry.message.id for entry in recent] == path


async def test_a_branch_far_back_in_a_long_conversation_can_stand(talk, database, said):
    async with database.transaction() as tx:
        for number in range(200):
            recorded = await talk.history.record(tx, said(str(number)))
            if number == 20:
                early = recorded.entry.message.id
    swiped = await talk.swipe(early, "early, again")
    assert (await talk.texts(1000))[-1] == "early, again"
    await talk.change("activate", early)
    assert len(await talk.texts(1000)) == 200
    await talk.change("branch", PLACE, swiped)
    assert len(await talk.texts(1000)) == 21


async def test_activity_of_a_conversation_is_its_last_message(talk, clock, database):
    await talk.say("one")
    clock.advance(60)
    await talk.say("two")
    async with database.reader() as snapshot:
        first, last = await snapshot.run(
            lambda c: c.execute(
                select(conversations.c.created_at, conversations.c.last_activity_at)
            ).one()
        )
    assert last - first == timedelta(seconds=60)
