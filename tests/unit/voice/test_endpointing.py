"""How long a silence must last, by sound, words and habit."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice.listening.completeness import Completeness, completeness
from services.voice.listening.endpointing import Ending, Evidence, Patience, Wait, wait_for
from services.voice.listening.patience import PauseStatistics
from services.voice.listening.wording import wording

PATIENCE = Patience()


@pytest.mark.parametrize(
    "text",
    [
        "So what I wanted to say is that.",
        "I was thinking that maybe we could",
        "Can you play some, um",
        "I bought apples and",
        "Yesterday I met a guy who...",
        "I want to go to the.",
        "First of all,",
        "It was the best day of my",
        "when I was a child.",
        "If it does not rain tomorrow",
        "Yes. After the concert.",
        "What would you say if?",
        "The reason I am asking is",
    ],
)
def test_english_turns_that_are_not_over(text: str):
    assert completeness(text, wording("en")) is Completeness.UNFINISHED


@pytest.mark.parametrize(
    "text",
    [
        "What time is it?",
        "Where are you from?",
        "What is that?",
        "Yes.",
        "stop",
        "Okay",
        "Good night, sleep well.",
        "Turn the lights on.",
        "Come in.",
        "Who?",
        "When I was a child, we had a dog.",
        "When does the train leave?",
        "What is it about?",
        "I like to read for a while.",
        "Do you want to?",
        "I think so.",
        "That is it.",
    ],
)
def test_english_turns_that_may_be_over(text: str):
    assert completeness(text, wording("en")) is Completeness.FINISHED


@pytest.mark.parametrize(
    "text",
    [
        "I would really like to know.",
        "Could you tell me?",
        "That is exactly what I was thinking about.",
        "Do you know the song about?",
        "There are three things that",
    ],
)
def test_english_turns_of_which_words_tell_nothing(text: str):
    assert completeness(text, wording("en")) is Completeness.OPEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Als ich ein Kind war.", Completeness.UNFINISHED),
        ("Als ich ein Kind war, hatten wir einen Hund.", Completeness.FINISHED),
        ("Ich wollte dich fragen, ob", Completeness.UNFINISHED),
        ("Gestern war ich mit meiner", Completeness.UNFINISHED),
        ("Also, ähm", Completeness.UNFINISHED),
        ("Mach das Licht an.", Completeness.UNFINISHED),
        ("Mach es an.", Completeness.FINISHED),
        ("Wie spät ist es?", Completeness.FINISHED),
        ("genau", Completeness.FINISHED),
    ],
)
def test_german_turns(text: str, expected: Completeness):
    assert completeness(text, wording("de-AT")) is expected


def test_without_words_or_punctuation_nothing_is_known():
    assert completeness("", wording(None)) is Completeness.OPEN
    assert completeness("the cat sat over there", wording("fr")) is Completeness.OPEN


@pytest.mark.parametrize(
    ("probability", "words", "seconds", "ending"),
    [
        (0.97, Completeness.FINISHED, 0.2, Ending.COMPLETE),
        (0.97, Completeness.OPEN, 0.3, Ending.COMPLETE),
        (0.97, Completeness.UNFINISHED, 1.2, Ending.TIMEOUT),
        (0.6, Completeness.FINISHED, 0.3, Ending.COMPLETE),
        (0.6, Completeness.OPEN, 0.5, Ending.COMPLETE),
        (0.2, Completeness.FINISHED, 0.4, Ending.COMPLETE),
        (0.01, Completeness.FINISHED, 0.6, Ending.TIMEOUT),
        (0.2, Completeness.OPEN, 1.2, Ending.TIMEOUT),
        (None, Completeness.FINISHED, 0.6, Ending.TIMEOUT),
        (None, Completeness.OPEN, 1.2, Ending.TIMEOUT),
    ],
)
def test_sound_and_words_together(
    probability: float | None, words: Completeness, seconds: float, ending: Ending
):
    evidence = Evidence(probability=probability, words=words)
    assert wait_for(evidence, patience=PATIENCE) == Wait(seconds=seconds, ending=ending)


def test_after_a_question_only_a_finished_sound_is_quick():
    thinking = Evidence(probability=0.2, words=Completeness.FINISHED, after_question=True)
    done = Evidence(probability=0.9, words=Completeness.FINISHED, after_question=True)
    assert wait_for(thinking, patience=PATIENCE).seconds == 2.0
    assert wait_for(done, patience=PATIENCE).seconds == 0.2


def test_a_speaker_of_short_pauses_is_waited_for_less():
    pauses = PauseStatistics()
    for pause in (0.15, 0.2, 0.25):
        pauses.resumed(pause)
        assert pauses.usual() is None, "too few to tell a habit"
    pauses.resumed(0.6)
    evidence = Evidence(probability=0.2, words=Completeness.OPEN, usual_pause=pauses.usual())
    assert wait_for(evidence, patience=PATIENCE).seconds == pytest.approx(0.9)
    for _ in range(20):
        pauses.resumed(0.1)
    assert pauses.usual() == pytest.approx(0.1), "what is long ago is forgotten"


_PROBABILITIES = st.none() | st.floats(0, 1)
_PAUSES = st.none() | st.floats(0, 30)


@given(
    words=st.sampled_from(Completeness),
    question=st.booleans(),
    usual=_PAUSES,
    probabilities=st.lists(st.floats(0, 1), min_size=2, max_size=6),
)
def test_a_more_finished_sound_never_waits_longer(
    words: Completeness, question: bool, usual: float | None, probabilities: list[float]
):
    waits = [
        wait_for(
            Evidence(
                probability=probability, words=words, after_question=question, usual_pause=usual
            ),
            patience=PATIENCE,
        ).seconds
        for probability in sorted(probabilities)
    ]
    assert all(later <= earlier for earlier, later in itertools.pairwise(waits))


@given(
    probability=_PROBABILITIES, words=st.sampled_from(Completeness), question=st.booleans(),
    usual=_PAUSES,
)  # fmt: skip
def test_every_wait_is_bounded(
    probability: float | None, words: Completeness, question: bool, usual: float | None
):
    evidence = Evidence(
        probability=probability, words=words, after_question=question, usual_pause=usual
    )
    wait = wait_for(evidence, patience=PATIENCE)
    assert PATIENCE.complete <= wait.seconds <= PATIENCE.after_question
    if words is Completeness.UNFINISHED:
        assert wait.ending is Ending.TIMEOUT
    if wait.ending is Ending.COMPLETE:
        assert wait.seconds <= PATIENCE.open
    if not question:
        assert wait.seconds <= PATIENCE.incomplete
