"""Ducking, stopping and going on, as people speak into the bot's speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.ids import AuthorId
from services.domain.people import Role
from services.voice.listening.names import SpokenNames
from services.voice.listening.wording import words_of
from services.voice.turns.orders import Duck, Order, Resume, Stop, Unduck
from services.voice.turns.policy import InterruptionPolicy, Person, PolicyTimes
from services.voice.turns.remarks import Remark, remark

ANN = Person(id=AuthorId("discord", "ann"))
BOB = Person(id=AuthorId("discord", "bob"))
PASSER_BY = Person(id=AuthorId("discord", "eve"), participant=False)
MODERATOR = Person(id=AuthorId("discord", "mod"), role=Role.MODERATOR)
TIMES = PolicyTimes()
STEP = 0.02


class Stage:
    """A policy, its clock, and every order with its time since the bot's first sound."""

    def __init__(self, **speech: bool) -> None:
        self.policy = InterruptionPolicy()
        self.now = 50.0
        self.began = self.now
        self.orders: list[tuple[float, Order]] = []
        self.do(self.policy.bot_started(self.now, **speech))

    def do(self, orders: Sequence[Order]) -> None:
        self.orders += [(round(self.now - self.began, 3), order) for order in orders]

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.do(self.policy.tick(self.now))

    def speak(self, who: Person, seconds: float) -> None:
        """Let somebody speak with no words known yet; the speech is still going on."""
        self.do(self.policy.speech_started(who))
        for tenth in range(1, round(seconds * 10) + 1):
            self.wait(0.1)
            self.do(self.policy.speech_progress(who, voiced=tenth / 10, at=self.now))

    def end(self, who: Person) -> None:
        self.policy.speech_ended(who, at=self.now)

    def words(self, who: Person, meant: Remark, *, addressed: bool = False) -> None:
        self.do(self.policy.words(who, meant, at=self.now, addressed=addressed))

    def turn(self, who: Person, meant: Remark) -> None:
        self.do(self.policy.turn_ended(who, meant, at=self.now))

    def kinds(self) -> list[type[Order]]:
        return [type(order) for _, order in self.orders]


def test_onset_ducks_at_once_and_words_stop():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 0.4)
    stage.words(ANN, Remark.WORDS)
    assert stage.orders == [(1.0, Duck(by=ANN.id)), (1.4, Stop(by=ANN.id))]
    stage.end(ANN)
    stage.turn(ANN, Remark.WORDS)
    stage.wait(5)
    assert len(stage.orders) == 2, "what was interrupted by words is not resumed"


@pytest.mark.parametrize("length", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 0.6])
def test_no_back_channel_stops_the_bot_however_long_its_hangover(length: float, delay: float):
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, length)
    stage.end(ANN)
    stage.wait(delay)
    stage.words(ANN, Remark.BACK_CHANNEL)
    stage.turn(ANN, Remark.BACK_CHANNEL)
    stage.wait(3)
    assert stage.kinds() == [Duck, Unduck]
    assert stage.orders[1][0] - (1 + length) <= max(delay, TIMES.words_due) + STEP


def test_a_back_channel_understood_while_it_lasts_buys_time():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 0.4)
    stage.words(ANN, Remark.BACK_CHANNEL)
    stage.speak(ANN, 1.2)
    assert stage.kinds() == [Duck]
    stage.words(ANN, Remark.WORDS)
    assert stage.kinds() == [Duck, Stop]


def test_speech_whose_words_are_late_stops_the_bot_by_its_length():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 2.0)
    (_, duck), (stopped, stop) = stage.orders
    assert isinstance(duck, Duck)
    assert isinstance(stop, Stop)
    assert stopped - 1.0 <= 0.9 + STEP


def test_hard_words_after_a_stop_harden_it_once():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 1.0)
    stage.words(ANN, Remark.HARD)
    stage.words(ANN, Remark.HARD)
    stage.end(ANN)
    stage.turn(ANN, Remark.HARD)
    stage.wait(5)
    assert [order for _, order in stage.orders[1:]] == [
        Stop(by=ANN.id),
        Stop(by=ANN.id, hard=True),
    ]


def test_a_cough_ducks_briefly():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 0.1)
    stage.end(ANN)
    stage.wait(2)
    assert stage.kinds() == [Duck, Unduck]
    assert stage.orders[1][0] - stage.orders[0][0] < 0.6


def test_a_stop_that_was_no_interruption_is_made_good_once():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 1.0)
    stage.end(ANN)
    stage.turn(ANN, Remark.NONE)
    assert stage.kinds() == [Duck, Stop, Resume]
    stage.do(stage.policy.bot_started(stage.now, resumption=True))
    stage.wait(1)
    stage.speak(ANN, 1.0)
    stage.end(ANN)
    stage.turn(ANN, Remark.BACK_CHANNEL)
    stage.wait(5)
    assert stage.kinds() == [Duck, Stop, Resume, Duck, Stop]


def test_after_a_stop_silence_without_words_goes_on_after_two_seconds():
    stage = Stage()
    stage.wait(1)
    stage.speak(ANN, 1.0)
    stopped = stage.orders[-1][0]
    stage.wait(3)
    assert stage.kinds() == [Duck, Stop], "somebody still speaks"
    stage.end(ANN)
    stage.wait(0.1)
    assert stage.kinds() == [Duck, Stop, Resume]
    assert stage.orders[-1][0] - stopped >= TIMES.false_alarm


@pytest.mark.parametrize("who", [ANN, PASSER_BY])
@pytest.mark.parametrize("speech", [{}, {"uninterruptible": True}])
@pytest.mark.parametrize("after", [0.0, 0.1, 2.0])
def test_hard_words_stop_the_bot_at_once_and_for_good(
    who: Person, speech: dict[str, bool], after: float
):
    stage = Stage(**speech)
    stage.wait(after)
    stage.do(stage.policy.speech_started(who))
    stage.words(who, Remark.HARD)
    assert stage.orders[-1][1] == Stop(by=who.id, hard=True)
    stage.turn(who, Remark.NONE)
    stage.wait(5)
    assert stage.kinds()[-1] is Stop


def test_the_first_300_ms_are_only_ducked_and_the_interruption_is_not_lost():
    stage = Stage()
    stage.do(stage.policy.speech_started(ANN))
    stage.words(ANN, Remark.WORDS)
    assert stage.kinds() == [Duck]
    stage.wait(1)
    stopped, stop = stage.orders[1]
    assert stop == Stop(by=ANN.id)
    assert stopped == pytest.approx(TIMES.guard, abs=STEP)


def test_uninterruptible_speech_is_only_ducked():
    stage = Stage(uninterruptible=True)
    stage.wait(1)
    stage.speak(ANN, 2)
    stage.words(ANN, Remark.WORDS)
    stage.end(ANN)
    stage.turn(ANN, Remark.WORDS)
    assert stage.kinds() == [Duck, Unduck]


def test_people_outside_the_conversation_must_address_the_bot():
    stage = Stage()
    stage.wait(1)
    stage.speak(PASSER_BY, 3)
    stage.words(PASSER_BY, Remark.WORDS)
    assert stage.orders == []
    stage.words(PASSER_BY, Remark.WORDS, addressed=True)
    assert stage.kinds() == [Stop]


def test_a_locked_floor_heeds_moderators_only():
    stage = Stage()
    stage.policy.locked = True
    stage.wait(1)
    stage.speak(ANN, 2)
    stage.words(ANN, Remark.HARD)
    assert stage.kinds() == [Duck]
    stage.words(MODERATOR, Remark.WORDS)
    assert stage.orders[-1][1] == Stop(by=MODERATOR.id)


def test_the_bot_stays_ducked_until_the_last_of_several_is_silent():
    stage = Stage()
    stage.wait(1)
    stage.do(stage.policy.speech_started(ANN))
    stage.do(stage.policy.speech_started(BOB))
    stage.turn(ANN, Remark.BACK_CHANNEL)
    assert stage.kinds() == [Duck]
    stage.turn(BOB, Remark.BACK_CHANNEL)
    assert stage.kinds() == [Duck, Unduck]


def test_the_bot_begins_softly_while_somebody_speaks():
    policy = InterruptionPolicy()
    assert policy.speech_started(ANN) == ()
    assert policy.bot_started(10) == (Duck(by=ANN.id),)


_PEOPLE = st.sampled_from([ANN, BOB, PASSER_BY, MODERATOR])
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("started"), _PEOPLE),
        st.tuples(st.just("ended"), _PEOPLE),
        st.tuples(st.just("progress"), _PEOPLE, st.floats(0, 3)),
        st.tuples(st.just("words"), _PEOPLE, st.sampled_from(Remark), st.booleans()),
        st.tuples(st.just("turn"), _PEOPLE, st.sampled_from(Remark)),
        st.tuples(st.just("wait"), st.floats(0, 3)),
        st.tuples(st.just("bot_started"), st.booleans()),
        st.tuples(st.just("bot_finished")),
    ),
    max_size=40,
)


class Voice:
    """The bot's voice, which may only be ordered what it can do."""

    def __init__(self) -> None:
        self.speaking = self.ducked = self.interrupted = self.resumed = False

    def start(self, *, again: bool) -> None:
        self.speaking, self.resumed = True, again
        self.ducked = self.interrupted = False

    def obey(self, order: Order) -> None:
        match order:
            case Duck():
                assert self.speaking
                assert not self.ducked
                self.ducked = True
            case Unduck():
                assert self.speaking
                assert self.ducked
                self.ducked = False
            case Stop():
                assert self.speaking
                self.speaking = self.ducked = False
                self.interrupted = not order.hard
            case Resume():
                assert self.interrupted
                assert not self.resumed
                assert not self.speaking
                self.interrupted, self.resumed = False, True


class Happening:
    """Gives a policy one thing after the other."""

    def __init__(self) -> None:
        self.policy = InterruptionPolicy()
        self.voice = Voice()
        self.now = 0.0

    def started(self, who: Person) -> Sequence[Order]:
        return self.policy.speech_started(who)

    def ended(self, who: Person) -> Sequence[Order]:
        self.policy.speech_ended(who, at=self.now)
        return ()

    def progress(self, who: Person, voiced: float) -> Sequence[Order]:
        return self.policy.speech_progress(who, voiced=voiced, at=self.now)

    def words(self, who: Person, meant: Remark, addressed: bool) -> Sequence[Order]:
        return self.policy.words(who, meant, at=self.now, addressed=addressed)

    def turn(self, who: Person, meant: Remark) -> Sequence[Order]:
        return self.policy.turn_ended(who, meant, at=self.now)

    def wait(self, seconds: float) -> Sequence[Order]:
        self.now += seconds
        return self.policy.tick(self.now)

    def bot_started(self, again: bool) -> Sequence[Order]:
        self.voice.start(again=again)
        return self.policy.bot_started(self.now, resumption=again)

    def bot_finished(self) -> Sequence[Order]:
        self.policy.bot_finished()
        self.voice.speaking = self.voice.ducked = False
        return ()


@given(actions=_ACTIONS)
def test_orders_make_sense_whatever_happens(actions: list[tuple[Any, ...]]):
    happening = Happening()
    for action, *details in actions:
        for order in getattr(happening, action)(*details):
            happening.voice.obey(order)
        assert happening.policy.ducked == happening.voice.ducked


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Mhm.", "en", Remark.BACK_CHANNEL),
        ("Uh-huh, yeah.", "en", Remark.BACK_CHANNEL),
        ("Oh wow, okay!", "en", Remark.BACK_CHANNEL),
        ("Hahahaha", "en", Remark.BACK_CHANNEL),
        ("M.H.M.", "en", Remark.BACK_CHANNEL),
        ("Ummm... yeahhh.", "en", Remark.BACK_CHANNEL),
        ("The U.S.A. won.", "en", Remark.WORDS),
        ("Oh really?", "en", Remark.BACK_CHANNEL),
        ("I see.", None, Remark.BACK_CHANNEL),
        ("Ja, genau.", "de", Remark.BACK_CHANNEL),
        ("Ach so, alles klar.", "de-DE", Remark.BACK_CHANNEL),
        ("Stop!", "en", Remark.HARD),
        ("Neuro, stop.", "en", Remark.HARD),
        ("Nuero, wait a moment", "en", Remark.HARD),
        ("Stop it, Neuro", "en", Remark.HARD),
        ("Stop, that is wrong", "en", Remark.HARD),
        ("Hör auf!", "de", Remark.HARD),
        ("Sei bitte still", "de", Remark.HARD),
        ("The bus stop is over there", "en", Remark.WORDS),
        ("Yeah but what about me", "en", Remark.WORDS),
        ("Neuro?", "en", Remark.WORDS),
        ("Ja aber warum", "de", Remark.WORDS),
        ("No.", "en", Remark.WORDS),
        ("yes yes yes yes yes yes yes", "en", Remark.WORDS),
        ("...", "en", Remark.NONE),
        ("", "en", Remark.NONE),
    ],
)
def test_remarks(text: str, language: str | None, expected: Remark):
    assert remark(text, language=language, names=SpokenNames(["Neuro"])) is expected


@pytest.mark.parametrize("heard", ["Myra", "Meera", "Mirah", "Mirra", "MIRA"])
def test_a_hard_word_after_a_misheard_name_is_one(heard: str):
    names = SpokenNames(["Mira"])
    assert remark(f"{heard}, wait, that is wrong", language="en", names=names) is Remark.HARD
    assert names.within(words_of(f"well {heard} what now"))


@pytest.mark.parametrize("other", ["more", "mirror", "merry", "me", "mere", "marry"])
def test_other_words_are_no_names(other: str):
    names = SpokenNames(["Mira"])
    assert not names.within((other,))
    assert remark(f"{other} wait", language="en", names=names) is Remark.WORDS


def test_a_name_that_resembles_a_hard_word_does_not_hide_it():
    assert remark("Wait.", language="en", names=SpokenNames(["Waite"])) is Remark.HARD


@given(text=st.text(max_size=200), language=st.none() | st.sampled_from(["en", "de", "xx", "../x"]))
def test_any_text_is_some_remark(text: str, language: str | None):
    assert remark(text, language=language, names=SpokenNames(["Neuro", "", "!"])) in Remark
