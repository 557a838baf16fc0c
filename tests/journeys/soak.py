"""Many people talk to one process for a long time while everything around it goes wrong.

``python -m tests.journeys.soak --seconds 30`` prints one JSON object that says what happened. It is
a process of its own, so that nothing but acore and its model server is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from frontends.following import appliers
from services.conversation.inbound import Addressing, Inbound, Receipt
from services.domain.errors import AcoreError
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, Role
from services.domain.replies import TurnBrief
from services.factory import ServiceFactory
from services.housekeeping.chores import every_chore
from services.housekeeping.service import Housekeeping
from services.observability.logging import start_logging, stop_logging
from services.persona.javascript_regex import shared_engine
from services.reloading import Reloading
from services.settings import Settings
from services.storage.sqlite import use_modern_sqlite
from tests.bench.results import rss_mb
from tests.fakes.app import settings_in
from tests.fakes.ollama_server import Answer, FakeOllama, Model
from tests.fakes.recording import RecordingSink, SpokenSink, assert_grammar

FAULTS = {
    "stall first": Answer(stall_after=0),
    "stall later": Answer(stall_after=2),
    "cut": Answer(cut_after=2),
    "cut at once": Answer(cut_after=0),
    "end early": Answer(end_after=1),
    "garbage": Answer(raw_after=(1, b"\xff{garbage\n")),
    "error line": Answer(error_after=2, error="llama runner process has terminated"),
    "500": Answer(status=500, error="oops"),
    "502 page": Answer(status=502, error="<html><body>Bad gateway</body></html>"),
    "503": Answer(status=503, error="server busy"),
    "429": Answer(status=429, error="too many requests"),
    "empty": Answer(pieces=()),
    "empty, length": Answer(pieces=(), done_reason="length"),
    "length": Answer(done_reason="length"),
    "endless": Answer(pieces=("On and on. ",), endless=True),
    "slow": Answer(pieces=("A ", "slow ", "answer."), delay_first=0.3, delay_each=0.1),
    "torn letters": Answer(pieces=("Ünïcödé ", "日本語。", "🙂"), write_bytes=3),
}
_WORDS = (
    *("the", "heron", "flies", "over", "a", "cold", "lake", "while", "somebody", "boils"),
    *("tea", "and", "tells", "of", "winter"),
)
_MOST_WAITING = 100
_STUCK_SECONDS = 60.0
_IDLE_SECONDS = 1.0
_TICK = 0.005
_LATE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(kw_only=True)
class Report:
    """What a soak saw; ``problems`` has to be empty."""

    seed: int
    seconds: float
    turns: int = 0
    stored: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    rss_second_quarter_mb: float = 0.0
    rss_end_mb: float = 0.0
    rss_growth_percent: float = 0.0
    fds_before: int = 0
    fds_second_quarter: int = 0
    fds_end: int = 0
    fds_after: int = 0
    fds_left: list[str] = field(default_factory=list)
    tasks_before: int = 0
    tasks_standing: int = 0
    tasks_quiet: int = 0
    tasks_after: int = 0
    leaked: list[str] = field(default_factory=list)
    lag_p99_seconds: float = 0.0
    lag_max_seconds: float = 0.0


class Watch:
    """Samples of memory and descriptors, and how late the loop was; of bounded size."""

    def __init__(self) -> None:
        self.rss: list[float] = []
        self.fds: list[int] = []
        self.latest = 0.0
        self._late = [0] * (len(_LATE) + 1)

    async def lag(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            late = max(0.0, loop.time() - due)
            self.latest = max(self.latest, late)
            self._late[sum(late > bound for bound in _LATE)] += 1

    async def samples(self, server: FakeOllama) -> None:
        """Sample every second until cancelled, and keep the fake from growing."""
        while True:
            self.rss.append(rss_mb())
            self.fds.append(open_files())
            server.requests.clear()
            server.disconnects.clear()
            server.peers.clear()
            await asyncio.sleep(1.0)

    def p99(self) -> float:
        """Return the bound that 99 of 100 ticks kept; the worst beyond the last bound."""
        wanted, seen = 0.99 * sum(self._late), 0
        for bound, count in zip(_LATE, self._late, strict=False):
            seen += count
            if seen >= wanted:
                return bound
        return self.latest


class Crowd:
    """People who talk, interrupt and change their minds; every turn is held to its promises."""

    def __init__(self, services: ServiceFactory, report: Report, rng: random.Random) -> None:
        self._services = services
        self._report = report
        self._rng = rng
        self._actions = Counter[str]()
        self._ends = Counter[str]()
        self._refused = Counter[str]()

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[RecordingSink]]:
        """Deliver one turn and look at all its events."""
        sinks: list[RecordingSink] = [RecordingSink()]
        if self._rng.random() < 0.1:
            sinks.append(SpokenSink(seconds=0.01))
        if self._rng.random() < 0.05:
            sinks.append(RecordingSink(fail_at=1))
        self._report.turns += 1
        try:
            yield sinks
        finally:
            try:
                assert_grammar(sinks[0].events)
            except AssertionError as error:
                self._problem(f"turn {turn.turn}: {error}: {sinks[0].kinds}")
            else:
                self._ends[sinks[0].kinds[-1]] += 1

    async def act(self, place: ConversationId) -> None:
        """Do one thing people do."""
        actions = {
            self.say: 60,
            self.say_twice: 8,
            self.barge_in: 4,
            self.stop: 8,
            self.regenerate: 5,
            self.swipe: 3,
            self.go_on: 3,
            self.edit: 3,
            self.undo: 3,
            self.reset: 1,
            self.look: 2,
        }
        action = self._rng.choices(list(actions), list(actions.values()))[0]
        self._actions[action.__name__] += 1
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                await action(place)
        except TimeoutError:
            self._problem(f"{action.__name__} in {place} never ended")
        except AcoreError as error:
            self._refused[error.code] += 1
        except Exception as error:  # noqa: BLE001  the report tells of every failure
            self._problem(f"{action.__name__}: {error!r}")

    async def say(self, place: ConversationId) -> None:
        await (await self._post(place)).outcome()

    async def say_twice(self, place: ConversationId) -> None:
        first = await self._post(place)
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        second = await self._post(place)
        await first.outcome()
        await second.outcome()

    async def barge_in(self, place: ConversationId) -> None:
        first = await self._post(place, Modality.VOICE)
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        second = await self._post(place, Modality.VOICE)
        await first.outcome()
        await second.outcome()

    async def stop(self, place: ConversationId) -> None:
        receipt = await self._post(place)
        await asyncio.sleep(self._rng.uniform(0.0, 0.2))
        self._services.conversations().stop(place)
        await receipt.outcome()

    async def regenerate(self, place: ConversationId) -> None:
        receipt = await self._services.conversations().regenerate(
            place, self, by=person(place), role=Role.OWNER
        )
        await receipt.outcome()

    async def swipe(self, place: ConversationId) -> None:
        step = self._rng.choice((-1, 1))
        swiped = await self._services.conversations().swipe(
            place, step, self, by=person(place), role=Role.OWNER
        )
        if isinstance(swiped, Receipt):
            await swiped.outcome()

    async def go_on(self, place: ConversationId) -> None:
        receipt = await self._services.conversations().continue_reply(
            place, self, by=person(place), role=Role.OWNER
        )
        await receipt.outcome()

    async def edit(self, place: ConversationId) -> None:
        await self._services.conversations().edit(place, self._sentence(), by=person(place))

    async def undo(self, place: ConversationId) -> None:
        await self._services.conversations().undo(place, by=person(place))

    async def reset(self, place: ConversationId) -> None:
        await self._services.conversations().reset(place, by=person(place))

    async def look(self, place: ConversationId) -> None:
        await self._services.conversations().why(place)
        await self._services.conversations().recent(place, 50)

    def done(self) -> None:
        """Write the counts into the report."""
        self._report.actions = dict(self._actions)
        self._report.ends = dict(self._ends)
        self._report.refused = dict(self._refused)

    async def _post(self, place: ConversationId, modality: Modality = Modality.TEXT) -> Receipt:
        message = Message(
            id=MessageId(self._services.ids().new()),
            conversation=place,
            author=person(place),
            parts=(TextPart(text=self._sentence()),),
            created_at=self._services.clock().now(),
            modality=modality,
        )
        return await self._services.conversations().receive(
            Inbound(
                message=message,
                delivery=self,
                addressing=Addressing(private=True),
                role=Role.OWNER,
            )
        )

    def _sentence(self) -> str:
        return " ".join(self._rng.choices(_WORDS, k=self._rng.randrange(1, 40))) + "."

    def _problem(self, text: str) -> None:
        if len(self._report.problems) < 20:
            self._report.problems.append(text)


async def soak(*, seconds: float, seed: int, rate: float = 5.0, places: int = 40) -> Report:
    """Let ``rate`` things happen per second in ``places`` conversations, and report."""
    report = Report(seed=seed, seconds=seconds)
    rng = random.Random(seed)
    report.tasks_before = len(asyncio.all_tasks())
    await asyncio.to_thread(gc.collect)  # also opens what the loop's threads need
    report.fds_before = open_files()
    with tempfile.TemporaryDirectory(prefix="acore-soak-") as folder:
        server = FakeOllama(models={"tiny": Model(), "other": Model()})
        async with server.running():
            settings = soak_settings(Path(folder) / "data", server.url)
            services = ServiceFactory(settings=settings)
            start_logging(settings.logging, settings.storage.data / "logs" / "acore.log")
            try:
                async with services.lifespan():
                    await _inside(services, server, report, rng, rate=rate, places=places)
            finally:
                await asyncio.to_thread(stop_logging)
        _look_at_what_is_stored(Path(folder) / "data" / "acore.db", report)
    shared_engine().close()  # there is one for the process, not for its services
    gc.collect()
    await asyncio.sleep(0.1)
    report.fds_after = open_files()
    report.fds_left = named_files()
    report.tasks_after = len(asyncio.all_tasks())
    return report


async def _inside(
    services: ServiceFactory,
    server: FakeOllama,
    report: Report,
    rng: random.Random,
    *,
    rate: float,
    places: int,
) -> None:
    standing = own_tasks()
    crowd, watch = Crowd(services, report, rng), Watch()
    async with asyncio.TaskGroup() as background:
        watchers = [
            background.create_task(watch.lag()),
            background.create_task(watch.samples(server)),
            background.create_task(_change_settings(services, rng)),
            background.create_task(_tidy_up(services, report)),
        ]
        await _talk(crowd, server, report, rng, rate=rate, places=places)
        for watcher in watchers:
            watcher.cancel()
    await asyncio.sleep(_IDLE_SECONDS * 3)
    left = own_tasks()
    report.tasks_standing, report.tasks_quiet = len(standing), len(left)
    report.leaked = sorted(f"{each.get_name()}: {each.get_coro()}" for each in left - standing)[:20]
    crowd.done()
    _summarise(watch, report)


async def _talk(
    crowd: Crowd,
    server: FakeOllama,
    report: Report,
    rng: random.Random,
    *,
    rate: float,
    places: int,
) -> None:
    loop = asyncio.get_running_loop()
    end, waiting, faults = loop.time() + report.seconds, set[asyncio.Task[None]](), Counter[str]()
    async with asyncio.TaskGroup() as people:
        while loop.time() < end:
            if rng.random() < 0.3 and len(server.answers) < 3:
                fault = rng.choice(list(FAULTS))
                faults[fault] += 1
                server.answers.append(FAULTS[fault])
            place = ConversationId("test", "soak", str(int(rng.paretovariate(0.7)) % places))
            if len(waiting) < _MOST_WAITING:
                task = people.create_task(crowd.act(place))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
            await asyncio.sleep(rng.expovariate(rate))
    report.faults = dict(faults)


async def _change_settings(services: ServiceFactory, rng: random.Random) -> None:
    """Reload the settings every few seconds with other values."""
    current: Settings = services.settings()

    def load() -> Settings:
        values = current.model_dump()
        values["llm"]["temperature"] = rng.uniform(0.1, 1.0)
        values["conversation"]["tool_rounds"] = rng.randrange(1, 9)
        values["gate"]["limit_window_seconds"] = rng.uniform(30.0, 90.0)
        return Settings.model_validate(values)

    def ignore(code: str, text: str) -> None:
        pass

    reloading = Reloading(current, load=load, appliers=appliers(services), announce=ignore)
    while True:
        await asyncio.sleep(rng.uniform(2.0, 6.0))
        await reloading.reload()


async def _tidy_up(services: ServiceFactory, report: Report) -> None:
    """Do a night's work every twenty seconds."""
    settings = services.settings()
    database, blobs, clock = services.database(), services.blobs(), services.clock()
    housekeeping = Housekeeping(
        settings.housekeeping,
        data=settings.storage.data,
        database=database,
        clock=clock,
        chores=every_chore(settings, database=database, blobs=blobs, clock=clock),
        metrics=services.metrics(),
        patience_seconds=0.5,
    )
    while True:
        await asyncio.sleep(20.0)
        for done in await housekeeping.tidy():
            if done.problem is not None and len(report.problems) < 20:
                report.problems.append(f"chore {done.chore}: {done.problem}")


def soak_settings(data: Path, url: str) -> Settings:
    """Settings with short patience, so that many faults fit into a minute."""
    return settings_in(
        data,
        llm={
            "ollama_host": url,
            "model": "tiny",
            "fallbacks": ("other",),
            "embedded": "never",
            "concurrency": 8,
            "first_token_timeout_seconds": 1.0,
            "stall_timeout_seconds": 0.5,
            "max_answer_characters": 3000,
            "retries": 1,
            "retry_seconds": 0.05,
            "breaker_seconds": 1.0,
        },
        gate={"user_limit": 10**9, "channel_limit": 10**9},
        conversation={"idle_seconds": _IDLE_SECONDS, "max_sessions": 25, "supersede_seconds": 1.0},
        housekeeping={"daily_backups": 2, "weekly_backups": 0},
    )


def person(place: ConversationId) -> Author:
    """The one who talks in ``place``."""
    return Author(id=AuthorId("test", f"person{place.channel}"), display_name="Sam")


def own_tasks() -> set[asyncio.Task[object]]:
    """All tasks but those of the fake server, one for each connection kept open to it."""
    return {
        task for task in asyncio.all_tasks() if "RequestHandler.start" not in str(task.get_coro())
    }


def open_files() -> int:
    """How many file descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def named_files() -> list[str]:
    """What the file descriptors of this process stand for."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that listed them
            found.append(str(link.readlink()))
    return sorted(found)


def _summarise(watch: Watch, report: Report) -> None:
    count = len(watch.rss)
    report.rss_mb = [round(value, 1) for value in watch.rss[:: max(1, count // 40)]]
    second = slice(count // 4, max(count // 4 + 1, count // 2))
    last = slice(count - max(1, count // 10), count)
    report.rss_second_quarter_mb = _middle(watch.rss[second])
    report.rss_end_mb = _middle(watch.rss[last])
    report.rss_growth_percent = (report.rss_end_mb / report.rss_second_quarter_mb - 1.0) * 100
    report.fds_second_quarter = max(watch.fds[second])
    report.fds_end = max(watch.fds[last])
    report.lag_p99_seconds = watch.p99()
    report.lag_max_seconds = watch.latest


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _look_at_what_is_stored(database: Path, report: Report) -> None:
    connection = use_modern_sqlite().connect(database)
    try:
        (soundness,) = connection.execute("PRAGMA integrity_check").fetchone()
        (report.stored,) = connection.execute("SELECT count(*) FROM turns").fetchone()
        (unfinished,) = connection.execute(
            "SELECT count(*) FROM turns WHERE state = 'open' OR ended_at IS NULL"
        ).fetchone()
    finally:
        connection.close()
    if soundness != "ok":
        report.problems.append(f"the database is damaged: {soundness}")
    if unfinished:
        report.problems.append(f"{unfinished} turns are stored as unfinished")


def main() -> None:
    """Run a soak from the command line."""
    parser = argparse.ArgumentParser(description="Talk for a long time while things go wrong.")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=5.0, help="things that happen per second")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    sys.stderr.write(f"seed {seed}\n")
    report = asyncio.run(soak(seconds=arguments.seconds, seed=seed, rate=arguments.rate))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")


if __name__ == "__main__":
    use_modern_sqlite()
    main()
