"""Which tools there are, who may use them, and running one safely."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError

from services.domain.calls import ToolCall, ToolResult, ToolSchema
from services.domain.errors import AcoreError, Refused
from services.observability.metrics import Metrics
from services.toolbox.spec import ToolContext, ToolOutput, ToolSpec

logger = logging.getLogger(__name__)

_LONGEST_ARGUMENTS = 20_000


class Toolbox:
    """The registered tools by name."""

    def __init__(
        self, kits: Sequence[Sequence[ToolSpec]] = (), *, metrics: Metrics | None = None
    ) -> None:
        self._tools: dict[str, ToolSpec] = {}
        self._listed: tuple[ToolSpec, ...] | None = None
        self._metrics = metrics
        for kit in kits:
            for tool in kit:
                self.add(tool)

    def add(self, tool: ToolSpec) -> None:
        """Register ``tool``; raises ``ValueError`` if its name is taken."""
        if tool.name in self._tools:
            raise ValueError(f"two tools are called {tool.name}")  # noqa: TRY003
        self._tools[tool.name] = tool
        self._listed = None

    def remove(self, name: str) -> None:
        """Take away the tool called ``name``, if there is one; a call that runs goes on."""
        self._tools.pop(name, None)
        self._listed = None

    def find(self, name: str) -> ToolSpec | None:
        """Return the tool called ``name``, if any."""
        return self._tools.get(name)

    def all(self) -> tuple[ToolSpec, ...]:
        """Return every tool, in the order they were registered."""
        if self._listed is None:
            self._listed = tuple(self._tools.values())
        return self._listed

    def fault(self, call: ToolCall) -> str | None:
        """Return what is wrong with a call's arguments, ``None`` if nothing is."""
        tool = self._tools.get(call.name)
        checked = None if tool is None else _checked(tool, call)
        return checked if isinstance(checked, str) else None

    async def run(self, call: ToolCall, context: ToolContext, *, limit: int) -> ToolResult:
        """Run a call and return its result, cut to ``limit`` characters.

        Wrong arguments, refusals, time-outs and crashes become error results with one sentence;
        only cancellation raises. Each call is counted.
        """
        tool = self._tools.get(call.name)
        if tool is None or context.role < tool.permission:
            self._count("none", "unknown")
            return _failed(call, f"There is no tool called {call.name[:60]} for you here.")
        output, problem = await self._output(tool, call, context)
        if problem is not None:
            self._count(tool.name, problem)
            return _failed(call, output.text[:limit])
        self._count(tool.name, "ok")
        content = output.text
        if len(content) > limit:
            content = content[:limit] + "\n[cut]"
        return ToolResult(call_id=call.id, content=content, parts=output.parts)

    async def _output(
        self, tool: ToolSpec, call: ToolCall, context: ToolContext
    ) -> tuple[ToolOutput, str | None]:
        given, problem = await self._given(tool, call, context)
        return (ToolOutput(text=given) if isinstance(given, str) else given), problem

    async def _given(
        self, tool: ToolSpec, call: ToolCall, context: ToolContext
    ) -> tuple[str | ToolOutput, str | None]:
        """Return what the call gave, or a sentence and what kind of problem there was."""
        arguments = _checked(tool, call)
        if isinstance(arguments, str):
            return arguments, "wrong_arguments"
        try:
            async with asyncio.timeout(tool.timeout):
                return await tool.handler(arguments, context), None
        except AcoreError as error:
            return error.user_message, "refused" if isinstance(error, Refused) else "failed"
        except TimeoutError:
            return f"{tool.name} took longer than {tool.timeout:g} seconds.", "timed_out"
        except Exception:
            logger.exception("tool failed", extra={"tool": tool.name})
            return f"{tool.name} failed.", "failed"

    def _count(self, tool: str, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.count("tool_calls", tool=tool, outcome=outcome)


def schema_of(tool: ToolSpec) -> ToolSchema:
    """Return ``tool`` as the model sees it."""
    return ToolSchema(
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters.model_json_schema(),
    )


def _failed(call: ToolCall, sentence: str) -> ToolResult:
    return ToolResult(call_id=call.id, content=sentence, is_error=True)


def _checked(tool: ToolSpec, call: ToolCall) -> BaseModel | str:
    """Return the arguments as the tool takes them, or a sentence that says what is wrong."""
    if _size(call.arguments) > _LONGEST_ARGUMENTS:
        return "Wrong arguments: they are too long."
    try:
        return tool.parameters.model_validate(dict(call.arguments))
    except ValidationError as error:
        return f"Wrong arguments: {_first_problem(error)}"
    except RecursionError:
        return "Wrong arguments: they are nested too deeply."


def _size(value: object) -> int:
    """Return how many characters the texts in ``value`` have together; numbers count by length."""
    total, waiting = 0, [value]
    while waiting and total <= _LONGEST_ARGUMENTS:
        one = waiting.pop()
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            total += len(one)
            waiting += one
        else:
            total += one.bit_length() // 3 if isinstance(one, int) else 1
    return total


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"]) or "the arguments"
    return f"{where}: {problem['msg']}"
