"""Where data lies, as far as it can be told when the settings do not load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from services.doctor.check import PROJECT
from services.domain.errors import ConfigurationError
from services.settings import Settings, StorageSettings
from services.settings_files import DOTENV_NAME, read_dotenv, read_toml
from services.settings_schema import setting_fields

_FIELD = setting_fields(Settings)["storage.data"]


def salvaged_storage(
    *, data: Path | None, config: Path | None, environ: Mapping[str, str], cwd: Path
) -> StorageSettings:
    """Return the storage settings with the data folder that somebody named, or the default one.

    The command line's ``data`` decides, then the environment, ``.env`` and the settings file, each
    as far as it can be read. Everything else is the default.
    """
    if data is None:
        data = next(_named(config, environ, cwd), None)
    folder = PROJECT / "data" if data is None else cwd / data.expanduser()
    return StorageSettings(data=folder)


def _named(config: Path | None, environ: Mapping[str, str], cwd: Path) -> Iterator[Path]:
    if named := environ.get(_FIELD.variable):
        yield Path(named)
    try:
        if named := read_dotenv(cwd / DOTENV_NAME).get(_FIELD.variable):
            yield Path(named)
    except ConfigurationError:
        pass  # another check says so
    try:
        section = read_toml(config, cwd).get(_FIELD.section)
    except ConfigurationError:
        return
    written = section.get(_FIELD.name) if isinstance(section, Mapping) else None
    if isinstance(written, str):
        yield Path(written)
