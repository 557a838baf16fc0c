"""What a command of the command line is given, and what it must offer."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from services.reloading import Stamp
    from services.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How the terminal talks: interactively, unless something else is asked for."""

    persona: str | None = None
    message: str | None = None
    conversation: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSource:
    """Where the settings of this process come from, to read them once more.

    ``overrides`` are those of the command line, ``environ`` is the environment at the start, and
    ``seen`` is the state of ``files`` before they were first read.
    """

    config: Path | None
    overrides: Mapping[str, object]
    environ: Mapping[str, str]
    cwd: Path
    seen: Sequence[Stamp] = ()

    def load(self) -> Settings:
        """Read the settings; raises ``ConfigurationError``."""
        from services.configuration import load_settings  # noqa: PLC0415

        return load_settings(
            config=self.config, overrides=self.overrides, environ=self.environ, cwd=self.cwd
        )

    def files(self) -> tuple[Path, ...]:
        """Return the files that are read, whether they are there or not."""
        from services.settings_files import CONFIG_NAME, DOTENV_NAME  # noqa: PLC0415

        return self.cwd / (self.config or CONFIG_NAME), self.cwd / DOTENV_NAME

    def secrets(self, settings: Settings) -> Iterator[str]:
        """Return what must not be written anywhere; ``settings`` were just loaded from here."""
        from services.observability.logging import secret_values  # noqa: PLC0415
        from services.settings_files import DOTENV_NAME, read_dotenv  # noqa: PLC0415

        return secret_values(settings, self.environ, read_dotenv(self.cwd / DOTENV_NAME))


class Launch(Protocol):
    """Runs the frontends until they are done or the process is told to stop."""

    def __call__(
        self,
        settings: Settings,
        *,
        source: SettingsSource,
        chat: ChatOptions,
        only: str | None = None,
    ) -> Awaitable[int]:
        """Return the exit code; ``only`` names the one frontend that is wanted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of a command; ``loaded`` are the settings, or why they could not be loaded."""

    arguments: argparse.Namespace
    loaded: Settings | ConfigurationError
    source: SettingsSource
    launch: Launch

    @property
    def settings(self) -> Settings:
        """The settings; raises the reason why they could not be loaded."""
        if isinstance(self.loaded, ConfigurationError):
            raise self.loaded
        return self.loaded


class CommandModule(Protocol):
    """A module in ``commands``; the first line of its docstring is its help text."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's own arguments."""
        ...

    async def execute(self, call: Invocation, /) -> int:
        """Do the work and return the exit code; raises ``AcoreError`` for people to read."""
        ...
