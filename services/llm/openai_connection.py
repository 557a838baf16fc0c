"""One OpenAI-compatible endpoint: where it is, and its client, made when first needed."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from services.llm.stream_faults import Endpoint

if TYPE_CHECKING:
    from services.llm.openai_sdk import OpenAiClient


class OpenAiConnection:
    """Shared by all models of one endpoint; constructing it does no I/O and imports no SDK.

    ``provider`` is a name of ``openai_kinds.KINDS``. ``connect_timeout`` is in seconds. A key is
    sent only where there is one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None,
        *,
        provider: str,
        connect_timeout: float,
    ) -> None:
        self._base_url = base_url.strip().rstrip("/")
        self._api_key = api_key
        self._provider = provider
        self._connect_timeout = connect_timeout
        self._client: OpenAiClient | None = None

    @property
    def endpoint(self) -> Endpoint:
        """How people and errors call the endpoint."""
        return Endpoint(provider=self._provider, host=_bare(self._base_url))

    @property
    def root(self) -> str:
        """The server's address without the ``/v1`` of its API."""
        return self._base_url.removesuffix("/v1")

    async def client(self) -> OpenAiClient:
        """Return the client. Raises ``ProviderError`` for an address or key of no use."""
        if self._client is None:
            # The SDK takes long to import, and the event loop must not wait for it.
            await asyncio.to_thread(import_module, "services.llm.openai_sdk")
        if self._client is None:
            from services.llm.openai_sdk import OpenAiClient  # noqa: PLC0415

            key = self._api_key.get_secret_value().strip() if self._api_key else ""
            with self.translated():
                self._client = OpenAiClient(
                    self._base_url, key, connect_timeout=self._connect_timeout
                )
        return self._client

    def translated(self, model: str | None = None) -> AbstractContextManager[None]:
        """Turn what the client raises inside the context into ``ProviderError``."""
        from services.llm.openai_sdk import translated  # noqa: PLC0415

        return translated(self.endpoint, model)

    async def aclose(self) -> None:
        """Close the client's idle connections; a later ``client`` call opens anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _bare(address: str) -> str:
    """Return the address without what may be secret in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "this address"
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, "", "")) or "this address"
