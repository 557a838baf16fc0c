"""What happens in a call as lines, of JSON or for people, with times on the input's clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TextIO

from frontends.console.talking.timeline import Timeline
from frontends.console.wording import printable
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
    Troubled,
    TurnLost,
    TurnTaken,
    WordsHeard,
)
from services.voice.listening.events import Stage

Fields = Mapping[str, object]


def fields_of(event: CallEvent, /, *, timeline: Timeline) -> Fields | None:
    """Return what a program is told of an event; ``None`` for what it is not told.

    ``event`` names it and ``t_ms`` is when it happened; ``told_ms`` is when speech was known to
    have begun or ended at ``t_ms``.
    """
    told = _of_people(event, timeline) or _of_answer(event)
    if told is None:
        return None
    name, at, more = told
    return {"event": name, "t_ms": _milliseconds(timeline.of(at)), **more}


def _of_people(event: CallEvent, timeline: Timeline) -> tuple[str, float, Fields] | None:
    match event:
        case PersonStarted() | PersonStopped():
            known = _milliseconds(timeline.of(event.at))
            name = "speech_start" if isinstance(event, PersonStarted) else "speech_end"
            return name, event.since, {"told_ms": known, "speaker": _name(event)}
        case WordsHeard(stage=Stage.FINAL):
            return "transcript", event.at, {"speaker": _name(event), "text": event.text}
        case TurnTaken():
            return "turn_decided", event.at, _turn(event)
        case TurnLost():
            more = {"speaker": _name(event), "reason": event.reason.value}
            return "turn_lost", event.at, more
        case _:
            return None


def _of_answer(event: CallEvent) -> tuple[str, float, Fields] | None:
    match event:
        case AnswerBegun():
            return "first_audio", event.at, {"persona": event.persona_name}
        case ClauseSpoken():
            more = {"persona": event.persona_name, "text": event.text.strip()}
            return "clause", event.at, more
        case Ducked():
            return "ducked", event.at, {"speaker": event.by.display_name}
        case Interrupted():
            by = None if event.by is None else event.by.display_name
            return "interrupted", event.at, {"speaker": by, "hard": event.hard}
        case Resumed():
            return "resumed", event.at, {}
        case AnswerEnded():
            return "last_audio", event.at, {"whole": event.whole}
        case Troubled(over=False):
            return "error", event.at, {"trouble": event.trouble.value, "text": event.text}
        case _:
            return None


def _turn(turn: TurnTaken) -> Fields:
    return {
        "speaker": turn.speaker.display_name,
        "ending": turn.ending.value,
        "text": turn.text,
        "addressed": turn.addressed,
        "continues": turn.continues is not None,
    }


def _name(event: PersonStarted | PersonStopped | WordsHeard | TurnLost) -> str:
    return event.speaker.display_name


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


_SENTENCES: Mapping[str, str] = {
    "speech_start": "{speaker} speaks",
    "speech_end": "{speaker} pauses",
    "transcript": "{speaker}: {text}",
    "turn_decided": "that is all ({ending})",
    "turn_lost": "that was nothing ({reason})",
    "first_audio": "{persona} speaks",
    "clause": "{persona}: {text}",
    "ducked": "softer, because {speaker} speaks",
    "interrupted": "interrupted",
    "resumed": "going on",
    "last_audio": "silent again",
    "error": "{text}",
}


class EventLines:
    """Writes events to ``out`` at once, a line each; ``lost`` is why that came to an end."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self.lost: OSError | None = None
        self.troubled = False

    def heading(self, text: str, /) -> None:
        """Tell people, and no program, what comes."""
        if not self._as_json:
            self._write(printable(text))

    def show(self, file: str, fields: Fields, /) -> None:
        """Write what happened while ``file`` was heard; raises nothing."""
        self.troubled = self.troubled or fields["event"] == "error"
        if self._as_json:
            name, *_ = fields
            line = {name: fields[name], "file": file, **fields}
            self._write(json.dumps(line, ensure_ascii=False))
            return
        sentence = _SENTENCES[str(fields["event"])].format_map(fields)
        seconds = float(str(fields["t_ms"])) / 1000
        self._write(f"{seconds:8.2f} s  {printable(sentence)}")

    def _write(self, line: str) -> None:
        if self.lost is not None:
            return
        try:
            self._out.write(f"{line}\n")
            self._out.flush()
        except OSError as error:
            self.lost = error
