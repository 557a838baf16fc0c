"""A minute of coverage-guided fuzzing for each part of lore."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 4)
@pytest.mark.parametrize("target", ["BOOK", "BATCH", "REGEX"])
def test_fuzzing_finds_nothing(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: nothing is fuzzed")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.fuzz_lore",
            target,
            f"-max_total_time={SECONDS}",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Done" in done.stderr
