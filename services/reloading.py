"""Changing settings while the program runs: read, compare, swap, or keep what is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import ConfigurationError
from services.settings import Settings
from services.settings_schema import SettingField, sections, setting_fields

logger = logging.getLogger(__name__)

Apply = Callable[[Settings], None]
"""Takes over the sections it needs, at once; a ``check`` raises ``ConfigurationError`` instead."""

Stamp = tuple[int, int, int] | None
"""What tells two states of a file apart: change time, size and inode; ``None`` without a file."""

_UNREADABLE = "The settings could not be read; the log has the details."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadReport:
    """What a reload did, by setting paths, never values.

    ``applied`` took effect; ``restart`` differ from what runs and wait for the next start.
    ``problem`` says why nothing was changed.
    """

    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    problem: str | None = None


class Reloading:
    """Reads the settings again and hands them to those who use them.

    ``load`` runs in a thread and raises ``ConfigurationError`` for settings that are wrong, and so
    does each of ``checks``; then everything stays as it is. Otherwise ``appliers`` take the new
    settings in one step of the event loop, so a turn sees either all of them or none. What needs a
    restart keeps its old value. Every outcome is logged; what a person should know is announced
    as a code and a sentence.
    """

    def __init__(
        self,
        current: Settings,
        *,
        load: Callable[[], Settings],
        appliers: Sequence[Apply],
        announce: Callable[[str, str], None],
        checks: Sequence[Apply] = (),
    ) -> None:
        self.current = current
        self._load = load
        self._appliers = tuple(appliers)
        self._checks = tuple(checks)
        self._announce = announce
        self._lock = asyncio.Lock()
        self._begun = 0
        self._last = ReloadReport()

    async def reload(self) -> ReloadReport:
        """Read the settings again; whoever asks while that goes on shares one further reading."""
        seen = self._begun
        async with self._lock:
            if self._begun > seen:  # a reading began after this call, so it saw what changed
                return self._last
            self._begun += 1
            self._last = await self._reload()
            return self._last

    async def _reload(self) -> ReloadReport:
        try:
            loaded = await asyncio.to_thread(self._load)
            for check in self._checks:
                check(loaded)
        except ConfigurationError as error:
            return self._refused(" ".join(error.user_message.splitlines()))
        except Exception:  # reading settings must never end a program that runs well
            logger.exception("settings could not be read")
            return self._refused(_UNREADABLE)
        report = differences(self.current, loaded)
        self.current = joined(self.current, loaded)
        for apply in self._appliers:
            apply(self.current)
        self._tell(report)
        return report

    def _refused(self, problem: str) -> ReloadReport:
        logger.error("settings refused", extra={"problem": problem})
        self._announce("settings_refused", f"The settings stay as they were: {problem}")
        return ReloadReport(problem=problem)

    def _tell(self, report: ReloadReport) -> None:
        logger.info(
            "settings reloaded", extra={"applied": report.applied, "restart": report.restart}
        )
        parts = []
        if report.applied:
            parts.append(f"in effect now: {', '.join(report.applied)}")
        if report.restart:
            parts.append(f"at the next start: {', '.join(report.restart)}")
        if parts:
            self._announce("settings_reloaded", f"The settings changed; {'; '.join(parts)}.")


def differences(running: Settings, loaded: Settings) -> ReloadReport:
    """Return which settings of ``loaded`` differ, by when they take effect."""
    changed = [
        field
        for field in setting_fields(Settings).values()
        if _value(running, field) != _value(loaded, field)
    ]
    return ReloadReport(
        applied=tuple(field.path for field in changed if field.live),
        restart=tuple(field.path for field in changed if not field.live),
    )


def joined(running: Settings, loaded: Settings) -> Settings:
    """Return what holds from now on: live settings of ``loaded``, the others of ``running``.

    Whether a setting was given or left at its default comes along with it.
    """
    fields = setting_fields(Settings).values()
    result: dict[str, object] = {}
    for section, schema in sections(Settings).items():
        live = {field.name for field in fields if field.section == section and field.live}
        old, new = getattr(running, section), getattr(loaded, section)
        values = {name: getattr(new if name in live else old, name) for name in schema.model_fields}
        given = (new.model_fields_set & live) | (old.model_fields_set - live)
        result[section] = schema.model_construct(given, **values)
    return running.model_copy(update=result)


def _value(settings: Settings, field: SettingField) -> object:
    return getattr(getattr(settings, field.section), field.name)


def stamps(files: Sequence[Path]) -> tuple[Stamp, ...]:
    """Return the state of each file."""
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class ConfigWatch:
    """Asks for a reload when settings files have changed, appeared or gone.

    They are looked at every ``seconds``; a change counts once two looks in a row see the same, so a
    file half written is not read. ``seen`` is their state when the settings were first read.
    """

    def __init__(
        self,
        files: Sequence[Path],
        seen: Sequence[Stamp],
        reload: Callable[[], Awaitable[object]],
        *,
        seconds: float = 1.0,
    ) -> None:
        self._files = tuple(files)
        self._loaded = tuple(seen)
        self._reload = reload
        self._seconds = seconds

    async def run(self) -> None:
        """Watch until cancelled."""
        before = self._loaded
        while True:
            await asyncio.sleep(self._seconds)
            now = await asyncio.to_thread(stamps, self._files)
            if now != self._loaded and now == before:
                self._loaded = now
                await self._reload()
            before = now
