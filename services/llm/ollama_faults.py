"""The errors of a model server that need no SDK to tell."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.errors import ProviderError, ProviderFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What errors say about where a call went; ``host`` carries no credentials."""

    provider: str
    host: str


def unreachable(endpoint: Endpoint, detail: str = "") -> ProviderError:
    """Return the error for a server that does not answer at all."""
    sentence = (
        f"Ollama at {endpoint.host} does not answer; start Ollama or correct OLLAMA_HOST."
        if endpoint.provider == "ollama"
        else "The built-in model server does not answer; try again, or restart acore."
    )
    return ProviderError(endpoint.provider, ProviderFault.UNREACHABLE, sentence, detail=detail)


def missing(endpoint: Endpoint, model: str | None) -> ProviderError:
    """Return the error for a model that the server has not."""
    if model is None:
        sentence = f"The server at {endpoint.host} has no chat model; run `ollama pull llama3.2`."
    elif endpoint.provider == "ollama":
        sentence = f"The model {model} is not on the server; run `main.py model pull {model}`."
    else:
        sentence = f"The model {model} needs an Ollama server; set OLLAMA_HOST, or name no model."
    return ProviderError(endpoint.provider, ProviderFault.MODEL_MISSING, sentence)


def broken_off(endpoint: Endpoint) -> ProviderError:
    """Return the error for an answer that ended without saying so."""
    return ProviderError(
        endpoint.provider,
        ProviderFault.BROKEN_STREAM,
        "The model's server broke off in the middle of the answer; try again.",
        detail="the stream ended early",
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
