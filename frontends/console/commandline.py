"""The command line: finds the commands, runs one, turns what goes wrong into an exit code.

Exit codes: 0 done, 1 wrong settings or arguments, 2 something acore depends on cannot be reached or
used, 3 a defect; 130 when a command is stopped with Ctrl-C, 128 and the number when a second signal
ends the program at once.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from frontends.console import commands
from frontends.console.failures import DEFECT, INTERRUPTED, UNREACHABLE, WRONG_SETTINGS, judged
from frontends.console.invocation import CommandModule, Invocation, Launch, SettingsSource
from services.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from services.settings import Settings

logger = logging.getLogger(__name__)

_DEFAULT_COMMAND = "run"


class _Parser(argparse.ArgumentParser):
    """Leaves with the code for wrong arguments, which is not argparse's own."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_SETTINGS, f"{self.prog}: {message}; see {self.prog} --help\n")


def command_names() -> list[str]:
    """Return the names of all commands, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def execute(argv: Sequence[str], *, launch: Launch) -> int:
    """Run the command that ``argv`` names, ``run`` if it names none; return the exit code.

    Never raises: people get one sentence on standard error, the log gets the traceback.
    """
    _stand_in_for_closed_streams()
    argv = list(argv)
    if not argv or (argv[0].startswith("-") and argv[0] not in {"-h", "--help"}):
        argv.insert(0, _DEFAULT_COMMAND)
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:
        return _flushed(leaving.code if isinstance(leaving.code, int) else WRONG_SETTINGS)
    code = _guarded(arguments, launch=launch)
    _end_log()
    return _flushed(code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="main.py",
        description="acore: characters that talk, remember and act, on your own machine.",
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in command_names():
        module = _module(name)
        summary = (module.__doc__ or name).splitlines()[0]
        subparser = subparsers.add_parser(
            name, help=summary, description=summary, allow_abbrev=False
        )
        subparser.add_argument("--data", type=Path, metavar="DIR", help="folder for all data")
        subparser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
        module.configure(subparser)
    return parser


def _module(name: str) -> CommandModule:
    return cast("CommandModule", importlib.import_module(f"{commands.__name__}.{name}"))


def _guarded(arguments: argparse.Namespace, *, launch: Launch) -> int:
    log_file = (arguments.data or Path("data")) / "logs" / "acore.log"
    try:
        source = _source(arguments)
        loaded = _loaded(source)
        if not isinstance(loaded, ConfigurationError):
            log_file = _start_log(loaded, source)
        call = Invocation(arguments=arguments, loaded=loaded, source=source, launch=launch)
        return asyncio.run(_module(arguments.command).execute(call))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001  every failure ends here
        return _explained(error, log_file=log_file)


def _source(arguments: argparse.Namespace) -> SettingsSource:
    from services.reloading import stamps  # noqa: PLC0415

    overrides: dict[str, object] = {}
    if arguments.data is not None:
        overrides["storage.data"] = arguments.data
    source = SettingsSource(
        config=arguments.config, overrides=overrides, environ=dict(os.environ), cwd=Path.cwd()
    )
    return replace(source, seen=stamps(source.files()))


def _loaded(source: SettingsSource) -> Settings | ConfigurationError:
    try:
        return source.load()
    except ConfigurationError as error:
        return error


def _start_log(settings: Settings, source: SettingsSource) -> Path:
    from services.observability.logging import start_logging  # noqa: PLC0415

    file = settings.logging.file or settings.storage.data / "logs" / "acore.log"
    start_logging(settings.logging, file, secrets=source.secrets(settings))
    return file


def _explained(error: BaseException, *, log_file: Path) -> int:
    verdict = judged(error)
    if verdict.code == DEFECT:
        _record(error, log_file)
        _complain(f"acore stopped because of a defect; what happened is in {log_file}.")
    elif verdict.known is not None and logging.getLogger().handlers:
        # Without a handler the settings failed, and there is no log yet.
        logger.error("command failed", exc_info=error, extra={"code": verdict.known.code})
    if verdict.sentence is not None:
        _complain(verdict.sentence)
    return verdict.code


def _record(error: BaseException, log_file: Path) -> None:
    if not logging.getLogger().handlers:
        from services.observability.logging import start_logging  # noqa: PLC0415
        from services.settings import LoggingSettings  # noqa: PLC0415

        start_logging(LoggingSettings(), log_file)
    logger.critical("defect", exc_info=error)


def _end_log() -> None:
    from services.observability.logging import stop_logging  # noqa: PLC0415

    stop_logging()


def _stand_in_for_closed_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _complain(sentence: str) -> None:
    try:
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()
    except OSError:
        logger.warning("standard error is gone")


def _flushed(code: int) -> int:
    """Write out what is left, so that the interpreter has nothing to complain about at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            code = code or UNREACHABLE
    return code
