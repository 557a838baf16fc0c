"""The files that commands about cards, lorebooks, prompts and macros read and write."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.wording import printable
from services.domain.errors import InvalidRequest, StorageError

if TYPE_CHECKING:
    from services.persona.cards.document import CardDocument
    from services.persona.cards.limits import CardLimits
    from services.persona.cards.reading import CardFile
    from services.persona.lore.entry import Lorebook
    from services.settings import Settings

LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of a chat, of settings or of one line of a batch."""

LARGEST_NUMBER = 2**53
"""Beyond it JSON readers disagree about a whole number."""


def card_limits(settings: Settings) -> CardLimits:
    """Return how large the settings let a card be."""
    from services.persona.cards.limits import configured_limits  # noqa: PLC0415

    return configured_limits(settings.persona, settings.lore)


def read_card_file(path: Path, settings: Settings) -> CardFile:
    """Return the card of any kind at ``path``; raises ``InvalidRequest`` naming what is wrong."""
    from services.persona.cards.files import read_bounded  # noqa: PLC0415
    from services.persona.cards.reading import read_card  # noqa: PLC0415

    limits = card_limits(settings)
    with _opened(path):
        content = read_bounded(path, limits=limits)
    return read_card(content, name=str(path), limits=limits)


def own_book(document: CardDocument, path: Path, settings: Settings) -> list[Lorebook]:
    """Return the lorebook in the card read from ``path``, if there is one."""
    from services.persona.lore.books import card_lorebook  # noqa: PLC0415

    raw = document.character_book
    if raw is None:
        return []
    most = settings.lore.max_entries
    return [card_lorebook(raw, name=document.name or path.stem, most_entries=most)]


def read_lorebook(path: Path, settings: Settings) -> Lorebook:
    """Return the lorebook of any kind at ``path``; raises ``InvalidRequest``."""
    from services.persona.lore.books import read_book_file  # noqa: PLC0415

    content = _content(path, most=card_limits(settings).card_bytes)
    return read_book_file(content, name=path.stem, most_entries=settings.lore.max_entries)


def read_json(path: Path) -> object:
    """Return the JSON value at ``path``.

    Raises ``InvalidRequest`` when it is unreadable, not UTF-8 (or -16, -32), not JSON, too deep or
    large, or holds a number that is not finite or beyond ``LARGEST_NUMBER``.
    """
    from services.persona.cards.jsontree import parse  # noqa: PLC0415
    from services.persona.cards.limits import CardProblem  # noqa: PLC0415

    content = _content(path, most=LARGEST_JSON)
    if not content.strip():
        raise InvalidRequest("file_empty", f"{path} is empty.")
    try:
        content.decode(json.detect_encoding(content))
        value = parse(content)
    except UnicodeDecodeError as error:
        raise InvalidRequest("file_encoding", f"{path} is not UTF-8 text.") from error
    except CardProblem as problem:
        raise InvalidRequest(
            problem.code, f"{path} cannot be used: {problem.problem}."
        ) from problem
    if any(abs(number) > LARGEST_NUMBER for number in _numbers(value)):
        raise InvalidRequest("file_number", f"{path} cannot be used: a number in it is too large.")
    return value


def read_object(
    path: Path | None, *, known: Collection[str] = (), of: str = ""
) -> dict[str, object]:
    """Return the JSON object at ``path``, an empty one without a path.

    Names that are not ``known``, if any are, are complained about as no setting of ``of``. Raises
    ``InvalidRequest`` like ``read_json``, and when it is no object.
    """
    if path is None:
        return {}
    given = read_json(path)
    if not isinstance(given, dict):
        raise InvalidRequest("file_object", f"{path} has to hold a JSON object.")
    if known and (unknown := sorted(given.keys() - set(known))):
        sys.stderr.write(printable(f"Not a setting of {of}: {', '.join(unknown)}.") + "\n")
    return given


def read_lines(path: Path) -> Iterator[str]:
    """Return the lines of ``path``; one that is not UTF-8 is a line that is no JSON either.

    Raises ``InvalidRequest`` when it is unreadable or a line is longer than ``LARGEST_JSON``.
    """
    with _opened(path), path.open("rb") as lines:
        while line := lines.readline(LARGEST_JSON + 1):
            if len(line) > LARGEST_JSON:
                raise _too_large(path, LARGEST_JSON, "a line of it")
            yield _decoded(line)


def is_folder(path: Path) -> bool:
    """Say whether ``path`` is a folder; raises ``InvalidRequest`` when that cannot be told."""
    with _opened(path):
        path.exists()  # it raises where ``is_dir`` only says no
        return path.is_dir()


def read_text() -> str:
    """Return what standard input holds; raises ``InvalidRequest`` when it is no text."""
    if sys.stdin is None:
        raise InvalidRequest("input_closed", "Standard input is closed.")
    with _opened(Path("Standard input")):
        content = sys.stdin.buffer.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise _too_large(Path("Standard input"), LARGEST_JSON)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest("input_encoding", "Standard input is not UTF-8 text.") from error


def refuse_taken(path: Path, *, force: bool) -> None:
    """Raise ``InvalidRequest`` when something is at ``path`` already, unless ``force`` is given."""
    if not force and os.path.lexists(path):
        raise InvalidRequest(
            "file_taken", f"{path} is there already; choose another file or add --force."
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write the file so that it is there whole or not at all; a pipe or device is written to.

    Raises ``StorageError``.
    """
    try:
        if _is_stream(path):
            path.write_bytes(content)
        else:
            _replace(path, content)
    except OSError as error:
        reason = error.strerror or "it failed"
        raise StorageError("file_unwritable", f"{path} cannot be written: {reason}.") from error


def _replace(path: Path, content: bytes) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".card-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(path)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _content(path: Path, *, most: int) -> bytes:
    with _opened(path), path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(path, most)
    return content


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """Turn what the system says about ``path`` inside the context into ``InvalidRequest``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "it is not a file"
        raise InvalidRequest("file_unreadable", f"{path} cannot be read: {reason}.") from error


def _too_large(path: Path, most: int, what: str = "it") -> InvalidRequest:
    return InvalidRequest(
        "file_too_large", f"{path} cannot be used: {what} is larger than {most / 1024**2:g} MB."
    )


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError:
        return "\ufffd"


def _numbers(value: object) -> Iterator[int | float]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, int | float):
            yield one
