"""Zip archives, opened within bounds; also those that stand behind a picture or a program."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping

from services.persona.cards.limits import CardLimits, CardProblem

FILE_START = b"PK\x03\x04"
_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_SIZE = 20
_DIRECTORY_BYTES_PER_FILE = 1024
_RATIO_FROM = 1024 * 1024  # small files may be as repetitive as they like
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED, _NAME_IS_UTF8 = 0x1, 0x800
_LONGEST_NAME = 240
_OLDEST = (1980, 1, 1, 0, 0, 0)
_PACKED_ALREADY = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp3", ".ogg", ".mp4", ".zip")


def is_archive(data: bytes) -> bool:
    """Tell whether a zip archive ends in ``data``, wherever it begins."""
    return data.startswith((FILE_START, _END)) or (FILE_START in data and _END in data)


def safe_name(name: str) -> str | None:
    """Return the relative path that ``name`` means; ``None`` if it leads anywhere else."""
    path = name.replace("\\", "/")
    parts = path.split("/")
    bad = (
        not path
        or len(path.encode(errors="replace")) > _LONGEST_NAME
        or path.startswith("/")
        or ":" in parts[0]
        or any(part in {"", ".", ".."} for part in parts)
        or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in path)
    )
    return None if bad else path


def read_archive(data: bytes, *, limits: CardLimits) -> dict[str, bytes]:
    """Return the files of the zip archive in ``data`` by path; archives inside stay closed.

    Everything is checked before anything is unpacked. Raises ``CardProblem`` for paths that lead
    out of the archive, for more or larger files than the limits allow, and for damage.
    """
    whole = _ended(data)
    _check_directory(whole, limits=limits)
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            names = _checked(entries, limits=limits)
            return {name: archive.read(entry) for name, entry in names.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise _damaged() from error


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of ``files``; the same files always give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=_OLDEST)
            packed = name.lower().endswith(_PACKED_ALREADY)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _ended(data: bytes) -> bytes:
    """Return ``data`` up to the end of the archive: what is appended to it hides its directory."""
    end = data.rfind(_END)
    if end < 0 or end + _END_SIZE > len(data):
        raise _damaged()
    [comment] = struct.unpack("<H", data[end + 20 : end + _END_SIZE])
    whole = end + _END_SIZE + comment
    return data if whole == len(data) else data[: end + 20] + b"\0\0"


def _check_directory(data: bytes, *, limits: CardLimits) -> None:
    """Refuse a list of files that would be large by itself, before it is read."""
    end = data.rfind(_END)
    [length] = struct.unpack("<I", data[end + 12 : end + 16])
    before = data[max(0, end - _LOCATOR_64_SIZE) : end]
    if before.startswith(_LOCATOR_64):
        raise CardProblem("archive_kind", "it is an archive for files above 4 GB (zip64)")
    if length > limits.archive_files * _DIRECTORY_BYTES_PER_FILE:
        raise _too_many(limits)


def _checked(entries: list[zipfile.ZipInfo], *, limits: CardLimits) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > limits.archive_files:
        raise _too_many(limits)
    names: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = safe_name(_spelled(entry))
        if name is None:
            raise CardProblem(
                "archive_path", "a file in the archive has a path that leads out of it"
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise CardProblem("archive_path", "a file in the archive is a link")
        if entry.flag_bits & _ENCRYPTED:
            raise CardProblem("archive_kind", "the archive is encrypted")
        if entry.compress_type not in _METHODS:
            raise CardProblem("archive_kind", "the archive is packed in an unusual way")
        if _seal(entry) != _seal(names.setdefault(name, entry)):
            raise CardProblem("archive_damaged", "two files in the archive have the same name")
    _check_sizes(entries, limits=limits)
    return names


def _spelled(entry: zipfile.ZipInfo) -> str:
    """Return the file's name; many programs write UTF-8 without saying so."""
    if entry.flag_bits & _NAME_IS_UTF8 or entry.orig_filename.isascii():
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode()
    except UnicodeError:
        return entry.orig_filename


def _seal(entry: zipfile.ZipInfo) -> tuple[int, int]:
    return entry.CRC, entry.file_size


def _check_sizes(entries: list[zipfile.ZipInfo], *, limits: CardLimits) -> None:
    if sum(entry.file_size for entry in entries) > limits.archive_bytes:
        raise CardProblem(
            "archive_too_large", f"it holds more than {limits.archive_mb:g} MB once unpacked"
        )
    for entry in entries:
        packed = max(1, entry.compress_size)
        if entry.file_size > _RATIO_FROM and entry.file_size > limits.archive_ratio * packed:
            raise CardProblem(
                "archive_ratio",
                f"a file in the archive grows more than {limits.archive_ratio} times",
            )


def _too_many(limits: CardLimits) -> CardProblem:
    return CardProblem(
        "archive_too_many", f"the archive holds more than {limits.archive_files:,} files"
    )


def _damaged() -> CardProblem:
    return CardProblem("archive_damaged", "the archive is damaged")
