"""Every way an OpenAI-compatible server can fail, and what is made of it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import pytest
from pydantic import SecretStr

from services.domain.calls import ToolCall
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import (
    ChatRequest,
    Priority,
    PromptMessage,
    PromptRole,
    Sampling,
)
from services.llm.openai_connection import OpenAiConnection
from services.llm.openai_model import OpenAiModel
from services.llm.priority import Preempted, ProviderLane
from services.llm.unseen import UNSEEN
from services.settings import LlmSettings
from tests.fakes.heard import Heard, hear
from tests.fakes.model_requests import HELLO, QUICK, SAID, SEARCH, asking, saying
from tests.fakes.model_server import Answer
from tests.fakes.openai_server import FakeOpenAi, HostedAnswer

PICTURE = saying(PromptRole.USER, "?", images=(b"\xff\xd8x",))
KEY = "sk-planted-secret"


def model_at(
    connection: OpenAiConnection,
    name: str | None = "tiny",
    *,
    settings: LlmSettings = QUICK,
    lane: ProviderLane | None = None,
) -> OpenAiModel:
    return OpenAiModel(
        name,
        connection=connection,
        settings=settings,
        context_tokens=4096,
        clock=SystemClock(),
        lane=lane or ProviderLane(1),
    )


@asynccontextmanager
async def connected(
    url: str, *, provider: str = "openai", key: str | None = KEY
) -> AsyncGenerator[OpenAiConnection, None]:
    secret = SecretStr(key) if key is not None else None
    connection = OpenAiConnection(url, secret, provider=provider, connect_timeout=0.5)
    try:
        yield connection
    finally:
        await connection.aclose()


@asynccontextmanager
async def opened(
    server: FakeOpenAi, name: str | None = "tiny", *, provider: str = "openai", **options
) -> AsyncGenerator[OpenAiModel, None]:
    async with server.running(), connected(server.url, provider=provider) as connection:
        model = model_at(connection, name, **options)
        await model.open()
        yield model


def sent(server: FakeOpenAi, name: str) -> list[object]:
    """Return what every chat call had under ``name``."""
    return [chat.body.get(name) for chat in server.chats]


def unsafe(heard: ProviderError) -> bool:
    said = f"{heard.user_message} {heard.detail}"
    return any(word in said for word in (KEY, SAID, "planted"))


def errors(message: str, **fields: object) -> str:
    return json.dumps({"error": {"message": f"{message} {KEY} {SAID}", **fields}})


SPLIT = "naïve 漢字 🙂 <think>secret</think> done"
TABLE: dict[str, tuple[HostedAnswer | Answer, str, ProviderFault | str]] = {
    "comments while waiting": (HostedAnswer(comments=5), HELLO, "stop"),
    "windows line ends": (HostedAnswer(separator=b"\r\n\r\n"), HELLO, "stop"),
    "single line ends": (HostedAnswer(separator=b"\n"), HELLO, "stop"),
    "one document instead of a stream": (HostedAnswer(whole=True), HELLO, "stop"),
    "no done mark": (HostedAnswer(done=False), HELLO, "stop"),
    "no usage": (HostedAnswer(usage=False), HELLO, "stop"),
    "length": (HostedAnswer(done_reason="length"), HELLO, "length"),
    "reasoning_content": (HostedAnswer(thinking=("secret", "m")), HELLO, "stop"),
    "reasoning": (
        HostedAnswer(thinking=("secret", "m"), thinking_field="reasoning"),
        HELLO,
        "stop",
    ),
    "unclosed think": (HostedAnswer(pieces=("Hi <think>", "secret")), "Hi ", "stop"),
    "cut with a tag held back": (
        HostedAnswer(pieces=("a <", "x"), cut_after=1),
        "a <",
        ProviderFault.BROKEN_STREAM,
    ),
    "event of the wrong shape": (
        HostedAnswer(raw_after=(1, b"data: [1]\n\n")),
        "Hello",
        ProviderFault.MALFORMED,
    ),
    "text that is no text": (
        HostedAnswer(raw_after=(1, b'data: {"choices":[{"delta":{"content":5}}]}\n\n')),
        "Hello",
        ProviderFault.MALFORMED,
    ),
    "nested beyond reason": (
        HostedAnswer(raw_after=(1, b"data: " + b"[" * 200_000 + b"\n\n")),
        "Hello",
        ProviderFault.MALFORMED,
    ),
    "endless line": (
        HostedAnswer(raw_after=(1, b"data: " + b"x" * 5_000_000)),
        "Hello",
        ProviderFault.MALFORMED,
    ),
    "error event with a status": (
        HostedAnswer(error_after=1, error=errors("Provider returned error", code=502)),
        "Hello",
        ProviderFault.SERVER_ERROR,
    ),
    "overload inside the stream": (
        HostedAnswer(error_after=1, error=errors("Rate limited", code=429)),
        "Hello",
        ProviderFault.OVERLOADED,
    ),
    "no credit inside the stream": (
        HostedAnswer(error_after=1, error=errors("Insufficient credits", code=402)),
        "Hello",
        ProviderFault.REJECTED,
    ),
    "bare error line": (
        HostedAnswer(raw_after=(1, b'{"error": {"message": "boom"}}\n')),
        "Hello",
        ProviderFault.BROKEN_STREAM,
    ),
    "llama.cpp's error field": (
        HostedAnswer(raw_after=(1, b'error: {"code": 500, "message": "boom"}\n\n')),
        "Hello",
        ProviderFault.SERVER_ERROR,
    ),
    "content filter": (
        HostedAnswer(done_reason="content_filter"),
        HELLO,
        ProviderFault.REJECTED,
    ),
    "401": (
        HostedAnswer(status=401, error=errors("Incorrect API key provided")),
        "",
        ProviderFault.UNAUTHORIZED,
    ),
    "403": (HostedAnswer(status=403, error=errors("forbidden")), "", ProviderFault.UNAUTHORIZED),
    "403 of a moderation": (
        HostedAnswer(status=403, error=errors("Your input was flagged")),
        "",
        ProviderFault.REJECTED,
    ),
    "402": (HostedAnswer(status=402, error=errors("credits")), "", ProviderFault.REJECTED),
    "404": (
        HostedAnswer(status=404, error=errors("The model `tiny` does not exist")),
        "",
        ProviderFault.MODEL_MISSING,
    ),
    "404 of another server": (
        HostedAnswer(status=404, error="<html>404 page not found"),
        "",
        ProviderFault.REJECTED,
    ),
    "400 for an unknown model": (
        HostedAnswer(status=400, error=errors("tiny is not a valid model ID")),
        "",
        ProviderFault.MODEL_MISSING,
    ),
    "400": (HostedAnswer(status=400, error=errors("bad")), "", ProviderFault.REJECTED),
    "prompt too long": (
        HostedAnswer(status=400, error=errors("maximum context length is 10 tokens")),
        "",
        ProviderFault.REJECTED,
    ),
    "too many tokens asked for": (
        HostedAnswer(status=400, error=errors("max_tokens is too large: 512.")),
        "",
        ProviderFault.REJECTED,
    ),
    "408": (HostedAnswer(status=408, error=errors("timed out")), "", ProviderFault.TIMEOUT),
    "429": (HostedAnswer(status=429, error=errors("slow down")), "", ProviderFault.OVERLOADED),
    "429 for want of credit": (
        HostedAnswer(status=429, error=errors("quota", code="insufficient_quota")),
        "",
        ProviderFault.REJECTED,
    ),
    "500": (HostedAnswer(status=500, error=errors("boom")), "", ProviderFault.SERVER_ERROR),
    "502": (HostedAnswer(status=502, error="<html>bad"), "", ProviderFault.SERVER_ERROR),
    "503": (HostedAnswer(status=503, error=errors("busy")), "", ProviderFault.OVERLOADED),
    "503 while loading": (
        HostedAnswer(status=503, error=errors("Loading model", type="unavailable_error")),
        "",
        ProviderFault.LOADING,
    ),
    "redirect": (
        HostedAnswer(status=302, error="<html>", headers={"Location": "http://127.0.0.1:9/"}),
        "",
        ProviderFault.REJECTED,
    ),
}


@pytest.mark.parametrize("name", TABLE)
async def test_fault_becomes_what_the_table_says(name: str) -> None:
    answer, content, outcome = TABLE[name]
    server = FakeOpenAi(default=answer)
    async with opened(server) as model:
        heard = await hear(model)
        if isinstance(outcome, ProviderFault):
            assert heard.failed.fault is outcome, heard.failed.detail
            assert heard.failed.user_message.endswith(".")
            assert not unsafe(heard.failed)
        else:
            assert heard.fault is None
            assert heard.ended.finish == outcome
        assert heard.text == content
        assert "secret" not in heard.text
        server.default = HostedAnswer()
        assert (await hear(model)).text == HELLO
    assert len(server.chats) == 2, "nothing is tried twice"


async def test_a_server_that_hangs_after_its_finish_costs_only_the_usage() -> None:
    settings = LlmSettings(stall_timeout_seconds=0.2)
    server = FakeOpenAi(default=HostedAnswer(hang_after_finish=True))
    async with opened(server, settings=settings) as model:
        heard = await hear(model)
    assert (heard.text, heard.error) == (HELLO, None)
    assert heard.ended.finish == "stop"


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("openrouter", "OPENROUTER_API_KEY"),
        ("requesty", "REQUESTY_API_KEY"),
        ("vllm", "ACORE_VLLM__API_KEY"),
        ("llamacpp", "ACORE_LLAMACPP__API_KEY"),
    ],
)
async def test_a_wrong_key_names_the_variable_to_set(provider: str, said: str) -> None:
    async with (
        FakeOpenAi(key="another").running() as server,
        connected(server.url, provider=provider) as connection,
    ):
        model = model_at(connection)
        with pytest.raises(ProviderError) as caught:
            await model.open()
        health = await model.probe()
    assert caught.value.fault is ProviderFault.UNAUTHORIZED
    assert said in caught.value.user_message
    assert not health.ok
    assert not unsafe(caught.value)


async def test_a_key_that_cannot_be_sent_is_never_shown() -> None:
    async with connected("http://127.0.0.1:9/v1", key=f"{KEY}\nplanted") as connection:
        with pytest.raises(ProviderError) as caught:
            await model_at(connection).open()
    assert caught.value.fault is ProviderFault.UNAUTHORIZED
    assert not unsafe(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        (
            {
                "Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT",
                "Date": "Sat, 21 Nov 2026 12:00:00 GMT",
            },
            30,
        ),
    ],
)
async def test_overload_says_when_to_come_back(
    headers: dict[str, str], seconds: float | None
) -> None:
    answer = HostedAnswer(status=429, error="slow down", headers=headers)
    async with opened(FakeOpenAi(default=answer)) as model:
        heard = await hear(model)
    assert heard.failed.retry_after == seconds


async def asked(
    server: FakeOpenAi, request: ChatRequest, *, provider: str = "openai"
) -> tuple[Heard, Heard]:
    """Ask twice, so that what was learnt the first time shows."""
    async with opened(server, provider=provider, settings=LlmSettings()) as model:
        return await hear(model, request), await hear(model, request)


async def test_the_other_name_of_the_limit_is_learnt() -> None:
    server = FakeOpenAi(default=HostedAnswer(refuses=("max_tokens",)))
    first, second = await asked(server, asking(sampling=Sampling(max_tokens=9)))
    assert (first.text, second.text) == (HELLO, HELLO)
    assert sent(server, "max_tokens") == [9, None, None]
    assert sent(server, "max_completion_tokens") == [None, 9, 9]


@pytest.mark.parametrize("name", ["temperature", "top_p", "seed", "stop", "stream_options"])
async def test_a_refused_parameter_is_left_out_from_then_on(name: str) -> None:
    server = FakeOpenAi(default=HostedAnswer(refuses=(name,)))
    sampling = Sampling(temperature=0.5, top_p=0.9, seed=1, stop=("x",))
    first, second = await asked(server, asking(sampling=sampling))
    assert (first.text, second.text) == (HELLO, HELLO)
    assert [value is not None for value in sent(server, name)] == [True, False, False]


async def test_a_refused_schema_is_left_out_from_then_on() -> None:
    server = FakeOpenAi(default=HostedAnswer(refuses=("response_format",)))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    first, second = await asked(server, asking(schema=schema))
    assert (first.text, second.text) == (HELLO, HELLO)
    tried, *later = sent(server, "response_format")
    assert tried == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert later == [None, None]


@pytest.mark.parametrize(
    ("provider", "think", "expected"),
    [
        ("openai", False, {"reasoning_effort": "none"}),
        ("requesty", False, {"reasoning_effort": "none"}),
        ("openrouter", False, {"reasoning": {"enabled": False}}),
        ("vllm", False, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("llamacpp", False, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("vllm", True, {"chat_template_kwargs": {"enable_thinking": True}}),
        ("vllm", None, {}),
    ],
)
async def test_reasoning_is_switched_in_the_endpoints_own_words(
    provider: str, think: bool | None, expected: dict[str, object]
) -> None:
    server = FakeOpenAi()
    async with opened(server, provider=provider) as model:
        await hear(model, asking(think=think))
    names = ("reasoning_effort", "reasoning", "chat_template_kwargs")
    assert {name: server.chats[0].body[name] for name in names if name in server.chats[0].body} == (
        expected
    )


async def test_refused_reasoning_words_are_tried_in_turn_and_then_left_out() -> None:
    server = FakeOpenAi(default=HostedAnswer(refuses=("reasoning_effort",)))
    first, second = await asked(server, asking(think=False))
    assert (first.text, second.text) == (HELLO, HELLO)
    assert sent(server, "reasoning_effort") == ["none", "minimal", None, None]


@pytest.mark.parametrize(
    ("provider", "penalty"),
    [
        ("openai", None),
        ("requesty", None),
        ("openrouter", "repetition_penalty"),
        ("vllm", "repetition_penalty"),
        ("llamacpp", "repeat_penalty"),
    ],
)
async def test_sampling_goes_only_to_those_that_take_it(provider: str, penalty: str | None) -> None:
    server = FakeOpenAi()
    sampling = Sampling(
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        min_p=0.1,
        repeat_penalty=1.1,
        seed=3,
        stop=("\n",),
    )
    async with opened(server, provider=provider) as model:
        await hear(model, asking(sampling=sampling))
        await hear(model, asking(sampling=Sampling(max_tokens=9)))
    common = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["\n"]}
    more = {"top_k": 40, "min_p": 0.1, penalty: 1.1} if penalty else {}
    always = {"model", "messages", "stream", "stream_options"}
    body = server.chats[0].body
    assert {name: body[name] for name in body.keys() - always} == common | more
    assert server.chats[1].body.keys() - always == {"max_tokens"}


async def test_native_tools_go_out_whole_and_come_back_as_calls() -> None:
    server = FakeOpenAi(default=HostedAnswer(pieces=(), tool_calls=(("search", {"q": "x"}),)))
    earlier = ToolCall(id="call_0", name="search", arguments={"q": "ü"})
    messages = (
        saying(PromptRole.USER, SAID),
        PromptMessage(role=PromptRole.ASSISTANT, content="", source="test", tool_calls=(earlier,)),
        PromptMessage(
            role=PromptRole.TOOL,
            content="found",
            source="test",
            tool_name="search",
            tool_call_id="call_0",
        ),
    )
    async with opened(server) as model:
        heard = await hear(model, asking(messages=messages, tools=(SEARCH,)))
    assert heard.calls == [ToolCall(id="server_0", name="search", arguments={"q": "x"})]
    assert heard.ended.finish == "tool_calls"
    body = server.chats[0].body
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "search",
                "description": "Finds pages.",
                "parameters": SEARCH.parameters,
            },
        }
    ]
    function = {"name": "search", "arguments": '{"q": "ü"}'}
    assert cast("list[object]", body["messages"])[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_0", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "found", "tool_call_id": "call_0"},
    ]


async def test_calls_with_the_same_id_are_told_apart() -> None:
    piece = {"id": "x", "function": {"name": "search", "arguments": "{}"}}
    pieces = ({"index": 0, **piece}, {"index": 1, **piece})
    async with opened(FakeOpenAi(default=HostedAnswer(call_pieces=pieces))) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert len({call.id for call in heard.calls}) == 2


async def test_malformed_call_is_malformed() -> None:
    answer = HostedAnswer(tool_calls=(("search", "q=1"),))
    async with opened(FakeOpenAi(default=answer)) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert heard.failed.fault is ProviderFault.MALFORMED


async def test_call_cut_off_for_length_is_not_made() -> None:
    pieces = ({"index": 0, "id": "x", "function": {"name": "search", "arguments": '{"q": "x'}},)
    answer = HostedAnswer(call_pieces=pieces, done_reason="length")
    async with opened(FakeOpenAi(default=answer)) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert (heard.calls, heard.error) == ([], None)
    assert heard.ended.finish == "length"


async def test_a_long_call_is_no_late_first_token() -> None:
    arguments = json.dumps({"q": "x" * 12})
    pieces = [{"index": 0, "id": "x", "function": {"name": "search", "arguments": ""}}]
    pieces += [{"index": 0, "function": {"arguments": each}} for each in arguments]
    answer = HostedAnswer(pieces=(), call_pieces=pieces, write_bytes=200, packet_delay=0.02)
    settings = LlmSettings(first_token_timeout_seconds=0.2, stall_timeout_seconds=0.2)
    async with opened(FakeOpenAi(default=answer), settings=settings) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert heard.fault is None
    assert [call.arguments for call in heard.calls] == [{"q": "x" * 12}]
    assert heard.ended.usage.seconds > 0.3


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors("tiny does not support tools")),
        (400, errors('"auto" tool choice requires --enable-auto-tool-choice')),
        (404, errors("No endpoints found that support tool use.", code=404)),
        (500, errors("tools param requires --jinja flag", code=500)),
    ],
)
async def test_refused_tools_are_remembered_and_told_in_text(status: int, error: str) -> None:
    written = '<tool_call>{"name": "search", "arguments": {"q": "x"}}</tool_call>'
    server = FakeOpenAi(default=HostedAnswer(pieces=tuple(written)))
    server.answers.append(HostedAnswer(status=status, error=error))
    first, second = await asked(server, asking(tools=(SEARCH,)))
    for heard in (first, second):
        assert (heard.text, [call.arguments for call in heard.calls]) == ("", [{"q": "x"}])
    assert ["tools" in chat.body for chat in server.chats] == [True, False, False]
    system = cast("list[dict[str, str]]", server.chats[1].body["messages"])[0]
    assert system["role"] == "system"
    assert "search(q?: string): Finds pages." in system["content"]


async def test_pictures_go_out_as_data_and_not_again_once_refused() -> None:
    server = FakeOpenAi()
    async with opened(server) as model:
        await hear(model, asking(messages=(PICTURE,)))
        server.answers.append(
            HostedAnswer(status=400, error=errors("image_url is not supported by this model"))
        )
        heard = await hear(model, asking(messages=(PICTURE,)))
        assert heard.text == HELLO
        assert not model.info.vision
    contents = [
        cast("list[dict[str, object]]", chat.body["messages"])[0]["content"]
        for chat in server.chats
    ]
    assert contents[0] == [
        {"type": "text", "text": "?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9h4"}},
    ]
    assert contents[2] == f"?\n{UNSEEN}"


async def test_usage_is_the_servers() -> None:
    answer = HostedAnswer(prompt_tokens=2000, cached_tokens=1500, delay_first=0.05)
    async with opened(FakeOpenAi(default=answer)) as model:
        heard = await hear(model)
    usage = heard.ended.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (2000, 1500, 3)
    assert usage.first_token_seconds is not None
    assert 0.04 < usage.first_token_seconds <= usage.seconds < 5


async def test_prefill_asks_nobody() -> None:
    server = FakeOpenAi()
    async with opened(server) as model:
        request = asking(prefill=True, priority=Priority.PREFILL)
        assert [event.kind for event in (await hear(model, request)).events] == ["ended"]
    assert not server.chats


@pytest.mark.parametrize("before_first", [True, False])
async def test_closing_disconnects_at_once(before_first: bool) -> None:
    loop = asyncio.get_running_loop()
    server = FakeOpenAi(default=HostedAnswer(stall_after=0 if before_first else 1))
    async with opened(server, settings=LlmSettings()) as model:
        async with asyncio.TaskGroup() as group:
            heard = asyncio.Event()

            async def listen() -> None:
                async with aclosing(model.stream(asking())) as events:
                    async for _ in events:
                        heard.set()

            task = group.create_task(listen())
            await (server.busy if before_first else heard).wait()
            stopped = loop.time()
            task.cancel()
        async with asyncio.timeout(1):
            await server.left.wait()
    assert server.disconnects[0] - stopped < 0.05


async def test_breaking_out_of_an_answer_leaves_no_task_behind() -> None:
    server = FakeOpenAi(default=HostedAnswer(pieces=("x",), endless=True, delay_each=0.001))
    async with opened(server, settings=LlmSettings()) as model:
        async with aclosing(model.stream(asking())) as events:
            async for _ in events:
                break
        async with asyncio.timeout(1):
            await server.left.wait()
        await asyncio.sleep(0.05)
        mine = {task for task in asyncio.all_tasks() if "aiohttp" not in repr(task)}
        assert mine == {asyncio.current_task()}


async def test_conversation_takes_the_server_from_background_work() -> None:
    server = FakeOpenAi()
    server.answers.append(HostedAnswer(stall_after=0))
    async with opened(server, settings=LlmSettings()) as model:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hear(model, asking(priority=Priority.BACKGROUND)))
            await server.busy.wait()
            heard = await hear(model)
        assert heard.text == HELLO
        assert isinstance(task.result().error, Preempted)
        assert server.disconnects


async def test_lane_limits_what_the_server_sees_at_once() -> None:
    server = FakeOpenAi(default=HostedAnswer(delay_each=0.01))
    async with opened(server, lane=ProviderLane(2)) as model, asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(hear(model))
    assert server.most_active == 2


async def test_connections_are_used_again() -> None:
    server = FakeOpenAi()
    async with opened(server) as model:
        for _ in range(3):
            await hear(model)
    assert server.connections == 1


async def test_a_kept_connection_that_the_server_has_closed_costs_nothing() -> None:
    server = FakeOpenAi()
    server.answers.extend([HostedAnswer(), HostedAnswer(dropped=True)])
    async with opened(server, settings=LlmSettings()) as model:
        for _ in range(2):
            assert (await hear(model)).text == HELLO
    assert len(server.chats) == 3


async def test_a_new_connection_that_is_dropped_is_not_tried_again() -> None:
    server = FakeOpenAi(default=HostedAnswer(dropped=True))
    async with server.running(), connected(server.url) as connection:
        model = model_at(connection)
        await model.open()
        await connection.aclose()
        heard = await hear(model)
    assert heard.failed.fault is ProviderFault.BROKEN_STREAM
    assert len(server.chats) == 1


def unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://user:planted@127.0.0.1:{port}/v1", "does not answer"),
        ("http://no-such-host.invalid/v1", "is not a known host name"),
        ("http://127.0.0.1:notaport/v1", "is not an address"),
        ("ftp://127.0.0.1:1/v1", "is not an address"),
        ("127.0.0.1:8000", "is not an address"),
        ("", "is not an address"),
    ],
)
async def test_address_that_leads_nowhere_is_unreachable_and_says_why(
    address: str, said: str
) -> None:
    async with connected(address.format(port=unused_port()), provider="vllm") as connection:
        with pytest.raises(ProviderError) as caught:
            await model_at(connection).open()
    assert caught.value.fault is ProviderFault.UNREACHABLE
    assert said in caught.value.user_message
    assert "ACORE_VLLM__BASE_URL" in caught.value.user_message
    assert not unsafe(caught.value)


@pytest.mark.parametrize(
    ("provider", "entry", "props", "expected"),
    [
        ("openai", {}, None, (4096, True, True, True)),
        ("vllm", {"max_model_len": 2048}, None, (2048, True, True, True)),
        ("vllm", {"max_model_len": 99_999}, None, (4096, True, True, True)),
        ("llamacpp", {"meta": {"n_ctx_train": 3000}}, None, (3000, True, True, True)),
        (
            "llamacpp",
            {"meta": {"n_ctx_train": 3000}},
            {"default_generation_settings": {"n_ctx": 1024}, "modalities": {"vision": False}},
            (1024, True, False, True),
        ),
        (
            "openrouter",
            {
                "context_length": 3500,
                "top_provider": {"context_length": 3000},
                "supported_parameters": ["tools", "temperature"],
                "architecture": {"input_modalities": ["text"]},
            },
            None,
            (3000, True, False, False),
        ),
        (
            "openrouter",
            {
                "supported_parameters": ["reasoning"],
                "architecture": {"input_modalities": ["text", "image"]},
            },
            None,
            (4096, False, True, True),
        ),
    ],
)
async def test_what_the_server_tells_of_a_model_is_used(
    provider: str,
    entry: dict[str, object],
    props: dict[str, object] | None,
    expected: tuple[int, bool, bool, bool],
) -> None:
    async with opened(FakeOpenAi(models={"tiny": entry}, props=props), provider=provider) as model:
        info = model.info
    assert (info.context_tokens, info.tools, info.vision, info.thinking) == expected
    assert info.provider == provider


async def test_a_server_without_a_list_works_when_a_model_is_named() -> None:
    server = FakeOpenAi(models=None)
    async with opened(server, "mine") as model:
        assert (await hear(model)).text == HELLO
    assert sent(server, "model") == ["mine"]
    async with server.running(), connected(server.url) as connection:
        with pytest.raises(ProviderError) as caught:
            await model_at(connection, None).open()
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "ACORE_OPENAI__MODEL" in caught.value.user_message


@pytest.mark.parametrize(
    ("provider", "name", "models", "expected"),
    [
        ("vllm", None, ("a", "b"), "a"),
        ("openrouter", None, ("a", "b"), None),
        ("openrouter", None, ("a",), "a"),
        ("openrouter", "a:nitro", ("a", "b"), "a:nitro"),
        ("openrouter", "@preset/x", ("a",), "@preset/x"),
        ("openrouter", "c", ("a", "b"), None),
        ("vllm", "a:b", ("a",), None),
        ("llamacpp", "anything", ("/models/a.gguf",), "anything"),
        ("vllm", None, (), None),
    ],
)
async def test_the_model_that_is_meant_is_taken(
    provider: str, name: str | None, models: tuple[str, ...], expected: str | None
) -> None:
    server = FakeOpenAi(models={each: {} for each in models})
    if expected is not None:
        async with opened(server, name, provider=provider) as model:
            assert model.info.name == expected
            return
    async with server.running(), connected(server.url, provider=provider) as connection:
        with pytest.raises(ProviderError) as caught:
            await model_at(connection, name).open()
    assert caught.value.fault is ProviderFault.MODEL_MISSING


async def test_a_model_that_is_still_loading_can_be_opened_later() -> None:
    server = FakeOpenAi(
        models_answer=HostedAnswer(status=503, error=errors("Loading model", code=503))
    )
    async with server.running(), connected(server.url, provider="llamacpp") as connection:
        model = model_at(connection)
        with pytest.raises(ProviderError) as caught:
            await model.open()
        assert caught.value.fault is ProviderFault.LOADING
        server.models_answer = None
        assert (await model.open()).name == "tiny"
        assert (await model.probe()).ok


async def test_nothing_of_the_environment_or_the_machine_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "sk-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Environment: yes")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = FakeOpenAi()
    async with server.running(), connected(server.url, provider="vllm", key=None) as connection:
        model = model_at(connection)
        await model.open()
        assert (await hear(model)).text == HELLO
    known = {"accept", "accept-encoding", "connection", "content-length", "content-type", "host"}
    for request in server.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers.pop("user-agent") == "acore"
        assert headers.keys() <= known


async def test_the_key_is_sent_where_there_is_one() -> None:
    async with opened(FakeOpenAi(key=KEY)) as model:
        assert (await hear(model)).text == HELLO
