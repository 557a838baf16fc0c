"""The built-in model server with a real small model, the official client and real signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import ollama
import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded import supervisor
from services.llm.embedded.catalog import SMALL
from services.llm.embedded.supervisor import EmbeddedServer
from services.net.wheels import installed_models
from services.settings import EmbeddedSettings
from tests.unit.llm.embedded.gguf_files import gguf, write_model

MODEL = installed_models() / SMALL.file_name
NAME = MODEL.stem

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(40),
    pytest.mark.skipif(not MODEL.exists(), reason="the small model is not installed"),
]

PERSONA = "You are Mira, a gardener. " + "You love the rain and you answer in one sentence. " * 12
OTHER = "You sum up talks. " + "You write three words and never more than that. " * 12


class Notices:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, code: str, text: str) -> None:
        self.heard.append((code, text))

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.heard]


def server(
    data: Path, notices: Notices | None = None, *, model: Path = MODEL, num_ctx: int = 2048
) -> EmbeddedServer:
    settings = EmbeddedSettings(model=str(model), num_ctx=num_ctx, prefixes=data / "prefixes")
    return EmbeddedServer(settings, data=data, on_notice=notices or Notices())


@asynccontextmanager
async def running(
    data: Path, notices: Notices | None = None, *, num_ctx: int = 2048
) -> AsyncIterator[EmbeddedServer]:
    embedded = server(data, notices, num_ctx=num_ctx)
    await embedded.start()
    try:
        yield embedded
    finally:
        await embedded.aclose()


@asynccontextmanager
async def client(embedded: EmbeddedServer) -> AsyncIterator[ollama.AsyncClient]:
    ask = ollama.AsyncClient(host=embedded.base_url)
    try:
        yield ask
    finally:
        await ask._client.aclose()


async def chat(embedded: EmbeddedServer, *texts: str, **headers: str) -> dict[str, int]:
    """Ask for three tokens after a system prompt and perhaps a user's words."""
    roles = ("system", "user")
    body = {
        "model": NAME,
        "messages": [{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)],
        "options": {"num_predict": 3, "temperature": 0},
        "stream": False,
    }
    renamed = {key.replace("_", "-"): value for key, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{embedded.base_url}/api/chat", json=body, headers=renamed) as response,
    ):
        answer: dict[str, int] = await response.json()
        assert response.status == 200, answer
        return answer


def children(of: int | None = None) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{of or os.getpid()}/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in found if "services.llm.embedded" in command_line(pid)]


def command_line(pid: int) -> str:
    """Return what the process runs, empty when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def eventually(condition: Callable[[], bool], *, within: float = 2.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        await asyncio.sleep(0.02)
    return condition()


def snapshots(data: Path) -> list[Path]:
    return list((data / "prefixes").iterdir())


async def test_official_client_lists_shows_and_talks(tmp_path: Path):
    async with running(tmp_path) as embedded, client(embedded) as ask:
        messages = [{"role": "user", "content": "Say hello."}]

        whole = await ask.chat(NAME, messages, options={"num_predict": 6})
        parts = [
            part
            async for part in await ask.chat(
                f"{NAME}:latest", messages, stream=True, options={"num_predict": 6, "seed": 1}
            )
        ]
        listed = await ask.list()
        shown = await ask.show(NAME)
        loaded = await ask.ps()
        generated = await ask.generate(NAME, "Once upon", options={"num_predict": 4})
        pulled = [step.status async for step in await ask.pull(NAME, stream=True)]

    assert whole.message.content
    assert whole.done_reason == "length"
    assert whole.eval_count == 6
    assert len(parts) > 2
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].prompt_eval_count == whole.prompt_eval_count
    assert [model.model for model in listed.models] == [NAME]
    assert listed.models[0].size == SMALL.size
    assert shown.capabilities == ["completion", "tools"]
    assert (shown.modelinfo or {})["llama.context_length"] == 2048
    assert [model.context_length for model in loaded.models] == [2048]
    assert generated.response
    assert pulled[-1] == "success"


async def test_answer_keeps_to_the_schema_and_tools_are_accepted(tmp_path: Path):
    schema = {
        "type": "object",
        "properties": {"join": {"type": "boolean"}},
        "required": ["join"],
    }
    roll = {
        "type": "function",
        "function": {
            "name": "roll",
            "description": "Roll a die.",
            "parameters": {"type": "object", "properties": {"sides": {"type": "integer"}}},
        },
    }
    talk: list[dict[str, object]] = [
        {"role": "user", "content": "Roll a die."},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "roll", "arguments": {"sides": 6}}}],
        },
        {"role": "tool", "tool_name": "roll", "content": "4"},
    ]
    async with running(tmp_path) as embedded, client(embedded) as ask:
        bounded = await ask.chat(
            NAME, talk[:1], format=schema, options={"num_predict": 60, "temperature": 0}
        )
        tooled = await ask.chat(NAME, talk, tools=[roll], options={"num_predict": 5}, think=False)

    assert isinstance(json.loads(bounded.message.content or "")["join"], bool)
    assert tooled.done


async def test_a_model_that_knows_no_tools_calls_one_and_keeps_to_its_schema(tmp_path: Path):
    weather = {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather.",
            "parameters": {
                "$defs": {"Unit": {"enum": ["celsius", "kelvin"]}},
                "type": "object",
                "properties": {
                    "unit": {"$ref": "#/$defs/Unit"},
                    "days": {"type": "integer", "minimum": 2, "maximum": 7, "multipleOf": 1},
                    "where": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 5}]},
                },
                "required": ["unit", "days", "where"],
            },
        },
    }
    # Shown often enough, even the smallest model begins its answer with that word, or the other.
    calling, saying = [
        [turn for _ in range(6) for turn in ({"role": "user", "content": "Weather?"}, begun)]
        + [{"role": "user", "content": "Weather?"}]
        for begun in (
            {"role": "assistant", "content": 'CALL: {"name": "weather", "arguments": {}}'},
            {"role": "assistant", "content": "SAY: It rains."},
        )
    ]
    async with running(tmp_path) as embedded:
        called = await tooled(embedded, calling, weather)  # type: ignore[arg-type]
        cut = await tooled(embedded, calling, weather, num_predict=4)  # type: ignore[arg-type]
        said = await tooled(embedded, saying, weather)  # type: ignore[arg-type]

    # Ollama's own client leaves half of a schema out, so this is the bare form.
    (call,) = called[-2]["message"]["tool_calls"]
    assert [line["message"]["content"] for line in called] == ["", ""]
    assert call["function"]["name"] == "weather"
    arguments = call["function"]["arguments"]
    assert arguments["unit"] in ("celsius", "kelvin")
    assert 2 <= arguments["days"] <= 7
    assert len(arguments["where"] or "") <= 5
    assert [line["message"] for line in cut] == [{"role": "assistant", "content": ""}]
    assert cut[-1]["done_reason"] == "length"
    assert len(said) > 3
    assert "tool_calls" not in said[-2]["message"]
    assert "".join(line["message"]["content"] for line in said).strip()
    assert said[-1]["prompt_eval_count"] > 40


async def tooled(
    embedded: EmbeddedServer,
    messages: list[dict[str, str]],
    tool: dict[str, object],
    *,
    num_predict: int = 60,
) -> list[Any]:
    body = {
        "model": NAME,
        "messages": messages,
        "tools": [tool],
        "options": {"num_predict": num_predict, "temperature": 0},
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{embedded.base_url}/api/chat", json=body) as response,
    ):
        return [json.loads(line) async for line in response.content]


async def test_mistakes_are_answered_in_ollamas_form(tmp_path: Path):
    async with running(tmp_path) as embedded, client(embedded) as ask:
        for call in (ask.show("nope"), ask.chat("nope"), ask.pull("nope")):
            with pytest.raises(ollama.ResponseError, match="'nope' not found") as caught:
                await call
            assert caught.value.status_code == 404
        with pytest.raises(
            ollama.ResponseError, match=r"30\d\d tokens and the context holds 2048"
        ) as caught:
            await ask.chat(NAME, [{"role": "user", "content": "word " * 3000}], stream=False)
        assert caught.value.status_code == 400
        with pytest.raises(ollama.ResponseError) as caught:
            await ask.embed(NAME, "words")
        assert caught.value.status_code == 501

        url = f"{embedded.base_url}/api/chat"
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data=b"{nonsense") as response:
                assert response.status == 400
                assert "invalid request" in (await response.json())["error"]
            async with session.get(f"{embedded.base_url}/api/nothing") as response:
                assert response.status == 404
                assert (await response.json())["error"]
            page = {"Origin": "https://evil.example"}
            async with session.post(url, json={"model": NAME}, headers=page) as response:
                assert response.status == 403


async def test_address_serves_before_the_model_is_loaded(tmp_path: Path):
    embedded = server(tmp_path)
    urls = set(await asyncio.gather(embedded.start(), embedded.start(), embedded.start()))
    try:
        assert urls == {embedded.base_url}
        assert (await chat(embedded, "Hi"))["load_duration"] > 0
        await embedded.ready()
        assert len(children()) == 1
    finally:
        await embedded.aclose()
    assert not children()


@asynccontextmanager
async def generating(
    embedded: EmbeddedServer, prompt: str, **headers: str
) -> AsyncIterator[aiohttp.StreamReader]:
    """Generate as long as the context allows, closing the connection at the end of the block."""
    options = {"num_predict": -1, "temperature": 0, "repeat_penalty": 1}
    body = {"model": NAME, "prompt": prompt, "raw": True, "options": options}
    url = f"{embedded.base_url}/api/generate"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        yield response.content


COUNTING = "1 2 3 4 5 6 7 8 9"
LONG = "word and " * 900


async def test_closing_the_stream_stops_the_answer(tmp_path: Path):
    """Left alone, the request keeps the only conversation slot for more than ten seconds."""
    async with running(tmp_path) as embedded:
        async with generating(embedded, COUNTING) as stream:
            for _ in range(3):
                await stream.readline()
        began = time.monotonic()
        await chat(embedded, "Hi")

        assert time.monotonic() - began < 3


@pytest.mark.parametrize("beside", [False, True])
async def test_closing_the_stream_stops_the_prompt(tmp_path: Path, *, beside: bool):
    """llama.cpp does not look for the closed connection while the other slot keeps it awake."""
    async with running(tmp_path) as embedded, AsyncExitStack() as stack:
        await embedded.ready()
        if beside:
            other = generating(embedded, COUNTING, **{"X-Acore-Priority": "background"})
            await (await stack.enter_async_context(other)).readline()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), generating(embedded, LONG) as stream:
                await stream.readline()
        began = time.monotonic()
        await chat(embedded, "Hi")

        assert time.monotonic() - began < 4


async def test_prefill_survives_a_restart_and_its_snapshot_is_a_real_cache_hit(tmp_path: Path):
    async with running(tmp_path) as embedded:
        cold = await chat(embedded, PERSONA, X_Acore_Prefill="1")
        again = await chat(embedded, PERSONA, X_Acore_Prefill="1")
    assert cold["prompt_eval_cached"] == 0
    assert again["prompt_eval_cached"] == again["prompt_eval_count"] == cold["prompt_eval_count"]
    assert len(snapshots(tmp_path)) == 1

    async with running(tmp_path) as embedded:
        warm = await chat(embedded, PERSONA, X_Acore_Prefill="1")
        first = await chat(embedded, PERSONA, "Good morning!")
    assert warm["prompt_eval_cached"] == warm["prompt_eval_count"] == cold["prompt_eval_count"]
    assert first["prompt_eval_cached"] >= cold["prompt_eval_count"] - 2
    assert first["prompt_eval_count"] > cold["prompt_eval_count"]


async def test_prefill_does_not_throw_away_the_conversation_that_is_in_the_cache(tmp_path: Path):
    async with running(tmp_path) as embedded:
        await chat(embedded, PERSONA, "Tell me of roses, and of nothing else at all, please.")
        await chat(embedded, PERSONA, X_Acore_Prefill="1")
        next_turn = await chat(
            embedded, PERSONA, "Tell me of roses, and of nothing else at all, thanks."
        )

    assert next_turn["prompt_eval_count"] - next_turn["prompt_eval_cached"] < 12


async def test_snapshot_is_used_when_another_persona_held_the_cache(tmp_path: Path):
    async with running(tmp_path) as embedded:
        await chat(embedded, PERSONA, X_Acore_Prefill="1")
        await chat(embedded, OTHER, "Something else.")
        back = await chat(embedded, PERSONA, "Good evening!")

    assert back["prompt_eval_count"] - back["prompt_eval_cached"] < 20


async def test_words_of_people_never_reach_the_disk(tmp_path: Path):
    async with running(tmp_path) as embedded:
        await chat(embedded, PERSONA, "My secret is a red door.", X_Acore_Prefill="1")

    assert not snapshots(tmp_path)


async def test_damaged_snapshot_is_replaced_and_not_believed(tmp_path: Path):
    async with running(tmp_path) as embedded:
        await chat(embedded, PERSONA, X_Acore_Prefill="1")
    (path,) = snapshots(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

    async with running(tmp_path) as embedded:
        repaired = await chat(embedded, PERSONA, X_Acore_Prefill="1")

    assert repaired["prompt_eval_cached"] == 0
    (again,) = snapshots(tmp_path)
    assert again.read_bytes() != bytes(content)


async def test_background_work_does_not_evict_the_conversation(tmp_path: Path):
    async with running(tmp_path) as embedded:
        await chat(embedded, PERSONA, "Good morning!")
        await chat(embedded, OTHER, "A long talk.", X_Acore_Priority="background")
        after = await chat(embedded, PERSONA, "Good morning, Mira!")

    assert after["prompt_eval_count"] - after["prompt_eval_cached"] < 15


async def test_each_cache_holds_the_whole_context(tmp_path: Path):
    words = "word " * 400
    async with running(tmp_path, num_ctx=512) as embedded:
        for priority in ("conversation", "background"):
            answer = await chat(embedded, words, X_Acore_Priority=priority)
            assert answer["prompt_eval_count"] > 400


async def generate_and_kill(embedded: EmbeddedServer) -> None:
    body = {"model": NAME, "prompt": "1 2 3", "raw": True, "options": {"num_predict": 500}}
    url = f"{embedded.base_url}/api/generate"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert await response.content.readline()
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        await response.read()


async def test_killed_child_is_replaced_under_the_same_address(tmp_path: Path):
    notices = Notices()
    async with running(tmp_path, notices) as embedded:
        url = embedded.base_url
        await embedded.ready()
        with pytest.raises(aiohttp.ClientPayloadError):
            await generate_and_kill(embedded)

        assert (await chat(embedded, "Hi"))["done"]
        assert embedded.base_url == url
        assert notices.heard == [
            ("embedded_restarted", "The built-in model stopped and was started again.")
        ]


async def test_server_that_keeps_dying_stays_down_and_may_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    notices = Notices()
    embedded = server(tmp_path, notices)
    command = embedded._command
    monkeypatch.setattr(embedded, "_command", lambda fd: [sys.executable, "-c", "raise SystemExit"])
    try:
        url = await embedded.start()
        with pytest.raises(ProviderError, match="five times in two minutes"):
            await embedded.ready()
        assert notices.codes == ["embedded_restarted"] * 4 + ["embedded_down"]
        async with client(embedded) as ask:
            with pytest.raises(ConnectionError):
                await ask.list()

        monkeypatch.setattr(embedded, "_command", command)
        assert await embedded.start() == url
        await embedded.ready()
    finally:
        await embedded.aclose()


async def test_load_that_hangs_is_given_up_after_the_configured_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = EmbeddedSettings(model=str(MODEL), start_timeout_seconds=0.3)
    embedded = EmbeddedServer(settings, data=tmp_path, on_notice=Notices())
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(embedded, "_command", lambda fd: sleep)
    await embedded.start()
    with pytest.raises(ProviderError, match=r"within 0\.3 seconds"):
        await embedded.ready()
    await embedded.aclose()


async def test_truncated_model_is_refused_before_anything_starts(tmp_path: Path):
    with MODEL.open("rb") as file:
        cut = write_model(tmp_path / "cut.gguf", file.read(4_000_000))
    embedded = server(tmp_path, model=cut)

    with pytest.raises(ProviderError, match="is cut off") as caught:
        await embedded.start()
    assert caught.value.fault is ProviderFault.MALFORMED
    assert not children()
    await embedded.aclose()


async def test_model_that_llama_cpp_refuses_ends_in_one_sentence(tmp_path: Path):
    strange = write_model(tmp_path / "strange.gguf", gguf(architecture="no-such-architecture"))
    notices = Notices()
    embedded = server(tmp_path, notices, model=strange)
    await embedded.start()

    with pytest.raises(ProviderError, match="could not be loaded") as caught:
        await embedded.ready()
    await embedded.aclose()

    assert str(strange) in caught.value.user_message
    assert notices.codes == ["embedded_down"]


PARENT = """
import asyncio, sys
from pathlib import Path
from services.llm.embedded.supervisor import EmbeddedServer
from services.settings import EmbeddedSettings

async def main():
    settings = EmbeddedSettings(model=sys.argv[1], num_ctx=512)
    server = EmbeddedServer(settings, data=Path(sys.argv[2]), on_notice=lambda *said: None)
    await server.start()
    await server.ready()
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_child_does_not_outlive_a_killed_parent(tmp_path: Path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(MODEL), str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    (child,) = children(parent.pid)

    parent.kill()
    await parent.wait()

    assert await eventually(lambda: not command_line(child))


def test_child_ends_when_its_input_is_closed(tmp_path: Path):
    command = [sys.executable, "-m", "services.llm.embedded", "--model", str(MODEL)]
    command += ["--prefixes", str(tmp_path / "p"), "--num-ctx", "512", "--parent", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert json.loads(child.stdout.readline())["event"] == "listening"
        assert json.loads(child.stdout.readline())["event"] == "ready"
        child.stdin.close()
        assert child.wait(timeout=2) == 0


def test_parent_side_imports_nothing_heavy():
    code = (
        "import sys, services.llm.embedded.supervisor; "
        "print([m for m in ('aiohttp', 'xllamacpp', 'pydantic', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
