"""Which tools there are, who may use them, and running one safely."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from pydantic import ValidationError

from services.domain.calls import ToolCall, ToolResult, ToolSchema
from services.domain.errors import Refused
from services.domain.people import Role
from services.toolbox.spec import ToolContext, ToolSpec

logger = logging.getLogger(__name__)


class Toolbox:
    """The registered tools by name."""

    def __init__(self, kits: Sequence[Sequence[ToolSpec]] = ()) -> None:
        self._tools: dict[str, ToolSpec] = {}
        for kit in kits:
            for tool in kit:
                self.add(tool)

    def add(self, tool: ToolSpec) -> None:
        """Register ``tool``; raises ``ValueError`` if its name is taken."""
        if tool.name in self._tools:
            raise ValueError(f"two tools are called {tool.name}")  # noqa: TRY003
        self._tools[tool.name] = tool

    def remove(self, name: str) -> None:
        """Take away the tool called ``name``, if there is one; a call that runs goes on."""
        self._tools.pop(name, None)

    def find(self, name: str) -> ToolSpec | None:
        """Return the tool called ``name``, if any."""
        return self._tools.get(name)

    def offered(self, names: Sequence[str], role: Role) -> list[ToolSpec]:
        """Return the tools among ``names`` that someone with ``role`` may use, in that order."""
        found = (self._tools.get(name) for name in names)
        return [tool for tool in found if tool is not None and role >= tool.permission]

    async def run(self, call: ToolCall, context: ToolContext, *, limit: int) -> ToolResult:
        """Run a call and return its result, cut to ``limit`` characters.

        Wrong arguments, refusals, time-outs and crashes become error results with one sentence;
        only cancellation raises.
        """
        tool = self._tools.get(call.name)
        if tool is None or context.role < tool.permission:
            return _failed(call, f"There is no tool called {call.name} for you here.")
        try:
            arguments = tool.parameters.model_validate(dict(call.arguments))
        except ValidationError as error:
            return _failed(call, f"Wrong arguments: {_first_problem(error)}")
        try:
            async with asyncio.timeout(tool.timeout):
                content = await tool.handler(arguments, context)
        except Refused as error:
            return _failed(call, error.user_message)
        except TimeoutError:
            return _failed(call, f"{call.name} took longer than {tool.timeout:g} seconds.")
        except Exception:
            logger.exception("tool failed", extra={"tool": call.name})
            return _failed(call, f"{call.name} failed.")
        if len(content) > limit:
            content = content[:limit] + "\n[cut]"
        return ToolResult(call_id=call.id, content=content)


def schema_of(tool: ToolSpec) -> ToolSchema:
    """Return ``tool`` as the model sees it."""
    return ToolSchema(
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters.model_json_schema(),
    )


def _failed(call: ToolCall, sentence: str) -> ToolResult:
    return ToolResult(call_id=call.id, content=sentence, is_error=True)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"]) or "the arguments"
    return f"{where}: {problem['msg']}"
