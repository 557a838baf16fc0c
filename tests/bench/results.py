"""Figures of a benchmark: printed as a table and written as JSON."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parents[2] / "bench" / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value beside its target; ``better`` says which direction is good."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"
    baseline: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; ``None`` without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.better == "lower" else self.value >= self.target

    def as_json(self) -> dict[str, object]:
        """The figure in the form every benchmark writes."""
        figure: dict[str, object] = {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "target": self.target,
            "better": self.better,
        }
        if self.baseline is not None:
            figure["baseline"] = round(self.baseline, 4)
        return figure


def report(area: str, figures: Sequence[Figure]) -> None:
    """Print ``figures`` and write them to ``bench/results/AREA.json``."""
    width = max(len(figure.name) for figure in figures)
    lines = [f"\n{area}"]
    for figure in figures:
        sign = "≤" if figure.better == "lower" else "≥"
        target = "" if figure.target is None else f"  target {sign} {figure.target:g}"
        verdict = {True: "", False: "  MISSED", None: ""}[figure.met]
        value = f"{figure.value:>10.3f} {figure.unit}"
        lines.append(f"  {figure.name:<{width}}  {value}{target}{verdict}")
    sys.stdout.write("\n".join(lines) + "\n")
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = json.dumps([figure.as_json() for figure in figures], indent=1)
    (FOLDER / f"{area}.json").write_text(content + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of ``values`` lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def rss_mb(pid: int | str = "self", *, peak: bool = False) -> float:
    """Resident memory of a process in MB, now or at its highest."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
