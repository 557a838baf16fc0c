"""Messages edited, deleted and shown on a platform, and what is stored of them: always in step."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from services.conversation.inbound import Addressing, Inbound, Outcome
from services.conversation.ledger import Ending, TurnResult
from services.conversation.turn import Turn
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId, MessageId
from services.domain.messages import Alternatives
from services.domain.people import Author, Role
from services.domain.replies import (
    Delivered,
    Delivery,
    InterruptReason,
    TurnFinished,
    TurnInterrupted,
)
from services.llm.model import ChatRequest
from services.persona.activation import Activation
from services.settings import MemorySettings
from services.storage.tables import messages, recollections
from tests.fakes.app import KIM, PLACE, SAM, App, opened_app
from tests.fakes.pausing_model import PausingModel
from tests.fakes.recording import RecordingDelivery, RecordingSink, assert_grammar
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.troupe import Stage, cast_settings

ELSEWHERE = ConversationId("test", "local", "other")


class StoppingSink(RecordingSink):
    """Lets somebody press stop while it is being silenced."""

    stop: Callable[[], bool] = staticmethod(lambda: False)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        self.stop()
        return await super().abort(reason)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.001)


def prompt(request: ChatRequest) -> str:
    return "\n".join(message.content for message in request.messages)


def reply_of(outcome: Outcome) -> MessageId:
    reply = outcome.terminals[-1].reply
    assert reply is not None
    return reply.message


async def regenerated(app: App, **how: Any) -> MessageId:
    receipt = await app.conversations.regenerate(PLACE, RecordingDelivery(), by=SAM, **how)
    return reply_of(await receipt.outcome())


def endings(delivery: RecordingDelivery) -> list[str]:
    """How each turn ended, after checking that each has the order of events promised."""
    for turn in delivery.turns():
        assert_grammar(turn)
    last = [turn[-1] for turn in delivery.turns()]
    return [str(end.reason) if isinstance(end, TurnInterrupted) else end.kind for end in last]


# -- ids of the platform


async def test_a_reply_is_found_under_each_of_its_ids_as_it_stands_now(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel(["First.", "Second."])) as app:
        core = app.conversations
        first = reply_of((await app.say("Hello", external=["q1"]))[0])
        for _ in range(2):
            await core.published(first, ["d1", "d2"])
        found = await core.found(PLACE, "d2")
        assert found is not None
        assert found.message.id == first
        assert found.message.external_ids == ("d1", "d2")
        second = await regenerated(app)
        await core.published(second, ["d1", "d3"])
        for external_id in ("d1", "d2", "d3"):
            found = await core.found(PLACE, external_id)
            assert found is not None
            assert found.text == "Second."
        assert (await core.entry(PLACE, second)).message.external_ids == ("d3",)
        await core.swipe(PLACE, -1, RecordingDelivery(), by=SAM)
        found = await core.found(PLACE, "d3")
        assert found is not None
        assert found.text == "First."
        assert await core.found(ELSEWHERE, "d1") is None
        assert await core.found(PLACE, "nothing") is None


async def test_an_id_of_something_else_is_refused_whole(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        reply = reply_of((await app.say("Hello", external=["q1"]))[0])
        with pytest.raises(InvalidRequest):
            await app.conversations.published(reply, ["new", "q1"])
        assert await app.conversations.found(PLACE, "new") is None
        with pytest.raises(NotFound):
            await app.conversations.published(MessageId("nobody"), ["x"])


# -- only the newest answer


async def test_a_button_under_an_older_answer_changes_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(["A.", "A again.", "B."])
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        first = reply_of((await app.say("One"))[0])
        again = await regenerated(app, of=first)
        assert again != first
        assert isinstance(await core.swipe(PLACE, -1, delivery, by=SAM, of=again), Alternatives)
        await app.say("Two")
        before = await app.history()
        for attempt in (
            core.regenerate(PLACE, delivery, by=SAM, of=first),
            core.swipe(PLACE, 1, delivery, by=SAM, of=again),
            core.continue_reply(PLACE, delivery, by=SAM, of=first),
        ):
            with pytest.raises(InvalidRequest, match="newest") as refused:
                await attempt
            assert refused.value.code == "not_newest"
            assert "/conversation branch" in refused.value.user_message
        with pytest.raises(NotFound):
            await core.regenerate(ELSEWHERE, delivery, by=SAM, of=first)
        assert await app.history() == before


async def test_what_is_said_while_an_answer_is_made_anew_stays(tmp_path: Path) -> None:
    hold = asyncio.Event()
    scripts: list[str | Script] = ["First.", Script(text="Second.", hold=hold), "To Kim."]
    model = ScriptedModel(scripts)
    async with opened_app(tmp_path, model) as app:
        core = app.conversations
        first = reply_of((await app.say("Hello"))[0])
        receipt = await core.regenerate(PLACE, RecordingDelivery(), by=SAM)
        await until(lambda: model.active == 1)
        kim = await app.post("And me?", RecordingDelivery(), by=KIM)
        await stored(app, "And me?")
        hold.set()
        await receipt.outcome()
        await kim.outcome()
        assert await app.history() == [
            ("sam", "Hello"),
            ("kim", "And me?"),
            ("mira", "Second."),
            ("mira", "To Kim."),
        ]
        assert "And me?" in prompt(model.requests[-1])
        versions = await core.versions(first)
        assert [entry.text for entry in versions.entries] == ["First.", "Second."]
        assert await core.asker_of(PLACE, versions.entries[1].message.id) == SAM.id


async def test_an_answer_made_anew_still_belongs_to_who_asked(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="First.", hold=hold), "To Kim.", "Second."])
    async with opened_app(tmp_path, model) as app:
        receipt = await app.post("Hello", RecordingDelivery())
        await until(lambda: model.active == 1)
        chatter = await app.post("just so", RecordingDelivery(), by=KIM)
        await stored(app, "just so")
        hold.set()
        await receipt.outcome()
        to_kim = reply_of(await chatter.outcome())
        await app.conversations.remove(PLACE, to_kim, by=KIM)
        assert [text for _, text in await app.history()][-1] == "First."
        second = await regenerated(app)
        assert await app.conversations.asker_of(PLACE, second) == SAM.id


async def stored(app: App, text: str) -> None:
    async with asyncio.timeout(20):
        while text not in [said for _, said in await app.history()]:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.001)


# -- who may change what


async def test_answers_are_changed_by_who_asked_and_moderators_only(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        core = app.conversations
        reply = reply_of((await app.say("Hello"))[0])
        (asked, _) = await core.recent(PLACE, 2)
        assert await core.asker_of(PLACE, reply) == SAM.id
        assert await core.asker_of(PLACE, asked.message.id) is None
        with pytest.raises(NotAllowed):
            await core.edit(PLACE, "No.", by=KIM, message=reply)
        for who, role in ((SAM, Role.MEMBER), (KIM, Role.MODERATOR)):
            await core.edit(PLACE, f"By {who.id.user}.", by=who, role=role, message=reply)
            assert (await app.history())[-1] == ("mira", f"By {who.id.user}.")
        with pytest.raises(NotAllowed):
            await core.edit(PLACE, "x", by=KIM, role=Role.OWNER, message=asked.message.id)
        with pytest.raises(NotAllowed):
            await core.remove(PLACE, asked.message.id, by=KIM)
        with pytest.raises(NotAllowed):
            await core.remove(PLACE, reply, by=KIM)
        with pytest.raises(NotFound):
            await core.remove(ELSEWHERE, reply, by=SAM)


async def test_a_removed_answer_is_gone_with_its_versions(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel(["First.", "Second.", "Third."])) as app:
        core = app.conversations
        first = reply_of((await app.say("Hello", external=["q1"]))[0])
        await core.published(first, ["d1"])
        second = await regenerated(app)
        async with app.factory.bus().subscribe("message_removed") as news:
            gone = await core.remove(PLACE, second, by=SAM)
            heard = aiter(news)
            async with asyncio.timeout(20):
                told = {(await anext(heard)).message for _ in range(2)}  # type: ignore[union-attr]
        assert told == {first, second}
        assert (gone.message.id, gone.text) == (second, "")
        assert await app.history() == [("sam", "Hello")]
        for message in (first, second):
            with pytest.raises(NotFound):
                await core.entry(PLACE, message)
            with pytest.raises(NotFound):
                await core.versions(message)
        assert await core.found(PLACE, "d1") is None
        with pytest.raises(NotFound) as refused:
            await core.regenerate(PLACE, RecordingDelivery(), by=SAM)
        assert refused.value.code == "no_reply"
        await app.say("Once more")
        assert [text for _, text in await app.history()] == ["Hello", "Once more", "Third."]


async def test_the_one_who_was_greeted_may_remove_the_greeting(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        core = app.conversations
        greeting = await core.greet(PLACE, await core.persona_of(PLACE), author=SAM)
        assert greeting is not None
        with pytest.raises(NotAllowed):
            await core.remove(PLACE, greeting.message.id, by=KIM)
        await core.remove(PLACE, greeting.message.id, by=SAM)
        assert await app.history() == []


async def test_whoever_is_blocked_changes_nothing(tmp_path: Path) -> None:
    gate = {"blocked": [str(KIM.id)]}
    async with opened_app(tmp_path, ScriptedModel("Yes."), gate=gate) as app:
        reply = reply_of((await app.say("Hello"))[0])
        with pytest.raises(NotAllowed):
            await app.conversations.remove(PLACE, reply, by=KIM, role=Role.MODERATOR)
        with pytest.raises(NotAllowed):
            await app.conversations.edit(PLACE, "x", by=KIM, role=Role.ADMIN, message=reply)


# -- edited on the platform


async def test_an_answer_in_progress_follows_the_edit(tmp_path: Path) -> None:
    model = PausingModel(["Old words. And more.", "New words."], words=3)
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        receipt = await app.post("Tell me of herons", delivery, external=["q1"])
        await until(lambda: "Old words." in delivery.sink.text)
        assert await core.corrected(PLACE, "q1", "Tell me of storks", by=SAM)
        assert (await app.history())[0] == ("sam", "Tell me of storks")
        outcome = await receipt.outcome()
        assert [end.kind for end in outcome.terminals] == ["turn_finished"]
        assert endings(delivery) == ["superseded", "turn_finished"]
        assert await app.history() == [("sam", "Tell me of storks"), ("mira", "New words.")]
        assert "storks" in prompt(model.requests[1])
        assert "herons" not in prompt(model.requests[1])
        assert "Old words" not in prompt(model.requests[1])
        assert [brief.alternatives for brief in delivery.briefs] == [0, 1]
        first, second = (await core.versions(reply_of(outcome))).entries
        assert first.text.startswith("Old words.")
        assert second.text == "New words."


async def test_an_edit_before_the_first_word_leaves_no_version_behind(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="Old.", hold=hold), "New."])
    async with opened_app(tmp_path, model) as app:
        delivery = RecordingDelivery()
        receipt = await app.post("One", delivery, external=["q1"])
        await until(lambda: model.active == 1)
        assert await app.conversations.corrected(PLACE, "q1", "Two", by=SAM)
        outcome = await receipt.outcome()
        assert await app.history() == [("sam", "Two"), ("mira", "New.")]
        assert len((await app.conversations.versions(reply_of(outcome))).entries) == 1
        assert [brief.alternatives for brief in delivery.briefs] == [0, 0]


async def test_edits_in_a_row_end_in_one_answer_to_the_last(tmp_path: Path) -> None:
    model = PausingModel(lambda _: f"Said {len(model.requests)}. And more.", pauses=4, words=3)
    async with opened_app(tmp_path, model) as app:
        delivery = RecordingDelivery()
        receipt = await app.post("v0", delivery, external=["q1"])
        for number in range(1, 5):
            await until(lambda n=number: f"Said {n}." in delivery.sink.text)  # type: ignore[misc]
            assert await app.conversations.corrected(PLACE, "q1", f"v{number}", by=SAM)
        outcome = await receipt.outcome()
        assert await app.history() == [("sam", "v4"), ("mira", "Said 5. And more.")]
        versions = await app.conversations.versions(reply_of(outcome))
        assert (len(versions.entries), versions.active) == (5, 4)
        assert endings(delivery) == ["superseded"] * 4 + ["turn_finished"]


async def test_a_waiting_message_is_answered_as_it_reads_then(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="To Kim.", hold=hold), "To Sam."])
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        first = await app.post("I am first", delivery, by=KIM)
        await until(lambda: model.active == 1)
        second = await app.post("about herons", delivery, external=["q2"])
        await stored(app, "about herons")
        assert await core.corrected(PLACE, "q2", "about storks", by=SAM)
        hold.set()
        await first.outcome()
        await second.outcome()
        assert "storks" in prompt(model.requests[1])
        assert "herons" not in prompt(model.requests[1])
        assert endings(delivery) == ["turn_finished", "turn_finished"]


async def test_a_message_not_looked_at_yet_is_taken_in_as_edited(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        core = app.conversations
        receipt = await app.post("about herons", RecordingDelivery(), external=["q1"])
        assert not await core.corrected(PLACE, "q1", "about rooks", by=KIM)
        assert await core.corrected(PLACE, "q1", "about storks", by=SAM)
        gone = await app.post("never mind", RecordingDelivery(), external=["q2"])
        assert await core.withdrawn(PLACE, ["q2"]) == 0
        assert (await receipt.outcome()).terminals
        withheld = (await gone.outcome()).withheld
        assert withheld is not None
        assert withheld.reason == "withdrawn"
        assert await app.history() == [("sam", "about storks"), ("mira", "Yes.")]


async def test_edits_that_change_nothing_say_so(tmp_path: Path) -> None:
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model) as app:
        core = app.conversations
        reply = reply_of((await app.say("Hello", external=["q1"]))[0])
        await core.published(reply, ["d1"])
        assert not await core.corrected(PLACE, "q1", "Hello", by=SAM)
        assert not await core.corrected(PLACE, "q1", "Bye", by=KIM)
        assert not await core.corrected(PLACE, "unknown", "Bye", by=SAM)
        assert not await core.corrected(ELSEWHERE, "q1", "Bye", by=SAM)
        mira = (await core.entry(PLACE, reply)).message.author
        assert not await core.corrected(PLACE, "d1", "Bye", by=mira)
        with pytest.raises(InvalidRequest):
            await core.corrected(PLACE, "q1", "x" * 200_000, by=SAM)
        assert await app.history() == [("sam", "Hello"), ("mira", "Yes.")]
        assert await core.corrected(PLACE, "q1", "Good day", by=SAM)
        assert await app.history() == [("sam", "Good day"), ("mira", "Yes.")]
        assert len(model.requests) == 1


async def test_a_person_who_stops_an_answer_begun_anew_gets_none(tmp_path: Path) -> None:
    model = PausingModel(["Old words here.", "Never said."], words=1)
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery([StoppingSink()])
        receipt = await app.post("One", delivery, external=["q1"])
        await until(lambda: bool(delivery.sink.text))
        assert isinstance(delivery.sink, StoppingSink)
        delivery.sink.stop = lambda: core.stop(PLACE)
        assert await core.corrected(PLACE, "q1", "Two", by=SAM)
        (end,) = (await receipt.outcome()).terminals
        assert isinstance(end, TurnInterrupted)
        assert endings(delivery) == ["superseded"]
        assert await app.history() == [("sam", "Two"), ("mira", "Old")]
        assert len(model.requests) == 1


async def test_an_edit_during_a_regeneration_keeps_the_version_from_before(tmp_path: Path) -> None:
    model = PausingModel(["First.", "Second old.", "Second new."], words=1, pauses=2)
    model.go.set()
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        first = reply_of((await app.say("One", external=["q1"]))[0])
        model.go.clear()
        receipt = await core.regenerate(PLACE, delivery, by=SAM)
        await until(lambda: "Second" in delivery.sink.text)
        assert await core.corrected(PLACE, "q1", "Two", by=SAM)
        await receipt.outcome()
        assert await app.history() == [("sam", "Two"), ("mira", "Second new.")]
        versions = await core.versions(first)
        assert [entry.text for entry in versions.entries] == ["First.", "Second", "Second new."]
        assert [brief.alternatives for brief in delivery.briefs] == [1, 2]


async def test_those_who_had_answered_before_the_edit_stay(tmp_path: Path) -> None:
    hold = asyncio.Event()
    old = Script(text="Ben old.", hold=hold)
    scripts: list[str | Script] = ["Ann says.", old, "Ben new.", "Cleo says."]
    async with opened_app(tmp_path, ScriptedModel(scripts), **cast_settings(tmp_path)) as app:
        play = Stage(app)
        await play.enter("ann", "ben", "cleo", mode=Activation.LIST)
        receipt = await app.post("One", play.delivery, external=["q1"])
        await until(lambda: "Ann says." in play.delivery.sink.text and app.model.active == 1)  # type: ignore[attr-defined]
        assert await app.conversations.corrected(PLACE, "q1", "Two", by=SAM)
        outcome = await receipt.outcome()
        assert len(outcome.terminals) == 3
        assert await app.history() == [
            ("sam", "Two"),
            ("ann", "Ann says."),
            ("ben", "Ben new."),
            ("cleo", "Cleo says."),
        ]
        assert endings(play.delivery) == [
            "turn_finished",
            "superseded",
            "turn_finished",
            "turn_finished",
        ]


# -- deleted on the platform


async def test_an_answer_to_a_deleted_message_is_stopped_and_unsaid(tmp_path: Path) -> None:
    model = PausingModel(["Old words. And more."], words=3)
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        receipt = await app.post("Tell me", delivery, external=["q1"])
        await until(lambda: "Old words." in delivery.sink.text)
        assert await core.withdrawn(PLACE, ["q1"]) == 1
        (end,) = (await receipt.outcome()).terminals
        assert isinstance(end, TurnInterrupted)
        assert (end.reason, end.delivered, end.reply) == (InterruptReason.USER_STOP, "", None)
        assert endings(delivery) == ["user_stop"]
        assert await app.history() == []
        assert await core.found(PLACE, "q1") is None
        assert await core.withdrawn(PLACE, ["q1"]) == 0


async def test_killed_before_an_answer_is_unsaid_it_is_unsaid_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = PausingModel(["Old words. And more."], words=3)
    async with opened_app(tmp_path / "living", model) as app:
        ledger, delivery = app.factory.ledger(), RecordingDelivery()
        commit = ledger.commit

        async def dying(turn: Turn, ending: Ending) -> TurnResult:
            await asyncio.to_thread(shutil.copytree, tmp_path / "living", tmp_path / "killed")
            return await commit(turn, ending)

        monkeypatch.setattr(ledger, "commit", dying)
        receipt = await app.post("Tell me", delivery, external=["q1"])
        await until(lambda: "Old words." in delivery.sink.text)
        assert await app.conversations.withdrawn(PLACE, ["q1"]) == 1
        await receipt.outcome()
    async with opened_app(tmp_path / "killed", ScriptedModel([])) as app:
        account = await app.factory.ledger().account(PLACE, None)
        assert account is not None
        assert account.reason == InterruptReason.CRASH
        assert await app.history() == []


async def test_what_was_begun_anew_is_unsaid_as_well(tmp_path: Path) -> None:
    model = PausingModel(["Old words.", "New words."], words=1, pauses=2)
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        receipt = await app.post("One", delivery, external=["q1"])
        await until(lambda: "Old" in delivery.sink.text)
        await core.corrected(PLACE, "q1", "Two", by=SAM)
        await until(lambda: "New" in delivery.sink.text)
        assert await core.withdrawn(PLACE, ["q1"]) == 1
        await receipt.outcome()
        assert await app.history() == []


async def test_a_regeneration_that_was_unsaid_leaves_the_answer_from_before(
    tmp_path: Path,
) -> None:
    model = PausingModel(["First.", "Second old.", "Second new."], words=1, pauses=3)
    model.go.set()
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        await app.say("One", external=["q1"])
        model.go.clear()
        receipt = await core.regenerate(PLACE, delivery, by=SAM)
        await until(lambda: "Second" in delivery.sink.text)
        await core.corrected(PLACE, "q1", "Two", by=SAM)
        await until(lambda: delivery.sink.text.count("Second") == 2)
        assert await core.withdrawn(PLACE, ["q1"]) == 1
        await receipt.outcome()
        assert await app.history() == [("mira", "First.")]


async def test_a_waiting_message_that_is_deleted_is_not_answered(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="To Kim.", hold=hold), "Again."])
    async with opened_app(tmp_path, model, gate={"user_limit": 2}) as app:
        core, delivery = app.conversations, RecordingDelivery()
        first = await app.post("I am first", delivery, by=KIM)
        await until(lambda: model.active == 1)
        second = await app.post("secret", delivery, external=["q2"])
        await stored(app, "secret")
        assert await core.withdrawn(PLACE, ["q2", "unknown"]) == 1
        async with asyncio.timeout(20):
            withheld = (await second.outcome()).withheld
        assert withheld is not None
        assert withheld.reason == "withdrawn"
        hold.set()
        await first.outcome()
        assert await app.history() == [("kim", "I am first"), ("mira", "To Kim.")]
        assert (await app.say("Me again", role=Role.MEMBER))[0].terminals


async def test_the_rest_of_a_burst_is_answered_without_what_was_deleted(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="Old.", hold=hold), Script(text="Both.", hold=hold), "New."])
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        first = await app.post("the secret", delivery, external=["q1"])
        await until(lambda: model.active == 1)
        second = await app.post("and a question", delivery, external=["q2"])
        await until(lambda: len(model.requests) == 2)
        assert "the secret" in prompt(model.requests[1])
        assert await core.withdrawn(PLACE, ["q1"]) == 1
        for receipt in (first, second):
            (end,) = (await receipt.outcome()).terminals
            assert isinstance(end, TurnFinished)
        assert "the secret" not in prompt(model.requests[2])
        assert await app.history() == [("sam", "and a question"), ("mira", "New.")]


async def test_a_reply_goes_with_the_last_of_its_messages(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel(["First.", "Second."])) as app:
        core = app.conversations
        first = reply_of((await app.say("Hello"))[0])
        await core.published(first, ["d1", "d2"])
        second = await regenerated(app)
        await core.published(second, ["d1", "d3"])
        assert await core.withdrawn(PLACE, ["d2"]) == 0
        assert await core.withdrawn(PLACE, ["d3"]) == 0
        found = await core.found(PLACE, "d1")
        assert found is not None
        assert found.text == "Second."
        assert await core.withdrawn(PLACE, ["d1"]) == 2
        assert await app.history() == [("sam", "Hello")]


async def test_a_reply_deleted_while_it_goes_on_stays_deleted(tmp_path: Path) -> None:
    model = PausingModel(["The story begins.", "And it never ends."], words=1, pauses=2)
    model.go.set()
    async with opened_app(tmp_path, model) as app:
        core, delivery = app.conversations, RecordingDelivery()
        reply = reply_of((await app.say("Tell me a story"))[0])
        await core.published(reply, ["d1"])
        model.go.clear()
        receipt = await core.continue_reply(PLACE, delivery, by=SAM, of=reply)
        await until(lambda: "And" in delivery.sink.text)
        assert await core.withdrawn(PLACE, ["d1"]) == 1
        await receipt.outcome()
        assert endings(delivery) == ["user_stop"]
        assert await app.history() == [("sam", "Tell me a story")]


async def test_what_was_only_overheard_is_dropped_when_it_changes(tmp_path: Path) -> None:
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model) as app:
        core = app.conversations
        for number, text in enumerate(("about herons", "about rooks", "about storks")):
            await app.say(text, private=False, by=KIM, external=[f"k{number}"])
        assert not await core.corrected(PLACE, "k0", "nothing", by=SAM)
        assert not await core.corrected(PLACE, "k1", "nothing", by=KIM)
        assert await core.withdrawn(PLACE, ["k2"]) == 0
        await app.say("Mira, what did Kim say?", private=False)
        asked = prompt(model.requests[0])
        assert "herons" in asked
        assert "rooks" not in asked
        assert "storks" not in asked


async def test_what_is_taken_back_while_shutting_down_is_erased(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        await app.say("secret", external=["q1"])
        await app.say("typo", external=["q2"])
        await app.conversations.drain()
        assert await app.conversations.withdrawn(PLACE, ["q1"]) == 1
        assert await app.conversations.corrected(PLACE, "q2", "fixed", by=SAM)
        assert [text for _, text in await app.history()] == ["Yes.", "fixed", "Yes."]


# -- memory


async def told(app: App, text: str, delivery: Delivery, external: str, by: Author = SAM) -> None:
    receipt = await app.conversations.receive(
        Inbound(
            message=app.message(text, by=by, external=[external]),
            delivery=delivery,
            addressing=Addressing(private=True),
            role=Role.MEMBER,
            witnesses=frozenset({by.id}),
        )
    )
    await receipt.outcome()
    await remembered(app)


async def remembered(app: App) -> None:
    await asyncio.sleep(0)
    await app.factory.indexer().caught_up()


async def test_memory_follows_swipes_and_branches_at_once(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold), "Third."])
    async with opened_app(tmp_path, model) as app:
        core = app.conversations

        async def recalled() -> set[str]:
            await remembered(app)

            def work(connection: Connection) -> set[str]:
                said = select(messages.c.written).join(
                    recollections, recollections.c.ref == messages.c.id
                )
                return set(connection.execute(said.where(recollections.c.active)).scalars())

            async with app.factory.database().reader() as snapshot:
                return await snapshot.run(work)

        await app.say("Hello")
        receipt = await core.regenerate(PLACE, RecordingDelivery(), by=SAM)
        await until(lambda: model.active == 1)
        kim = await app.post("And me?", RecordingDelivery(), by=KIM)
        await stored(app, "And me?")
        hold.set()
        await receipt.outcome()
        third = reply_of(await kim.outcome())
        assert await recalled() == {"Hello", "And me?", "Second.", "Third."}
        await core.remove(PLACE, third, by=KIM)
        assert await recalled() == {"Hello", "And me?", "Second."}
        await core.swipe(PLACE, -1, RecordingDelivery(), by=SAM)
        assert await recalled() == {"Hello", "And me?", "First."}
        await core.branch(PLACE, 1, by=SAM)
        assert await recalled() == {"Hello"}


async def test_memory_follows_edits_and_deletions(tmp_path: Path) -> None:
    model = ScriptedModel("I see.")
    memory = MemorySettings(embedder="none", learning="rules", summaries=False)
    near = {"history_messages": 2, "context_deadline_seconds": 10}
    async with opened_app(tmp_path, model, memory=memory, conversation=near) as app:
        core, delivery = app.conversations, RecordingDelivery()

        async def asked() -> str:
            await told(app, "Hm.", delivery, f"f{len(model.requests)}")
            question = "Do you remember where the turquoise birds of Falkenauge live?"
            await told(app, question, delivery, f"f{len(model.requests)}")
            return prompt(model.requests[-1])

        await told(app, "The turquoise birds of Falkenauge live in Zwickelford.", delivery, "q1")
        assert "Zwickelford" in await asked()
        new = "The turquoise birds of Falkenauge live in Quastenheim."
        assert await core.corrected(PLACE, "q1", new, by=SAM)
        await remembered(app)
        notes = await asked()
        assert "Quastenheim" in notes
        assert "Zwickelford" not in notes
        assert await core.withdrawn(PLACE, ["q1"]) == 1
        await remembered(app)
        assert "Quastenheim" not in await asked()
