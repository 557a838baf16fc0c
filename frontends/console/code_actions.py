"""Commands for running code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import printable
from services.code_runner.values import LONGEST_CODE, CodeResult
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_BYTES_PER_CHARACTER = 4


async def _run(talk: Talk, argument: str) -> None:
    code = await _code(argument)
    result = await talk.code.run(code, by=talk.author, role=talk.role, where=talk.conversation)
    _show(talk, result)


async def _check(talk: Talk, argument: str) -> None:
    code = await _code(argument)
    result = await talk.code.analyse(code, by=talk.author, role=talk.role, where=talk.conversation)
    _show(talk, result)


async def _code(argument: str) -> str:
    if not argument.startswith("@"):
        return argument
    return await asyncio.to_thread(_read, argument[1:].strip())


def _read(name: str) -> str:
    most = _BYTES_PER_CHARACTER * LONGEST_CODE + 1
    try:
        path = Path(name).expanduser()
        if not path.is_file():  # a pipe would be waited for
            raise InvalidRequest("code_file", f"There is no file {printable(name)[:80]}.")
        with path.open("rb") as file:
            return file.read(most).decode("utf-8-sig", "replace")
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidRequest(
            "code_file", f"The file {printable(name)[:80]} cannot be read."
        ) from error


def _show(talk: Talk, result: CodeResult) -> None:
    fields = {
        "output": result.output,
        "value": result.value,
        "error": result.error,
        "seconds": round(result.seconds, 3),
        "cut": result.cut,
    }
    lines = [printable(line) for line in result.text().split("\n")]
    talk.view.report(Report(kind="code", lines=lines, fields=fields))


CODE_COMMANDS = (
    SlashCommand(
        name="code",
        argument="CODE or @FILE",
        summary="Run Python in the sandbox; Alt-Enter begins a new line.",
        perform=_run,
    ),
    SlashCommand(
        name="code_check",
        argument="CODE or @FILE",
        summary="Look at Python without running it: errors, names, complexity.",
        perform=_check,
    ),
)
