"""Several people, one answer at a time; and the way from sound to orders."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.domain.ids import AuthorId
from services.domain.people import Author, Role
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import SpeechStarted, TurnDecided
from services.voice.listening.wake import Wake, WakeRule
from services.voice.turns.attending import Attention
from services.voice.turns.floor import WAITING_SECONDS, Floor
from services.voice.turns.orders import Duck, Order, Resume, Stop, Unduck
from services.voice.turns.policy import InterruptionPolicy
from tests.fakes.speech import ScriptedCompletion, ToneRecogniser, spoken
from tests.fakes.voice_call import ANN, BOB, VoiceCall, voice_call

_NUMBERS = itertools.count(100)


def turn(
    speaker: Author, text: str, *, at: float = 0.0,
    number: int | None = None, continues: int | None = None,
) -> TurnDecided:  # fmt: skip
    return TurnDecided(
        speaker=speaker, turn=next(_NUMBERS) if number is None else number, at=at, text=text,
        ending=Ending.COMPLETE, addressed=True, started_at=at - 1, ended_at=at - 0.2,
        continues=continues,
    )  # fmt: skip


def test_the_first_to_finish_is_answered():
    floor = Floor()
    grant = floor.offer(turn(ANN, "What is for dinner?", at=2))
    assert grant is not None
    assert grant.turn.text == "What is for dinner?"
    assert floor.taken


def test_whoever_interrupts_has_the_floor_before_those_who_wait():
    floor = Floor()
    floor.offer(turn(ANN, "one", at=1))
    floor.offer(turn(BOB, "two", at=2))
    floor.vacate()
    grant = floor.offer(turn(ANN, "no, three", at=3))
    assert grant is not None
    assert grant.turn.text == "no, three"
    waiting = floor.release(at=4)
    assert waiting is not None
    assert waiting.turn.text == "two"


def test_whoever_asks_meanwhile_is_answered_next_but_not_for_ever_late():
    floor = Floor()
    floor.offer(turn(ANN, "one", at=1))
    assert floor.offer(turn(BOB, "two", at=2)) is None
    grant = floor.release(at=5)
    assert grant is not None
    assert grant.turn.text == "two"
    floor.offer(turn(ANN, "three", at=6))
    assert floor.release(at=7 + WAITING_SECONDS) is None
    assert not floor.taken
    after = floor.offer(turn(BOB, "four", at=40))
    assert after is not None
    assert [missed.text for missed in after.missed] == ["three"]


def test_a_turn_that_continues_the_one_being_answered_takes_its_place():
    floor = Floor()
    floor.offer(turn(ANN, "What is", at=1, number=7))
    grant = floor.offer(turn(ANN, "What is for dinner?", at=3, number=8, continues=7))
    assert grant is not None
    assert grant.turn.text == "What is for dinner?"
    floor.offer(turn(BOB, "And", at=4, number=9))
    assert floor.offer(turn(BOB, "And for lunch?", at=5, number=10, continues=9)) is None
    waiting = floor.release(at=6)
    assert waiting is not None
    assert waiting.turn.text == "And for lunch?"
    assert floor.release(at=7) is None


def test_what_the_bot_says_of_itself_waits_for_quiet_and_the_floor():
    floor = Floor()
    floor.started(ANN.id, at=1)
    assert not floor.clear(10)
    floor.ended(ANN.id, at=11)
    assert floor.clear(11)
    assert not floor.clear(12, quiet=2)
    assert floor.clear(13, quiet=2)
    assert floor.take()
    assert not floor.take()
    assert floor.offer(turn(ANN, "hello", at=14)) is None


@given(turns=st.lists(st.tuples(st.sampled_from([ANN, BOB]), st.booleans()), max_size=60))
def test_every_turn_is_answered_once_or_missed_once_and_memory_is_bounded(
    turns: list[tuple[Author, bool]],
):
    floor = Floor()
    told: list[str] = []
    for number, (speaker, release) in enumerate(turns):
        grants = [floor.offer(turn(speaker, f"t{number}", at=number))]
        if release:
            grants.append(floor.release(at=number))
        for grant in filter(None, grants):
            told += [grant.turn.text, *(missed.text for missed in grant.missed)]
            assert len(grant.missed) <= 20
    assert len(told) == len(set(told))


class Scene:
    """A call whose listening leads to orders."""

    def __init__(self, call: VoiceCall, wake: Wake) -> None:
        self.call = call
        self.policy = InterruptionPolicy()
        self.floor = Floor()
        self.attention = Attention(
            policy=self.policy,
            floor=self.floor,
            wake=wake,
            languages=call.listener.languages,
            role=lambda _: Role.MEMBER,
        )
        self.orders: list[tuple[float, Order]] = []
        self._taken = 0
        call.on_step = self._step

    def bot_speaks(self) -> None:
        self.call.listener.bot_started()
        self.policy.bot_started(self.call.clock.monotonic())

    def kinds(self) -> list[type[Order]]:
        return [type(order) for _, order in self.orders]

    def _step(self, now: float) -> None:
        for event in self.call.events[self._taken :]:
            self.orders += [(now, order) for order in self.attention.take(event)]
        self._taken = len(self.call.events)
        self.orders += [(now, order) for order in self.policy.tick(now)]


def recogniser(*texts: str, latency: float = 0.2):
    return lambda clock: ToneRecogniser(clock, latency=lambda _: latency, texts=texts)


async def test_an_interruption_ducks_within_100_ms_and_stops_within_900():
    wake = Wake(WakeRule.ALWAYS, names=["Neuro"])
    async with voice_call(
        recogniser=recogniser("But I", "But I wanted", "But I wanted tea", "But I wanted tea."),
        completion=ScriptedCompletion(0.97),
        wake=wake,
    ) as call:
        scene = Scene(call, wake)
        scene.bot_speaks()
        await call.wait(1)
        began = call.clock.monotonic()
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum", "engine"))
        await call.wait(1)
    (ducked, duck), (stopped, stop) = scene.orders
    assert duck == Duck(by=ANN.id)
    assert ducked - began <= 0.1
    assert stop == Stop(by=ANN.id)
    assert stopped - began <= 0.75
    assert len(call.decided()) == 1


async def test_a_long_back_channel_does_not_stop_the_bot():
    wake = Wake(WakeRule.ALWAYS, names=["Neuro"])
    async with voice_call(
        recogniser=recogniser("Yeah", "Yeah, right."),
        completion=ScriptedCompletion(0.97),
        wake=wake,
    ) as call:
        scene = Scene(call, wake)
        scene.bot_speaks()
        await call.wait(1)
        await call.talk(ann=spoken("apple", "boat", "cloud"))
        await call.wait(1.2)
    assert scene.kinds() == [Duck, Unduck]
    assert scene.floor.clear(call.clock.monotonic())


async def test_noise_that_stopped_the_bot_lets_it_go_on():
    wake = Wake(WakeRule.ALWAYS, names=["Neuro"])
    async with voice_call(recogniser=recogniser("", "", "", "", "", ""), wake=wake) as call:
        scene = Scene(call, wake)
        scene.bot_speaks()
        await call.wait(1)
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum", "engine", "forest"))
        await call.wait(3)
    assert scene.kinds() == [Duck, Stop, Resume]
    assert scene.orders[2][0] - scene.orders[1][0] < 1.5


async def test_by_name_a_bystander_neither_ducks_nor_stops_until_naming_the_bot():
    wake = Wake(WakeRule.BY_NAME, names=["Neuro"])
    async with voice_call(
        recogniser=recogniser("we need milk", "we need milk today", "Neuro", "Neuro be quiet"),
        completion=ScriptedCompletion(0.97),
        wake=wake,
    ) as call:
        scene = Scene(call, wake)
        scene.bot_speaks()
        await call.wait(1)
        await call.talk(bob=spoken("apple", "boat", "cloud"))
        await call.wait(1)
        assert scene.orders == []
        await call.talk(bob=spoken("apple", "boat", "cloud"))
        await call.wait(1)
    stops = [order.hard for _, order in scene.orders if isinstance(order, Stop)]
    assert stops == [False, True], "the name stops it, the words that follow end it"
    assert len(scene.orders) == 2


async def test_events_of_strangers_are_fine():
    wake = Wake(WakeRule.ALWAYS, names=[])
    async with voice_call(wake=wake) as call:
        scene = Scene(call, wake)
        for number in range(200):
            stranger = Author(id=AuthorId("discord", f"s{number}"), display_name="S")
            event = SpeechStarted(speaker=stranger, turn=number, at=1.0, since=1.0)
            scene.attention.take(event)
        assert not scene.floor.clear(2.0)
    assert Unduck not in scene.kinds()
