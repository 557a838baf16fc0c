"""The files settings are read from."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from services.domain.errors import ConfigurationError

CONFIG_NAME = "config.toml"
DOTENV_NAME = ".env"


def read_toml(config: Path | None, cwd: Path) -> Mapping[str, object]:
    """Return what ``config`` holds, or ``config.toml`` in ``cwd``, which may be absent.

    Raises ``ConfigurationError`` naming file and line.
    """
    path = cwd / (config or CONFIG_NAME)
    if config is None and not path.exists():
        return {}
    text = _read(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = re.search(r"line (\d+)", place)
        number = int(line[1]) if line else text.count("\n") + 1
        raise ConfigurationError(
            "configuration", f"{path}, line {number}: this is not valid TOML: {reason}."
        ) from error


def read_dotenv(path: Path) -> Mapping[str, str]:
    """Return the variables of a ``.env`` file, none when it is absent; ``$`` is not expanded.

    Raises ``ConfigurationError`` naming file and line.
    """
    if not path.exists():
        return {}
    variables = {}
    for binding in parse_stream(io.StringIO(_read(path))):
        if binding.error:
            raise ConfigurationError(
                "configuration", f"{path}, line {binding.original.line}: expects NAME=value."
            )
        if binding.key is not None and binding.value is not None:
            variables[binding.key] = binding.value
    return variables


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            "configuration", f"The settings file {path} cannot be read: {reason}."
        ) from error
