"""Every way an Ollama server can fail, and what is made of it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager
from typing import cast

import pytest

from services.domain.calls import ToolCall
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import (
    Priority,
    PromptMessage,
    PromptRole,
    Sampling,
)
from services.llm.ollama import OllamaModel
from services.llm.priority import Preempted, ProviderLane
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.settings import LlmSettings
from tests.fakes.heard import hear
from tests.fakes.model_requests import HELLO, QUICK, SAID, SEARCH, asking, saying
from tests.fakes.ollama_server import Answer, FakeOllama, Model


def model_on(
    host: str, name: str | None = "tiny", *, settings: LlmSettings = QUICK, **options
) -> OllamaModel:
    options = {"num_ctx": 4096, "clock": SystemClock(), "lane": ProviderLane(1), **options}
    return OllamaModel(name, host=host, settings=settings, **options)


@asynccontextmanager
async def opened(server: FakeOllama, name: str | None = "tiny", **options):
    async with server.running():
        model = model_on(server.url, name, **options)
        try:
            await model.open()
            yield model
        finally:
            await model.aclose()


def messages_of(server: FakeOllama) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", server.chats[0].body["messages"])


SPLIT = "naïve 漢字 🙂 <think>secret</think> done"
TABLE: dict[str, tuple[Answer, str, ProviderFault | str]] = {
    "length": (Answer(done_reason="length"), HELLO, "length"),
    "empty answer of full length": (Answer(pieces=(), done_reason="length"), "", "length"),
    "thinking field": (Answer(thinking=("hm", "m")), HELLO, "stop"),
    "unclosed think": (Answer(pieces=("Hi <think>", "secret")), "Hi ", "stop"),
    "cut with a tag held back": (
        Answer(pieces=("a <", "x"), cut_after=1),
        "a <",
        ProviderFault.BROKEN_STREAM,
    ),
    "line of the wrong shape": (Answer(raw_after=(1, b"[1]\n")), "Hello", ProviderFault.MALFORMED),
    "message of the wrong shape": (
        Answer(raw_after=(1, b'{"message": {"content": 5}}\n')),
        "Hello",
        ProviderFault.MALFORMED,
    ),
    "404 of another server": (
        Answer(status=404, error="<html>404 page not found"),
        "",
        ProviderFault.REJECTED,
    ),
    "502": (Answer(status=502, error="<html>bad gateway"), "", ProviderFault.SERVER_ERROR),
    "503 while loading": (
        Answer(status=503, error="llm server loading model"),
        "",
        ProviderFault.LOADING,
    ),
    "403": (Answer(status=403, error="forbidden"), "", ProviderFault.UNAUTHORIZED),
    "503": (Answer(status=503, error="server busy"), "", ProviderFault.OVERLOADED),
    "cannot chat": (
        Answer(status=400, error='"tiny" does not support chat'),
        "",
        ProviderFault.UNSUPPORTED,
    ),
}


@pytest.mark.parametrize("name", TABLE)
async def test_fault_becomes_what_the_table_says(name: str) -> None:
    answer, content, outcome = TABLE[name]
    server = FakeOllama(default=answer, models={"tiny": Model(running=True)})
    async with opened(server) as model:
        heard = await hear(model)
        if isinstance(outcome, ProviderFault):
            assert heard.failed.fault is outcome
            assert heard.failed.user_message.endswith(".")
        else:
            assert heard.fault is None
            assert heard.ended.finish == outcome
        assert heard.text == content
        assert "secret" not in heard.text
        server.default = Answer()
        assert (await hear(model)).text == HELLO


async def test_every_call_sends_the_same_context_size_and_its_options() -> None:
    server = FakeOllama()
    sampling = Sampling(max_tokens=9, temperature=0.5, min_p=0.1, seed=3, stop=("\n",))
    async with opened(server, settings=LlmSettings(keep_alive="5m")) as model:
        await hear(model, asking(sampling=sampling, think=True))
        await hear(model, asking(schema={"type": "object"}))
        await hear(model, asking(prefill=True, priority=Priority.PREFILL))
        await hear(model, asking(priority=Priority.BACKGROUND))
    first, second, third, fourth = server.chats
    assert first.body["options"] == {
        "num_ctx": 4096,
        "num_predict": 9,
        "temperature": 0.5,
        "min_p": 0.1,
        "seed": 3,
        "stop": ["\n"],
    }
    assert first.body["keep_alive"] == "5m"
    assert "think" not in first.body, "the model has no such switch"
    assert second.body["format"] == {"type": "object"}
    assert {chat.body["options"]["num_ctx"] for chat in server.chats} == {4096}  # type: ignore[index]
    assert third.body["options"]["num_predict"] == 1  # type: ignore[index]
    assert third.headers["X-Acore-Prefill"] == "1"
    assert fourth.headers["X-Acore-Priority"] == "background"
    assert "X-Acore-Prefill" not in first.headers
    assert "X-Acore-Priority" not in first.headers


async def test_prefill_shows_nothing_whatever_the_server_says() -> None:
    async with (
        opened(FakeOllama(default=Answer(thinking=("hm",)))) as model,
        aclosing(model.stream(asking(prefill=True))) as events,
    ):
        assert [event.kind async for event in events] == ["ended"]


async def test_thinking_is_switched_only_where_it_exists() -> None:
    server = FakeOllama(models={"tiny": Model(capabilities=("completion", "thinking"))})
    async with opened(server) as model:
        assert model.info.thinking
        await hear(model, asking(think=False))
        await hear(model)
    assert server.chats[0].body["think"] is False
    assert "think" not in server.chats[1].body


async def test_native_tools_go_out_whole_and_come_back_as_calls() -> None:
    server = FakeOllama(default=Answer(pieces=(), tool_calls=(("search", {"q": "x"}),)))
    earlier = ToolCall(id="call_0", name="search", arguments={"q": "y"})
    messages = (
        saying(PromptRole.USER, SAID),
        PromptMessage(role=PromptRole.ASSISTANT, content="", source="test", tool_calls=(earlier,)),
        PromptMessage(role=PromptRole.TOOL, content="found", source="test", tool_name="search"),
    )
    async with opened(server) as model:
        heard = await hear(model, asking(messages=messages, tools=(SEARCH,)))
    assert [(call.name, call.arguments) for call in heard.calls] == [("search", {"q": "x"})]
    assert heard.ended.finish == "tool_calls"
    body = server.chats[0].body
    assert body["tools"][0]["function"]["parameters"] == SEARCH.parameters  # type: ignore[index]
    assert body["messages"][1]["tool_calls"] == [  # type: ignore[index]
        {"function": {"name": "search", "arguments": {"q": "y"}}}
    ]
    assert body["messages"][2] == {"role": "tool", "content": "found", "tool_name": "search"}  # type: ignore[index]


async def test_malformed_native_call_is_malformed() -> None:
    async with opened(FakeOllama(default=Answer(tool_calls=(("search", "q=1"),)))) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert heard.failed.fault is ProviderFault.MALFORMED


async def test_model_without_native_tools_is_told_in_text() -> None:
    written = '<tool_call>{"name": "search", "arguments": {"q": "x"}}</tool_call>'
    server = FakeOllama(
        models={"tiny": Model(capabilities=("completion",))},
        default=Answer(pieces=tuple(written)),
    )
    call = ToolCall(id="call_0", name="search", arguments={"q": "y"})
    messages = (
        PromptMessage(role=PromptRole.SYSTEM, content="Be kind.", source="test"),
        saying(PromptRole.USER, SAID),
        PromptMessage(role=PromptRole.ASSISTANT, content="", source="test", tool_calls=(call,)),
        PromptMessage(role=PromptRole.TOOL, content="found", source="test", tool_name="search"),
    )
    async with opened(server) as model:
        heard = await hear(model, asking(messages=messages, tools=(SEARCH,)))
    assert (heard.text, [call.arguments for call in heard.calls]) == ("", [{"q": "x"}])
    body = server.chats[0].body
    assert "tools" not in body
    system, _, assistant, result = messages_of(server)
    assert system["content"].startswith("Be kind.\n\nTools:\n")
    assert "search(q?: string): Finds pages." in system["content"]
    assert '"name": "search"' in assistant["content"]
    assert result["role"] == "user"
    assert "found" in result["content"]


async def test_half_a_call_at_the_longest_answer_is_not_made() -> None:
    half = 'CALL: {"name": "search", "arguments": {"q": "all that I wanted to'
    server = FakeOllama(
        models={"tiny": Model(capabilities=("completion",))},
        default=Answer(pieces=tuple(half), done_reason="length"),
    )
    async with opened(server) as model:
        heard = await hear(model, asking(tools=(SEARCH,)))
    assert (heard.text, list(heard.calls)) == ("", [])
    assert heard.ended.finish == "length"


async def test_refused_tools_are_remembered_and_told_in_text() -> None:
    server = FakeOllama()
    server.answers.append(Answer(status=400, error="tiny does not support tools"))
    async with opened(server) as model:
        assert model.info.tools
        assert (await hear(model, asking(tools=(SEARCH,)))).text == HELLO
        assert not model.info.tools
        await hear(model, asking(tools=(SEARCH,)))
    assert ["tools" in chat.body for chat in server.chats] == [True, False, False]


async def test_pictures_go_only_to_models_that_see() -> None:
    picture = PromptMessage(role=PromptRole.USER, content="?", source="test", images=(b"png",))
    seeing = FakeOllama(models={"tiny": Model(capabilities=("completion", "vision"))})
    for server, expected in ((seeing, ["cG5n"]), (FakeOllama(), None)):
        async with opened(server) as model:
            await hear(model, asking(messages=(picture,)))
        assert server.chats[0].body["messages"][0].get("images") == expected  # type: ignore[index]


async def test_thought_begun_by_the_template_never_leaks() -> None:
    server = FakeOllama(
        models={"tiny": Model(capabilities=("completion",), template="<|assistant|><think>\n")},
        default=Answer(pieces=("sec", "ret</th", "ink>", "\n\nHi")),
    )
    async with opened(server) as model:
        heard = await hear(model)
    assert (heard.text, heard.reasoning) == ("Hi", "secret")


async def test_usage_is_the_servers_and_calibrates_the_estimate() -> None:
    tokens = CalibratedTokens(EstimatedTokens())
    long = PromptMessage(role=PromptRole.USER, content="word " * 1000, source="test")
    server = FakeOllama(default=Answer(prompt_tokens=2000, cached_tokens=1500, delay_first=0.05))
    async with opened(server, tokens=tokens) as model:
        heard = await hear(model, asking(messages=(long,)))
    usage = heard.ended.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (2000, 1500, 3)
    assert usage.first_token_seconds is not None
    assert 0.04 < usage.first_token_seconds <= usage.seconds < 5
    assert tokens.factor > 1.2


@pytest.mark.parametrize("before_first", [True, False])
async def test_closing_disconnects_at_once(before_first: bool) -> None:
    loop = asyncio.get_running_loop()
    server = FakeOllama(default=Answer(stall_after=0 if before_first else 1))
    async with opened(server, settings=LlmSettings()) as model:
        async with asyncio.TaskGroup() as group:
            heard = asyncio.Event()

            async def listen() -> None:
                async with aclosing(model.stream(asking())) as events:
                    async for _ in events:
                        heard.set()

            task = group.create_task(listen())
            if before_first:
                await server.busy.wait()
            else:
                await heard.wait()
            asked = loop.time()
            task.cancel()
        async with asyncio.timeout(1):
            await server.left.wait()
    assert server.disconnects[0] - asked < 0.05


async def test_conversation_takes_the_server_from_a_prefill() -> None:
    server = FakeOllama()
    server.answers.append(Answer(stall_after=0))
    async with opened(server, settings=LlmSettings()) as model:
        async with asyncio.TaskGroup() as group:
            prefill = asking(prefill=True, priority=Priority.PREFILL)
            task = group.create_task(hear(model, prefill))
            await server.busy.wait()
            heard = await hear(model)
        assert heard.text == HELLO
        assert isinstance(task.result().error, Preempted)
        assert server.disconnects


async def test_lane_limits_what_the_server_sees_at_once() -> None:
    server = FakeOllama(default=Answer(delay_each=0.01))
    async with opened(server, lane=ProviderLane(2)) as model, asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(hear(model))
    assert server.most_active == 2


async def test_context_is_no_larger_than_the_model_was_trained_for() -> None:
    async with opened(FakeOllama(models={"tiny": Model(context_length=2048)})) as model:
        assert model.info.context_tokens == 2048
        assert model.info.parameters == "1B"
    async with opened(FakeOllama(models={"tiny": Model(context_length=None)})) as model:
        assert model.info.context_tokens == 4096


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ({"a": Model(), "b": Model(running=True)}, "b"),
        ({"a": Model(), "b": Model()}, "a"),
        ({"embed": Model(capabilities=("embedding",), running=True), "b": Model()}, "b"),
        ({"old": Model(capabilities=None)}, "old"),
    ],
)
async def test_without_a_name_a_chat_model_is_picked(
    models: dict[str, Model], expected: str
) -> None:
    async with opened(FakeOllama(models=models), None) as model:
        assert model.info.name == expected


async def test_nothing_to_pick_names_the_command_that_helps() -> None:
    async with FakeOllama(models={}).running() as server:
        model = model_on(server.url, None)
        with pytest.raises(ProviderError) as caught:
            await model.open()
        await model.aclose()
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "ollama pull" in caught.value.user_message


async def test_unknown_model_names_the_command_that_helps_and_can_be_tried_again() -> None:
    async with FakeOllama().running() as server:
        model = model_on(server.url, "llama")
        with pytest.raises(ProviderError) as caught:
            await model.open()
        assert caught.value.fault is ProviderFault.MODEL_MISSING
        assert "main.py model pull llama" in caught.value.user_message
        assert not (await model.probe()).ok
        server.models["llama"] = Model()
        assert (await model.open()).name == "llama"
        assert (await model.probe()).ok
        await model.aclose()


@pytest.mark.parametrize("scheme", ["http://", "", "http://user:pass@"])
async def test_refused_connection_names_the_host_and_no_password(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        model = model_on(scheme + host)
        with pytest.raises(ProviderError) as caught:
            await model.open()
        await model.aclose()
    assert caught.value.fault is ProviderFault.UNREACHABLE
    assert host in caught.value.user_message
    assert "pass" not in caught.value.user_message
    assert "OLLAMA_HOST" in caught.value.user_message


@pytest.mark.parametrize("host", ["http://127.0.0.1:notaport", "http://", "ftp://127.0.0.1:1"])
async def test_nonsense_address_is_unreachable(host: str) -> None:
    model = model_on(host)
    with pytest.raises(ProviderError) as caught:
        await model.open()
    await model.aclose()
    assert caught.value.fault is ProviderFault.UNREACHABLE


async def test_server_that_moves_is_followed() -> None:
    first, second = FakeOllama(), FakeOllama()
    async with first.running(), second.running():
        address = first.url

        async def start() -> str:
            return address

        model = OllamaModel(
            "tiny",
            host=start,
            settings=QUICK,
            num_ctx=4096,
            clock=SystemClock(),
            lane=ProviderLane(1),
        )
        await model.open()
        address = second.url
        assert (await hear(model)).text == HELLO
        await model.aclose()
    assert len(second.chats) == 1


async def test_proxy_settings_do_not_come_between_this_machine_and_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with opened(FakeOllama()) as model:
        assert (await hear(model)).text == HELLO


async def test_connections_are_used_again() -> None:
    server = FakeOllama()
    async with opened(server) as model:
        for _ in range(3):
            await hear(model)
    assert server.connections == 1
