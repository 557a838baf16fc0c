"""Who has the floor, when an answer may sound, and what the conversation core is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from services.conversation.inbound import Outcome, Withheld
from services.conversation.service import ConversationService
from services.domain.errors import Busy, StorageError
from services.domain.ids import ConversationId, MessageId, PersonaId, TurnId, UlidSource
from services.domain.people import Author, Role
from services.domain.replies import (
    InterruptReason,
    TurnBrief,
    TurnFailed,
    TurnInterrupted,
    TurnKind,
)
from services.voice.exchange import Exchange
from services.voice.exchanges import Exchanges
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import TurnDecided
from services.voice.place import Place
from services.voice.turns.floor import WAITING_SECONDS, Floor
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import FakeConversations
from tests.fakes.recording import RecordingDelivery
from tests.fakes.voice_call import ANN, BOB

HERE = ConversationId("test", "local", "call")
FAILED = TurnFailed(turn=TurnId("t"), code="x", user_message="No.")
FULL = Busy("mailbox_full", "Too many messages are waiting here.")


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.outcomes: list[str | None] = []
        self.changes: list[bool] = []
        self.voided: list[Exchange] = []

    def silenced(self) -> bool:
        return bool(self.changes) and self.changes[-1]

    def outcome(self, failure: str | None, /) -> None:
        self.outcomes.append(failure)

    def unsure(self, unsure: bool, /) -> None:
        self.changes.append(unsure)

    def void(self, exchange: Exchange, /) -> None:
        self.voided.append(exchange)


class Desk:
    """Exchanges over a conversation core that does nothing by itself."""

    def __init__(self) -> None:
        self.core = FakeConversations()
        self.clock = ManualClock()
        self.watcher = Watcher()
        self.floor = Floor()
        place = Place(
            conversation=HERE,
            delivery=RecordingDelivery(),
            role=lambda _: Role.MEMBER,
            present=frozenset,
        )
        self.exchanges = Exchanges(
            cast(ConversationService, self.core),
            place,
            floor=self.floor,
            clock=self.clock,
            ids=UlidSource(self.clock, random.Random(1)),
            watcher=self.watcher,
        )

    def turn(
        self, number: int, text: str, *, by: Author = ANN, continues: int | None = None
    ) -> TurnDecided:
        now = self.clock.monotonic()
        return TurnDecided(
            speaker=by, turn=number, at=now, text=text, ending=Ending.COMPLETE, addressed=True,
            started_at=now - 1, ended_at=now - 0.2, continues=continues,
        )  # fmt: skip

    def certain(self, index: int = 0) -> bool:
        certain = self.core.received[index].certain
        assert certain is not None
        return certain.is_set()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    running = asyncio.get_running_loop().create_task(opened.exchanges.run())
    try:
        yield opened
        assert not running.done(), "the work has ended"
    finally:
        running.cancel()


def brief(*messages: Any, **values: Any) -> TurnBrief:
    return TurnBrief(
        turn=TurnId("t"), conversation=HERE, persona=PersonaId("mira"), persona_name="Mira",
        kind=TurnKind.REPLY, started_at=ManualClock().now(), burst=messages, **values,
    )  # fmt: skip


async def test_what_is_presumed_is_unsure_until_agreed_and_only_then_certain():
    async with desk() as at:
        assert at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        assert at.watcher.silenced()
        assert not at.certain()
        at.exchanges.agree(at.turn(1, "apple"))
        assert at.certain()
        assert not at.watcher.silenced()
        assert at.core.changes == []


async def test_nothing_is_certain_before_the_answer_is_to_the_right_text():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        at.core.gate.clear()
        at.exchanges.revise(1, "apple boat")
        at.exchanges.agree(at.turn(1, "apple boat"))
        await at.settle()
        assert not at.certain()
        assert at.watcher.silenced()
        assert at.watcher.voided == []
        at.core.gate.set()
        await at.settle()
        assert at.certain()
        assert not at.watcher.silenced()
        assert at.watcher.voided == [at.exchanges.current]
        assert [text for _, text in at.core.changes] == ["apple boat"]


async def test_a_correction_that_cannot_be_stored_leaves_the_answer_as_it_is():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        at.core.failing = StorageError("full", "The disk is full.")
        at.exchanges.agree(at.turn(1, "apple boat"))
        await at.settle()
        assert not at.watcher.silenced()
        assert at.watcher.voided == []
        assert at.watcher.outcomes == ["The disk is full."]
        at.core.failing = None
        at.core.answer("apple")
        await at.settle()
        assert not at.floor.taken


async def test_a_correction_before_the_message_was_handed_over_changes_what_is_handed_over():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        at.exchanges.agree(at.turn(1, "apple boat"))
        await at.settle()
        assert at.core.asked == ["apple boat"]


async def test_what_came_to_nothing_is_taken_back_and_disturbs_nobody_elses_presumption():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        noise = at.exchanges.current
        at.core.gate.clear()
        at.exchanges.withdraw(1)
        assert at.exchanges.current is None
        assert at.watcher.silenced(), "what is being taken back must not sound"
        said = at.core.received[0].message
        assert at.exchanges.behind(brief(trigger=said)) is noise, "nor when it begins late"
        at.core.answer("apple", Outcome(terminals=[FAILED]))
        assert at.exchanges.presume(2, BOB, "cloud")
        at.core.gate.set()
        await at.settle()
        assert at.core.gone == [at.core.received[0].message.external_ids[0]]
        assert at.watcher.voided == [noise]
        assert at.exchanges.behind(brief(trigger=said)) is None
        assert at.watcher.outcomes == []
        assert at.watcher.silenced(), "nobody knows yet whether Bob has finished"
        assert at.certain(), "an answer to this and more may use tools"
        at.exchanges.agree(at.turn(2, "cloud", by=BOB))
        assert not at.watcher.silenced()


async def test_what_cannot_be_taken_back_is_stopped():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        at.core.failing = StorageError("full", "The disk is full.")
        at.exchanges.withdraw(1)
        await at.settle()
        assert at.core.stopped == [InterruptReason.USER_STOP]
        assert not at.watcher.silenced()
        assert not at.floor.taken


async def test_what_is_taken_back_before_it_was_handed_over_never_is():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        at.exchanges.withdraw(1)
        await at.settle()
        assert at.core.received == []
        assert not at.watcher.silenced()


async def test_whoever_goes_on_silences_the_answer_until_that_comes_to_something():
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        await at.settle()
        at.exchanges.go_on(7)
        assert not at.watcher.silenced()
        at.exchanges.go_on(1)
        assert at.watcher.silenced()
        at.exchanges.revise(2, "apple boat")
        await at.settle()
        assert at.watcher.silenced()
        at.exchanges.withdraw(2)
        await at.settle()
        assert not at.watcher.silenced()
        assert [text for _, text in at.core.changes] == ["apple boat", "apple"]
        at.exchanges.go_on(1)
        at.exchanges.agree(at.turn(3, "apple boat", continues=1))
        await at.settle()
        assert not at.watcher.silenced()
        assert at.floor.taken


async def test_an_answer_that_is_over_while_its_asker_goes_on_silences_nobody():
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        await at.settle()
        at.exchanges.go_on(1)
        at.core.answer("apple", FULL)
        await at.settle()
        assert not at.watcher.silenced()
        assert at.watcher.outcomes == [FULL.user_message]
        at.exchanges.answer(at.turn(2, "apple boat", continues=1))
        await at.settle()
        assert at.core.asked == ["apple", "apple boat"]


async def test_an_outcome_waits_until_the_turn_is_over_and_is_not_told_of_noise():
    async with desk() as at:
        for number, agreed in ((1, True), (2, False)):
            at.exchanges.presume(number, ANN, f"word {number}")
            await at.settle()
            at.core.answer(f"word {number}", FULL)
            await at.settle()
            assert at.exchanges.current is not None
            told = len(at.watcher.outcomes)
            if agreed:
                at.exchanges.agree(at.turn(number, f"word {number}"))
                assert at.watcher.outcomes == [FULL.user_message]
            else:
                at.exchanges.withdraw(number)
                await at.settle()
                assert len(at.watcher.outcomes) == told
            assert not at.floor.taken
            assert not at.watcher.silenced()


async def test_a_message_that_is_not_taken_in_gives_the_floor_to_who_waits():
    async with desk() as at:
        at.core.failing = FULL
        at.exchanges.answer(at.turn(1, "apple"))
        at.exchanges.answer(at.turn(2, "cloud", by=BOB))
        await at.settle()
        assert at.watcher.outcomes == [FULL.user_message, FULL.user_message]
        at.core.failing = RuntimeError("a bug")
        at.exchanges.answer(at.turn(3, "drum"))
        await at.settle()
        assert not at.floor.taken
        at.core.failing = None
        at.exchanges.answer(at.turn(4, "engine"))
        await at.settle()
        assert at.core.asked == ["engine"]


async def test_turns_that_waited_in_vain_are_told_of_with_a_presumed_one_as_well():
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        at.exchanges.answer(at.turn(2, "cloud", by=BOB))
        await at.settle()
        at.clock.advance(WAITING_SECONDS + 1)
        at.core.answer("apple")
        await at.settle()
        at.exchanges.presume(3, ANN, "drum")
        at.exchanges.agree(at.turn(3, "drum"))
        await at.settle()
        assert at.core.asked == ["apple", "drum"]
        assert at.core.overheard == ["cloud"]


async def test_whoever_insists_takes_the_place_of_what_was_only_presumed():
    async with desk() as at:
        at.exchanges.presume(1, ANN, "apple")
        await at.settle()
        at.exchanges.insist(at.turn(2, "boat"))
        await at.settle()
        assert at.core.gone == [at.core.received[0].message.external_ids[0]]
        assert at.core.asked == ["apple", "boat"]
        assert not at.watcher.silenced()
        at.exchanges.answer(at.turn(1, "apple", continues=None))
        at.core.answer("boat")
        await at.settle()
        assert at.core.asked == ["apple", "boat", "apple"]
        assert len({each.message.external_ids for each in at.core.received}) == 3


async def test_the_end_of_an_answer_that_was_replaced_leaves_the_floor_alone():
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        await at.settle()
        at.exchanges.insist(at.turn(2, "boat"))
        at.exchanges.answer(at.turn(3, "cloud", by=BOB))
        await at.settle()
        at.core.answer("apple")
        at.exchanges.give_floor()
        await at.settle()
        assert at.core.asked == ["apple", "boat"]
        at.core.answer("boat")
        await at.settle()
        assert at.core.asked == ["apple", "boat", "cloud"]


async def test_a_turn_that_answers_this_among_other_messages_is_known():
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        await at.settle()
        said = at.core.received[0].message
        other = at.core.received[0].message.__class__(
            id=MessageId("typed"), conversation=HERE, author=ANN, parts=(),
            created_at=said.created_at,
        )  # fmt: skip
        assert at.exchanges.behind(brief(said, other, trigger=other)) is at.exchanges.current
        assert at.exchanges.behind(brief(trigger=said)) is at.exchanges.current
        assert at.exchanges.behind(brief(other, trigger=other)) is None
        assert at.exchanges.behind(brief()) is None


async def test_leaving_takes_back_what_was_only_presumed_and_lets_the_rest_be():
    for agreed in (False, True):
        opened = Desk()
        running = asyncio.get_running_loop().create_task(opened.exchanges.run())
        opened.exchanges.presume(1, ANN, "apple")
        if agreed:
            opened.exchanges.agree(opened.turn(1, "apple"))
        await opened.settle()
        running.cancel()
        await opened.exchanges.close()
        assert len(opened.core.gone) == (not agreed)
        assert opened.certain()


async def test_leaving_waits_for_nothing_that_is_broken():
    opened = Desk()
    running = asyncio.get_running_loop().create_task(opened.exchanges.run())
    opened.exchanges.presume(1, ANN, "apple")
    await opened.settle()
    running.cancel()
    opened.core.failing = StorageError("full", "The disk is full.")
    await opened.exchanges.close()
    assert opened.certain()


async def test_too_much_at_once_drops_what_was_overheard_before_what_was_asked():
    opened = Desk()
    for number in range(200):
        opened.exchanges.overhear(opened.turn(number, f"aside {number}"))
    opened.exchanges.presume(201, ANN, "apple")
    opened.exchanges.agree(opened.turn(201, "apple boat"))
    running = asyncio.get_running_loop().create_task(opened.exchanges.run())
    await opened.settle()
    await opened.settle()
    running.cancel()
    assert opened.core.asked == ["apple boat"]
    assert 10 < len(opened.core.overheard) < 100
    assert not opened.watcher.silenced()


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(terminals=[FAILED]), ["No."]),
        (
            Outcome(
                terminals=[
                    TurnInterrupted(
                        turn=TurnId("t"), reason=InterruptReason.USER_STOP, delivered=""
                    )
                ]
            ),
            [],
        ),
        (
            Outcome(
                terminals=[
                    TurnInterrupted(
                        turn=TurnId("t"), reason=InterruptReason.BARGE_IN, delivered="Well"
                    )
                ]
            ),
            [None],
        ),
        (Outcome(withheld=Withheld(reason="x", detail="Slow down.", notify=True)), ["Slow down."]),
        (Outcome(withheld=Withheld(reason="x", detail="Slow down.")), []),
        (Outcome(withheld=Withheld(reason="muted")), []),
    ],
)
async def test_what_people_are_told_of_an_outcome(outcome: Outcome, told: list[str | None]):
    async with desk() as at:
        at.exchanges.answer(at.turn(1, "apple"))
        await at.settle()
        at.core.answer("apple", outcome)
        await at.settle()
        assert at.watcher.outcomes == told
        assert not at.floor.taken
