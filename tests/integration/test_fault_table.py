"""Every fault of a model's server, in both protocols, through all the program puts around it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.catalog import ModelCatalog
from services.llm.model import ChatModel, ChatRequest, Sampling
from services.observability.metrics import CounterFamily, Metrics
from services.settings import HostedSettings, VllmSettings
from tests.fakes.catalog import Notices, catalog
from tests.fakes.heard import hear
from tests.fakes.model_requests import HELLO, QUICK, SEARCH, asking
from tests.fakes.model_server import Answer, ModelServer
from tests.fakes.ollama_server import FakeOllama, Model
from tests.fakes.openai_server import FakeOpenAi

Protocol = Literal["ollama", "openai"]
PROTOCOLS: tuple[Protocol, ...] = ("ollama", "openai")
PLACES: Mapping[Protocol, str] = {"ollama": "ollama", "openai": "vllm"}
SECOND = Answer(pieces=("Second", " here."))
SECOND_SAID = "Second here."
REST = 60.0
TRIES = 4
SPLIT = "naïve 漢字 🙂 <think>secret</think> done"
LOADED = Model(capabilities=("completion", "tools", "thinking"), running=True)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault and what comes of it.

    ``once`` is answered first, then ``always``. ``tries`` are the calls to the first server by how
    they ended, ``calls`` how many it saw if these are not as many. ``text`` is a pattern. ``fault``
    is what the reader gets; without one the answer is ``by`` the first or the second server.
    ``opened`` says that the first is not asked for a while.
    """

    always: Answer = field(default_factory=Answer)
    once: Sequence[Answer] = ()
    tries: Mapping[str, int]
    calls: int | None = None
    text: str = re.escape(HELLO)
    by: Literal["first", "second"] = "first"
    fault: ProviderFault | None = None
    finish: str = "stop"
    opened: bool = False
    at_least: float = 0.0
    request: ChatRequest = field(default_factory=asking)
    models: Mapping[str, Model] = field(default_factory=lambda: {"tiny": LOADED})


def given_up(always: Answer, tries: Mapping[str, int], **more) -> Row:
    """Return the row of a fault before the first word: the second server answers."""
    return Row(always=always, tries=tries, text=re.escape(SECOND_SAID), by="second", **more)


def broken(always: Answer, fault: ProviderFault) -> Row:
    """Return the row of a fault after the first word: half an answer stays half an answer."""
    return Row(always=always, tries={str(fault): 1}, text="Hello", fault=fault)


def garbage(protocol: Protocol) -> bytes:
    return b"%$!{]\n" if protocol == "ollama" else b"data: %$!{]\n\n"


def unloaded(protocol: Protocol) -> Row:
    if protocol == "ollama":
        idle = {"tiny": Model(running=False)}
        return given_up(Answer(stall_after=0), {"loading": TRIES}, models=idle)
    return given_up(Answer(status=503, error="Loading model"), {"loading": TRIES})


def mislabelled(protocol: Protocol) -> Row:
    page = Answer(content_type="text/html; charset=utf-8")
    if protocol == "ollama":
        return Row(always=page, tries={"ok": 1})
    return given_up(page, {"malformed": 1})


FAULTS: Mapping[str, Row | Callable[[Protocol], Row]] = {
    "healthy": Row(tries={"ok": 1}),
    "slow within limits": Row(always=Answer(delay_first=0.1, delay_each=0.05), tries={"ok": 1}),
    "stall before the first token": given_up(Answer(stall_after=0), {"timeout": 2}),
    "late first token": given_up(Answer(delay_first=5.0), {"timeout": 2}),
    "stall between tokens": broken(Answer(stall_after=1), ProviderFault.TIMEOUT),
    "cut before the first token": given_up(
        Answer(cut_after=0), {"broken_stream": TRIES}, opened=True
    ),
    "cut once": Row(once=[Answer(cut_after=0)], tries={"broken_stream": 1, "ok": 1}),
    "cut between tokens": broken(Answer(cut_after=1), ProviderFault.BROKEN_STREAM),
    "end before the first token": given_up(
        Answer(end_after=0), {"broken_stream": TRIES}, opened=True
    ),
    "error between tokens": broken(
        Answer(error_after=1, error="boom"), ProviderFault.BROKEN_STREAM
    ),
    "end without an end": broken(Answer(end_after=1), ProviderFault.BROKEN_STREAM),
    "garbage first": lambda protocol: given_up(
        Answer(pieces=("",), raw_after=(1, garbage(protocol))), {"malformed": 1}
    ),
    "garbage between tokens": lambda protocol: broken(
        Answer(raw_after=(1, garbage(protocol))), ProviderFault.MALFORMED
    ),
    "think tags split over chunks": Row(
        always=Answer(pieces=("<th", "ink>secret</thi", "nk>Hel", "lo")),
        tries={"ok": 1},
        text="Hello",
    ),
    "UTF-8 split over chunks": Row(
        always=Answer(pieces=(SPLIT,), write_bytes=1), tries={"ok": 1}, text="naïve 漢字 🙂  done"
    ),
    "empty, for length": given_up(Answer(pieces=(), done_reason="length"), {"ok": 3}),
    "empty, for length, once": Row(
        once=[Answer(pieces=(), done_reason="length")], tries={"ok": 2}
    ),
    "empty": given_up(Answer(pieces=()), {"ok": 2}),
    "tool call refused": Row(
        once=[Answer(status=400, error="tiny does not support tools")],
        tries={"ok": 1},
        calls=2,
        request=asking(tools=(SEARCH,)),
    ),
    "400": given_up(Answer(status=400, error="bad"), {"rejected": 1}),
    "401": given_up(Answer(status=401, error="unauthorized"), {"unauthorized": 1}),
    "404": given_up(
        Answer(status=404, error="model 'tiny' not found"), {"model_missing": 1}
    ),
    "429": given_up(Answer(status=429, error="slow down"), {"overloaded": TRIES}),
    "429 with Retry-After": Row(
        once=[Answer(status=429, error="slow down", headers={"Retry-After": "1"})],
        tries={"overloaded": 1, "ok": 1},
        at_least=1.0,
    ),
    "429 with Retry-After too late": given_up(
        Answer(status=429, error="slow down", headers={"Retry-After": "3600"}), {"overloaded": 1}
    ),
    "500": given_up(Answer(status=500, error="boom"), {"server_error": TRIES}, opened=True),
    "500 once": Row(once=[Answer(status=500, error="boom")], tries={"server_error": 1, "ok": 1}),
    "wrong content type": mislabelled,
    "endless answer": Row(
        always=Answer(pieces=("x" * 60,), endless=True),
        tries={"ok": 1},
        text="x{200}",
        finish="length",
    ),
    "endless and slow answer": Row(
        always=Answer(pieces=("x",), endless=True, delay_each=0.1),
        tries={"ok": 1},
        text="x{2,9}",
        finish="length",
    ),
    "slow loris": given_up(Answer(write_bytes=1, packet_delay=0.03), {"timeout": 2}),
    "model unloaded under us": unloaded,
}  # fmt: skip


class Leaping(SystemClock):
    """Runs as clocks do, and leaps when told to."""

    def __init__(self) -> None:
        self.leapt = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.leapt


@dataclass
class Pair:
    """The server under test, one behind it that speaks the other protocol, and the whole stack."""

    protocol: Protocol
    first: ModelServer
    second: ModelServer
    models: ModelCatalog
    metrics: Metrics
    notices: Notices
    clock: Leaping

    @property
    def names(self) -> Mapping[str, str]:
        places = PLACES[self.protocol], PLACES[other(self.protocol)]
        return {"first": f"tiny@{places[0]}", "second": f"tiny@{places[1]}"}

    def tries(self) -> Mapping[str, int]:
        """How the calls to the first server ended."""
        place = PLACES[self.protocol]
        return {
            dict(labels)["outcome"]: count
            for family in self.metrics.exported()
            if isinstance(family, CounterFamily) and family.name == "llm_requests"
            for labels, count in family.values.items()
            if dict(labels)["endpoint"] == place
        }


def other(protocol: Protocol) -> Protocol:
    return "openai" if protocol == "ollama" else "ollama"


def made(protocol: Protocol, models: Mapping[str, Model], **how) -> ModelServer:
    return FakeOllama(models=dict(models), **how) if protocol == "ollama" else FakeOpenAi(**how)


@asynccontextmanager
async def composed(
    protocol: Protocol, data: Path, *, first: str, second: str | None = None, **more
) -> AsyncGenerator[ModelCatalog, None]:
    """The catalog with the first server at ``first`` and, as its fallback, one at ``second``."""
    urls = {protocol: first, other(protocol): second}
    hosted: dict[str, HostedSettings] = {}
    if urls["openai"]:
        hosted["vllm"] = VllmSettings(base_url=urls["openai"])
    settings = {
        **QUICK.model_dump(exclude_defaults=True),
        "model": "tiny",
        "ollama_host": urls["ollama"],
        "endpoint": PLACES[protocol],
        "fallbacks": (f"tiny@{PLACES[other(protocol)]}",) if second else (),
        "embedded": "never",
        "retries": TRIES - 1,
        "retry_seconds": 0.01,
        "breaker_failures": TRIES,
        "breaker_seconds": REST,
    }
    async with catalog(data, hosted=hosted, **settings, **more) as models:
        yield models


@asynccontextmanager
async def pair(
    protocol: Protocol, data: Path, *, models: Mapping[str, Model] | None = None
) -> AsyncGenerator[Pair, None]:
    async with AsyncExitStack() as stack:
        loaded = {"tiny": LOADED}
        first = await stack.enter_async_context(made(protocol, models or loaded).running())
        second = await stack.enter_async_context(
            made(other(protocol), loaded, default=SECOND).running()
        )
        metrics, notices, clock = Metrics(), Notices(), Leaping()
        composition = composed(
            protocol,
            data,
            first=first.url,
            second=second.url,
            metrics=metrics,
            notices=notices,
            clock=clock,
        )
        opened = await stack.enter_async_context(composition)
        yield Pair(protocol, first, second, opened, metrics, notices, clock)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", FAULTS)
async def test_fault_ends_as_the_table_says(name: str, protocol: Protocol, tmp_path: Path) -> None:
    row = FAULTS[name]
    row = row if isinstance(row, Row) else row(protocol)
    async with pair(protocol, tmp_path, models=row.models) as both:
        both.first.answers.extend(row.once)
        both.first.default = row.always
        model = await both.models.get()
        began = asyncio.get_running_loop().time()
        heard = await hear(model, row.request)
        took = asyncio.get_running_loop().time() - began

        assert both.tries() == row.tries
        assert len(both.first.chats) == (row.calls or sum(row.tries.values()))
        assert re.fullmatch(row.text, heard.text), heard.text
        assert "secret" not in heard.text
        assert heard.fault is row.fault
        assert took >= row.at_least
        if row.fault is None:
            assert (heard.ended.model, heard.ended.finish) == (both.names[row.by], row.finish)
        else:
            assert heard.failed.user_message.endswith(".")
        assert len(both.second.chats) == (row.by == "second")
        assert len(both.notices) == (row.by == "second")

        await assert_recovers(both, model, opened=row.opened)


async def assert_recovers(both: Pair, model: ChatModel, *, opened: bool) -> None:
    """The first server is well: it answers, but after its rest only if it has one."""
    both.first.default, before = Answer(), len(both.first.chats)
    if opened:
        assert (await hear(model)).ended.model == both.names["second"]
        assert len(both.first.chats) == before, "an open breaker let a call through"
        both.clock.leapt += REST
    heard = await hear(model)
    assert (heard.text, heard.ended.model) == (HELLO, both.names["first"])
    assert both.metrics.total("breaker_opened") == opened


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("scheme", "host", "said"),
    [
        pytest.param("https", "127.0.0.1", "TLS", id="TLS to a plain port"),
        pytest.param("http", "no-such-host.invalid", "is not a known host name", id="DNS"),
    ],
)
async def test_address_that_leads_nowhere_is_passed_over_or_named(
    protocol: Protocol, scheme: str, host: str, said: str, tmp_path: Path
) -> None:
    async with (
        made(protocol, {"tiny": LOADED}).running() as first,
        made(other(protocol), {"tiny": LOADED}).running() as second,
    ):
        address = f"{scheme}://{host}:{first.port}{first.prefix}"
        async with composed(protocol, tmp_path, first=address, second=second.url) as models:
            assert (await hear(await models.get())).text == HELLO
        assert (first.chats, len(second.chats)) == ([], 1)
        async with composed(protocol, tmp_path, first=address) as models:
            with pytest.raises(ProviderError) as caught:
                await models.get()
    assert caught.value.fault is ProviderFault.UNREACHABLE
    assert (said if protocol == "openai" else "correct OLLAMA_HOST") in caught.value.user_message


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_host_gone_and_back_is_found_again(protocol: Protocol, tmp_path: Path) -> None:
    metrics, clock = Metrics(), Leaping()
    first, second = made(protocol, {"tiny": LOADED}), made(other(protocol), {"tiny": LOADED})
    second.default = SECOND
    async with second.running():
        async with first.running():
            port = first.port
        async with composed(
            protocol, tmp_path, first=first.url, second=second.url, metrics=metrics, clock=clock
        ) as models:
            async with first.running(port):
                model = await models.get()
                assert (await hear(model)).text == HELLO
            assert (await hear(model)).text == SECOND_SAID
            assert (metrics.total("retries"), metrics.total("breaker_opened")) == (TRIES - 1, 1)
            async with first.running(port):
                assert (await hear(model)).text == SECOND_SAID
                clock.leapt += REST
                assert (await hear(model)).text == HELLO


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_stop_reaches_the_server_through_everything(
    protocol: Protocol, tmp_path: Path
) -> None:
    async with pair(protocol, tmp_path) as both:
        both.first.default = Answer(endless=True, delay_each=0.005)
        model = await both.models.get()
        async with aclosing(model.stream(asking())) as events:
            await anext(events)
        async with asyncio.timeout(1):
            await both.first.left.wait()
        assert both.first.active == 0
        assert both.tries() == {"cancelled": 1}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_answer_is_kept_where_it_may_be_and_a_fault_never(
    protocol: Protocol, tmp_path: Path
) -> None:
    request = asking(repeatable=True, sampling=Sampling(temperature=0.0))
    async with pair(protocol, tmp_path) as both:
        both.first.answers.append(Answer(status=400, error="bad"))
        model = await both.models.get()
        answers = [(await hear(model, request)).text for _ in range(3)]
        assert answers == [SECOND_SAID, HELLO, HELLO]
        assert (len(both.first.chats), both.tries()) == (2, {"rejected": 1, "ok": 1})


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_prompt_that_the_server_cuts_is_noticed(protocol: Protocol, tmp_path: Path) -> None:
    async with pair(protocol, tmp_path) as both:
        both.first.default = Answer(prompt_tokens=2040)
        model = await both.models.get()
        assert (await hear(model, asking("word " * 4000))).text == HELLO
        assert both.metrics.total("prompt_shortfall") == 1
        assert [each for each in both.notices if "lost about" in each]
