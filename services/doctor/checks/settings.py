"""The settings, and who else can read the secrets in ``.env``."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.discretion import likely_secret
from services.domain.errors import ConfigurationError
from services.settings import Settings
from services.settings_files import CONFIG_NAME, DOTENV_NAME, read_dotenv

_SUGGESTED = re.compile(r"did you mean (?P<name>\S+)\?")
_SECRET = re.compile(r"is a secret and must not lie in .*? as (?P<variable>\w+)")
_OWNER_ONLY = 0o600
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def _settings(case: Case) -> Found:
    if isinstance(case.settings, Settings):
        config = case.cwd / (case.config or CONFIG_NAME)
        there = await asyncio.to_thread(config.exists)
        return fine(f"The settings are valid{'' if there else '; there is no config.toml'}.")
    return [
        problem(line, fix=_correction(line), cause="settings")
        for line in case.settings.user_message.splitlines()
        if line.strip()
    ]


def _correction(line: str) -> str:
    if match := _SECRET.search(line):
        return (
            f"Delete the line, write {match['variable']}=… into .env, and replace the key if "
            "anybody else has seen the file."
        )
    if match := _SUGGESTED.search(line):
        return f"Write {match['name']}, or delete it."
    return "Correct or delete it; docs/configuration.md says what every setting accepts."


async def _dotenv(case: Case) -> Finding:
    path = case.cwd / DOTENV_NAME
    return await asyncio.to_thread(_judged, path)


def _judged(path: Path) -> Finding:
    if not path.is_file():
        return skipped("There is no .env.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & _OF_OTHERS:
        return fine("Only you can read .env.")
    try:
        secret = any(likely_secret(name) and value for name, value in read_dotenv(path).items())
    except ConfigurationError:
        secret = True  # nobody knows what it holds
    sentence = f"Other users of this machine can read .env (mode {mode:04o})"
    if not secret:
        return warning(f"{sentence}.", fix="Run `chmod 600 .env`.", cause="settings")
    return problem(
        f"{sentence}, and it holds a secret.", fix="Run `chmod 600 .env`.", cause="settings"
    )


async def _hide_dotenv(case: Case) -> None:
    await asyncio.to_thread((case.cwd / DOTENV_NAME).chmod, _OWNER_ONLY)


CHECKS = (
    Check(name="settings", area="settings", examine=_settings, needs_settings=False),
    Check(
        name="dotenv",
        area="settings",
        examine=_dotenv,
        repair=_hide_dotenv,
        needs_settings=False,
    ),
)
