"""Where the Opus library comes from."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import discord.opus

from services.domain.errors import AcoreError

_FOLDER, _PATTERN = "av.libs", "libopus*.so*"
_SAYS: Final = (
    "Voice needs the Opus library: install your system's package of it, such as libopus0, or run "
    "`make setup` again."
)


def load_libopus() -> None:
    """Let discord.py encode and decode; does nothing the second time.

    A library that discord.py has already stays; otherwise it is the one PyAV brings, or the
    system's. Reads files and may run the system's loader: tens of milliseconds the first time.

    Raises:
        AcoreError: there is none.
    """
    libopus()
    if not discord.opus.is_loaded():
        discord.opus.load_opus(_name())


@functools.cache
def libopus() -> ctypes.CDLL:
    """Return the same library with prototypes of one's own, apart from those of discord.py.

    Raises:
        AcoreError: there is none.
    """
    return ctypes.CDLL(_name())


@functools.cache
def _name() -> str:
    for name in _candidates():
        try:
            ctypes.CDLL(name).opus_get_version_string  # noqa: B018  raises where it is missing
        except (OSError, AttributeError):
            continue
        return name
    raise AcoreError("no_libopus", _SAYS)


def _candidates() -> Iterator[str]:
    loaded = getattr(discord.opus, "_lib", None)
    if loaded is not None:
        yield loaded._name  # noqa: SLF001  ctypes keeps a library's path nowhere else
    found = find_spec("av")
    if found is not None and found.origin is not None:
        beside = Path(found.origin).parents[1] / _FOLDER
        yield from map(str, sorted(beside.glob(_PATTERN)))
    system = ctypes.util.find_library("opus")
    if system is not None:
        yield system
