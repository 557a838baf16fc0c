"""The errors of a model server that need no SDK to tell."""

from __future__ import annotations

from services.domain.errors import ProviderError, ProviderFault
from services.llm.stream_faults import Endpoint


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
