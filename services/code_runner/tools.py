"""Tools for running code."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.code_runner.service import CodeRunner
from services.code_runner.values import LONGEST_CODE, CodeResult
from services.domain.errors import NotAllowed
from services.toolbox.spec import Cost, ToolContext, ToolSpec

_MOST_CHARACTERS = 1_500
_KEYWORDS = (
    "python",
    "code",
    "script",
    "program",
    "programme",
    "programm",
    "run",
    "execute",
    "compute",
    "simulate",
    "algorithm",
    "ausführen",
    "berechne",
    "skript",
)


class CodeArguments(BaseModel):
    """The code."""

    code: str = Field(
        min_length=1, max_length=LONGEST_CODE, description="Python code; print what you need."
    )


def code_tools(runner: CodeRunner) -> Sequence[ToolSpec]:
    """Return the tools that run and examine code; none where no code is run."""
    if runner.unavailable():
        return ()

    async def run_python(arguments: CodeArguments, context: ToolContext) -> str:
        if context.asker is None:
            raise _nobody()
        result = await runner.run(
            arguments.code, by=context.asker, role=context.role, where=context.conversation
        )
        return _shortened(result)

    async def analyze_code(arguments: CodeArguments, context: ToolContext) -> str:
        if context.asker is None:
            raise _nobody()
        result = await runner.analyse(
            arguments.code, by=context.asker, role=context.role, where=context.conversation
        )
        return _shortened(result)

    return (
        ToolSpec(
            name="run_python",
            area="code",
            description=(
                "Run a short Python script and return what it prints and its last value. There are "
                "math, re, json, csv, datetime, decimal, random, itertools, functools, collections "
                "and hashlib; no files, network, input(), packages, class inheritance, yield, del."
            ),
            keywords=_KEYWORDS,
            pattern=r"```",
            parameters=CodeArguments,
            handler=run_python,
            permission=runner.permission,
            timeout=runner.longest_seconds,
            cost=Cost.MODEL,
        ),
        ToolSpec(
            name="analyze_code",
            area="code",
            description=(
                "Check Python code without running it: syntax errors, names and imports used, "
                "complexity of each function."
            ),
            keywords=("python", "code", "syntax", "review", "complexity", "analyse", "prüfe"),
            parameters=CodeArguments,
            handler=analyze_code,
            permission=runner.permission,
            timeout=runner.longest_seconds,
        ),
    )


def _shortened(result: CodeResult) -> str:
    text = result.text()
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]}\n(...)\n{text[-half:]}"


def _nobody() -> NotAllowed:
    return NotAllowed("code_nobody", "Code is only run for somebody who asks for it.")
