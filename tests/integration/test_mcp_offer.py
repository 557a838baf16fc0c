"""What acore offers to other programs, asked by the protocol's own client."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httpx2
import pytest
from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult
from pydantic import BaseModel

from frontends.mcp.protocol import CALLS_AT_ONCE
from frontends.web.mcp import McpGuard
from frontends.web.server import run_web
from services.domain.calls import ToolCall
from services.domain.errors import ConfigurationError
from services.domain.ids import AuthorId, ConversationId
from services.llm.model import ChatModel
from services.memory.rights.service import Requester
from services.toolbox.spec import Effect, ToolContext, ToolSpec
from tests.fakes.app import App, opened_app
from tests.fakes.pausing_model import PausingModel
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.journeys.program import MAIN, ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

TOKEN = "open sesame"
SAM = AuthorId("test", "sam")
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"}


@dataclass
class Offered:
    """A running acore and where it is asked."""

    app: App
    url: str

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ClientSession]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            streamable_http_client(self.url, http_client=http) as streams,
            ClientSession(*streams) as session,
        ):
            await session.initialize()
            yield session

    async def status(self, **headers: str) -> int:
        async with httpx2.AsyncClient(trust_env=False) as http:
            return (
                await http.post(self.url, json=PING, headers={**HEADERS, **headers})
            ).status_code


@asynccontextmanager
async def offered(
    tmp_path: Path, model: ChatModel, tools: tuple[ToolSpec, ...] = (), **web: object
) -> AsyncIterator[Offered]:
    mcp = {"serve": True, "token": TOKEN, "account": str(SAM)}
    sections: dict[str, Any] = {"mcp": mcp, "web": {"port": 0, **web}}
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with opened_app(tmp_path, model, tools=tools, **sections) as app:
        settings = app.factory.settings()
        run = run_web(app.factory, settings, on_listening=listening.set_result)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(run)
            yield Offered(app, f"{await listening}/mcp")
            serving.cancel()


def words(result: CallToolResult) -> str:
    [block] = result.content
    assert block.type == "text"
    return block.text


async def test_characters_are_listed_talked_to_and_remember(tmp_path: Path):
    model = ScriptedModel("Good day, Sam.")
    async with offered(tmp_path, model) as at, at.client() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["list_characters", "talk_to", "recall", "remember"]
        assert "mira: Mira" in words(await client.call_tool("list_characters", {}))
        said = {"character": "Teo", "message": "Hello there"}
        assert words(await client.call_tool("talk_to", said)) == "Good day, Sam."
        place = ConversationId("mcp", "local", "teo")
        entries = await at.app.conversations.recent(place, 10)
        assert [entry.text for entry in entries] == ["Hello there", "Good day, Sam."]
        kept = await client.call_tool("remember", {"fact": "I play the harp"})
        assert words(kept) == "That is remembered."
        rights = at.app.factory.memory_rights()
        assert "harp" in (await rights.facts(Requester(account=SAM)))[0].text
        assert "harp" in words(await client.call_tool("recall", {"query": "harp"}))


async def test_what_is_wrong_is_told_in_a_sentence(tmp_path: Path):
    async with offered(tmp_path, ScriptedModel("Yes.")) as at, at.client() as client:
        wrong: dict[str, list[dict[str, Any]]] = {
            "talk_to": [
                {},
                {"character": "nobody", "message": "x"},
                {"character": "mira", "message": 3},
                {"character": "mira", "message": "x" * 30_000},
                {"character": "mira", "message": "x", "role": "owner"},
            ],
            "remember": [{"fact": "x" * 301}, {"fact": "   "}],
            "recall": [{"query": ["a"]}],
        }
        for name, tries in wrong.items():
            for arguments in tries:
                result = await client.call_tool(name, arguments)
                assert result.is_error, arguments
                assert words(result).count("\n") == 0
                assert "x" * 200 not in words(result)
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("delete_everything", {})


async def test_a_client_of_the_newest_revision_is_served_as_well(tmp_path: Path):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        offered(tmp_path, ScriptedModel("Yes.")) as at,
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(at.url, http_client=http)) as client,
    ):
        assert client.protocol_version >= "2026"
        assert len((await client.list_tools()).tools) == 4


async def test_nobody_gets_in_without_the_token_or_from_a_web_page(tmp_path: Path):
    async with offered(tmp_path, ScriptedModel("Yes.")) as at:
        own = at.url.removesuffix("/mcp")
        assert await at.status() == 200
        assert await at.status(Origin=own) == 200
        assert await at.status(Host="localhost:1") == 200
        for token in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"):
            assert await at.status(Authorization=token) == 401, token
        for origin in ("http://evil.example", "null", "http://localhost:1", "https://127.0.0.1"):
            assert await at.status(Origin=origin) == 403, origin
        for host in ("evil.example", "127.0.0.1.evil.example", "192.168.0.2:80", "localhost@evil"):
            assert await at.status(Host=host) == 421, host
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(at.url, headers=HEADERS)).status_code == 405
            big = await http.post(at.url, content=b"x" * 300_000, headers=HEADERS)
            assert big.status_code == 413
            health = await http.get(f"{own}/health", headers={"Host": "localhost"})
            assert health.status_code == 200


async def test_the_web_servers_token_opens_nothing_here_and_ours_nothing_there(tmp_path: Path):
    async with offered(tmp_path, ScriptedModel("Yes."), token="monitoring") as at:
        assert await at.status() == 200
        assert await at.status(Authorization="Bearer monitoring") == 401
        async with httpx2.AsyncClient(trust_env=False) as http:
            health = await http.get(at.url.replace("/mcp", "/health"), headers=HEADERS)
            assert health.status_code == 401


async def test_other_machines_are_refused_even_with_the_token():
    answers: list[int] = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]
    for client in (("192.168.0.7", 1), ("::1", 1), None):
        scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
        await McpGuard(app, token=TOKEN)({**scope, "client": client}, None, send)  # type: ignore[arg-type]
    assert answers == [403, 200, 403]


async def test_without_a_token_it_does_not_start(tmp_path: Path):
    async with opened_app(tmp_path, ScriptedModel("Yes."), mcp={"serve": True}) as app:
        with pytest.raises(ConfigurationError, match=r"mcp\.token"):
            await run_web(app.factory, app.factory.settings())


async def test_switched_off_there_is_nothing(tmp_path: Path):
    async with offered(tmp_path, ScriptedModel("Yes.")) as at:
        url = at.url
    assert url
    sections: dict[str, Any] = {"web": {"port": 0}}
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with opened_app(tmp_path, ScriptedModel("Yes."), **sections) as app:
        settings = app.factory.settings()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(
                run_web(app.factory, settings, on_listening=listening.set_result)
            )
            async with httpx2.AsyncClient(trust_env=False) as http:
                found = await http.post(f"{await listening}/mcp", json=PING, headers=HEADERS)
            assert found.status_code == 404
            serving.cancel()


class _Nothing(BaseModel):
    """No arguments."""


async def test_a_tool_that_needs_a_yes_is_told_of_and_not_run(tmp_path: Path):
    ran: list[ToolContext] = []

    async def ring(_arguments: object, context: ToolContext) -> str:
        ran.append(context)
        return "rung"

    bell = ToolSpec(
        name="ring_bell",
        description="Rings the bell of the house.",
        keywords=("ring", "bell"),
        parameters=_Nothing,
        handler=ring,
        effect=Effect.OTHERS,
    )
    call = ToolCall(id="1", name="ring_bell", arguments={})
    model = ScriptedModel([Script(calls=(call,)), "Shall I?"])
    async with offered(tmp_path, model, (bell,)) as at, at.client() as client:
        said = {"character": "mira", "message": "Ring the bell of the house"}
        answer = words(await client.call_tool("talk_to", said))
        assert "ring_bell waits for a yes" in answer
        assert "/confirm" in answer
        assert not ran


async def test_more_calls_at_once_than_allowed_are_refused(tmp_path: Path):
    model = PausingModel("One two three.", pauses=CALLS_AT_ONCE)
    async with offered(tmp_path, model) as at, at.client() as client:
        names = ["mira", "teo", "orin", "ozan"]
        assert len(names) == CALLS_AT_ONCE
        async with asyncio.TaskGroup() as group:
            talks = [
                group.create_task(client.call_tool("talk_to", {"character": name, "message": "Hi"}))
                for name in names
            ]
            async with asyncio.timeout(30):
                while len(model.requests) < CALLS_AT_ONCE:  # noqa: ASYNC110  nothing tells of it
                    await asyncio.sleep(0.01)
            refused = await client.call_tool("list_characters", {})
            assert refused.is_error
            assert "at once" in words(refused)
            model.go.set()
        assert not any(talk.result().is_error for talk in talks)
        assert not (await client.call_tool("list_characters", {})).is_error


def open_devnull() -> TextIO:
    return Path(os.devnull).open("w")


async def test_the_program_serves_over_standard_input_and_output(tmp_path: Path):
    program = StdioServerParameters(
        command=sys.executable,
        args=[str(MAIN), "mcp", "--data", str(tmp_path)],
        cwd=ROOT,
        env={"ACORE_LLM__EMBEDDED": "never", "ACORE_MEMORY__EMBEDDER": "none"},
    )
    with open_devnull() as silence:
        async with stdio_client(program, silence) as streams, ClientSession(*streams) as session:
            await session.initialize()
            assert "mira" in words(await session.call_tool("list_characters", {}))
            answer = await session.call_tool("talk_to", {"character": "mira", "message": "Hi"})
            assert answer.is_error
            assert "Ollama" in words(answer)
