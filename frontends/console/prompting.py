"""The prompt: what was typed before, and what may come next."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import PromptSession
from prompt_toolkit.styles import Style

from frontends.console.slash import Choices, SlashCommand
from frontends.console.wording import clean

logger = logging.getLogger(__name__)

_LARGEST_HISTORY = 1_000_000
_MENU_LINES = 4
_STYLE = Style.from_dict({"person": "bold ansicyan"})

Names = Callable[[Choices], Awaitable[Sequence[str]]]


class TypedHistory(FileHistory):
    """Earlier lines, in a file only its owner can read; a full disk loses them, nothing else."""

    def store_string(self, string: str) -> None:
        """Append ``string`` to the file."""
        try:
            super().store_string(clean(string))
        except OSError as error:
            logger.warning("typed line not kept", extra={"problem": error.strerror})


def open_history(path: Path) -> TypedHistory:
    """Return the history in ``path``; beyond 1 MB the older half is dropped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(file)
    path.chmod(0o600)
    if path.stat().st_size > _LARGEST_HISTORY:
        newer = path.read_bytes()[-_LARGEST_HISTORY // 2 :]
        path.write_bytes(newer[max(newer.find(b"\n# "), 0) :])
    return TypedHistory(str(path))


class ChatCompleter(Completer):
    """Completes commands, and what they take, on lines that start with a slash."""

    def __init__(self, commands: Sequence[SlashCommand], names: Names) -> None:
        self._commands = commands
        self._names = names

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Complete the command's name."""
        text = document.text_before_cursor
        if not text.startswith("/") or " " in text:
            return
        for command in self._commands:
            if command.name.startswith(text[1:].lower()):
                yield Completion(
                    f"/{command.name}", start_position=-len(text), display_meta=command.summary
                )

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Complete the command's name, then what it takes."""
        for completion in self.get_completions(document, complete_event):
            yield completion
        name, space, argument = document.text_before_cursor.partition(" ")
        choices = next(
            (known.choices for known in self._commands if f"/{known.name}" == name), None
        )
        if not space or choices is None:
            return
        for candidate in await self._names(choices):
            if candidate.lower().startswith(argument.lower()):
                yield Completion(candidate, start_position=-len(argument))


class Prompt:
    """Asks the person at the terminal for the next line."""

    def __init__(self, name: str, *, history: FileHistory, completer: Completer) -> None:
        output = create_output()
        if isinstance(output, Vt100_Output):
            output.enable_cpr = False  # asking where the cursor is disturbs simple terminals
        self._message = FormattedText([("class:person", f"{name}: ")])
        self._session: PromptSession[str] = PromptSession(
            history=history,
            completer=completer,
            complete_while_typing=True,
            reserve_space_for_menu=_MENU_LINES,
            key_bindings=_keys(),
            style=_STYLE,
            output=output,
        )
        self._short: PromptSession[str] = PromptSession(output=output)

    @property
    def open(self) -> bool:
        """Whether a line is being typed."""
        return self._session.app.is_running or self._short.app.is_running

    async def line(self) -> str:
        """Return what is typed; Ctrl-C raises ``KeyboardInterrupt`` and Ctrl-D ``EOFError``."""
        typed = await self._session.prompt_async(
            self._message, set_exception_handler=False, handle_sigint=False
        )
        return clean(typed)

    async def agreed(self, question: str) -> bool:
        """Ask a yes-or-no question; anything but yes is no."""
        try:
            answer = await self._short.prompt_async(
                f"{question} (y/N) ", set_exception_handler=False, handle_sigint=False
            )
        except (KeyboardInterrupt, EOFError):
            return False
        return answer.strip().lower() in {"y", "yes"}

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        for session in (self._session, self._short):
            if session.app.is_running:
                session.app.exit(exception=KeyboardInterrupt())


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def start_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
