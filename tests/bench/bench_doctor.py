"""How many seeded faults the doctor finds, each with its remedy, and how long it takes."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from services.storage.sqlite import use_modern_sqlite
from tests.bench.results import Figure, median, report

use_modern_sqlite()

from services.doctor.examination import examine  # noqa: E402
from tests.fakes.faults import FAULTS, Fault, Installation, installed  # noqa: E402
from tests.journeys.program import migrated  # noqa: E402

RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whether the fault was found with its remedy, and the seconds that took."""

    found: bool
    seconds: float


async def looked_for(fault: Fault, installation: Installation) -> Look:
    """Seed the fault and ask the doctor, as a person would where that is possible."""
    async with fault.seed(installation):
        began = time.perf_counter()
        if fault.inside is None:
            ended = await installation.program.run("doctor", "--json", *fault.arguments)
            said = json.loads(ended.out)["findings"]
            told = [(each["check"], each["sentence"], each["fix"] or "") for each in said]
        else:
            case = fault.inside(installation.case())
            findings = await examine(case)
            told = [(each.check, each.sentence, each.fix or "") for each in findings]
        seconds = time.perf_counter() - began
    found = any(
        check == fault.check and fault.says in sentence and fault.fix in fix
        for check, sentence, fix in told
    )
    return Look(found=found, seconds=seconds)


async def healthy_runs(folder: Path, blank: Path) -> tuple[list[float], int]:
    """Return the seconds of runs over a healthy installation, and how many gave a false alarm."""
    spans, alarms = [], 0
    async with installed(folder, blank=blank) as installation:
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            ended = await installation.program.run("doctor", "--json")
            spans.append(time.perf_counter() - began)
            counts = json.loads(ended.out)["summary"]
            alarms += bool(counts["problem"] + counts["warning"])
    return spans[1:], alarms


async def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blank = migrated(folder / "blank")
        looks = []
        for number, fault in enumerate(FAULTS):
            async with installed(folder / str(number), blank=blank) as installation:
                looks.append(await looked_for(fault, installation))
        spans, alarms = await healthy_runs(folder / "healthy", blank)
    report(
        "doctor",
        [
            Figure(
                name=f"seeded faults found with their remedy, of {len(FAULTS)}",
                value=sum(look.found for look in looks),
                unit="faults",
                target=len(FAULTS),
                better="higher",
            ),
            Figure(name="false alarms in healthy runs", value=alarms, unit="runs", target=0),
            Figure(name="healthy run, process start on", value=median(spans), unit="s", target=3),
            Figure(
                name="longest run over a fault",
                value=max(look.seconds for look in looks),
                unit="s",
                target=10,
            ),
        ],
    )


if __name__ == "__main__":
    asyncio.run(main())
