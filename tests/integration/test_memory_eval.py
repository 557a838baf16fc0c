"""``main.py memory eval`` as scripts use it, and recall on real conversations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.domain.clock import SystemClock
from services.memory.embedders.nano import nano_embedder
from services.memory.embedders.plain_words import PlainWords
from services.memory.recall.evaluation import evaluate
from services.memory.recall.locomo import read_samples
from tests.unit.memory.test_evaluation import sample

MAIN = Path(__file__).parents[2] / "main.py"


def evaluated(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "ACORE" not in name}
    return subprocess.run(
        [sys.executable, str(MAIN), "memory", "eval", *arguments],
        cwd=folder,
        env={**clean, "ACORE_MEMORY__EMBEDDER": "none"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_figures_are_printed_as_one_json_object_and_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps([sample()]))
    done = evaluated(tmp_path, "given.json", "--json", "--k", "3,1")
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    assert figures["embedder"] == "none"
    assert list(figures["turn"]) == list(figures["by_category"]["4"]) == ["1", "3"]
    assert {"turn", "session", "by_category", "latency_ms", "peak_mb", "tokens_per_recall"} <= set(
        figures
    )
    assert figures["by_category"]["4"]["1"] == 100
    assert not (tmp_path / "data" / "acore.db").exists()


def test_figures_are_readable_without_json(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps([sample()]))
    done = evaluated(tmp_path, "given.json", "--k", "5")
    assert done.returncode == 0
    assert "turn:\n  5 " in done.stdout


@pytest.mark.parametrize("content", ["", "{}", '[{"conversation": 1, "qa": 2}]', None])
def test_a_bad_file_is_one_sentence_and_exit_code_2(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "given.json").write_text(content)
    done = evaluated(tmp_path, "given.json", "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("given.json ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("ks", ["0", "201", "five", "", "1,,2"])
def test_a_bad_k_is_refused(tmp_path: Path, ks: str) -> None:
    done = evaluated(tmp_path, "given.json", "--k", ks)
    assert done.returncode == 1
    assert "give numbers from 1 to 200" in done.stderr


async def test_recall_by_words_alone_is_far_above_plain_bm25(test_data: Path) -> None:
    """Plain BM25 finds 56 % of the evidence among 5 turns, 64 % among 10, over all of them."""
    samples = read_samples(test_data / "locomo-dev.json")[:1]
    figures = await evaluate(samples, ks=(5, 10), embedder=PlainWords(), clock=SystemClock())
    turn = figures["turn"]
    assert isinstance(turn, dict)
    assert turn["5"] >= 64
    assert turn["10"] >= 74


@pytest.mark.slow
async def test_recall_with_the_default_embedder_reaches_its_targets(test_data: Path) -> None:
    samples = read_samples(test_data / "locomo-dev.json")
    embedder = nano_embedder(threads=os.cpu_count() or 1)
    try:
        figures = await evaluate(samples, ks=(5, 10, 20), embedder=embedder, clock=SystemClock())
    finally:
        await embedder.close()
    turn, by_category = figures["turn"], figures["by_category"]
    assert isinstance(turn, dict)
    assert isinstance(by_category, dict)
    assert turn["5"] >= 74
    assert turn["10"] >= 83
    assert turn["20"] >= 88
    assert by_category["1"]["10"] >= 46
