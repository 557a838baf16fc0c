"""Reminders in the terminal: their commands, and how they are told there."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from frontends.console.reminder_post import PLATFORM, TerminalReminders, reminders_shown
from frontends.console.talk import Talk
from frontends.console.views import Report, TextView
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.reminders.posts import Announcement, Posting, ReminderPosts
from tests.fakes.app import opened_app
from tests.fakes.clock import ManualClock
from tests.fakes.reminders import PATIENCE
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.timeout(60)

ME = Author(id=AuthorId("console", "sam"), display_name="Sam")
HERE = ConversationId("console", "local", "main")


def announcement(**changes: object) -> Announcement:
    values: dict[str, object] = {
        "reminder": "01KDWPVNG0ZRY2Q1AW3WMANJQE",
        "occurrence": 1,
        "number": 3,
        "to": ME.id,
        "conversation": HERE,
        "private": False,
        "persona": None,
        "speaker": "Mira",
        "words": "It is time.",
        "text": "feed the cat",
        "moment": "Fri 2026-03-27 09:00 (Europe/Berlin)",
        **changes,
    }
    return Announcement(**values)  # type: ignore[arg-type]


async def test_it_is_shown_with_what_was_written_and_a_repetition_is_marked():
    shown: list[Report] = []

    async def show(report: Report) -> None:
        shown.append(report)

    post = TerminalReminders(show, person=ME.id)
    assert await post.deliver(announcement()) is Posting.POSTED
    assert await post.deliver(announcement(late=True, uncertain=True)) is Posting.POSTED
    assert shown[0].lines == ["Mira: It is time.", "#3 feed the cat"]
    assert shown[1].lines[2:] == [
        "This was due at Fri 2026-03-27 09:00 (Europe/Berlin).",
        "It may have been shown before.",
    ]


async def test_somebody_elses_and_a_closed_terminal_leave_it_due():
    async def broken(_report: Report) -> None:
        raise BrokenPipeError

    posts = ReminderPosts()
    with reminders_shown(posts, broken, person=ME.id):
        post = posts.find(PLATFORM)
        assert post is not None
        assert await post.deliver(announcement(to=AuthorId("console", "kim"))) is Posting.ABSENT
        assert await post.deliver(announcement()) is Posting.UNCERTAIN
    assert posts.find(PLATFORM) is None


async def test_the_commands_and_a_reminder_that_comes_due(tmp_path: Path):
    clock = ManualClock(datetime(2026, 3, 27, 12, 0, tzinfo=UTC))
    out, errors = io.StringIO(), io.StringIO()
    async with opened_app(
        tmp_path, ScriptedModel('{"sentence": "Off you go."}'), clock=clock
    ) as app:
        view = TextView(out, errors)
        talk = Talk(app.factory, view=view, author=ME, conversation=HERE)

        async def said(line: str) -> str:
            out.truncate(0)
            out.seek(0)
            errors.truncate(0)
            errors.seek(0)
            await talk.hear(line)
            return out.getvalue() + errors.getvalue()

        assert "#1: " in (made := await said("/remind in 5 minutes stretch"))
        assert "/timezone sets your own" in made
        assert "?" in await said("/remind buy milk")
        assert "stretch" in await said("/reminders")
        assert "I will come back to it" in await said("/snooze_reminder 1 1h")
        assert "Say for how long" in await said("/snooze_reminder 1 soon")
        assert "feed the cat" in await said("/change_reminder 1 in 10 minutes feed the cat")
        await said("/remind in 20 minutes tea")
        assert await said("/finish_reminder 2") == "Done.\n"
        assert "no reminder number 9" in await said("/cancel_reminder 9")
        assert "Write a number" in await said("/cancel_reminder x")
        await said("/remind in 20 minutes tea")
        assert "Cancelled #2: tea" in await said("/cancel_reminder 2")
        out.truncate(0)
        out.seek(0)
        told: list[Report] = []

        async def show(report: Report) -> None:
            told.append(report)

        with reminders_shown(app.factory.reminder_posts(), show, person=ME.id):
            clock.advance(600)
            app.factory.reminder_posts().news()
            async with asyncio.timeout(PATIENCE):
                while not told:  # noqa: ASYNC110  nothing tells of it
                    await asyncio.sleep(0.01)
        assert told[0].lines[1] == "#1 feed the cat"
        assert told[0].lines[0].endswith("Off you go.")
        assert "Cancelled" in await said("/clear_reminders")
