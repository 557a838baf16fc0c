"""The chat at a terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal

from frontends.console.actions import COMMANDS
from frontends.console.identity import conversation_here, person_here
from frontends.console.invocation import ChatOptions
from frontends.console.notices import notices_shown
from frontends.console.prompting import ChatCompleter, Prompt, open_history
from frontends.console.pulling import show_pull
from frontends.console.reminder_post import reminders_shown
from frontends.console.slash import Choices
from frontends.console.talk import MODEL_MISSING, Talk
from frontends.console.terminal import TerminalView, can_move, colours_wanted, typing_unseen
from frontends.console.views import Report
from frontends.console.wording import one_line
from frontends.signals import signals_heeded
from services.domain.errors import AcoreError
from services.domain.events import Notice

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings

_HISTORY_FILE = "console_history"
_SHOWN_AT_START = 6
_SHOWN_WIDTH = 600
_MODEL_NAMES_SECONDS = 2.0


class InteractiveChat:
    """Prompts, shows answers as they come, and obeys Ctrl-C.

    While an answer comes, Ctrl-C stops it and what was shown is kept; at the prompt a second one
    in a row leaves.
    """

    def __init__(
        self, services: ServiceFactory, *, settings: Settings, options: ChatOptions
    ) -> None:
        history_file = settings.storage.data / _HISTORY_FILE
        self._first_time = not history_file.exists()
        self._bus = services.bus()
        self._posts = services.reminder_posts()
        self._options = options
        self._default_model = settings.llm.model
        self._view = TerminalView(
            sys.stdout, colours=colours_wanted(os.environ), moving=can_move(os.environ)
        )
        self._talk = Talk(
            services,
            view=self._view,
            author=person_here(settings),
            conversation=conversation_here(settings, options.conversation),
        )
        self._prompt = Prompt(
            self._talk.author.display_name,
            history=open_history(history_file),
            completer=ChatCompleter(COMMANDS, self._names),
        )
        self._model_names: Sequence[str] | None = None
        self._answered = asyncio.Lock()
        self._on_interrupt: Callable[[], None] = self._prompt.interrupt

    async def run(self) -> int:
        """Talk until the person leaves."""
        with self._interrupts_caught():
            async with notices_shown(self._bus, self._show_notice):
                await self._introduce()
                with reminders_shown(self._posts, self._show_reminder, person=self._talk.author.id):
                    await self._converse()
        return 0

    async def _introduce(self) -> None:
        talk = self._talk
        if self._first_time:
            self._view.aside(talk.models.describe())
            self._view.aside("/help shows what else there is to type; Ctrl-D leaves.")
        if self._options.persona:
            await talk.attempt(talk.choose_persona(self._options.persona))
        entries = await talk.conversations.recent(talk.conversation, _SHOWN_AT_START)
        for entry, text in zip(entries, await talk.shown(entries), strict=True):
            said = one_line(text, longest=_SHOWN_WIDTH)
            speaker = entry.message.author.display_name
            self._view.report(Report(kind="history", lines=[said], speaker=speaker))
        if not entries:
            await talk.greet()

    async def _converse(self) -> None:
        warned = False
        while not self._talk.ended:
            self._talk.conversations.prefill(self._talk.conversation, by=self._talk.author)
            try:
                line = await self._prompt.line()
            except KeyboardInterrupt:
                if warned:
                    return
                warned = True
                self._view.aside("Press Ctrl-C again to leave.")
                continue
            except EOFError:
                return
            warned = False
            if line.strip():
                await self._answer(line)

    async def _answer(self, line: str) -> None:
        if not line.startswith("/") or line.startswith("//"):
            self._view.wait()
        async with self._answered:
            await self._attended(self._talk.hear(line), stop=self._stop_answer)
            self._view.settle()
        if self._talk.failed_code == MODEL_MISSING:
            await self._offer_pull()

    async def _offer_pull(self) -> None:
        talk = self._talk
        persona = await talk.conversations.persona_of(talk.conversation)
        chosen = await talk.conversations.model_of(talk.conversation)
        name = chosen or persona.model.model or self._default_model
        if name is None or not await self._prompt.agreed(f"Fetch {name} now?"):
            return
        pull = show_pull(talk.models, name, out=sys.stdout)
        await self._attended(talk.attempt(pull), stop=lambda: False)
        if talk.failed_code is None:
            self._model_names = None
            self._view.aside(f"{name} is there; say it again, or /regen.")

    async def _attended(
        self, work: Coroutine[object, object, object], *, stop: Callable[[], bool]
    ) -> None:
        """Wait for ``work``; Ctrl-C calls ``stop`` and, if that stopped nothing, ends the wait."""

        def interrupt() -> None:
            if not stop():
                self._talk.abandon()
                task.cancel()

        with typing_unseen():
            async with asyncio.TaskGroup() as group:
                task = group.create_task(work)
                self._on_interrupt = interrupt
            self._on_interrupt = self._prompt.interrupt
        if task.cancelled():
            self._view.aside("Stopped.")

    def _stop_answer(self) -> bool:
        return self._talk.conversations.stop(self._talk.conversation)

    @contextmanager
    def _interrupts_caught(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            loop.call_soon_threadsafe(lambda: self._on_interrupt())

        with signals_heeded({signal.SIGINT: interrupt}):
            yield

    async def _show_notice(self, notice: Notice) -> None:
        if self._prompt.open:
            await run_in_terminal(lambda: self._view.notice(notice))
        else:
            self._view.notice(notice)

    async def _show_reminder(self, report: Report) -> None:
        """Show a reminder at the prompt, or after the answer that comes just now."""
        async with self._answered:
            if self._prompt.open:
                await run_in_terminal(lambda: self._view.report(report))
            else:
                self._view.report(report)

    async def _names(self, choices: Choices) -> Sequence[str]:
        match choices:
            case "personas":
                return [persona.slug for persona in self._talk.library.all()]
            case "directions":
                return ["left", "right"]
            case "models":
                return await self._models()

    async def _models(self) -> Sequence[str]:
        if self._model_names is None:
            try:
                async with asyncio.timeout(_MODEL_NAMES_SECONDS):
                    listings = await self._talk.models.available()
            except (AcoreError, TimeoutError):
                return []
            self._model_names = [listing.name for listing in listings]
        return self._model_names
