"""One process for a long time, under load and faults: nothing is lost, nothing grows."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LONG_SECONDS = float(os.environ.get("ACORE_SOAK_SECONDS", "7200"))
SHORT_SECONDS = 15.0
RATE = 5.0
# As the service files set it: an arena for every thread keeps memory that nobody uses any more.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}


async def soaked(seconds: float) -> dict[str, Any]:
    """Run the soak in a process of its own, with the seed of ``ACORE_SOAK_SEED`` or a new one."""
    seed = os.environ.get("ACORE_SOAK_SEED") or str(random.SystemRandom().randrange(10**6))
    sys.stdout.write(f"ACORE_SOAK_SEED={seed}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.journeys.soak"),
        *("--seconds", str(seconds), "--seed", seed, "--rate", str(RATE)),
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()[-3000:]
    report: dict[str, Any] = json.loads(out)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return report


def check(report: dict[str, Any]) -> None:
    """See that every promise was kept, however long it took."""
    assert report["problems"] == []
    assert report["turns"] == report["stored"] == sum(report["ends"].values())
    assert report["turns"] > report["seconds"] * RATE * 0.4
    assert set(report["ends"]) == {"turn_finished", "turn_interrupted", "turn_failed"}
    assert len(report["faults"]) > 8
    assert report["leaked"] == []
    assert report["tasks_quiet"] <= report["tasks_standing"]
    assert report["tasks_after"] == report["tasks_before"]
    assert report["fds_after"] == report["fds_before"]
    assert report["fds_end"] <= report["fds_second_quarter"] + 10
    assert report["lag_p99_seconds"] <= 0.2
    assert report["lag_max_seconds"] <= 3.0


@pytest.mark.timeout(240)
async def test_a_quarter_of_a_minute_of_everything_at_once() -> None:
    report = await soaked(SHORT_SECONDS)
    check(report)
    assert report["rss_growth_percent"] < 25


@pytest.mark.slow
@pytest.mark.timeout(LONG_SECONDS * 1.5 + 300)
async def test_hours_of_everything_at_once() -> None:
    report = await soaked(LONG_SECONDS)
    check(report)
    assert report["rss_growth_percent"] < 5
