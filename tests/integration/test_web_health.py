"""The web server as others meet it: over real sockets."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from frontends.web.server import run_web
from services.domain.clock import SystemClock
from services.domain.errors import ConfigurationError
from services.domain.events import MessageRemoved
from services.domain.ids import ConversationId, MessageId
from services.events.local import LocalEventBus
from services.llm.breaker import Breakers
from services.llm.health import ModelProbe
from services.observability.health import Check, Health, HealthProbe
from services.observability.metrics import Metrics
from services.settings import Settings, StorageSettings, WebSettings
from services.storage.database import Database
from services.storage.health import DatabaseProbe
from tests.architecture.source_tree import ROOT
from tests.fakes.app import OneModel
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.timeout(30)

TOKEN = "correct horse battery staple"


@dataclass
class Probe:
    """A check with a given outcome."""

    name: str = "model"
    ok: bool = True
    fresh_seconds: float = 0.0
    hold: asyncio.Event | None = None
    broken: bool = False
    looks: int = 0

    async def check(self) -> Check:
        self.looks += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.broken:
            raise ZeroDivisionError
        return Check(name=self.name, ok=self.ok, detail="Said so.")


class Services:
    """As much of the service factory as the web server needs."""

    def __init__(self, *probes: HealthProbe) -> None:
        self._metrics = Metrics()
        self.events = LocalEventBus()
        self.breakers = Breakers(failures=1, seconds=30, clock=SystemClock(), metrics=self._metrics)
        self._health = Health(
            clock=SystemClock(),
            metrics=self._metrics,
            events=self.events,
            probes=probes or [Probe()],
            models=self.breakers.states,
        )
        self.notices: list[tuple[str, str]] = []

    def metrics(self) -> Metrics:
        return self._metrics

    def health(self) -> Health:
        return self._health

    def announce(self) -> Callable[[str, str], None]:
        return lambda code, text: self.notices.append((code, text))


@dataclass
class Site:
    """A running web server and a client for it."""

    url: str
    http: aiohttp.ClientSession
    services: Services
    task: asyncio.Task[int]
    seconds: list[float] = field(default_factory=list)

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        began = time.perf_counter()
        async with self.http.get(self.url + path, headers=headers) as answer:
            text = await answer.text()
        self.seconds.append(time.perf_counter() - began)
        return answer.status, text


def settings(**web: object) -> Settings:
    return Settings(web=WebSettings.model_validate({"port": 0, **web}))


@asynccontextmanager
async def serving(services: Services, settings_: Settings | None = None) -> AsyncIterator[Site]:
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    run = run_web(
        services,  # type: ignore[arg-type]
        settings_ or settings(),
        on_listening=listening.set_result,
    )
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        task = group.create_task(run)
        async with asyncio.timeout(15):
            url = await listening
        yield Site(url, http, services, task)
        task.cancel()


async def test_alive_whatever_else_is_broken():
    async with serving(Services(Probe(ok=False))) as site:
        assert await site.get("/healthz") == (200, '{"status":"alive"}')


async def test_ready_only_when_every_check_passes():
    good, bad = Probe("database"), Probe("model", ok=False)
    async with serving(Services(good, bad)) as site:
        status, text = await site.get("/readyz")
        assert status == 503
        assert json.loads(text) == {
            "ready": False,
            "checks": {
                "database": {"ok": True, "detail": "Said so."},
                "model": {"ok": False, "detail": "Said so."},
            },
        }
        bad.ok = True
        assert (await site.get("/readyz"))[0] == 200


async def test_broken_probe_is_a_failed_check():
    async with serving(Services(Probe(broken=True))) as site:
        status, text = await site.get("/readyz")
        assert status == 503
        assert "ZeroDivision" not in text


async def test_outcome_is_kept_for_a_while_and_a_check_never_runs_twice_at_once():
    hold = asyncio.Event()
    kept, slow = Probe("database", fresh_seconds=60), Probe("model", hold=hold)
    async with serving(Services(kept, slow)) as site, asyncio.TaskGroup() as group:
        asked = [group.create_task(site.get("/readyz")) for _ in range(5)]
        await asyncio.sleep(0.2)
        hold.set()
        assert {(await each)[0] for each in asked} <= {200, 503}
        assert (kept.looks, slow.looks) == (1, 1)


async def test_slow_check_neither_blocks_nor_is_cut_short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.observability.health._PATIENCE_SECONDS", 0.1)
    hold = asyncio.Event()
    probe = Probe(hold=hold, fresh_seconds=60)
    async with serving(Services(probe)) as site:
        assert (await site.get("/readyz"))[0] == 503
        hold.set()
        assert (await site.get("/readyz"))[0] == 200
        assert probe.looks == 1


async def test_real_database_and_model_are_ready_and_then_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = SystemClock()
    database = Database(StorageSettings(data=tmp_path), clock=clock)
    probes = (DatabaseProbe(database), ModelProbe(OneModel(ScriptedModel())))
    async with serving(Services(*probes)) as site:
        async with database:
            status, text = await site.get("/readyz")
            assert (status, json.loads(text)["ready"]) == (200, True), text
            monkeypatch.setattr("services.storage.health._PATIENCE_SECONDS", 0.1)
            async with database.steps():
                kept = await DatabaseProbe(database).check()
                assert (kept.ok, kept.detail) == (
                    False,
                    "The database could not be written in time.",
                )
            assert (await DatabaseProbe(database).check()).ok
        assert (await DatabaseProbe(database).check()).detail == "The database is not open."


async def test_report_is_quick_complete_and_always_200():
    services = Services(Probe(ok=False))
    breaker = services.breakers.of("ollama", "tiny")
    async with serving(services) as site:
        status, text = await site.get("/health")
        assert (status, json.loads(text)["status"]) == (200, "healthy")
        services.events.publish(
            MessageRemoved(
                conversation=ConversationId("test", "guild-42", "general"),
                message=MessageId("m-secret"),
            )
        )
        services.metrics().count("turns", outcome="turn_finished")
        await site.get("/readyz")
        report = json.loads((await site.get("/health"))[1])
        assert report["status"] == "degraded"
        assert report["uptime_seconds"] > 0
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert report["version"] == project["version"]
        assert report["models"] == [
            {"endpoint": "ollama", "model": "tiny", "breaker": str(breaker.status.state)}
        ]
        assert report["counts"]["turns"] == report["counts"]["events"] == 1
        assert report["last_event_timestamp"].startswith("20")
        assert report["checks"]["model"]["ok"] is False
        for path in ("/health", "/metrics", "/readyz"):
            text = (await site.get(path))[1]
            assert "guild-42" not in text
            assert "m-secret" not in text
        site.seconds.clear()
        for _ in range(20):
            await site.get("/health")
        assert sorted(site.seconds)[10] < 0.03  # 44 ms were waits for acknowledgements


async def test_metrics_are_in_the_text_format():
    services = Services()
    services.metrics().count("llm_requests", 3, endpoint="ollama", model='a"b\n', outcome="ok")
    services.metrics().gauge("breaker_state", 2, endpoint="ollama", model="tiny")
    services.metrics().time("database_wait_seconds", 0.02)
    async with serving(services) as site, site.http.get(site.url + "/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        lines = (await answer.text()).splitlines()
    assert 'acore_llm_requests_total{endpoint="ollama",model="a\\"b\\n",outcome="ok"} 3.0' in lines
    assert 'acore_breaker_state{endpoint="ollama",model="tiny"} 2.0' in lines
    assert "# TYPE acore_database_wait_seconds histogram" in lines
    assert 'acore_database_wait_seconds_bucket{le="0.01"} 0.0' in lines
    assert 'acore_database_wait_seconds_bucket{le="0.025"} 1.0' in lines
    assert 'acore_database_wait_seconds_bucket{le="+Inf"} 1.0' in lines
    assert "acore_database_wait_seconds_count 1.0" in lines
    assert "acore_database_wait_seconds_sum 0.02" in lines
    assert any(line.startswith("# HELP acore_llm_requests_total Calls") for line in lines)


@pytest.mark.parametrize("path", ["/nothing", "/docs", "/openapi.json", "/redoc", "/"])
async def test_what_is_not_there_is_json(path: str):
    async with serving(Services()) as site:
        assert await site.get(path) == (404, '{"error":"Not Found"}')


async def test_wrong_method_and_failure_are_json_without_a_trace(caplog):
    services = Services()
    services.health().report = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    async with serving(services) as site:
        async with site.http.post(site.url + "/health") as answer:
            assert (answer.status, await answer.text()) == (405, '{"error":"Method Not Allowed"}')
        assert await site.get("/health") == (500, '{"error":"internal error; see the log"}')
        assert (await site.get("/healthz"))[0] == 200


async def test_other_origins_get_no_leave_to_read():
    async with serving(Services()) as site:
        headers = {"Origin": "https://evil.example"}
        async with site.http.get(site.url + "/health", headers=headers) as answer:
            assert not [name for name in answer.headers if name.lower().startswith("access-")]
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
async def test_page_that_rebinds_its_name_is_refused(host: str):
    async with serving(Services()) as site:
        for path in ("/health", "/metrics", "/readyz", "/nothing"):
            assert (await site.get(path, Host=host))[0] == 421
        assert (await site.get("/healthz", Host=host))[0] == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8765", "localhost."]
)
async def test_names_of_this_machine_are_let_in(host: str):
    async with serving(Services()) as site:
        assert (await site.get("/health", Host=host))[0] == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Basic {TOKEN}", 401),
        ("Bearer ", 401),
        ("", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer größe", 401),
    ],
)
async def test_token_is_needed_everywhere_but_for_life(header: str, status: int):
    everywhere = settings(host="0.0.0.0", token=SecretStr(TOKEN))
    async with serving(Services(), everywhere) as site:
        for path in ("/health", "/metrics", "/readyz"):
            found, text = await site.get(path, Authorization=header)
            assert found == status
            assert TOKEN not in text
        assert (await site.get("/nothing", Authorization=header))[0] == (
            404 if status == 200 else 401
        )
        assert (await site.get("/healthz"))[0] == 200
        if status == 200:
            named = await site.get("/health", Authorization=header, Host="acore.internal")
            assert named[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
@pytest.mark.parametrize("token", [None, "", "  "])
async def test_nobody_else_is_served_without_a_token(host: str, token: str | None):
    services = Services()
    exposed = settings(host=host, token=token)
    with pytest.raises(ConfigurationError, match=r"web\.token"):
        await run_web(services, exposed)  # type: ignore[arg-type]


async def test_port_in_use_is_one_notice_and_no_failure():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        services = Services()
        async with asyncio.timeout(5):
            assert await run_web(services, settings(port=port)) == 0  # type: ignore[arg-type]
    ((code, text),) = services.notices
    assert code == "web_not_listening"
    assert str(port) in text
    assert "in use" in text


async def test_address_that_is_not_here_is_one_notice_and_no_failure():
    services = Services()
    elsewhere = settings(host="192.0.2.1", token=TOKEN)
    assert await run_web(services, elsewhere) == 0  # type: ignore[arg-type]
    assert [code for code, _ in services.notices] == ["web_not_listening"]


async def test_cancelled_with_open_connections_it_ends_quickly_and_frees_the_port():
    hold = asyncio.Event()
    async with serving(Services(Probe(hold=hold))) as site:
        host, port = site.url.removeprefix("http://").split(":")
        await site.get("/healthz")  # kept alive by the client
        _, half = await asyncio.open_connection(host, int(port))
        half.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        _, idle = await asyncio.open_connection(host, int(port))
        asking = asyncio.get_running_loop().create_task(site.get("/readyz"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        site.task.cancel()
        await asyncio.wait({site.task})
        assert time.monotonic() - began < 2.0
        assert site.task.cancelled()
        await asyncio.gather(asking, return_exceptions=True)
        for writer in (half, idle):
            writer.close()
        with socket.create_server((host, int(port))):
            pass


async def test_signals_stay_the_programs_own():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(Services()) as site:
        await site.get("/healthz")
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_many_askers_at_once_are_answered():
    async with serving(Services()) as site:
        answers = await asyncio.gather(*(site.get("/health") for _ in range(50)))
    assert {status for status, _ in answers} == {200}


def test_nothing_of_the_server_is_imported_before_it_runs():
    heavy = "{name for name in sys.modules if name.split('.')[0] in ('fastapi', 'uvicorn')}"
    code = f"import sys, frontends.web.server; print(sorted({heavy}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
