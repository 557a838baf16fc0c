"""Conversations with questions in the layout of LoCoMo (github.com/snap-research/locomo)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.domain.errors import InvalidRequest

_SESSION = re.compile(r"session_(\d+)")
_TURN_ID = re.compile(r"D:?(\d+):(\d+)|(?<![\d:])(\d+):(\d+)")
_DATE = "%I:%M %p on %d %B, %Y"
_BETWEEN_TURNS = timedelta(seconds=30)
_BETWEEN_SESSIONS = timedelta(days=1)
_UNDATED = datetime(2023, 1, 1, tzinfo=UTC)

TurnKey = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTurn:
    """Something said; ``key`` is the number of its session and its number there."""

    key: TurnKey
    speaker: str
    text: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuestion:
    """A question and the turns that answer it; category 5 asks for what nobody said."""

    text: str
    category: str
    evidence: frozenset[TurnKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A conversation in order, and the questions about it that name evidence in it."""

    name: str
    turns: Sequence[SampleTurn]
    questions: Sequence[SampleQuestion]


def read_samples(path: Path) -> list[Sample]:
    """Return the conversations of a file.

    Evidence is split and cleaned ("D8:6; D9:17", "D:11:26", "D30:05"); what names no turn is left
    out, and so are questions without evidence. Raises ``InvalidRequest`` for everything else that
    is not in the layout.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "is not JSON") from error
    given = content if isinstance(content, list) else [content]
    samples = [_sample(each, number, path) for number, each in enumerate(given, 1)]
    if not any(sample.questions for sample in samples):
        raise _wrong(path, "has no question with evidence")
    return samples


def _sample(given: object, number: int, path: Path) -> Sample:
    where = f"conversation {number}"
    if not isinstance(given, Mapping):
        raise _wrong(path, f"has no object as {where}")
    said, asked = given.get("conversation"), given.get("qa", [])
    if not isinstance(said, Mapping) or not isinstance(asked, list):
        raise _wrong(path, f"lacks conversation or qa in {where}")
    turns = list(_turns(said, path, where))
    known = {turn.key for turn in turns}
    questions = [_question(each, known, path, where) for each in asked]
    return Sample(
        name=str(given.get("sample_id", number)),
        turns=turns,
        questions=[question for question in questions if question.evidence],
    )


def _turns(said: Mapping[str, object], path: Path, where: str) -> Iterator[SampleTurn]:
    numbers = sorted(int(match[1]) for key in said if (match := _SESSION.fullmatch(key)))
    moment = _UNDATED
    for number in numbers:
        session = said[f"session_{number}"]
        if not isinstance(session, list):
            raise _wrong(path, f"has no list as session {number} of {where}")
        dated = _moment(said.get(f"session_{number}_date_time"))
        moment = dated or moment + _BETWEEN_SESSIONS
        for position, turn in enumerate(session, 1):
            yield _turn(turn, (number, position), moment, path, where)
            moment += _BETWEEN_TURNS


def _turn(given: object, place: TurnKey, moment: datetime, path: Path, where: str) -> SampleTurn:
    if not isinstance(given, Mapping):
        raise _wrong(path, f"has no object as turn {place[1]} of session {place[0]} of {where}")
    speaker, text = given.get("speaker"), given.get("text", "")
    if not isinstance(speaker, str) or not isinstance(text, str):
        raise _wrong(path, f"lacks speaker or text in session {place[0]} of {where}")
    caption = given.get("blip_caption")
    shown = f" [picture: {caption}]" if isinstance(caption, str) and caption.strip() else ""
    named = _keys(given.get("dia_id"))
    return SampleTurn(
        key=named[0] if named else place,
        speaker=speaker.strip() or "somebody",
        text=f"{text}{shown}".strip(),
        said_at=moment,
    )


def _question(given: object, known: set[TurnKey], path: Path, where: str) -> SampleQuestion:
    if not isinstance(given, Mapping) or not isinstance(given.get("question"), str):
        raise _wrong(path, f"has a question without text in {where}")
    evidence = given.get("evidence") or []
    if not isinstance(evidence, list):
        evidence = [evidence]
    named = frozenset(key for each in evidence for key in _keys(each))
    return SampleQuestion(
        text=given["question"],
        category=str(given.get("category", "")),
        evidence=named & known,
    )


def _keys(given: object) -> list[TurnKey]:
    if not isinstance(given, str):
        return []
    return [
        (int(match[1] or match[3]), int(match[2] or match[4])) for match in _TURN_ID.finditer(given)
    ]


def _moment(given: object) -> datetime | None:
    try:
        return datetime.strptime(str(given), _DATE).replace(tzinfo=UTC)
    except ValueError:
        return None


def _wrong(path: Path, what: str) -> InvalidRequest:
    return InvalidRequest(
        "eval_file", f"{path} {what}; give a file in the layout of LoCoMo's locomo10.json."
    )
