"""Makes what the doctor says safe to publish."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from services.doctor.check import Case
from services.domain.errors import AcoreError, ConfigurationError
from services.settings import Settings
from services.settings_files import DOTENV_NAME, read_dotenv, read_toml
from services.settings_schema import setting_fields

MASK = "***"
SOMEBODY = "<user>"

_SHORTEST_SECRET = 4
_SHORTEST_GUESS = 6
_SECRET_NAME = re.compile(r"(?i)(key|token|secret|passw(or)?d|credentials?)$")
_CREDENTIALS = re.compile(r"(://)[^\s/]*@")
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")
_INVITATION = re.compile(
    r"(https?://[\w.:\[\]-]+/oauth2/authorize\?client_id=\d+&permissions=\d+&scope=[a-z.+]+)(?!\S)"
)
_KEY = re.compile(r"\b(sk|pk|ghp|xox[abp])[-_][\w-]{8,}|(?i:bearer)\s+\S+")
_HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/[^/\s:;,]+")
_PATHS = re.compile(r"\S*/\S*")


def likely_secret(name: str) -> bool:
    """Tell whether a variable or setting called ``name`` probably holds a secret."""
    return _SECRET_NAME.search(name) is not None


class Discretion:
    """Replaces secrets, credentials in addresses, the home folder and the user's name."""

    def __init__(self, case: Case) -> None:
        secrets = {secret for secret in _known_secrets(case) if len(secret) >= _SHORTEST_SECRET}
        secrets |= {guess for guess in _likely_secrets(case) if len(guess) >= _SHORTEST_GUESS}
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._homes = sorted(_home_folders(case.environ), key=len, reverse=True)
        self._names = _user_names(case.environ)

    def applied(self, text: str) -> str:
        """Return ``text`` without what is nobody's business; a bot's invitation may be shown."""
        parts = _INVITATION.split(text)
        return "".join(
            self._safe(part) if index % 2 == 0 else part for index, part in enumerate(parts)
        )

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _CREDENTIALS.sub(r"\1", text)
        text = _QUERY.sub(r"\1", text)
        text = _KEY.sub(MASK, text)
        for home in self._homes:
            text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
        text = _HOMES.sub("~", text)
        return _PATHS.sub(lambda match: self._nameless(match[0]), text)

    def _nameless(self, path: str) -> str:
        for name in self._names:
            path = re.sub(rf"(?<![a-zA-Z0-9]){re.escape(name)}(?![a-zA-Z0-9])", SOMEBODY, path)
        return path


def _known_secrets(case: Case) -> Iterable[str]:
    if not isinstance(case.settings, Settings):
        return
    for field in setting_fields(Settings).values():
        value = getattr(getattr(case.settings, field.section), field.name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()


def _likely_secrets(case: Case) -> Iterable[str]:
    for variables in (case.environ, _dotenv(case.cwd)):
        yield from (value for name, value in variables.items() if likely_secret(name))
    yield from _secrets_in_toml(case)


def _dotenv(cwd: Path) -> Mapping[str, str]:
    try:
        return read_dotenv(cwd / DOTENV_NAME)
    except ConfigurationError:
        return {}


def _secrets_in_toml(case: Case) -> Iterable[str]:
    try:
        document = read_toml(case.config, case.cwd)
    except AcoreError:
        return
    for table in document.values():
        if isinstance(table, Mapping):
            for name, value in table.items():
                if isinstance(value, str) and likely_secret(str(name)):
                    yield value


def _home_folders(environ: Mapping[str, str]) -> set[str]:
    homes = {environ.get("HOME", "")}
    with suppress(RuntimeError):  # there is neither a variable nor an account
        homes.add(str(Path.home()))
    return {home.rstrip("/") for home in homes if len(home.rstrip("/")) > 1}


def _user_names(environ: Mapping[str, str]) -> set[str]:
    names = {environ.get("USER", ""), environ.get("LOGNAME", "")}
    with suppress(KeyError, OSError):  # there is no account
        names.add(getpass.getuser())
    return {name for name in names if name}
