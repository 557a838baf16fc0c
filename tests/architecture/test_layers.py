"""Knowledge points downward, and the contracts that say so work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import PACKAGES, ROOT, imported, parsed, product_files

pytestmark = pytest.mark.timeout(60)


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The product's modules, all empty, under its own contracts."""
    for path in product_files():
        if path.relative_to(ROOT).parts[0] in PACKAGES:
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    (tmp_path / ".importlinter").write_text((ROOT / ".importlinter").read_text())
    return tmp_path


def test_the_product_keeps_its_contracts():
    run = _lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_an_empty_skeleton_keeps_them_too(skeleton: Path):
    run = _lint(skeleton)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("services/domain/ids.py", "import services.settings", "points downward BROKEN"),
        (
            "services/llm/model.py",
            "import services.conversation",
            "points downward BROKEN",
        ),
        ("services/domain/ids.py", "import pydantic", "depend on nothing BROKEN"),
        ("services/conversation/turn.py", "import discord", "no platform SDK BROKEN"),
        ("services/storage/tables.py", "import services.factory", "import the factory BROKEN"),
        ("services/domain/ids.py", "import frontends.console", "know each other BROKEN"),
        ("cogs/chat.py", "import services.storage.tables", "not to their insides BROKEN"),
        ("services/unplaced/__init__.py", "", "unplaced"),
    ],
)
def test_a_planted_violation_is_found(skeleton: Path, module: str, line: str, found: str):
    (skeleton / module).parent.mkdir(exist_ok=True)
    (skeleton / module).write_text(f"{line}\n")
    run = _lint(skeleton)
    assert run.returncode != 0
    assert found in run.stdout, run.stdout


def test_only_the_model_server_serves_http_inside_the_core():
    server = ROOT / "services" / "llm" / "embedded"
    offenders = [
        path.relative_to(ROOT)
        for path in product_files()
        if path.is_relative_to(ROOT / "services")
        and not path.is_relative_to(server)
        and any(name.startswith("aiohttp.web") for name in imported(parsed(path)))
    ]
    assert not offenders
