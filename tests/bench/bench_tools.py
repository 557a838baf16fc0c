"""Tools: the loop's own cost, choosing among many, and how well the built-in model uses them."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from services.domain.calls import ToolCall
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError
from services.domain.ids import ConversationId
from services.domain.replies import (
    ConfirmationRequested,
    InterruptReason,
    ReplyEvent,
    TextDelta,
    ToolStarted,
)
from services.factory import ServiceFactory
from services.llm.embedded.supervisor import EmbeddedServer
from services.llm.model import ChatModel, ChatRequest, Health, ModelEvent, ModelInfo
from services.llm.ollama import OllamaModel
from services.llm.priority import ProviderLane
from services.settings import EmbeddedSettings, LlmSettings
from services.toolbox.selection import ToolSelection
from services.toolbox.spec import ToolContext, ToolSpec
from tests.bench.results import Figure, median, percentile, report
from tests.bench.tool_requests import CONFIRMING, TUNING, Asked
from tests.fakes.app import App, opened_app, settings_in
from tests.fakes.recording import RecordingDelivery, RecordingSink
from tests.fakes.scripted_model import Script, ScriptedModel

UNLIMITED = {"user_limit": 10**9, "channel_limit": 10**9}
ROUNDS = 5
ANSWERS = 60
PATIENCE = 300.0


class Nothing(BaseModel):
    """No arguments."""


async def at_once(_given: Nothing, _context: ToolContext) -> str:
    return "done"


async def rounds(folder: Path) -> list[Figure]:
    """What a round of the tool loop takes with a model and a tool that take no time."""
    tool = ToolSpec(
        name="poke",
        description="Pokes.",
        parameters=Nothing,
        handler=at_once,
        keywords=("poke",),
        untrusted=False,
    )

    wanted = [0]
    model = ScriptedModel(lambda request: _next_script(request, wanted[0]))
    spans: dict[int, list[float]] = {0: [], ROUNDS: []}
    async with opened_app(folder / "rounds", model, tools=[tool], gate=UNLIMITED) as app:
        for n in range(2 * ANSWERS):
            wanted[0] = ROUNDS * (n % 2)
            place = ConversationId("test", "room", f"r{n}")
            began = time.perf_counter()
            await app.say("Please poke it", place=place)
            spans[wanted[0]].append((time.perf_counter() - began) * 1000)
            assert len(model.requests) == 1 + wanted[0]
            model.requests.clear()
    pairs = zip(spans[ROUNDS], spans[0], strict=True)
    each = [(with_calls - without) / ROUNDS for with_calls, without in pairs]
    return [
        Figure(name="tool loop per round p50", value=median(each), unit="ms", target=3),
        Figure(name="tool loop per round p95", value=percentile(each, 0.95), unit="ms"),
    ]


def _next_script(request: ChatRequest, calls: int) -> Script:
    made = sum(bool(message.tool_calls) for message in request.messages)
    if made >= calls or not request.tools:
        return Script(text="It is done.")
    return Script(calls=[ToolCall(id=f"c{made}", name="poke", arguments={"n": made})])


def selection() -> list[Figure]:
    """Choosing among 500 tools, for the requests and for the longest text that is read."""
    words = ("river", "stone", "cloud", "ember", "willow", "harbour", "lantern", "moss", "thistle")
    kit = [
        ToolSpec(
            name=f"{words[n % 9]}_{words[n // 9 % 9]}_{n}",
            description=f"Looks after the {words[n % 7]} of {words[n // 7 % 9]} number {n}.",
            parameters=Nothing,
            handler=at_once,
            keywords=(words[n % 9], f"{words[n // 3 % 9]} {words[n % 3]}", f"word{n}"),
            pattern=rf"\b{words[n % 9]} number {n}\b" if n % 5 == 0 else "",
        )
        for n in range(500)
    ]
    chooser = ToolSelection()
    began = time.perf_counter()
    chooser.fitting(kit, "warm", most=8)
    indexing = (time.perf_counter() - began) * 1000
    spans, busy = [], []
    gc.collect()
    for _ in range(10):
        for asked in (*TUNING, *CONFIRMING):
            began, worked = time.perf_counter(), time.thread_time()
            chooser.fitting(kit, f"{asked.said} {words[len(asked.said) % 9]}", most=8)
            busy.append((time.thread_time() - worked) * 1000)
            spans.append((time.perf_counter() - began) * 1000)
    longest = " ".join(f"{words[n % 9]} word{n}" for n in range(400))
    began = time.perf_counter()
    chooser.fitting(kit, longest, earlier=longest, most=8)
    long_text = (time.perf_counter() - began) * 1000
    return [
        Figure(name="choosing among 500 tools p50", value=median(spans), unit="ms", target=5),
        Figure(name="choosing among 500 tools p99", value=percentile(spans, 0.99), unit="ms"),
        Figure(
            name="choosing among 500 tools p99, processor time",
            value=percentile(busy, 0.99),
            unit="ms",
            target=5,
        ),
        Figure(name="the same, 2,000 characters twice", value=long_text, unit="ms"),
        Figure(name="index of 500 tools, once", value=indexing, unit="ms"),
    ]


@dataclass(slots=True, kw_only=True)
class Heard:
    """What became of one request; ``valid`` and ``holds`` are about a right tool's arguments."""

    asked: Asked
    offered: int
    called: str
    valid: bool
    holds: bool
    seconds: float

    @property
    def right(self) -> bool:
        return self.called in self.asked.tools if self.asked.tools else not self.called

    def line(self) -> str:
        verdict = "right" if self.right else "WRONG"
        doubts = "" if self.valid and self.holds else " (arguments)"
        called = self.called or "-"
        said = f"{self.asked.said[:60]:<60}"
        return f"  {verdict} {self.seconds:5.1f} s, {self.offered} offered: {said} {called}{doubts}"


class Decision(RecordingSink):
    """Knows as soon as the first word, or a call, has come."""

    def __init__(self) -> None:
        super().__init__()
        self.made = asyncio.Event()
        self.call: ToolCall | None = None

    async def emit(self, event: ReplyEvent, /) -> None:
        match event:
            case ToolStarted():
                self.call = ToolCall(id="", name=event.name, arguments=event.arguments)
            case ConfirmationRequested():
                self.call = ToolCall(id="", name=event.tool, arguments=event.arguments)
            case TextDelta():
                pass
            case _:
                return
        self.made.set()
        await super().emit(event)


class Watched:
    """A model whose requests are kept."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.requests: list[ChatRequest] = []

    @property
    def info(self) -> ModelInfo:
        return self._model.info

    async def open(self) -> ModelInfo:
        return await self._model.open()

    async def probe(self) -> Health:
        return await self._model.probe()

    def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        return self._model.stream(request)


def kit(folder: Path) -> list[ToolSpec]:
    """Every tool there is, each doing nothing."""
    tools = ServiceFactory(settings=settings_in(folder)).toolbox().all()
    return [replace(tool, handler=at_once) for tool in tools]


async def ask(app: App, model: Watched, tools: Mapping[str, ToolSpec], asked: Asked) -> Heard:
    """Put one request in a room of its own, up to the first word or call."""
    place = ConversationId("test", "room", str(len(model.requests)))
    sink, before = Decision(), len(model.requests)
    began = time.perf_counter()
    receipt = await app.post(asked.said, RecordingDelivery([sink]), place=place)
    async with asyncio.timeout(PATIENCE):
        await sink.made.wait()
    seconds = time.perf_counter() - began
    app.conversations.stop(place, InterruptReason.USER_STOP)
    await receipt.outcome()
    call = sink.call
    return Heard(
        asked=asked,
        offered=len(model.requests[before].tools),
        called=call.name if call else "",
        valid=call is None or is_valid(tools.get(call.name), call),
        holds=call is None or asked.holds in json.dumps(dict(call.arguments)).lower(),
        seconds=seconds,
    )


def is_valid(tool: ToolSpec | None, call: ToolCall) -> bool:
    if tool is None:
        return False
    try:
        tool.parameters.model_validate(dict(call.arguments))
    except ValidationError:
        return False
    return True


def told(name: str, heard: Sequence[Heard]) -> list[Figure]:
    """The figures of one half of the requests."""
    needed = [each for each in heard if each.asked.tools]
    talk = [each for each in heard if not each.asked.tools]
    right = [each for each in needed if each.right]

    def share(what: str, some: int, of: int, better: Literal["lower", "higher"]) -> Figure:
        value = 100 * some / max(of, 1)
        return Figure(name=f"{name}: {what}", value=value, unit="%", better=better)

    missed = sum(not each.called for each in needed)
    called = [each for each in heard if each.called]
    return [
        share("right tool", len(right), len(needed), "higher"),
        share("wrong tool", len(needed) - len(right) - missed, len(needed), "lower"),
        share("missed", missed, len(needed), "lower"),
        share("false calls", sum(not each.right for each in talk), len(talk), "lower"),
        share("calls with valid arguments", sum(e.valid for e in called), len(called), "higher"),
        share(
            "right calls that hold what was said", sum(e.holds for e in right), len(right), "higher"
        ),
        Figure(
            name=f"{name}: first word or call p50",
            value=median([each.seconds for each in heard]),
            unit="s",
        ),
        Figure(
            name=f"{name}: the same with tools offered",
            value=median([each.seconds for each in heard if each.offered] or [0.0]),
            unit="s",
        ),
    ]


async def everyday(folder: Path, halves: Mapping[str, Sequence[Asked]]) -> list[Figure]:
    """The requests through the whole pipeline with the built-in model; the tools do nothing."""
    embedded = EmbeddedServer(
        EmbeddedSettings(prefixes=folder / "prefixes"), data=folder, on_notice=lambda *_: None
    )
    try:
        await embedded.start()
    except ProviderError as error:
        sys.stdout.write(f"{error.user_message}\n")
        return []
    figures: list[Figure] = []
    try:
        await embedded.ready()
        tools = kit(folder / "kit")
        model = Watched(
            OllamaModel(
                embedded.model_name,
                host=embedded.base_url,
                settings=LlmSettings(),
                num_ctx=embedded.num_ctx,
                clock=SystemClock(),
                lane=ProviderLane(1),
            )
        )
        async with opened_app(folder / "app", model, tools=tools, gate=UNLIMITED) as app:
            by_name = {tool.name: tool for tool in tools}
            await ask(app, model, by_name, Asked("Hello!"))
            for name, requests in halves.items():
                heard = []
                for asked in requests:
                    heard.append(await ask(app, model, by_name, asked))
                    sys.stdout.write(f"{heard[-1].line()}\n")
                    sys.stdout.flush()
                figures += told(name, heard)
    finally:
        await embedded.aclose()
    return figures


async def main(only: Sequence[str]) -> None:
    """Measure all; named halves of the requests (``tuning``, ``confirming``) or ``none``."""
    halves = {"tuning": TUNING, "confirming": CONFIRMING}
    chosen = {name: half for name, half in halves.items() if not only or name in only}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [*await rounds(folder), *selection()]
        if chosen:
            figures += await everyday(folder, chosen)
    report("tools", figures)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    asyncio.run(main(sys.argv[1:]))
