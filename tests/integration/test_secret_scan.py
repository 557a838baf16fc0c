"""The scan finds planted secrets and leaves ordinary text alone.

The samples are put together here, so that the scan does not find this file.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.secret_scan import ROOT, published, scan

FILLER = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"


def kinds(root: Path) -> set[str]:
    return {finding.kind for finding in scan(root)}


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        (("-----BEGIN OPENSSH PRIV", "ATE KEY-----"), "private key"),
        (("AK", "IAIOSFODNN7EXAMPLE"), "AWS key"),
        (("gh", "p_", FILLER[:36]), "GitHub token"),
        (("github", "_pat_", FILLER, FILLER), "GitHub token"),
        (("s", "k-proj-", FILLER), "model provider key"),
        (("s", "k-or-v1-", FILLER), "model provider key"),
        (("AI", "za", FILLER[:35]), "Google key"),
        (("h", "f_", "abcdefghij" * 4), "hub token"),
        (("xo", "xb-1234567890-abc"), "Slack token"),
        (("M", FILLER[:23], ".", "Gabcde", ".", FILLER[:38]), "Discord token"),
        (("ey", "JhbGciOiJIUzI1", ".ey", "JzdWIiOiIxMjM0", ".", FILLER), "signed token"),
        (("postgres://me:", "hunter22@", "db/x"), "password in a URL"),
        (("api_", 'key = "', FILLER[:32].lower(), '"'), "assigned secret"),
        (("DISCORD_TO", "KEN=", FILLER[:32].lower()), "assigned secret"),
        (("https://py", "pi.org/simple"), "package registry host"),
        (("open('/ho", "me/ann/acore')"), "path of one machine"),
        (("see /ro", "ot/x"), "path of one machine"),
        (("cd /wo", "rk/acore"), "path of one machine"),
        (("write to /t", "mp/x"), "path of one machine"),
        (("C:", "\\Users\\ann"), "path of one machine"),
    ],
)
def test_a_planted_secret_is_found_with_its_line(tmp_path: Path, parts: tuple[str, ...], kind: str):
    (tmp_path / "notes.md").write_text("ordinary\n" + "".join(parts) + "\n")
    (finding,) = [finding for finding in scan(tmp_path) if finding.kind == kind]
    assert (finding.path, finding.line) == (Path("notes.md"), 2)
    assert "".join(parts) not in str(finding)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("acore.db", "database"),
        ("acore.db-wal", "database"),
        ("run.log", "log"),
        ("tiny.gguf", "model"),
        ("server.pem", "key file"),
        (".env", "personal settings"),
        ("config.toml", "personal settings"),
    ],
)
def test_a_file_that_is_private_is_found_by_its_name(tmp_path: Path, name: str, kind: str):
    (tmp_path / name).write_bytes(b"\0")
    assert kinds(tmp_path) == {kind}


def test_ordinary_text_is_left_alone(tmp_path: Path):
    (tmp_path / "page.md").write_text(
        "--hash=sha256:0029f5409d8b63618d9b7623f6efe9fc52bcb865b3399963631e7d936859f8d6\n"
        "token = settings.discord.token.get_secret_value()\n"
        "http://127.0.0.1:11434 and https://example.org/home/page and data/work/x\n"
        "OPENAI_API_KEY=\nmax_tokens = 400\n"
        "http://me:secret@127.0.0.1:1 and redis://me:secret@host.invalid/0\n"
        "f'{user}:{password}@host' and postgresql://host/name\n"
    )
    (tmp_path / ".env.example").write_text("# OLLAMA_MODEL=\n")
    assert not list(scan(tmp_path))


def test_tests_may_invent_paths_but_not_hold_keys(tmp_path: Path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("".join(("path = '/t", "mp/x'\ns", "k-", FILLER)))
    assert kinds(tmp_path) == {"model provider key"}


@pytest.mark.parametrize("with_git", [True, False])
def test_what_is_ignored_is_not_published_but_untracked_files_are(tmp_path: Path, with_git: bool):
    if with_git:
        if shutil.which("git") is None:
            pytest.skip("git is not installed")
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("*.log\n/data/*\n")
    for name in ("run.log", "new.db", "data/acore.db", "deep/data/page.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = {path.relative_to(tmp_path).as_posix() for path in published(tmp_path)}
    assert found == {".gitignore", "new.db", "deep/data/page.md"}
    assert kinds(tmp_path) == {"database"}


def test_the_scan_looks_at_the_whole_project():
    names = {path.relative_to(ROOT).as_posix() for path in published(ROOT)}
    assert {"tests/secret_scan.py", "services/settings.py", "constraints.txt"} <= names
