"""The data folder: whether it can be written, the disk it lies on, the log."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import tempfile
from pathlib import Path

from services.doctor.check import Case, Check, Finding, fine, problem, skipped, warning
from services.doctor.places import nearest_existing, readable_size, weight

_MEGABYTE = 2**20
_LITTLE = 1024 * _MEGABYTE
_TOO_LITTLE = 200 * _MEGABYTE
_MUCH_LOG = 100 * _MEGABYTE
_ELSEWHERE = "Choose another folder with --data or ACORE_STORAGE__DATA"
# Kinds on which locks or shared memory, which a write-ahead log needs (sqlite.org/wal.html), do
# not work between machines.
_SHARED_DISKS = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|9p|ceph|glusterfs|vboxsf|fuse\.(sshfs|rclone|s3fs|glusterfs|davfs2?)"
)


async def _folder(case: Case) -> Finding:
    return await asyncio.to_thread(_tried, case.data)


def _tried(folder: Path) -> Finding:
    first = nearest_existing(folder)
    if not first.is_dir():
        return problem(
            f"{first} is a file, where the data folder {folder} should lie.",
            fix=f"Move the file away. {_ELSEWHERE}.",
            cause="data",
        )
    try:
        with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=first) as file:
            file.write(b"\0")
            file.flush()
    except OSError as error:
        readonly = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
        reason = "it is read-only" if readonly else (error.strerror or "it cannot be written")
        return problem(
            f"acore cannot write into {first}: {reason}.",
            fix=f"Give your user the right to write there (`chown`, `chmod u+rwx`). {_ELSEWHERE}.",
            cause="data",
        )
    if first != folder:
        return fine(f"The data folder {folder} is made at the first start.")
    return fine(f"The data folder {folder} can be written.")


async def _space(case: Case) -> Finding:
    first = await asyncio.to_thread(nearest_existing, case.data)
    free = await asyncio.to_thread(case.free_bytes, first)
    sentence = f"The disk of the data folder has {readable_size(free)} left"
    if free < _TOO_LITTLE:
        return problem(
            f"{sentence}; acore may not be able to keep what is said.",
            fix=f"Free some space, at least 1 GB. {_ELSEWHERE} on another disk.",
            cause="dependency",
        )
    if free < _LITTLE:
        return warning(
            f"{sentence}.",
            fix="Free some space before it fills up; 1 GB is comfortable.",
            cause="dependency",
        )
    return fine(f"{sentence}.")


async def _disk(case: Case) -> Finding:
    first = await asyncio.to_thread(lambda: nearest_existing(case.data).resolve())
    kind = _kind_of_disk(first, await asyncio.to_thread(case.mounts))
    if kind is None:
        return skipped("What kind of disk the data folder lies on cannot be told here.")
    if _SHARED_DISKS.fullmatch(kind):
        return warning(
            f"The data folder lies on a network or shared disk ({kind}), where a database can be "
            "damaged.",
            fix=f"{_ELSEWHERE}, on a disk of this machine; keep only backups there.",
            cause="dependency",
        )
    return fine(f"The data folder lies on a disk of this machine ({kind}).")


def _kind_of_disk(folder: Path, table: str) -> str | None:
    best: tuple[int, str] | None = None
    for line in table.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mounted = Path(fields[1].replace("\\040", " "))
        if folder.is_relative_to(mounted) and (best is None or len(mounted.parts) >= best[0]):
            best = (len(mounted.parts), fields[2])
    return None if best is None else best[1]


async def _log(case: Case) -> Finding:
    settings = case.loaded.logging
    file = settings.file or case.data / "logs" / "acore.log"
    return await asyncio.to_thread(_log_judged, file)


def _log_judged(file: Path) -> Finding:
    first = nearest_existing(file.parent)
    readable = first.is_dir() and os.access(first, os.W_OK) and not file.is_dir()
    if not readable or (file.exists() and not os.access(file, os.W_OK)):
        return problem(
            f"The log {file} cannot be written, so nothing that goes wrong is recorded.",
            fix="Make its folder writable, or name another file with ACORE_LOGGING__FILE.",
            cause="data",
        )
    size = sum(weight(path) for path in file.parent.glob("*.log*"))
    if size > _MUCH_LOG:
        return warning(
            f"The logs take {readable_size(size)}.",
            fix=f"Delete the older files in {file.parent}.",
            cause="data",
        )
    return fine(f"The log {file} can be written; logs take {readable_size(size)}.")


CHECKS = (
    Check(name="data_folder", area="data", examine=_folder, needs_settings=False),
    Check(name="disk_space", area="data", examine=_space, needs_settings=False),
    Check(name="disk_kind", area="data", examine=_disk, needs_settings=False),
    Check(name="log", area="data", examine=_log),
)
