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
from dataclasses import asdict
from pathlib import Path

from frontends.following import appliers
from services.domain.ids import ConversationId
from services.factory import ServiceFactory
from services.housekeeping.chores import every_chore
from services.housekeeping.service import Housekeeping
from services.observability.logging import start_logging, stop_logging
from services.persona.javascript_regex import shared_engine
from services.reloading import Reloading
from services.settings import Settings
from services.storage.sqlite import use_modern_sqlite
from tests.fakes.app import settings_in
from tests.fakes.ollama_server import FakeOllama, Model
from tests.journeys.soak_crowd import FAULTS, Crowd
from tests.journeys.soak_report import (
    Report,
    Watch,
    named_files,
    open_files,
    own_tasks,
    waits_in,
)

_MOST_WAITING = 100
_IDLE_SECONDS = 1.0


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
    left = await _left_when_quiet(standing)
    report.tasks_standing, report.tasks_quiet = len(standing), len(left)
    report.leaked = sorted(f"{each.get_name()}: {waits_in(each)}" for each in left - standing)[:20]
    crowd.done()
    watch.tell(report)


async def _left_when_quiet(standing: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Wait until sessions have left memory, and return the tasks that are still there."""
    for _ in range(20):
        await asyncio.sleep(_IDLE_SECONDS)
        if not own_tasks() - standing:
            break
    return own_tasks()


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
            if done.problem is not None:
                report.problem(f"chore {done.chore}: {done.problem}")


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
        report.problem(f"the database is damaged: {soundness}")
    if unfinished:
        report.problem(f"{unfinished} turns are stored as unfinished")


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
