"""What a command of the command line is given, and what it must offer."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How the terminal talks: interactively, unless something else is asked for."""

    persona: str | None = None
    message: str | None = None
    conversation: str | None = None
    as_json: bool = False


class Launch(Protocol):
    """Runs the frontends until they are done or the process is told to stop."""

    def __call__(
        self, settings: Settings, *, chat: ChatOptions, only: str | None = None
    ) -> Awaitable[int]:
        """Return the exit code; ``only`` names the one frontend that is wanted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of a command."""

    arguments: argparse.Namespace
    settings: Settings
    launch: Launch


class CommandModule(Protocol):
    """A module in ``commands``; the first line of its docstring is its help text."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's own arguments."""
        ...

    async def execute(self, call: Invocation, /) -> int:
        """Do the work and return the exit code; raises ``AcoreError`` for people to read."""
        ...
