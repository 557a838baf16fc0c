"""What a longer run under load and faults does to memory, descriptors and tasks.

``ACORE_SOAK_SECONDS`` says how long; two minutes without it.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from services.storage.sqlite import use_modern_sqlite
from tests.bench.results import Figure, report
from tests.journeys.soak import soak

SECONDS = float(os.environ.get("ACORE_SOAK_SECONDS", "120"))
# Caches fill for the first half hour, so only a longer run says something about growth.
GROWTH_TARGET = 5.0 if SECONDS >= 3600 else None


def main() -> int:
    """Measure, print and store."""
    use_modern_sqlite()
    seed = random.SystemRandom().randrange(10**6)
    found = asyncio.run(soak(seconds=SECONDS, seed=seed))
    minutes = SECONDS / 60
    failed = found.ends.get("turn_failed", 0)
    report(
        "soak",
        [
            Figure(name="length", value=SECONDS, unit="s"),
            Figure(name="turns a minute", value=found.turns / minutes, unit="turns"),
            Figure(name="faults a minute", value=sum(found.faults.values()) / minutes, unit=""),
            Figure(name="turns that failed", value=failed / found.turns * 100, unit="%"),
            Figure(name="broken promises", value=len(found.problems), unit="", target=0),
            Figure(
                name="memory, end vs second quarter",
                value=found.rss_growth_percent,
                unit="%",
                target=GROWTH_TARGET,
            ),
            Figure(name="memory at the end", value=found.rss_end_mb, unit="MB"),
            Figure(
                name="descriptors left open",
                value=found.fds_after - found.fds_before,
                unit="",
                target=0,
            ),
            Figure(name="tasks left", value=len(found.leaked), unit="", target=0),
            Figure(name="loop lag p99", value=found.lag_p99_seconds * 1000, unit="ms", target=20),
            Figure(name="loop lag, worst", value=found.lag_max_seconds * 1000, unit="ms"),
        ],
    )
    for problem in found.problems:
        sys.stdout.write(f"  {problem}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
