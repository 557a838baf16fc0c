"""Events as JSON lines."""

from __future__ import annotations

import json
import typing

import pytest

from frontends.console.rendering import entry_fields, event_fields, json_line
from services.domain.events import Notice
from services.domain.ids import ActionId
from services.domain.messages import BlobPart
from services.domain.replies import (
    AlternativeAdded,
    ConfirmationRequested,
    InterruptReason,
    PartAdded,
    ReplyEvent,
    SentenceReady,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnInterrupted,
)
from tests.fakes.console_service import TURN, entry, finished, started

PICTURE = BlobPart(kind="image", sha256="ab", media_type="image/png", name="cat.png", size=3)

EXPECTED: list[tuple[ReplyEvent, dict[str, object]]] = [
    (
        started(),
        {
            "kind": "turn_started",
            "turn": TURN,
            "conversation": "console:local:main",
            "persona": "mira",
            "persona_name": "Mira",
        },
    ),
    (TextDelta(text="häl\nlo"), {"kind": "text_delta", "text": "häl\nlo"}),
    (
        SentenceReady(index=1, text="*Hi.*", speech_text="Hi."),
        {"kind": "sentence_ready", "index": 1, "text": "*Hi.*", "speech_text": "Hi."},
    ),
    (
        PartAdded(part=PICTURE),
        {
            "kind": "part_added",
            "part": {
                "kind": "image",
                "sha256": "ab",
                "media_type": "image/png",
                "name": "cat.png",
                "size": 3,
            },
        },
    ),
    (
        AlternativeAdded(index=1, count=2),
        {"kind": "alternative_added", "index": 1, "count": 2},
    ),
    (
        ToolStarted(call_id="c1", name="roll", arguments={"sides": (6, 8)}),
        {"kind": "tool_started", "call_id": "c1", "name": "roll", "arguments": {"sides": [6, 8]}},
    ),
    (
        ToolFinished(call_id="c1", name="roll", is_error=False, summary="4"),
        {
            "kind": "tool_finished",
            "call_id": "c1",
            "name": "roll",
            "is_error": False,
            "summary": "4",
        },
    ),
    (
        ConfirmationRequested(action=ActionId("a"), tool="rm", arguments={}, question="Sure?"),
        {
            "kind": "confirmation_requested",
            "action": "a",
            "tool": "rm",
            "arguments": {},
            "question": "Sure?",
        },
    ),
    (
        finished("Hi."),
        {
            "kind": "turn_finished",
            "turn": TURN,
            "reply": {"message": "01REPLY", "persona": "mira", "text": "Hi.", "ordinal": 2},
            "usage": {
                "prompt_tokens": 0,
                "cached_tokens": 0,
                "completion_tokens": 0,
                "first_token_seconds": None,
                "seconds": 0.0,
            },
        },
    ),
    (
        TurnInterrupted(turn=TURN, reason=InterruptReason.USER_STOP, delivered="Hi"),
        {
            "kind": "turn_interrupted",
            "turn": TURN,
            "reason": "user_stop",
            "delivered": "Hi",
            "reply": None,
        },
    ),
    (
        TurnFailed(turn=TURN, code="provider_timeout", user_message="Too slow."),
        {
            "kind": "turn_failed",
            "turn": TURN,
            "code": "provider_timeout",
            "user_message": "Too slow.",
            "delivered": "",
            "reply": None,
        },
    ),
]


@pytest.mark.parametrize(
    ("event", "expected"), EXPECTED, ids=lambda value: getattr(value, "kind", "")
)
def test_an_event_is_one_line_with_every_field(
    event: ReplyEvent, expected: dict[str, object]
) -> None:
    line = json_line(event_fields(event))
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line) == expected


def test_the_table_has_every_kind_of_event() -> None:
    assert {type(event) for event, _ in EXPECTED} == set(typing.get_args(ReplyEvent))


def test_a_notice_is_told_like_an_event() -> None:
    line = json_line(event_fields(Notice(code="model_restarted", text="The model is back.")))
    assert json.loads(line) == {
        "kind": "notice",
        "code": "model_restarted",
        "text": "The model is back.",
    }


def test_an_entry_shows_its_number_for_branching() -> None:
    fields = json.loads(json_line(entry_fields(entry("Hi.", ordinal=7))))
    assert (fields["ordinal"], fields["author"], fields["text"]) == (7, "Mira", "Hi.")
