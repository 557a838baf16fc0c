"""The errors of a streamed answer, whoever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.errors import ProviderError, ProviderFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What errors say about where a call went; ``host`` carries no credentials."""

    provider: str
    host: str


def broken_off(endpoint: Endpoint, detail: str = "the stream ended early") -> ProviderError:
    """Return the error for an answer that ended without saying so."""
    return ProviderError(
        endpoint.provider,
        ProviderFault.BROKEN_STREAM,
        "The model's server broke off in the middle of the answer; try again.",
        detail=detail,
    )


def too_slow(endpoint: Endpoint, model: str, seconds: float, *, begun: bool) -> ProviderError:
    """Return the error for an answer that did not begin, or fell silent, for ``seconds``."""
    what = "fell silent for" if begun else "did not begin to answer within"
    return ProviderError(
        endpoint.provider,
        ProviderFault.TIMEOUT,
        f"The model {model} {what} {seconds:g} seconds; try again, or choose a smaller model.",
        detail="stalled" if begun else "no first token",
    )


def loading(
    endpoint: Endpoint, model: str | None, detail: str = "", *, retry_after: float | None = None
) -> ProviderError:
    """Return the error for a model that is not in memory yet."""
    return ProviderError(
        endpoint.provider,
        ProviderFault.LOADING,
        f"The model {model or 'asked for'} is still being loaded; try again in a moment.",
        detail=detail or "loading",
        retry_after=retry_after,
    )
