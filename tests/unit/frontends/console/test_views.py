"""What people see."""

from __future__ import annotations

import io
import json

from frontends.console.terminal import TerminalView
from frontends.console.views import JsonView, Report, TextView, spoken
from services.conversation.inbound import Withheld
from services.domain.errors import InvalidRequest
from services.domain.events import Notice
from services.domain.replies import (
    AlternativeAdded,
    InterruptReason,
    TextDelta,
    ToolStarted,
    TurnFailed,
    TurnInterrupted,
)
from tests.fakes.console_service import TURN, answer, entry, finished, started

INTERRUPTED = TurnInterrupted(turn=TURN, reason=InterruptReason.USER_STOP, delivered="Hel")
FAILED = TurnFailed(turn=TURN, code="provider_unreachable", user_message="Start Ollama.")
NOTICE = Notice(code="restarted", text="The model was started again.")


class Terminal:
    """A view without colours and what a person would read of it."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self.view = TerminalView(self._out, colours=False)

    @property
    def seen(self) -> str:
        lines = self._out.getvalue().split("\n")
        return "\n".join(line.split("\r\x1b[K")[-1] for line in lines)


def test_plain_text_is_the_answer_alone() -> None:
    out, complaints = io.StringIO(), io.StringIO()
    view = TextView(out, complaints)
    for event in answer("Hello there."):
        view.event(event)
    assert (out.getvalue(), complaints.getvalue()) == ("Hello there.\n", "")


def test_nobody_elses_text_steers_the_terminal() -> None:
    out = io.StringIO()
    view = TextView(out, io.StringIO())
    view.event(TextDelta(text="a\x1b]0;title\x07b\x9b2Jc\rd\te\nf"))
    assert out.getvalue() == "a]0;titleb2Jcd\te\nf"


def test_a_failed_answer_complains_beside_the_output() -> None:
    out, complaints = io.StringIO(), io.StringIO()
    view = TextView(out, complaints)
    view.event(TextDelta(text="Hel"))
    view.event(FAILED)
    assert (out.getvalue(), complaints.getvalue()) == ("Hel\n", "Start Ollama.\n")


def test_an_interrupted_answer_is_marked() -> None:
    out = io.StringIO()
    view = TextView(out, io.StringIO())
    view.event(TextDelta(text="Hel"))
    view.event(INTERRUPTED)
    assert out.getvalue() == "Hel —\n"


def test_as_json_everything_is_one_object_per_line() -> None:
    out = io.StringIO()
    view = JsonView(out)
    view.withheld(Withheld(reason="user_limit", retry_after=3.0))
    view.refused(InvalidRequest("message_too_long", "Shorten it."))
    view.notice(NOTICE)
    view.report(Report(kind="help", lines=["/quit"]))
    view.report(spoken("version", entry("Hi."), "Hi.", note="(version 1 of 2)", index=0, count=2))
    kinds = [json.loads(line) for line in out.getvalue().splitlines()]
    assert kinds[0] == {
        "kind": "suppressed",
        "reason": "user_limit",
        "detail": "",
        "retry_after": 3.0,
    }
    assert kinds[1] == {
        "kind": "refused",
        "code": "message_too_long",
        "user_message": "Shorten it.",
    }
    assert [line["kind"] for line in kinds[2:]] == ["notice", "help", "version"]
    assert (kinds[4]["text"], kinds[4]["count"]) == ("Hi.", 2)


def test_the_sign_of_waiting_stands_until_the_first_words_come() -> None:
    terminal = Terminal()
    terminal.view.wait()
    assert terminal.seen == "waking the model…"
    terminal.view.event(started())
    assert terminal.seen == "Mira: waking the model…"
    terminal.view.event(TextDelta(text="Hello."))
    assert terminal.seen == "Mira: Hello."
    terminal.view.event(finished("Hello."))
    assert terminal.seen == "Mira: Hello.\n"


def test_a_model_that_has_spoken_is_awake() -> None:
    terminal = Terminal()
    for event in answer("Hello."):
        terminal.view.event(event)
    terminal.view.wait()
    assert terminal.seen == "Mira: Hello.\n…"


def test_a_notice_waits_for_the_end_of_an_answer() -> None:
    terminal = Terminal()
    terminal.view.event(started())
    terminal.view.event(TextDelta(text="Hel"))
    terminal.view.notice(NOTICE)
    terminal.view.event(TextDelta(text="lo."))
    assert terminal.seen == "Mira: Hello."
    terminal.view.event(finished("Hello."))
    assert terminal.seen == "Mira: Hello.\nThe model was started again.\n"


def test_what_happens_on_the_way_stands_on_lines_of_its_own() -> None:
    terminal = Terminal()
    terminal.view.event(started())
    terminal.view.event(AlternativeAdded(index=1, count=2))
    terminal.view.event(TextDelta(text="Let me look."))
    terminal.view.event(ToolStarted(call_id="c", name="search", arguments={}))
    terminal.view.event(TextDelta(text="Found it."))
    terminal.view.event(finished("…"))
    assert terminal.seen == "(version 2 of 2)\nMira: Let me look.\n[search …]\nFound it.\n"


def test_an_answer_stopped_before_its_first_word_still_shows_who_was_asked() -> None:
    terminal = Terminal()
    terminal.view.event(started())
    terminal.view.event(INTERRUPTED)
    assert terminal.seen == "Mira: —\n"


def test_a_failure_before_the_first_word_leaves_only_its_sentence() -> None:
    terminal = Terminal()
    terminal.view.event(started())
    terminal.view.event(FAILED)
    assert terminal.seen == "Start Ollama.\n"
