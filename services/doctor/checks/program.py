"""Python, SQLite, the packages and the prompts: what acore is made of."""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.storage.sqlite import WAL_SAFE_VERSION, use_modern_sqlite

_OLDEST_PYTHON = (3, 11)
_INSTALL = "Run `make setup`, which installs what constraints.txt pins."
_PIN = re.compile(
    r"(?P<name>[\w.-]+)\s*(\[[^\]]*\])?\s*==\s*(?P<version>[^\s;]+)\s*(;\s*(?P<marker>.*))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pin:
    name: str
    version: str
    conditional: bool


async def _python(case: Case) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return problem(
            f"Python {found} is too old; acore needs 3.11 or newer.",
            fix="Install Python 3.11, delete .venv and run `make setup`.",
            cause="dependency",
        )
    return fine(f"Python {found}.")


async def _sqlite(case: Case) -> Found:
    sqlite = use_modern_sqlite()
    version = sqlite.sqlite_version
    findings = []
    if sqlite.sqlite_version_info < WAL_SAFE_VERSION:
        safe = ".".join(map(str, WAL_SAFE_VERSION))
        findings.append(
            warning(
                f"SQLite {version} can lose data in a write-ahead log (fixed in {safe}), so acore "
                "uses the slower rollback journal.",
                fix="Install the package pysqlite3, or a Python built with a newer SQLite.",
                cause="dependency",
            )
        )
    if not await asyncio.to_thread(_searches_text):
        findings.append(
            warning(
                f"SQLite {version} was built without full-text search (FTS5).",
                fix="Install the package pysqlite3, or a Python built with a newer SQLite.",
                cause="dependency",
            )
        )
    return findings or fine(f"SQLite {version}, with a safe write-ahead log and full-text search.")


def _searches_text() -> bool:
    sqlite = use_modern_sqlite()
    connection = sqlite.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
    except sqlite.OperationalError:
        return False
    finally:
        connection.close()
    return True


async def _packages(case: Case) -> Found:
    file = case.project / "pyproject.toml"
    if not await asyncio.to_thread(file.is_file):
        return skipped("There is no pyproject.toml to compare the installed packages with.")
    document = tomllib.loads(await asyncio.to_thread(file.read_text, encoding="utf-8"))
    pins = list(_pins(document["project"]["dependencies"]))
    missing, other = [], []
    for pin in pins:
        try:
            version = importlib.metadata.version(pin.name)
        except importlib.metadata.PackageNotFoundError:
            if not pin.conditional:
                missing.append(f"{pin.name} {pin.version}")
            continue
        if version != pin.version:
            other.append(f"{pin.name} {version} instead of {pin.version}")
    findings = []
    if missing:
        sentence = f"Packages are missing: {', '.join(missing)}."
        findings.append(problem(sentence, fix=_INSTALL, cause="dependency"))
    if other:
        sentence = f"Packages have versions that were not tested: {', '.join(other)}."
        findings.append(warning(sentence, fix=_INSTALL, cause="dependency"))
    return findings or fine(f"All {len(pins)} packages have the pinned version.")


def _pins(lines: Iterable[str]) -> Iterable[_Pin]:
    for line in lines:
        if match := _PIN.fullmatch(line.strip()):
            yield _Pin(
                name=match["name"], version=match["version"], conditional=bool(match["marker"])
            )


async def _prompts(case: Case) -> Found:
    folder = case.project / "prompts"
    files = await asyncio.to_thread(lambda: sorted(folder.glob("*/*.md.j2")))
    if not files:
        return problem(
            f"There are no prompts in {folder}.",
            fix="Restore the prompts folder of the version you installed.",
            cause="data",
        )
    broken = [finding for file in files if (finding := await _prompt(file, folder)) is not None]
    return broken or fine(f"All {len(files)} prompts compile.")


async def _prompt(file: Path, folder: Path) -> Finding | None:
    name = file.relative_to(folder)
    try:
        source = await asyncio.to_thread(file.read_text, encoding="utf-8")
        await asyncio.to_thread(SandboxedEnvironment().compile, source)
    except TemplateSyntaxError as error:
        reason = f"line {error.lineno}: {error.message}"
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    else:
        return None
    return problem(
        f"The prompt {name} cannot be used ({reason}).",
        fix=f"Correct prompts/{name}, or restore it as it was delivered.",
        cause="data",
    )


CHECKS = (
    Check(name="python", area="program", examine=_python, needs_settings=False),
    Check(name="sqlite", area="program", examine=_sqlite, needs_settings=False),
    Check(name="packages", area="program", examine=_packages, needs_settings=False),
    Check(name="prompts", area="program", examine=_prompts, needs_settings=False),
)
