"""Loads the settings from the command line, the environment, ``.env`` and ``config.toml``."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from services.domain.errors import ConfigurationError
from services.settings import Settings
from services.settings_files import CONFIG_NAME, DOTENV_NAME, read_dotenv, read_toml
from services.settings_schema import PREFIX, SettingField, sections, setting_fields

PROJECT = Path(__file__).resolve().parent.parent

SettingsT = TypeVar("SettingsT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A well-known environment variable that stands for a setting."""

    variable: str
    path: str


# Where two stand for one setting, the earlier wins.
ALIASES = (
    Alias(variable="OLLAMA_HOST", path="llm.ollama_host"),
    Alias(variable="OLLAMA_MODEL", path="llm.model"),
    Alias(variable="LLM_MODEL", path="llm.model"),
    Alias(variable="DATABASE_PATH", path="storage.url"),
    Alias(variable="OPENAI_API_KEY", path="openai.api_key"),
    Alias(variable="OPENAI_BASE_URL", path="openai.base_url"),
    Alias(variable="OPENROUTER_API_KEY", path="openrouter.api_key"),
    Alias(variable="REQUESTY_API_KEY", path="requesty.api_key"),
    Alias(variable="DISCORD_TOKEN", path="discord.token"),
    Alias(variable="GITHUB_TOKEN", path="github.token"),
)


# Named in the environment of whoever runs the checks, also while the program runs.
_OF_TESTS = f"{PREFIX}TEST_"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A value somebody gave, and where."""

    field: SettingField
    value: object
    source: str


def load_settings(
    *,
    config: Path | None = None,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
) -> Settings:
    """Return the settings; the first of these that names one decides.

    1. ``overrides``: paths such as ``llm.model`` from the command line; ``None`` means not given.
    2. ``environ``, then ``.env`` in ``cwd``: names such as ``ACORE_LLM__MODEL``.
    3. The well-known names of ``ALIASES`` in their order, each in ``environ``, then in ``.env``.
    4. ``config``, which has to exist, or ``config.toml`` in ``cwd`` where there is one.
    5. The defaults.

    Relative paths that were given start at ``cwd``, default ones at the project's folder. Raises
    ``ConfigurationError`` with one line for every problem found; no line holds a value.
    """
    return read_settings(
        Settings, config=config, overrides=overrides, environ=environ, cwd=cwd, aliases=ALIASES
    )


def read_settings(
    schema: type[SettingsT],
    *,
    config: Path | None,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    aliases: Iterable[Alias] = (),
) -> SettingsT:
    """Do what ``load_settings`` does for any model whose fields are sections."""
    reading = _Reading(schema)
    dotenv = read_dotenv(cwd / DOTENV_NAME)
    reading.take_overrides(overrides)
    reading.take_variables(environ, "the environment")
    reading.take_variables(dotenv, DOTENV_NAME)
    for alias in aliases:
        reading.take_alias(alias, environ, "the environment")
        reading.take_alias(alias, dotenv, DOTENV_NAME)
    reading.take_toml(read_toml(config, cwd), str(config or CONFIG_NAME))
    return reading.result(cwd)


class _Reading(Generic[SettingsT]):
    """Collects values, first come first kept, and every problem on the way."""

    def __init__(self, schema: type[SettingsT]) -> None:
        self._schema = schema
        self._fields = setting_fields(schema)
        self._variables = {field.variable: field for field in self._fields.values()}
        self._given: dict[str, _Given] = {}
        self._problems: list[str] = []

    def take_overrides(self, overrides: Mapping[str, object]) -> None:
        for path, value in overrides.items():
            if value is None:
                continue
            field = self._fields.get(path)
            if field is None:
                self._unknown(path, "the command line", self._fields)
            else:
                self._take_text(field, value, "the command line")

    def take_variables(self, variables: Mapping[str, str], source: str) -> None:
        for name, value in variables.items():
            if not name.startswith(PREFIX) or name.startswith(_OF_TESTS):
                continue
            field = self._variables.get(name)
            if field is None:
                self._unknown(name, source, self._variables)
            else:
                self._take_text(field, value, f"{name} in {source}")

    def take_alias(self, alias: Alias, variables: Mapping[str, str], source: str) -> None:
        if text := variables.get(alias.variable):
            self._take_text(self._fields[alias.path], text, f"{alias.variable} in {source}")

    def take_toml(self, document: Mapping[str, object], source: str) -> None:
        names = sections(self._schema)
        for section, table in document.items():
            if section not in names:
                self._unknown(section, source, names)
            elif not isinstance(table, Mapping):
                self._problems.append(f"{section} (from {source}) expects a table: [{section}].")
            else:
                for name, value in table.items():
                    self._take_entry(f"{section}.{name}", value, source)

    def result(self, cwd: Path) -> SettingsT:
        """Return the valid settings or raise with every problem."""
        values: dict[str, dict[str, object]] = {name: {} for name in sections(self._schema)}
        for field in self._fields.values():
            given = self._given.get(field.path)
            value = field.info.get_default() if given is None else given.value
            if field.is_path and isinstance(value, str | Path):
                value = (PROJECT if given is None else cwd) / Path(value).expanduser()
            elif field.path in _NORMAL_FORMS and isinstance(value, str):
                value = _NORMAL_FORMS[field.path](value, cwd)
            elif given is None:
                continue
            values[field.section][field.name] = value
        try:
            settings = self._schema.model_validate(values)
        except ValidationError as error:
            self._explain(error)
        # Raised here, not above: the validation error would show values, and some are secret.
        if self._problems:
            raise ConfigurationError("configuration", "\n".join(self._problems))
        return settings

    def _take_entry(self, path: str, value: object, source: str) -> None:
        field = self._fields.get(path)
        if field is None:
            self._unknown(path, source, self._fields)
        elif field.secret:
            self._problems.append(
                f"{path} is a secret and must not lie in {source}: put it in the environment "
                f"or {DOTENV_NAME} as {field.variable}."
            )
        else:
            self._take(field, value, source)

    def _take_text(self, field: SettingField, value: object, source: str) -> None:
        if field.listed and isinstance(value, str):
            try:
                value = _split(value)
            except ValueError:
                self._problems.append(
                    f"{field.path} (from {source}) expects {field.expectation}, "
                    "as a JSON list or separated by commas."
                )
                return
        self._take(field, value, source)

    def _take(self, field: SettingField, value: object, source: str) -> None:
        if field.optional and value == "":
            value = None
        self._given.setdefault(field.path, _Given(field=field, value=value, source=source))

    def _unknown(self, name: str, source: str, known: Iterable[str]) -> None:
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else "see docs/configuration.md."
        self._problems.append(f"{name} (from {source}) is not a setting; {hint}")

    def _explain(self, error: ValidationError) -> None:
        explained: set[str] = set()
        for problem in error.errors(include_url=False, include_input=False):
            path = ".".join(map(str, problem["loc"][:2]))
            if path in explained:
                continue
            explained.add(path)
            field, given = self._fields.get(path), self._given.get(path)
            subject = f"{path} (from {given.source})" if given else path
            if field is None or problem["type"] in ("value_error", "assertion_error"):
                reason = problem["msg"].partition(", ")[2] or problem["msg"]
                self._problems.append(f"{subject}: {reason}")
            else:
                self._problems.append(f"{subject} expects {field.expectation}.")


def ollama_address(text: str) -> str:
    """Return the URL that ``OLLAMA_HOST`` means, by Ollama's own rules (its envconfig.Host).

    The scheme is http and the port 11434 unless given; http:// alone means port 80, https:// 443.
    An address to listen on everywhere becomes the one to reach it at.
    """
    scheme, separator, rest = text.strip().strip("\"'").rpartition("://")
    default_port = {"http": "80", "https": "443"}.get(scheme, "11434") if separator else "11434"
    whole, _, path = rest.partition("/")
    credentials, at, authority = whole.rpartition("@")
    host, port = authority, default_port
    if match := re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\w*)", authority):
        host = match[1]
        port = match[2] if match[2].isdecimal() and int(match[2]) < 2**16 else default_port
    host = _reachable(host.strip("[]"))
    address = f"{scheme or 'http'}://{credentials}{at}{host}:{port}"
    return f"{address}/{path.rstrip('/')}" if path.strip("/") else address


def _reachable(host: str) -> str:
    if not host:
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return "[::1]" if address.is_unspecified else f"[{address}]"
    return "127.0.0.1" if address.is_unspecified else str(address)


def _sqlite_url(text: str, cwd: Path) -> str:
    """Turn a file path, or a SQLite URL with a relative one, into a URL with an absolute one."""
    scheme, separator, rest = text.partition("://")
    if separator and not (scheme.startswith("sqlite") and rest.startswith("/")):
        return text
    path = Path(rest.removeprefix("/") if separator else text)
    if str(path) in (".", ":memory:"):
        return text
    return f"{scheme if separator else 'sqlite'}:///{cwd / path.expanduser()}"


_NORMAL_FORMS: Mapping[str, Callable[[str, Path], str]] = {
    "llm.ollama_host": lambda text, _: ollama_address(text),
    "storage.url": _sqlite_url,
}


def _split(text: str) -> list[object]:
    """Read a list written as JSON or with commas; raises ``ValueError`` for broken JSON."""
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [part.strip() for part in text.split(",") if part.strip()]
