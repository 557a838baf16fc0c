"""GitHub's refusals as sentences for people."""

from __future__ import annotations

from collections.abc import Mapping

from services.domain.errors import InvalidRequest, NotAllowed, NotFound, Refused, TooMany

_WAIT = 60.0
_LONGEST_WAIT = 3600.0
_LONGEST_REASON = 160


def refusal(status: int, headers: Mapping[str, str], body: object, *, now: float) -> Refused:
    """Return what a status other than success means; ``now`` is in seconds since 1970.

    docs.github.com/en/rest/using-the-rest-api: 403 and 429 are limits when ``retry-after`` is given
    or ``x-ratelimit-remaining`` is 0, which ends at ``x-ratelimit-reset``.
    """
    if status in (403, 429) and (status == 429 or _is_limited(headers)):
        wait = _wait(headers, now)
        return TooMany(
            "github_limit",
            f"GitHub takes no more requests for now; try again in {wait:.0f} s.",
            retry_after=wait,
        )
    match status:
        case 401:
            return NotAllowed(
                "github_token", "GitHub does not accept the token; an owner has to renew it."
            )
        case 403:
            return NotAllowed("github_permission", "The GitHub token may not do that.")
        case 404:
            return NotFound("github_unknown", "GitHub knows nothing by that name.")
        case 409:
            return InvalidRequest(
                "github_conflict", "That has changed on GitHub meanwhile; read it again first."
            )
        case 422:
            return InvalidRequest("github_invalid", f"GitHub refused that{_reason(body)}.")
    if 300 <= status < 400:
        return NotFound("github_moved", "That repository has moved; use its new name.")
    return Refused("github_failed", f"GitHub failed with status {status}; try again later.")


def _is_limited(headers: Mapping[str, str]) -> bool:
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"


def _wait(headers: Mapping[str, str], now: float) -> float:
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    seconds = float(after) if after.isdecimal() else _WAIT
    if not after and reset.isdecimal():
        seconds = float(reset) - now
    return min(max(seconds, 1.0), _LONGEST_WAIT)


def _reason(body: object) -> str:
    found = ""
    if isinstance(body, dict):
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else body
        message = first.get("message") if isinstance(first, dict) else None
        found = " ".join(message.split()) if isinstance(message, str) else ""
    return f": {found[:_LONGEST_REASON].rstrip('.')}" if found else ""
