"""The errors people and callers meet.

AcoreError(code, user_message)
├── Refused                      the request cannot be served as asked
│   ├── InvalidRequest           malformed or out of bounds
│   ├── NotFound                 names something that is not there
│   ├── NotAllowed               the asker lacks the permission
│   ├── Busy                     full or locked; nothing was taken in
│   └── TooMany(retry_after)     over a limit
├── ProviderError(provider, category)   a model or other engine failed
├── StorageError                 the database or the disk failed
└── ConfigurationError           settings are wrong; the process should not start

``user_message`` is one clear sentence that says what to do; nothing else is shown to people.
"""

from __future__ import annotations

from enum import StrEnum


class AcoreError(Exception):
    """Any failure that has a sentence for the user."""

    def __init__(self, code: str, user_message: str) -> None:
        super().__init__(f"{code}: {user_message}")
        self.code = code
        self.user_message = user_message


class Refused(AcoreError):  # noqa: N818
    """The request cannot be served as asked."""


class InvalidRequest(Refused):
    """The request is malformed or out of bounds."""


class NotFound(Refused):
    """The request names something that is not there."""


class NotAllowed(Refused):
    """The asker lacks the permission."""


class Busy(Refused):
    """A queue is full or a resource is held; nothing was taken in."""


class TooMany(Refused):
    """The asker is over a limit and may try again in ``retry_after`` seconds."""

    def __init__(self, code: str, user_message: str, *, retry_after: float) -> None:
        super().__init__(code, user_message)
        self.retry_after = retry_after


class ProviderFault(StrEnum):
    """Why a provider failed, which decides whether another try can help.

    ``OVERLOADED`` is a refusal for now (429, 503, a place given up), ``SERVER_ERROR`` any other
    5xx, ``LOADING`` a model still being loaded, ``UNAUTHORIZED`` a missing or wrong key,
    ``BREAKER_OPEN`` a call not made because recent ones failed.
    """

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BROKEN_STREAM = "broken_stream"
    MALFORMED = "malformed"
    MODEL_MISSING = "model_missing"
    UNSUPPORTED = "unsupported"
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    LOADING = "loading"
    BREAKER_OPEN = "breaker_open"
    EMPTY = "empty"


class ProviderError(AcoreError):
    """A model or other engine failed; ``fault`` says why, ``provider`` names which.

    ``retry_after`` is in seconds, where the provider said when to come back.
    """

    def __init__(
        self,
        provider: str,
        fault: ProviderFault,
        user_message: str,
        *,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"provider_{fault}", user_message)
        self.provider = provider
        self.fault = fault
        self.detail = detail
        self.retry_after = retry_after


class StorageError(AcoreError):
    """The database or the disk failed."""


class ConfigurationError(AcoreError):
    """Settings are wrong; the process should not start."""
