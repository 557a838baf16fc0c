"""What a call tells as lines, and when there is nothing more to come."""

from __future__ import annotations

import io
import json

import pytest

from frontends.console.talking.conclusion import LINGER, PATIENCE, Conclusion
from frontends.console.talking.events import EventLines, fields_of
from frontends.console.talking.timeline import Timeline
from services.domain.ids import AuthorId, PersonaId
from services.domain.people import Author
from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    CallEvent,
    ClauseSpoken,
    Ducked,
    Interrupted,
    PersonStarted,
    PersonStopped,
    Resumed,
    Trouble,
    Troubled,
    TurnLost,
    TurnTaken,
    Unducked,
    WordsHeard,
)
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import DropReason, Stage
from tests.fakes.clock import ManualClock

ANN = Author(id=AuthorId("console", "ann"), display_name="Ann")
MIRA = PersonaId("mira")


def taken(at: float, *, addressed: bool = True) -> TurnTaken:
    return TurnTaken(
        speaker=ANN,
        turn=1,
        at=at,
        text="Hello there.",
        ending=Ending.COMPLETE,
        addressed=addressed,
        started_at=at - 2,
        ended_at=at - 0.2,
    )


def begun(at: float) -> AnswerBegun:
    return AnswerBegun(persona=MIRA, persona_name="Mira", at=at)


EVENTS: list[tuple[CallEvent, dict[str, object]]] = [
    (
        PersonStarted(speaker=ANN, at=1.1, since=1.04),
        {"event": "speech_start", "t_ms": 1040.0, "told_ms": 1100.0, "speaker": "Ann"},
    ),
    (
        PersonStopped(speaker=ANN, at=2.1, since=2.0),
        {"event": "speech_end", "t_ms": 2000.0, "told_ms": 2100.0, "speaker": "Ann"},
    ),
    (
        WordsHeard(speaker=ANN, turn=1, at=2.2, text="Hello there.", stage=Stage.FINAL),
        {"event": "transcript", "t_ms": 2200.0, "speaker": "Ann", "text": "Hello there."},
    ),
    (
        taken(2.2),
        {
            "event": "turn_decided",
            "t_ms": 2200.0,
            "speaker": "Ann",
            "ending": "complete",
            "text": "Hello there.",
            "addressed": True,
            "continues": False,
        },
    ),
    (
        TurnLost(speaker=ANN, turn=1, at=2.5, reason=DropReason.EMPTY),
        {"event": "turn_lost", "t_ms": 2500.0, "speaker": "Ann", "reason": "empty"},
    ),
    (begun(3.0), {"event": "first_audio", "t_ms": 3000.0, "persona": "Mira"}),
    (
        ClauseSpoken(persona=MIRA, persona_name="Mira", at=3.0, text="Well, "),
        {"event": "clause", "t_ms": 3000.0, "persona": "Mira", "text": "Well,"},
    ),
    (Ducked(by=ANN, at=3.5), {"event": "ducked", "t_ms": 3500.0, "speaker": "Ann"}),
    (
        Interrupted(by=ANN, at=3.9),
        {"event": "interrupted", "t_ms": 3900.0, "speaker": "Ann", "hard": False},
    ),
    (
        Interrupted(by=None, at=3.9, hard=True),
        {"event": "interrupted", "t_ms": 3900.0, "speaker": None, "hard": True},
    ),
    (Resumed(at=4.5), {"event": "resumed", "t_ms": 4500.0}),
    (AnswerEnded(at=6.0), {"event": "last_audio", "t_ms": 6000.0, "whole": True}),
    (
        Troubled(trouble=Trouble.MODEL, text="It is gone.", at=2.0),
        {"event": "error", "t_ms": 2000.0, "trouble": "model", "text": "It is gone."},
    ),
]
UNTOLD: list[CallEvent] = [
    Unducked(at=4.0),
    Troubled(trouble=Trouble.MODEL, text="", at=4.0, over=True),
    WordsHeard(speaker=ANN, turn=1, at=2.0, text="Hello", stage=Stage.SPECULATIVE),
    WordsHeard(speaker=ANN, turn=1, at=2.0, text="Hel", stage=Stage.PARTIAL),
]


@pytest.fixture
def timeline() -> Timeline:
    clock = ManualClock()
    clock.advance(-clock.monotonic())
    timeline = Timeline(clock)
    timeline.begin()
    return timeline


@pytest.mark.parametrize(("event", "fields"), EVENTS, ids=lambda each: type(each).__name__)
def test_events_are_told_at_the_input_s_time(event, fields, timeline):
    assert fields_of(event, timeline=timeline) == fields


@pytest.mark.parametrize("event", UNTOLD, ids=lambda each: type(each).__name__)
def test_what_only_matters_inside_is_not_told(event, timeline):
    assert fields_of(event, timeline=timeline) is None


def test_programs_get_one_object_a_line_with_the_file(timeline):
    out = io.StringIO()
    lines = EventLines(out, as_json=True)
    lines.heading("Getting ready ...")
    for event, _ in EVENTS:
        fields = fields_of(event, timeline=timeline)
        assert fields is not None
        lines.show("a b.wav", fields)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each.pop("file") for each in told] == ["a b.wav"] * len(EVENTS)
    assert told == [fields for _, fields in EVENTS]


def test_people_get_a_line_each_without_control_characters(timeline):
    out = io.StringIO()
    lines = EventLines(out, as_json=False)
    for event, _ in EVENTS:
        fields = fields_of(event, timeline=timeline)
        assert fields is not None
        lines.show("a.wav", fields)
    lines.show("a.wav", {"event": "error", "t_ms": 1.0, "text": "\x1b[2Jbad"})
    shown = out.getvalue().splitlines()
    assert len(shown) == len(EVENTS) + 1
    assert "\x1b" not in out.getvalue()
    assert "Mira: Well," in out.getvalue()


def test_errors_are_remembered_for_the_exit_code(timeline):
    lines = EventLines(io.StringIO(), as_json=True)
    lines.show("a.wav", {"event": "clause", "t_ms": 1.0})
    assert not lines.troubled
    lines.show("a.wav", {"event": "error", "t_ms": 1.0, "text": "Gone."})
    assert lines.troubled


def test_a_reader_that_left_is_noticed_and_raises_nothing():
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    lines = EventLines(Gone(), as_json=True)
    lines.show("a.wav", {"event": "clause", "t_ms": 1.0})
    lines.show("a.wav", {"event": "clause", "t_ms": 1.0})
    assert isinstance(lines.lost, BrokenPipeError)


# -- when it is over


def over_at(*events: tuple[float, CallEvent], ends: float = 2.0) -> float:
    """Return when a recording that ends then is over, to a tenth of a second."""
    conclusion = Conclusion(ends=ends)
    waiting = list(events)
    for tenth in range(10_000):
        now = tenth / 10
        while waiting and waiting[0][0] <= now:
            conclusion.take(waiting.pop(0)[1], now=now)
        if conclusion.reached(now):
            return now
    raise AssertionError("never over")


START = (0.5, PersonStarted(speaker=ANN, at=0.5, since=0.4))


def test_a_moment_after_its_answer_ended():
    found = over_at(START, (2.2, taken(2.2)), (3.0, begun(3.0)), (8.0, AnswerEnded(at=8.0)))
    assert found == pytest.approx(8.0 + LINGER, abs=0.15)


def test_never_before_its_own_end():
    events = (START, (2.2, taken(2.2)), (3.0, begun(3.0)), (8.0, AnswerEnded(at=8.0)))
    assert over_at(*events, ends=60.0) == pytest.approx(60.0 + LINGER, abs=0.15)


def test_an_answer_that_never_comes_is_awaited_for_long_enough_and_no_longer():
    assert over_at(START, (2.2, taken(2.2))) == pytest.approx(2.2 + PATIENCE, abs=0.15)


def test_speech_whose_turn_never_ends_is_awaited_as_long():
    assert over_at(START) == pytest.approx(2.0 + PATIENCE, abs=0.15)


def test_silence_is_soon_over():
    assert 2.0 < over_at() < 6.0


@pytest.mark.parametrize(
    "event",
    [
        TurnLost(speaker=ANN, turn=1, at=2.2, reason=DropReason.EMPTY),
        taken(2.2, addressed=False),
    ],
)
def test_what_nobody_answers_is_not_awaited(event):
    assert over_at(START, (2.2, event)) == pytest.approx(2.2 + LINGER, abs=0.15)


def test_a_model_that_fails_is_not_awaited():
    gone = Troubled(trouble=Trouble.MODEL, text="Gone.", at=2.5)
    found = over_at(START, (2.2, taken(2.2)), (2.5, gone))
    assert found == pytest.approx(2.5 + LINGER, abs=0.15)


def test_the_answer_to_an_interruption_is_awaited():
    before = (START, (2.2, taken(2.2)), (3.0, begun(3.0)))
    interruption = (
        (5.0, PersonStarted(speaker=ANN, at=5.0, since=5.0)),
        (5.5, Interrupted(by=ANN, at=5.5)),
        (5.6, AnswerEnded(at=5.6, whole=False)),
        (7.0, taken(7.0)),
    )
    later = ((14.0, begun(14.0)), (16.0, AnswerEnded(at=16.0)))
    assert over_at(*before, *interruption, *later) == pytest.approx(16.0 + LINGER, abs=0.15)


def test_a_word_of_command_gets_no_answer_and_is_soon_over():
    before = (START, (2.2, taken(2.2)), (3.0, begun(3.0)))
    command = (
        (5.0, PersonStarted(speaker=ANN, at=5.0, since=5.0)),
        (5.5, Interrupted(by=ANN, at=5.5, hard=True)),
        (5.6, AnswerEnded(at=5.6, whole=False)),
        (6.0, taken(6.0)),
    )
    assert over_at(*before, *command) < 6.0 + PATIENCE / 2


def test_a_back_channel_that_is_only_overheard_is_not_awaited_for_long():
    before = (START, (2.2, taken(2.2)), (3.0, begun(3.0)))
    remark = (
        (5.0, PersonStarted(speaker=ANN, at=5.0, since=5.0)),
        (5.6, taken(5.6)),
        (12.0, AnswerEnded(at=12.0)),
    )
    assert over_at(*before, *remark) < 12.0 + PATIENCE / 2
