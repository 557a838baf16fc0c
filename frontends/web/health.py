"""Health as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from services.observability.health import Check, HealthReport


def readiness_json(checks: Sequence[Check]) -> dict[str, object]:
    """Return what was found and whether all of it is well."""
    return {"ready": all(check.ok for check in checks), "checks": _checks(checks)}


def report_json(report: HealthReport, *, version: str) -> dict[str, object]:
    """Return the whole report."""
    last = report.last_event_at
    return {
        "status": "healthy" if report.healthy else "degraded",
        "version": version,
        "uptime_seconds": round(report.uptime_seconds, 3),
        "last_event_timestamp": None if last is None else last.isoformat(timespec="milliseconds"),
        "models": [
            {"endpoint": each.endpoint, "model": each.model, "breaker": str(each.state)}
            for each in report.models
        ],
        "checks": _checks(report.checks),
        "counts": dict(report.counts),
    }


def _checks(checks: Sequence[Check]) -> dict[str, object]:
    return {check.name: {"ok": check.ok, "detail": check.detail} for check in checks}
