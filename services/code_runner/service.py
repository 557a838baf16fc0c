"""Running Python of people and characters where it can harm nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.code_runner.blocks import unfenced
from services.code_runner.closed import ClosedProcess, Ran, Task
from services.code_runner.quota import HourlyQuota
from services.code_runner.runtime import found_runtime
from services.code_runner.values import LONGEST_CODE, Bounds, CodeResult
from services.domain.clock import Clock
from services.domain.errors import Busy, InvalidRequest, NotAllowed, Refused
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.observability.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.settings import CodeSettings

logger = logging.getLogger(__name__)

_MOST_WAITING = 20
_WAIT_SECONDS = 30.0


class CodeRunner:
    """Runs code for people, so many at once and so often for each, when it is switched on."""

    def __init__(
        self,
        settings: CodeSettings,
        *,
        clock: Clock,
        process: ClosedProcess | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._quota = HourlyQuota(clock)
        self._process = process or ClosedProcess()
        self._turns = asyncio.Semaphore(settings.runs_at_once)
        self._waiting = 0
        self._found = False
        self._metrics = metrics or Metrics()

    @property
    def permission(self) -> Role:
        """The role that may have code run."""
        return Role[self._settings.permission.upper()]

    @property
    def longest_seconds(self) -> float:
        """The longest that a call takes, waiting and starting included."""
        return self._settings.seconds + 2 * _WAIT_SECONDS

    def unavailable(self) -> str:
        """Return why no code is run here in one sentence, empty when it is.

        It looks for the interpreter without starting it; the doctor starts it.
        """
        if not self._settings.enabled:
            return "Running code is switched off; code.enabled switches it on."
        if not self._found:
            try:
                found_runtime()
            except Refused as error:
                return error.user_message
            self._found = True
        return ""

    def check(self, role: Role) -> None:
        """Raise ``Refused`` where no code is run and ``NotAllowed`` for a role that may not."""
        if reason := self.unavailable():
            raise Refused("code_off", reason)
        if role < self.permission:
            raise NotAllowed(
                "code_permission", f"Only {self.permission.name.lower()}s and up may run code here."
            )

    async def run(self, code: str, *, by: Author, role: Role, where: ConversationId) -> CodeResult:
        """Run ``code``, fenced or not, as somebody who has ``role`` asks in ``where``.

        What the code does wrong is in the result. Raises ``NotAllowed``, ``InvalidRequest`` for no
        or too much code, ``TooMany`` beyond what a person may an hour, ``Busy`` when many wait, and
        ``Refused`` when it is switched off or cannot be run here. Cancelled, it ends the code.
        """
        return await self._ran(code, "run", by=by, role=role, where=where)

    async def analyse(
        self, code: str, *, by: Author, role: Role, where: ConversationId
    ) -> CodeResult:
        """Tell what ``code`` names and how complex it is, without running it, as ``value``.

        A syntax error is the result's ``error``. Counts like a run and raises what ``run`` does.
        """
        return await self._ran(code, "analyse", by=by, role=role, where=where)

    async def _ran(
        self, text: str, task: Task, *, by: Author, role: Role, where: ConversationId
    ) -> CodeResult:
        self.check(role)
        code = _checked(text)
        self._quota.take(str(by.person or by.id), most=self._settings.runs_per_hour)
        async with self._turn():
            ran = await self._watched(code, task)
        logger.info(
            "code was run",
            extra={
                "task": task,
                "place": f"{where.platform}:{where.scope}",
                "seconds": round(ran.result.seconds, 3),
                "failed": bool(ran.result.error),
                "guards": ",".join(ran.guards),
            },
        )
        return ran.result

    async def _watched(self, code: str, task: Task) -> Ran:
        try:
            ran = await self._process.run(code, task=task, bounds=bounds_of(self._settings))
        except Refused:
            self._metrics.count("code_runs", outcome="unavailable")
            raise
        self._metrics.count("code_runs", outcome="failed" if ran.result.error else "ok")
        return ran

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise _busy() from error
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


def bounds_of(settings: CodeSettings) -> Bounds:
    """Return what the settings let a run take."""
    return Bounds(
        seconds=settings.seconds,
        memory=settings.memory_mb << 20,
        characters=settings.output_characters,
    )


def _checked(text: str) -> str:
    if len(text) > LONGEST_CODE:
        raise InvalidRequest("code_long", f"Code may be {LONGEST_CODE:,} characters long.")
    code = unfenced(text)
    if not code.strip():
        raise InvalidRequest("code_empty", "Write the Python code that is to be run.")
    return code


def _busy() -> Busy:
    return Busy("code_busy", "Too much code is being run right now; try again in a moment.")
