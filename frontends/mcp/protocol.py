"""The offer as tools of a Model Context Protocol server; importing this is slow."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontends.mcp.offer import Offer
from services.domain.errors import AcoreError

logger = logging.getLogger(__name__)
logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its lines quote what is sent

CALLS_AT_ONCE = 4
"""Calls that run at the same time; more are refused."""

_LONGEST_MESSAGE = 20_000


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Nothing(_Arguments):
    pass


class _Talk(_Arguments):
    character: Annotated[str, Field(min_length=1, max_length=100, description="Who is spoken to.")]
    message: Annotated[
        str, Field(min_length=1, max_length=_LONGEST_MESSAGE, description="What is said.")
    ]


class _Recall(_Arguments):
    query: Annotated[str, Field(min_length=1, max_length=500, description="What it is about.")]


class _Remember(_Arguments):
    fact: Annotated[str, Field(min_length=1, max_length=300, description="What is to be kept.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    description: str
    arguments: type[_Arguments]
    run: Callable[[Any], Awaitable[str]]
    read_only: bool = False


def make_server(offer: Offer, *, version: str = "") -> Server[Any]:
    """Return the server; refusals are error results of one sentence."""
    offered = _tools(offer)
    calls = _Calls(offered)

    async def list_tools(_: object, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(
            tools=[
                Tool(
                    name=name,
                    description=each.description,
                    input_schema=each.arguments.model_json_schema(),
                    annotations=ToolAnnotations(
                        read_only_hint=each.read_only, open_world_hint=False
                    ),
                )
                for name, each in offered.items()
            ]
        )

    async def call_tool(_: object, params: CallToolRequestParams) -> CallToolResult:
        if params.name not in offered:
            raise MCPError(code=INVALID_PARAMS, message="There is no such tool.")
        return await calls.run(params.name, params.arguments or {})

    return Server("acore", version=version, on_list_tools=list_tools, on_call_tool=call_tool)


class _Calls:
    """Runs calls, so many at a time."""

    def __init__(self, offered: Mapping[str, _Offered]) -> None:
        self._offered = offered
        self._running = 0

    async def run(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        if self._running >= CALLS_AT_ONCE:
            return _result("Too much is asked at once; try again in a moment.", failed=True)
        self._running += 1
        try:
            return await self._answer(self._offered[name], arguments)
        except AcoreError as error:
            return _result(error.user_message, failed=True)
        except Exception:
            logger.exception("mcp tool failed", extra={"tool": name})
            return _result(f"{name} failed; what happened is in acore's log.", failed=True)
        finally:
            self._running -= 1

    async def _answer(self, tool: _Offered, arguments: Mapping[str, Any]) -> CallToolResult:
        try:
            read = tool.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, problem["loc"])) or "the arguments"
            return _result(f"Wrong arguments: {where[:100]}: {problem['msg']}.", failed=True)
        return _result(await tool.run(read), failed=False)


def _tools(offer: Offer) -> Mapping[str, _Offered]:
    return {
        "list_characters": _Offered(
            description="List the characters there are, by the names to call them by.",
            arguments=_Nothing,
            run=lambda _: offer.characters(),
            read_only=True,
        ),
        "talk_to": _Offered(
            description="Say something to a character and get its answer; it remembers the talk.",
            arguments=_Talk,
            run=lambda read: offer.talk(read.character, read.message),
        ),
        "recall": _Offered(
            description="Find what was said earlier and is known about something.",
            arguments=_Recall,
            run=lambda read: offer.recall(read.query),
            read_only=True,
        ),
        "remember": _Offered(
            description="Have a fact about the person remembered, in a short sentence.",
            arguments=_Remember,
            run=lambda read: offer.remember(read.fact),
        ),
    }


def _result(text: str, *, failed: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=failed)
