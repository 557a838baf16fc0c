"""One Ollama server: where it is, and its client, made when first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from services.domain.errors import ProviderError
from services.llm.ollama_faults import unreachable
from services.llm.stream_faults import Endpoint

if TYPE_CHECKING:
    from services.llm.ollama_sdk import OllamaClient

HostSource = Callable[[], Awaitable[str]]


class OllamaConnection:
    """Shared by all models of one server.

    ``host`` is an address or a function that starts the server when needed and returns its
    address, which may change between calls.
    """

    def __init__(
        self, host: str | HostSource, *, connect_timeout: float, provider: str = "ollama"
    ) -> None:
        self._host = host
        self._connect_timeout = connect_timeout
        self._provider = provider
        self._address = host if isinstance(host, str) else ""
        self._client: OllamaClient | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Return how people and errors call the server."""
        host = _without_credentials(self._address) or "this machine"
        return Endpoint(provider=self._provider, host=host)

    async def client(self) -> OllamaClient:
        """Return the client; starts the server when it is ours. Raises ``ProviderError``."""
        address = self._host if isinstance(self._host, str) else await self._host()
        if self._client is not None and address == self._address:
            return self._client
        from services.llm.ollama_sdk import OllamaClient  # noqa: PLC0415

        outdated, self._client, self._address = self._client, None, address
        if outdated is not None:
            await outdated.aclose()
        if self._client is None:
            try:
                with self.translated():
                    self._client = OllamaClient(address, connect_timeout=self._connect_timeout)
            except ProviderError as error:
                raise unreachable(self.endpoint, "not an address") from error
        return self._client

    def translated(self, model: str | None = None) -> AbstractContextManager[None]:
        """Turn what the client raises inside the context into ``ProviderError``."""
        from services.llm.ollama_sdk import translated  # noqa: PLC0415

        return translated(self.endpoint, model)

    async def aclose(self) -> None:
        """Close the client's idle connections; a later ``client`` call opens anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _without_credentials(address: str) -> str:
    if "@" not in address:
        return address
    parts = urlsplit(address if "://" in address else f"http://{address}")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
