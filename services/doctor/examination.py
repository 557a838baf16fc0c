"""Makes every check and puts right what can be put right."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from services.doctor import checks
from services.doctor.check import Case, Cause, Check, Finding, problem, skipped
from services.doctor.discretion import Discretion
from services.domain.errors import AcoreError, ConfigurationError, ProviderError

logger = logging.getLogger(__name__)

AREAS = (
    "program",
    "settings",
    "data",
    "database",
    "characters",
    "web",
    "discord",
    "voice",
    "model",
    "tools",
)

_AT_A_TIME = 8
_SEE_ABOVE = "Do what the sentence says; the log has the details."


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What came of one repair."""

    check: str
    done: bool
    sentence: str


def all_checks() -> Sequence[Check]:
    """Return the checks of every module in ``checks``, by area and then as they are declared.

    A module that cannot be loaded, because a package is missing, gives one check that says so.
    """
    found: list[Check] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(checks.__path__)):
        try:
            declared = importlib.import_module(f"{checks.__name__}.{module}").CHECKS
        except ImportError as error:
            logger.warning("checks not loaded", exc_info=error, extra={"checks": module})
            declared = (_unloaded(module, error),)
        found += cast("Iterable[Check]", declared)
    return sorted(found, key=_place)


def _unloaded(module: str, error: ImportError) -> Check:
    async def examined(case: Case) -> Finding:
        return problem(
            f"The checks called {module} cannot be loaded: {error.msg}.",
            fix="Run `make setup`, which installs every package.",
            cause="dependency",
        )

    return Check(name=module, area="program", examine=examined, needs_settings=False)


async def examine(
    case: Case, extra_checks: Sequence[Check] = (), *, live: bool = False
) -> list[Finding]:
    """Make every check, side by side, and return what they found in the checks' order.

    A check that fails or takes too long becomes a problem of its own. Nothing that a finding says
    holds a secret, a home folder or a user's name.
    """
    discretion = Discretion(case)
    made = sorted((*all_checks(), *extra_checks), key=_place)
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def made_one(check: Check) -> Sequence[Finding]:
        async with limit:
            return await _findings(check, case, live=live)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(made_one(check), name=check.name) for check in made]
    return [
        _published(finding, check, discretion)
        for check, task in zip(made, tasks, strict=True)
        for finding in task.result()
    ]


async def repair(
    case: Case, findings: Iterable[Finding], extra_checks: Sequence[Check] = ()
) -> list[Repair]:
    """Run the repair of every check that complained in ``findings``, one after the other."""
    complained = {each.check for each in findings if each.status in ("warning", "problem")}
    discretion = Discretion(case)
    done = []
    for check in sorted((*all_checks(), *extra_checks), key=_place):
        if check.repair is None or check.name not in complained:
            continue
        try:
            await check.repair(case)
        except (AcoreError, OSError) as error:
            sentence = discretion.applied(_reason(error))
            done.append(Repair(check=check.name, done=False, sentence=sentence))
        else:
            done.append(Repair(check=check.name, done=True, sentence="Repaired."))
    return done


def summary(findings: Iterable[Finding]) -> dict[str, int]:
    """Count the findings by status."""
    counted = Counter(finding.status for finding in findings)
    return {
        "ok": counted["ok"],
        "warning": counted["warning"],
        "problem": counted["problem"],
        "skipped": counted["skipped"],
    }


async def _findings(check: Check, case: Case, *, live: bool) -> Sequence[Finding]:
    if check.live and not live:
        return [skipped("Made only with --live.")]
    if check.needs_settings and isinstance(case.settings, ConfigurationError):
        return [skipped("Not looked at, because the settings do not load.")]
    try:
        async with asyncio.timeout(check.seconds):
            found = await check.examine(case)
    except TimeoutError:
        return [
            problem(
                f"The check took longer than {check.seconds:g} seconds.",
                fix="Look whether the disk or the server it asks hangs, then run it again.",
                cause="dependency",
            )
        ]
    except Exception as error:  # a check that fails is a finding, never a crash
        logger.warning("check failed", exc_info=error, extra={"check": check.name})
        return [_failed(error)]
    return [found] if isinstance(found, Finding) else list(found)


def _failed(error: Exception) -> Finding:
    if isinstance(error, AcoreError):
        return problem(error.user_message, fix=_SEE_ABOVE, cause=_cause(error))
    return problem(
        f"The check itself failed: {_reason(error)}",
        fix="See the log; if it stays so, report it with this output.",
        cause="data",
    )


def _cause(error: AcoreError) -> Cause:
    match error:
        case ConfigurationError():
            return "settings"
        case ProviderError():
            return "dependency"
        case _:
            return "data"


def _reason(error: Exception) -> str:
    if isinstance(error, AcoreError):
        return error.user_message
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}."
    return f"{type(error).__name__}."


def _published(finding: Finding, check: Check, discretion: Discretion) -> Finding:
    return replace(
        finding,
        check=finding.check or check.name,
        area=check.area,
        sentence=discretion.applied(finding.sentence),
        fix=None if finding.fix is None else discretion.applied(finding.fix),
    )


def _place(check: Check) -> int:
    return AREAS.index(check.area) if check.area in AREAS else len(AREAS)
