"""The console frontend: interactive, line by line, or a single message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TextIO

from frontends.console.identity import conversation_here, person_here
from frontends.console.invocation import ChatOptions
from frontends.console.lines import read_lines
from frontends.console.notices import notices_shown
from frontends.console.reminder_post import reminders_shown
from frontends.console.talk import Talk
from frontends.console.views import JsonView, Report, TextView, View
from frontends.console.wording import clean

if TYPE_CHECKING:
    from services.domain.events import Notice
    from services.factory import ServiceFactory
    from services.settings import Settings

_REFUSED = 1


async def run_console(
    services: ServiceFactory,
    *,
    settings: Settings,
    options: ChatOptions,
    leave: Callable[[], None],
) -> int:
    """Talk until the input ends or the person leaves, which calls ``leave``; return the exit code.

    Without a message and with a terminal the talk is interactive; otherwise every line of standard
    input is a message or a command, answered before the next is read. Empty lines are passed over.
    """
    if options.message is None and not options.as_json and _has_terminal():
        from frontends.console.interactive import InteractiveChat  # noqa: PLC0415

        code = await InteractiveChat(services, settings=settings, options=options).run()
        leave()
        return code
    view = _view(as_json=options.as_json)
    talk = Talk(
        services,
        view=view,
        author=person_here(settings),
        conversation=conversation_here(settings, options.conversation),
    )

    async def show(notice: Notice) -> None:
        view.notice(notice)

    async def remind(report: Report) -> None:
        view.report(report)

    async with notices_shown(services.bus(), show):
        if options.persona is not None and not await talk.attempt(
            talk.select_persona(clean(options.persona))
        ):
            return _exit_code(talk)
        if options.message is not None:
            await talk.hear(clean(options.message))
            return _exit_code(talk)
        with reminders_shown(services.reminder_posts(), remind, person=talk.author.id):
            await _hear_lines(talk, longest=settings.conversation.max_message_characters)
        if talk.ended or (sys.stdin is not None and sys.stdin.isatty()):
            leave()
        return talk.failure


def _exit_code(talk: Talk) -> int:
    return talk.failure or (_REFUSED if talk.refused else 0)


async def _hear_lines(talk: Talk, *, longest: int) -> None:
    if sys.stdin is None:
        return
    async with aclosing(read_lines(sys.stdin.fileno(), longest=longest)) as lines:
        async for line in lines:
            if line.strip():
                await talk.hear(line)
            if talk.ended:
                return


def _has_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _view(*, as_json: bool) -> View:
    if as_json:
        return JsonView(_steady(sys.stdout, encoding="utf-8"))
    return TextView(_steady(sys.stdout), _steady(sys.stderr))


def _steady(stream: TextIO, *, encoding: str | None = None) -> TextIO:
    """Return ``stream``, which from now on takes any text whatever its encoding."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding=encoding or stream.encoding, errors="backslashreplace")
    return stream
