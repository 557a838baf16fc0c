"""Taking a file in without letting its size decide."""

from __future__ import annotations

import os
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.persona.cards.limits import CardLimits, CardProblem


def read_bounded(path: Path, *, limits: CardLimits) -> bytes:
    """Return the content of the regular file at ``path``; blocking.

    Raises ``InvalidRequest`` when it is missing, no file, or larger than a card may be.
    """
    if not path.exists():
        raise InvalidRequest("card_missing", f"There is no file {path}.")
    if not path.is_file():
        raise InvalidRequest("card_no_file", f"{path} is not a file.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(size, limits.card_bytes) + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise InvalidRequest("card_unreadable", f"{path} cannot be opened: {reason}.") from error
    check_size(content, limits=limits, name=str(path))
    return content


def check_size(content: bytes, *, limits: CardLimits, name: str) -> None:
    """Raise ``InvalidRequest`` when ``content`` is larger than a card may be."""
    if len(content) > limits.card_bytes:
        raise CardProblem("card_too_large", f"it is larger than {limits.card_mb:g} MB", name=name)
