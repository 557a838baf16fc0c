"""Lines that start with a slash: what they ask for."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from services.domain.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from frontends.console.talk import Talk

Choices = Literal["personas", "models", "directions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """A command of the chat. ``argument`` is as help shows it; in brackets it may be left out."""

    name: str
    summary: str
    perform: Callable[[Talk, str], Awaitable[None]]
    argument: str = ""
    choices: Choices | None = None

    @property
    def usage(self) -> str:
        """How the command is written."""
        return f"/{self.name} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class Said:
    """A line for the character."""

    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A line for the console."""

    command: SlashCommand
    argument: str


def read_line(line: str, commands: Sequence[SlashCommand]) -> Said | Asked:
    """Tell what a line means; ``//`` at its start stands for a slash that is part of the message.

    Raises ``NotFound`` for an unknown command and ``InvalidRequest`` where an argument is missing
    or there is one too many.
    """
    if not line.startswith("/"):
        return Said(line)
    if line.startswith("//"):
        return Said(line[1:])
    name = line[1:].partition(" ")[0].partition("\n")[0]
    argument = line[1 + len(name) :].strip()
    command = _find(name.strip().lower(), commands)
    if command.argument and not command.argument.startswith("[") and not argument:
        raise InvalidRequest("argument_missing", f"Write it as {command.usage}.")
    if argument and not command.argument:
        raise InvalidRequest("argument_unknown", f"/{command.name} takes nothing after it.")
    return Asked(command, argument)


def _find(name: str, commands: Sequence[SlashCommand]) -> SlashCommand:
    for command in commands:
        if command.name == name:
            return command
    close = difflib.get_close_matches(name, [command.name for command in commands], n=1, cutoff=0.6)
    hint = f"did you mean /{close[0]}?" if close else "/help lists what there is."
    raise NotFound(
        "command_unknown",
        f"There is no command /{name[:40]}; {hint} To say a line that starts with a slash, "
        "begin it with two.",
    )
