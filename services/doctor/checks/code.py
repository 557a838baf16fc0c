"""Running code: the closed process starts, and stands under every guard."""

from __future__ import annotations

from collections.abc import Sequence

from services.code_runner.closed import ClosedProcess
from services.code_runner.service import bounds_of
from services.doctor.check import Case, Check, Finding, fine, problem, skipped, warning
from services.domain.errors import Refused

_SUM = "6 * 7"
_GUARDS = {"landlock", "seccomp"}


async def _sandbox(case: Case) -> Finding:
    settings = case.loaded.code
    if not settings.enabled:
        return skipped("Running code is switched off.")
    try:
        ran = await ClosedProcess().run(_SUM, task="run", bounds=bounds_of(settings))
    except Refused as error:
        return problem(
            error.user_message,
            fix="Run `make setup`, or set code.enabled to false.",
            cause="dependency",
        )
    if ran.result.value != "42":
        return problem(
            f"The sandbox for code does not work: {ran.result.error or 'it answered nothing'}",
            fix="Give code.memory_mb and code.seconds more room, or set code.enabled to false.",
            cause="settings",
        )
    missing = sorted(_GUARDS.difference(ran.guards))
    if missing:
        return warning(
            "Code runs in its sandbox, but this system does not offer "
            f"{' and '.join(missing)} as a second wall.",
            fix="Run acore on Linux 5.13 or newer, or let only moderators run code.",
            cause="dependency",
        )
    return fine("Code runs in its sandbox, without files and network.")


CHECKS: Sequence[Check] = (
    Check(name="code_sandbox", area="tools", examine=_sandbox, seconds=60.0),
)
