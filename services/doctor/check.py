"""What is examined, what is found, and what an examination is given."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from services.domain.clock import Clock
from services.domain.errors import ConfigurationError
from services.llm.model import ChatModel
from services.settings import Settings, StorageSettings

PROJECT = Path(__file__).parents[2]

Status = Literal["ok", "warning", "problem", "skipped"]
Cause = Literal["settings", "dependency", "data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found: one sentence, and one that says what to do about it.

    ``cause`` says where a warning or problem lies: in the ``settings``, in something acore depends
    on, or in its data. The examination fills in ``area``, and ``check`` unless one check tells of
    several things, and makes both sentences safe to publish.
    """

    status: Status
    sentence: str
    fix: str | None = None
    cause: Cause | None = None
    check: str = ""
    area: str = ""


def fine(sentence: str) -> Finding:
    """Return a finding that needs no attention."""
    return Finding(status="ok", sentence=sentence)


def skipped(sentence: str) -> Finding:
    """Return a finding that says why nothing was looked at."""
    return Finding(status="skipped", sentence=sentence)


def warning(sentence: str, *, fix: str, cause: Cause) -> Finding:
    """Return a finding that acore can live with."""
    return Finding(status="warning", sentence=sentence, fix=fix, cause=cause)


def problem(sentence: str, *, fix: str, cause: Cause) -> Finding:
    """Return a finding that keeps something from working."""
    return Finding(status="problem", sentence=sentence, fix=fix, cause=cause)


class Models(Protocol):
    """What gives a model to try; the application's catalog of models does."""

    async def get(self, name: str | None = None) -> ChatModel:
        """Return the opened model, or the default one. Raises ``ProviderError``."""
        ...


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that ``folder`` lies on."""
    return shutil.disk_usage(folder).free


def mounts() -> str:
    """Return the kernel's table of mounted disks, empty where there is none."""
    table = Path("/proc/self/mounts")
    return table.read_text(errors="replace") if table.exists() else ""


def memory_table() -> str:
    """Return the kernel's table of memory use, empty where there is none."""
    table = Path("/proc/meminfo")
    return table.read_text() if table.exists() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One installation, and how to look at it.

    ``settings`` are the settings, or why they could not be loaded; ``storage`` says where data lies
    in either case. ``project`` is the program's own folder. ``models`` opens the models for live
    checks; ``voice_models`` is where voice models were fetched to, by default the environment's own
    folder. What is read from the machine can be replaced.
    """

    settings: Settings | ConfigurationError
    storage: StorageSettings
    environ: Mapping[str, str]
    cwd: Path
    clock: Clock
    config: Path | None = None
    project: Path = PROJECT
    models: Callable[[], AbstractAsyncContextManager[Models]] | None = None
    voice_models: Path | None = None
    free_bytes: Callable[[Path], int] = field(default=free_bytes)
    mounts: Callable[[], str] = field(default=mounts)
    memory_table: Callable[[], str] = field(default=memory_table)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.storage.data

    @property
    def loaded(self) -> Settings:
        """The settings; raises the reason why they could not be loaded."""
        if isinstance(self.settings, ConfigurationError):
            raise self.settings
        return self.settings


Found = Finding | Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question about an installation.

    ``examine`` changes nothing and has ``seconds`` to answer. ``repair`` puts right what
    ``examine`` complained of, raising ``AcoreError`` or ``OSError`` when it cannot; it finds out
    itself what is to be done and does nothing when that is nothing. ``live`` checks are made only
    on request, ``needs_settings`` ones only when the settings could be loaded.
    """

    name: str
    area: str
    examine: Callable[[Case], Awaitable[Found]]
    repair: Callable[[Case], Awaitable[None]] | None = None
    live: bool = False
    needs_settings: bool = True
    seconds: float = 15.0
