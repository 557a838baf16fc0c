"""Where the database file lies."""

from __future__ import annotations

from pathlib import Path

from services.domain.errors import ConfigurationError
from services.settings import StorageSettings


def database_path(settings: StorageSettings) -> Path:
    """Return the database file's path; raises ``ConfigurationError`` for other databases."""
    if not settings.url:
        return settings.data / "acore.db"
    scheme, separator, rest = settings.url.partition("://")
    if not separator:
        path = settings.url
    elif scheme.partition("+")[0] == "sqlite" and rest.startswith("/"):
        path = rest[1:]
    else:
        path = ""
    if not path or ":memory:" in path:
        raise ConfigurationError(
            "database_url",
            "storage.url must be a file path or look like sqlite:///path/to/acore.db.",
        )
    return Path(path)
