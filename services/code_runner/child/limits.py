"""What the kernel lets this process and its children have."""

from __future__ import annotations

import ctypes
import resource
import signal

_ADDRESSES = 512 << 20  # the interpreter's own, before any code of people
_FILES = 64
_DIE_WITH_PARENT = 1


def take_limits(*, memory: int, seconds: float) -> None:
    """Limit memory to what ``memory`` bytes of values need, processor seconds and open files.

    Writing files and memory dumps are forbidden. This process ends with the one that started it.
    Raises ``OSError`` or ``ValueError`` when a limit cannot be set.
    """
    space = _ADDRESSES + 3 * memory
    patience = int(seconds) + 5  # starting counts
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CPU, patience),
        (resource.RLIMIT_AS, space),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def stop_multiplying(worker: int | None) -> None:
    """Forbid further processes and threads to this process and ``worker``.

    The kernel holds nobody with root's rights to it.
    """
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if worker is not None:
        resource.prlimit(worker, resource.RLIMIT_NPROC, (0, 0))
