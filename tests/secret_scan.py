"""Finds what must not be published: keys, personal files, paths of one machine, registry hosts.

``python -m tests.secret_scan`` looks at every file that is tracked or would be, and returns 1
naming file, line and kind, never the text itself.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

ROOT: Final = Path(__file__).parent.parent

# Token forms as their issuers document them.
_TEXT: Final[Mapping[str, re.Pattern[str]]] = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})"),
    "model provider key": re.compile(r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{24,}"),
    "Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "hub token": re.compile(r"\bhf_[A-Za-z]{30,}"),
    "Slack token": re.compile(r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
    "Discord token": re.compile(r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    "signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    # At hosts that are nobody's it is an example.
    "password in a URL": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s:/@{}$<]+:[^\s:/@{}$<]{4,}@"
        r"(?!127\.0\.0\.1|localhost|[\w.-]*(?:\.invalid|\.test|example\.(?:org|com))\b|[{<$%\"'])"
    ),
    "assigned secret": re.compile(
        r"(?i)(?:api_?key|secret|passw(?:or)?d|token)[\"']?\s*[:=]\s*"
        r"[\"']?(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])[\w+/-]{24,}"
    ),
    "package registry host": re.compile(
        r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com"
        r"|proxy\.golang\.org|index\.crates\.io|deb\.debian\.org)\b"
    ),
}
_MACHINE_PATH: Final = re.compile(
    r"(?<![\w.~/$}>*-])(?:/(?:home|Users)/\w+|/(?:root|work|tmp|mnt)(?=[/\s\"'`),;:]|$)"
    r"|[A-Z]:\\(?:Users|home)\\)"
)
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "database": ("*.db", "*.db-wal", "*.db-shm", "*.sqlite", "*.sqlite3"),
    "log": ("*.log",),
    "model": ("*.gguf", "*.safetensors", "*.onnx", "*.pt", "*.pth", "*.ckpt"),
    "key file": ("*.pem", "*.key", "*.p12", "*.pfx", "id_rsa", "id_ed25519"),
    "personal settings": (".env", ".env.local", "config.toml", ".netrc", ".pypirc", ".npmrc"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not be published; ``line`` is 0 for the file as such."""

    path: Path
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}" if self.line else f"{self.path}: {self.kind}"


def scan(root: Path) -> Iterator[Finding]:
    """Yield every finding in the files below ``root`` that git would publish."""
    for path in published(root):
        name = path.relative_to(root)
        for kind, patterns in _FILES.items():
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
                yield Finding(path=name, line=0, kind=kind)
        yield from _scan_text(path, name)


def published(root: Path) -> Iterator[Path]:
    """Yield tracked and untracked, not ignored files, by git or else by ``.gitignore``."""
    git = shutil.which("git")
    names = _listed(root, git) if git and (root / ".git").exists() else _not_ignored(root)
    yield from (path for path in sorted(root / name for name in names) if path.is_file())


def _listed(root: Path, git: str) -> set[str]:
    listing = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return set(listing.split("\0")) - {""}


def _not_ignored(root: Path) -> set[str]:
    rules = root / ".gitignore"
    lines = rules.read_text(encoding="utf-8").splitlines() if rules.exists() else []
    ignored = GitIgnoreSpec.from_lines([*lines, "/.git"])
    return set(ignored.match_tree_files(root, negate=True))


def _scan_text(path: Path, name: Path) -> Iterator[Finding]:
    content = path.read_bytes()
    if b"\0" in content[:8192]:
        return
    # Tests may invent paths; none of theirs is opened.
    invents_paths = name.parts[0] == "tests"
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        for kind, pattern in _TEXT.items():
            if pattern.search(line):
                yield Finding(path=name, line=number, kind=kind)
        if not invents_paths and _MACHINE_PATH.search(line):
            yield Finding(path=name, line=number, kind="path of one machine")


def main() -> int:
    """Name every finding and return 1 when there is one."""
    findings = list(scan(ROOT))
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
