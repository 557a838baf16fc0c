"""The versions of an imported character, and putting another one in place."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.domain.ids import IdSource
from services.persona.cards.shelves import ASSETS, CARD, FILES, LOREBOOK, PICTURES, VERSIONS

UNFINISHED = ".importing-"
"""How folders that are being written begin; they lie beside the folder of characters."""

_INCOMING = ".incoming"
_NAME = ".version"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TEXTS = (CARD, LOREBOOK)
_TIME_CHARACTERS = 10
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVersion:
    """An earlier or the present content of a character; ``number`` counts from 1, the oldest.

    ``folder`` holds it as it was, ``digest`` begins the SHA-256 of it. ``saved_at`` is in UTC and
    ``None`` for content that is not kept yet: a shipped character, or one changed by hand.
    """

    number: int
    folder: Path
    digest: str
    saved_at: datetime | None
    is_current: bool


@contextmanager
def sole_change(shelf: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the right to change the characters in ``shelf``, over all processes of the machine.

    Yields whether it is held, which without ``wait`` it may not be. Blocking.
    """
    descriptor = os.open(shelf, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def kept_versions(folder: Path) -> tuple[KeptVersion, ...]:
    """Return the versions of the character in ``folder``, oldest first, the present one last.

    Versions with the same content have the same digest. Blocking.
    """
    names = _names(folder)
    present = digest_of(folder)
    unkept = not names or _digest_in(names[-1]) != present
    versions = [
        KeptVersion(
            number=number,
            folder=folder / VERSIONS / name,
            digest=_digest_in(name),
            saved_at=_moment(name),
            is_current=number == len(names) and not unkept,
        )
        for number, name in enumerate(names, start=1)
    ]
    if unkept:
        number = len(names) + 1
        versions.append(
            KeptVersion(
                number=number, folder=folder, digest=present, saved_at=None, is_current=True
            )
        )
    return tuple(versions)


def keep(folder: Path, digest: str, *, ids: IdSource, source: Path | None = None) -> None:
    """Keep what ``source`` holds, or the present content, as the newest version of ``folder``.

    It has ``digest``; content that is the newest version already makes none. Not for a folder in
    use: what is killed half-way stays.
    """
    names = _names(folder)
    if names and _digest_in(names[-1]) == digest:
        return
    target = folder / VERSIONS / f"{ids.new()}-{digest}"
    target.mkdir(parents=True)
    copy_content(source or folder, target, share=source is None)


def put(folder: Path, content: Path, digest: str, *, ids: IdSource) -> bool:
    """Make ``content`` the present version of the character in ``folder``; both are kept.

    Returns whether that changed anything; if so, the folder ``content``, which has ``digest``, has
    been moved away. Killed at any moment, it has either not happened or is brought to its end by
    ``finish``, and ``card.json`` is never missing. Blocking, under ``sole_change``. Raises
    ``OSError``.
    """
    finish(folder)
    if digest == digest_of(folder):
        return False
    _keep_present(folder, ids=ids)
    incoming = folder / _INCOMING
    name = f"{ids.new()}-{digest}"
    try:
        incoming.mkdir()
        copy_content(content, incoming, share=True)
        (incoming / _NAME).write_text(name)
        content.chmod(0o755)
        content.rename(folder / VERSIONS / name)  # from here on it has happened
    except OSError:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    finish(folder)
    return True


def finish(folder: Path) -> None:
    """Bring a change that was cut off to its end, or clear it away. Blocking."""
    for left in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    incoming = folder / _INCOMING
    if not incoming.is_dir():
        return
    marker = incoming / _NAME
    name = marker.read_text() if marker.exists() else ""
    if name and (folder / VERSIONS / name).is_dir():
        _install(folder, incoming, wanted=set(content_of(folder / VERSIONS / name)))
    shutil.rmtree(incoming, ignore_errors=True)


def clear_unfinished(shelf: Path) -> None:
    """Bring what was cut off in ``shelf`` to its end; under ``sole_change`` alone. Blocking."""
    for left in shelf.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    with os.scandir(shelf) as entries:
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for path in folders:
        if any(name == _INCOMING or name.startswith(UNFINISHED) for name in os.listdir(path)):  # noqa: PTH208
            finish(Path(path))


def content_of(folder: Path) -> dict[str, Path]:
    """Return the files that make the character in ``folder``, by relative path; links are none."""
    found = {name: folder / name for name in (CARD, LOREBOOK, *PICTURES)}
    files = {name: path for name, path in found.items() if path.is_file() and not path.is_symlink()}
    for part in _parts(folder):
        for place, _, names in os.walk(part):
            paths = (Path(place, name) for name in sorted(names))
            files |= {
                path.relative_to(folder).as_posix(): path
                for path in paths
                if path.is_file() and not path.is_symlink()
            }
    return files


def copy_content(source: Path, target: Path, *, share: bool = False) -> None:
    """Copy the files that make a character into ``target``.

    With ``share``, pictures and other files that are no text become hard links where they can:
    importing puts new files in the place of old ones and never writes into them.
    """
    for name, path in content_of(source).items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if share and name not in _TEXTS:
            with suppress(OSError):
                place.hardlink_to(path)
                continue
        shutil.copyfile(path, place)


def write_content(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files by relative path. Raises ``FileExistsError`` and the like where they clash."""
    for name, data in content.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def digest_of(folder: Path) -> str:
    """Return the first 16 digits of the SHA-256 of everything that makes the character."""
    parts = {}
    for name, path in content_of(folder).items():
        with path.open("rb") as file:
            parts[name] = hashlib.file_digest(file, "sha256").digest()
    return _joined(parts)


def digest_in(content: Mapping[str, bytes]) -> str:
    """Return what ``digest_of`` says of a folder with this content."""
    return _joined({name: hashlib.sha256(data).digest() for name, data in content.items()})


def _joined(parts: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, part in sorted(parts.items()):
        whole.update(name.encode("utf-8", "surrogatepass") + b"\0" + part)
    return whole.hexdigest()[:_DIGEST_CHARACTERS]


def _keep_present(folder: Path, *, ids: IdSource) -> None:
    """Keep the present content of a folder in use, whole or not at all."""
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    try:
        copy_content(folder, unfinished, share=True)
        digest, names = digest_of(unfinished), _names(folder)
        if not names or _digest_in(names[-1]) != digest:
            (folder / VERSIONS).mkdir(exist_ok=True)
            unfinished.chmod(0o755)
            unfinished.rename(folder / VERSIONS / f"{ids.new()}-{digest}")
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _install(folder: Path, incoming: Path, *, wanted: set[str]) -> None:
    """Move everything into place, the card last: until then the old one counts."""
    moves = content_of(incoming)
    for name in sorted(moves, key=lambda name: name == CARD):
        place = folder / name
        if name == CARD:
            _remove_stale(folder, wanted)
        _clear_way(folder, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        moves[name].replace(place)


def _clear_way(folder: Path, place: Path) -> None:
    """Remove a folder where a file is to be, and a file where a folder is to be."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    for above in place.parents:
        if above == folder:
            return
        if above.is_symlink() or above.is_file():
            above.unlink()


def _remove_stale(folder: Path, wanted: set[str]) -> None:
    for name, path in content_of(folder).items():
        if name not in wanted and name != CARD:
            path.unlink(missing_ok=True)
    for part in _parts(folder):
        for place, _, _ in os.walk(part, topdown=False):
            with suppress(OSError):  # not empty
                Path(place).rmdir()


def _parts(folder: Path) -> list[Path]:
    return [folder / name for name in (ASSETS, FILES) if not (folder / name).is_symlink()]


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder / VERSIONS) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if _moment(name) is not None)


def _digest_in(name: str) -> str:
    return name.rpartition("-")[2]


def _moment(name: str) -> datetime | None:
    """Return when the version was saved: the time in the ULID that its name begins with."""
    ulid, dash, digest = name.partition("-")
    if not dash or len(digest) != _DIGEST_CHARACTERS or set(ulid) - set(_CROCKFORD):
        return None
    milliseconds = 0
    for character in ulid[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(character)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
