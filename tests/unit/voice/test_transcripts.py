"""What is taken out of transcripts, and what must never be."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.ids import AuthorId
from services.voice.listening.echo import EchoMemory
from services.voice.listening.guards import Suspicion, guarded
from services.voice.listening.languages import Languages
from services.voice.listening.turn_text import HeardPart, TurnText
from services.voice.listening.wake import FOLLOW_UP_SECONDS, Wake, WakeRule
from services.voice.listening.wording import wording, words_of

EN, DE = wording("en"), wording("de")
ANN, BOB = AuthorId("discord", "ann"), AuthorId("discord", "bob")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("dot dot dot dot dot dot", "dot"),
        ("I see. I see. I see. I see. I see.", "I see."),
        ("we go we go we go we go home", "we go home"),
        ("no no no", "no no no"),
        ("louder, louder", "louder, louder"),
    ],
)
def test_loops_are_said_once_and_insisting_is_not_a_loop(text: str, left: str):
    assert guarded(text, wording=EN, voiced=3.0).text == left


@pytest.mark.parametrize(
    "text", ["Thanks for watching!", "Thank you for watching.", "[Music]", "♪"]
)
def test_phantoms_of_silence_go(text: str):
    assert guarded(text, wording=EN, voiced=2.0).text == ""


def test_german_phantoms_go():
    heard = guarded("Untertitel im Auftrag des ZDF für funk", wording=DE, voiced=2.0)
    assert heard.suspicion is Suspicion.PHANTOM


def test_a_thank_you_is_doubted_only_after_hardly_any_speech():
    assert guarded("Thank you.", wording=EN, voiced=0.1).text == ""
    assert guarded("Thank you.", wording=EN, voiced=0.1, confidence=0.9).text == "Thank you."
    assert guarded("Thank you.", wording=EN, voiced=0.6).text == "Thank you."


def test_more_words_than_anybody_can_say_are_nobodys():
    text = "so the thing is that we never went there in the end at all"
    assert guarded(text, wording=EN, voiced=0.4).suspicion is Suspicion.TOO_FAST
    assert guarded(text, wording=EN, voiced=3.0).text == text


@pytest.mark.parametrize("word", ["stop", "no", "yes", "wait", "louder", "why"])
@pytest.mark.parametrize("voiced", [0.064, 0.2, 0.5])
def test_short_words_always_pass(word: str, voiced: float):
    assert guarded(word, wording=EN, voiced=voiced).text == word


@given(text=st.text(max_size=300), voiced=st.floats(0, 30))
def test_guarding_is_stable_and_invents_nothing(text: str, voiced: float):
    once = guarded(text, wording=EN, voiced=voiced)
    assert guarded(once.text, wording=EN, voiced=voiced).text == once.text
    assert set(words_of(once.text)) <= set(words_of(text))
    assert len(words_of(once.text)) <= len(words_of(text))


def test_guarding_a_flood_is_quick():
    text = " ".join(random.Random(1).choices(["a", "b"], k=20_000))
    started = time.perf_counter()
    guarded(text, wording=EN, voiced=30.0)
    assert time.perf_counter() - started < 5


def test_an_echo_is_found_in_the_middle_and_across_clauses_and_misheard():
    echo = EchoMemory()
    echo.said("Once upon a time there was a dragon,", at=10)
    echo.said("who lived in a very small kettle.", at=12)
    assert echo.is_echo("a dragon who lived in", since=12)
    assert echo.is_echo("ones upon a time there was a drag on", since=12)
    assert not echo.is_echo("tell me about the kettle please", since=12)


def test_echoes_are_remembered_ten_seconds():
    echo = EchoMemory()
    echo.said("the weather is lovely today", at=10)
    assert echo.is_echo("the weather is lovely today", since=19.9)
    assert not echo.is_echo("the weather is lovely today", since=20.1)


@pytest.mark.parametrize("text", ["stop", "yes", "stop it", "", "thank you"])
def test_short_remarks_are_never_echoes(text: str):
    echo = EchoMemory()
    echo.said("Stop! Yes, stop it. Thank you.", at=10)
    assert not echo.is_echo(text, since=10)


def test_echo_memory_is_bounded():
    echo = EchoMemory()
    for number in range(10_000):
        echo.said(f"clause number {number} of a very long speech", at=number / 1000)
    started = time.perf_counter()
    assert not echo.is_echo("something else entirely was said here " * 20, since=10)
    assert time.perf_counter() - started < 5


def test_names_wake_whole_and_one_slip_off_but_not_inside_other_words():
    wake = Wake(WakeRule.BY_NAME, names=["Neuro", "Ada"])
    for text in ("Hey, Neuro!", "neuro's turn", "what do you think newro", "and Ada?"):
        assert wake.names_bot(text), text
    for text in ("the neurology department", "Adam said so", "add a cup", "hello there"):
        assert not wake.names_bot(text), text


def test_by_name_an_exchange_goes_on_for_a_while_with_that_person_alone():
    wake = Wake(WakeRule.BY_NAME, names=["Neuro"])
    wake.engage(ANN, at=100)
    assert wake.addressed(ANN, "and then?", since=100 + FOLLOW_UP_SECONDS)
    assert not wake.addressed(ANN, "and then?", since=100.1 + FOLLOW_UP_SECONDS)
    assert not wake.addressed(BOB, "and then?", since=101)
    assert wake.addressed(BOB, "Neuro, and then?", since=101)


def test_push_to_listen_hears_held_keys_only():
    wake = Wake(WakeRule.PUSH_TO_LISTEN, names=[])
    assert not wake.hears(ANN)
    wake.press(ANN)
    assert wake.hears(ANN)
    assert not wake.hears(BOB)
    wake.release(ANN)
    assert not wake.hears(ANN)


def test_a_set_language_is_not_unlearned_by_hearing_another():
    languages = Languages("en")
    languages.fix(ANN, "de")
    for _ in range(5):
        languages.recognised(ANN, "fr", confidence=0.9)
    assert languages.of(ANN) == "de"
    assert languages.of(BOB) == "en"
    languages.fix(ANN, None)
    assert languages.of(ANN) == "en"


def test_a_language_needs_two_sure_transcripts_running():
    languages = Languages()
    for language, confidence in (("de", 0.9), ("en", 0.9), ("de", 0.2), ("de", 0.9)):
        languages.recognised(ANN, language, confidence=confidence)
        assert languages.of(ANN) is None
    languages.recognised(ANN, "de", confidence=None)
    assert languages.of(ANN) == "de"


def test_languages_are_remembered_of_so_many_people_only():
    languages = Languages()
    for number in range(1000):
        languages.fix(AuthorId("discord", str(number)), "de")
    assert languages.of(AuthorId("discord", "1")) is None
    assert languages.of(AuthorId("discord", "999")) == "de"


def test_an_answer_about_a_part_that_went_on_is_void():
    text = TurnText()
    early = text.ask()
    text.withdraw()
    assert not text.answer(early, HeardPart(text="half"))
    assert not text.complete
    assert text.answer(text.ask(), HeardPart(text="half of it"))
    assert text.complete


def test_joining_leaves_no_full_stop_inside_a_sentence():
    text = TurnText()
    for part in ("I went to...", "the market.", "", "It was closed."):
        text.answer(text.ask(), HeardPart(text=part))
        text.close()
    assert text.text == "I went to the market. It was closed."


@given(parts=st.lists(st.integers(0, 2), min_size=1, max_size=6), data=st.data())
def test_answers_in_any_order_make_the_same_text(parts: list[int], data: st.DataObject):
    """Each part is asked about once and again as often as it was resumed."""
    text = TurnText()
    pending = []
    for number, resumed in enumerate(parts):
        if number:
            text.close()
        for again in range(resumed + 1):
            current = again == resumed
            heard = HeardPart(text=f"Part{number}" if current else "stale")
            pending.append((text.ask(), heard, current))
    for count, (request, heard, current) in enumerate(data.draw(st.permutations(pending))):
        assert text.answer(request, heard) is current
        assert text.complete == (len(text.parts) == len(parts)), count
    assert text.text == " ".join(f"Part{number}" for number in range(len(parts)))
    assert list(itertools.chain(text.parts))
