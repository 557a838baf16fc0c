"""A server of voice engines: its address, its connections, and what its refusals mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from services.domain.errors import ProviderError, ProviderFault

_OVERLOADED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """``name`` is how errors and people call the engine; a key is sent where there is one.

    ``connect_seconds`` bounds reaching the server, ``silence_seconds`` the wait for its next bytes.
    """

    name: str
    base_url: str
    key: str | None = None
    connect_seconds: float = 3.0
    silence_seconds: float = 20.0

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"Endpoint(name={self.name!r})"


class HttpEndpoint:
    """Connections to one server, opened when first needed and kept for the next request."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._root = endpoint.base_url.strip().rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """How the engine is called."""
        return self._endpoint.name

    async def open(self) -> None:
        """Make the session; nothing is asked of the server."""
        if self._session is None:
            key = self._endpoint.key
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self._endpoint.connect_seconds,
                    sock_read=self._endpoint.silence_seconds,
                ),
            )

    async def close(self) -> None:
        """Close all connections; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        **options: Any,  # noqa: ANN401  aiohttp's own
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; the answer may be read inside the context.

        Raises ``ProviderError`` for a refusal and for whatever goes wrong inside.
        """
        await self.open()
        session = self._session
        if session is None:
            raise self._error(ProviderFault.UNREACHABLE, "was closed")
        try:
            async with session.request(method, f"{self._root}{path}", **options) as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise self._refused(response.status)
                yield response
        except aiohttp.InvalidURL as error:
            raise self._error(
                ProviderFault.UNREACHABLE, "has no usable address; correct it"
            ) from error
        except TimeoutError as error:
            raise self._error(
                ProviderFault.TIMEOUT, "does not answer; check that it is running"
            ) from error
        except aiohttp.ClientPayloadError as error:
            raise self._error(
                ProviderFault.BROKEN_STREAM, "broke off in the middle; try again"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._error(
                ProviderFault.UNREACHABLE,
                "cannot be reached; check that it is running and its address",
                detail=type(error).__name__,
            ) from error

    async def json(self, method: str, path: str, **options: Any) -> Mapping[str, Any]:  # noqa: ANN401
        """Send a request and return the object it is answered with. Raises ``ProviderError``."""
        async with self.request(method, path, **options) as response:
            try:
                found = await response.json(content_type=None)
            except ValueError as error:
                raise self.misunderstood(detail="no JSON") from error
        if not isinstance(found, dict):
            raise self.misunderstood(detail="no JSON object")
        return found

    def misunderstood(self, *, detail: str) -> ProviderError:
        """Return the error for an answer that is not understood."""
        return self._error(
            ProviderFault.MALFORMED,
            "answers something else; check that its address ends where its API begins",
            detail=detail,
        )

    def _refused(self, status: int) -> ProviderError:
        detail = f"HTTP {status}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return self._error(
                ProviderFault.UNAUTHORIZED, "does not accept the key; correct it", detail=detail
            )
        if status in _OVERLOADED:
            return self._error(
                ProviderFault.OVERLOADED, "has too much to do; try again later", detail=detail
            )
        if status == HTTPStatus.NOT_FOUND:
            return self._error(
                ProviderFault.MODEL_MISSING,
                "knows no such model, voice or address; check its settings",
                detail=detail,
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._error(
                ProviderFault.SERVER_ERROR, "failed; try again, or look at its log", detail=detail
            )
        return self._error(
            ProviderFault.REJECTED,
            "refused; check the model and voice in its settings",
            detail=detail,
        )

    def _error(self, fault: ProviderFault, sentence: str, *, detail: str = "") -> ProviderError:
        message = f"The voice server {self.name} {sentence}."
        return ProviderError(self.name, fault, message, detail=detail)
