"""Writes ``config.example.toml`` and ``docs/configuration.md`` from the settings themselves.

``python -m services.settings_docs`` writes them, ``--check`` only says whether they are current.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from services.configuration import ALIASES, PROJECT
from services.settings import Settings
from services.settings_schema import SettingField, sections, setting_fields

EXAMPLE = Path("config.example.toml")
PAGE = Path("docs/configuration.md")

_EXAMPLE_HEAD = """\
# Every setting of acore with its default. Copy this file to config.toml and uncomment what you
# change; an empty file is fine. docs/configuration.md says what else sets them.
"""

_PAGE_HEAD = """\
# Configuration

acore runs with no configuration at all. To change a setting, use any of these; the first one that
names the setting decides:

1. the command line;
2. the environment, then a `.env` file in the working directory, under the setting's own name, such
   as `ACORE_LLM__MODEL`;
3. the environment, then `.env`, under one of the well-known names below;
4. `config.toml` in the working directory, or the file given with `--config`;
5. the default.

`config.example.toml` lists every setting ready to copy; `.env.example` does so for the most used
variables. A list is written in a variable as JSON (`["a", "b"]`) or with commas (`a, b`). An empty
value unsets a setting that may be empty. A relative path starts at the working directory, a default
one at the project's folder. Secrets are read from the environment and `.env` only.

A name that does not exist, or a value that does not fit, stops the start with a sentence that names
it. Settings marked "at once" also change while acore runs, when the settings are
[reloaded](operations.md#reloading); the others change at the next start.
"""

_ALIASES_HEAD = """\
## Well-known names

Where two of these set the same thing, the upper one wins.

| Variable | Setting |
|---|---|
"""

_SECTION_HEAD = """\
| Setting | Variable | Expects | Default | Changes | Meaning |
|---|---|---|---|---|---|
"""


def example(schema: type[BaseModel]) -> str:
    """Return an example settings file: every setting commented out, with its default."""
    fields = setting_fields(schema).values()
    lines = [_EXAMPLE_HEAD]
    for section, model in sections(schema).items():
        lines.append(f"\n# {_summary(model)}\n[{section}]\n")
        for field in fields:
            if field.section == section and not field.secret:
                lines.append(f"# {field.info.description}\n")
                lines.append(f"# {field.name} = {_toml(field.info.default)}\n")
    return "".join(lines)


def page(schema: type[BaseModel], aliases: Mapping[str, str]) -> str:
    """Return the reference page; ``aliases`` maps well-known variables to setting paths."""
    fields = setting_fields(schema).values()
    names = "".join(f"| `{variable}` | `{path}` |\n" for variable, path in aliases.items())
    parts = [_PAGE_HEAD, _ALIASES_HEAD + names]
    for section, model in sections(schema).items():
        rows = "".join(_row(field) for field in fields if field.section == section)
        parts.append(f"## {section}\n\n{_summary(model)}\n\n{_SECTION_HEAD}{rows}")
    return "\n".join(parts)


def outdated(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each generated file under ``root`` that is not current, with what belongs in it."""
    wanted = {
        EXAMPLE: example(Settings),
        PAGE: page(Settings, {alias.variable: alias.path for alias in ALIASES}),
    }
    for name, text in wanted.items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is outdated, or with ``--check`` name it and return 1."""
    parser = argparse.ArgumentParser(prog="python -m services.settings_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether they are current")
    check: bool = parser.parse_args(arguments).check
    stale = list(outdated(PROJECT))
    for path, text in stale:
        if check:
            sys.stderr.write(f"{path.name} is outdated: run python -m services.settings_docs\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(check and bool(stale))


def _row(field: SettingField) -> str:
    default = "" if field.info.default is None else f"`{_toml(field.info.default)}`"
    cells = (
        f"`{field.path}`",
        f"`{field.variable}`",
        field.expectation,
        default,
        "at once" if field.live else "at start",
        field.info.description or "",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _toml(value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, Path):
        value = value.as_posix()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)  # for text, numbers and truth values JSON is also TOML


if __name__ == "__main__":
    sys.exit(main())
