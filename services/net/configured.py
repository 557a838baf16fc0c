"""Servers that the owner of the installation chose, wherever they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from services.domain.errors import ConfigurationError, ProviderError, ProviderFault
from services.net.bodies import (
    ENCODINGS,
    BodyTooLargeError,
    BodyUnreadableError,
    Fetched,
    read_body,
)

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

_MOST_BYTES = 5_000_000
_SECONDS = 15.0
_LONGEST_WAIT = 3600.0
_FAULTS: Mapping[int, ProviderFault] = {
    HTTPStatus.UNAUTHORIZED: ProviderFault.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: ProviderFault.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS: ProviderFault.OVERLOADED,
    HTTPStatus.SERVICE_UNAVAILABLE: ProviderFault.OVERLOADED,
}
_SENTENCES = {
    ProviderFault.UNREACHABLE: "cannot be reached; try again later.",
    ProviderFault.TIMEOUT: "did not answer in time; try again later.",
    ProviderFault.UNAUTHORIZED: "refused the key; its owner has to look at the settings.",
    ProviderFault.OVERLOADED: "asks for a pause; try again later.",
    ProviderFault.SERVER_ERROR: "has trouble; try again later.",
    ProviderFault.REJECTED: "refused what it was asked.",
    ProviderFault.MALFORMED: "answered in a way acore cannot read.",
}


class ConfiguredServer:
    """One server named by the settings; may be on loopback, and nothing leads away from it.

    ``label`` begins sentences, such as ``The weather service``. Redirects are not followed, and
    neither proxies nor cookies of the environment are used. Raises ``ConfigurationError`` for an
    address that is not http or https.
    """

    def __init__(
        self,
        label: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = _SECONDS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        if not base_url.startswith(("http://", "https://")) or not base_url.partition("//")[2]:
            raise ConfigurationError(
                "server_address", f"{label}: its address has to begin with http:// or https://."
            )
        self._label = label
        self._base = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._seconds = seconds
        self._most_bytes = most_bytes

    async def get(self, path: str = "", params: Mapping[str, str] | None = None) -> Fetched:
        """Return what is at ``path`` below the address; raises ``ProviderError``."""
        return await self._ask("GET", path, params=params or {})

    async def get_json(self, path: str = "", params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """Return the JSON at ``path``; raises ``ProviderError``."""
        return self._json(await self.get(path, params))

    async def post_json(self, path: str, payload: object) -> Any:  # noqa: ANN401
        """Send JSON to ``path`` and return the JSON answered; raises ``ProviderError``."""
        return self._json(await self._ask("POST", path, payload=payload))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: object = None,
    ) -> Fetched:
        import aiohttp  # noqa: PLC0415  a tenth of a second at start

        target = self._below(path)
        try:
            async with (
                asyncio.timeout(self._seconds),
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(),
                    headers={"User-Agent": "acore", "Accept-Encoding": ENCODINGS, **self._headers},
                    timeout=aiohttp.ClientTimeout(total=None),
                    auto_decompress=False,
                    trust_env=False,
                ) as session,
                session.request(
                    method, target, params=params, json=payload, allow_redirects=False
                ) as response,
            ):
                return await self._read(response)
        except TimeoutError as error:
            raise self._failed(ProviderFault.TIMEOUT) from error
        except (BodyTooLargeError, BodyUnreadableError) as error:
            raise self._failed(ProviderFault.MALFORMED) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failed(ProviderFault.UNREACHABLE, type(error).__name__) from error

    async def _read(self, response: ClientResponse) -> Fetched:
        status = response.status
        if not 200 <= status < 300:
            other = ProviderFault.SERVER_ERROR if status >= 500 else ProviderFault.REJECTED
            fault = _FAULTS.get(status, other)
            wait = _seconds(response.headers.get("Retry-After"))
            raise self._failed(fault, f"status {status}", retry_after=wait)
        return Fetched(
            url=str(response.url),
            kind=response.content_type.lower(),
            charset=response.charset,
            body=await read_body(response, most_bytes=self._most_bytes),
        )

    def _below(self, path: str) -> URL:
        from yarl import URL  # noqa: PLC0415  comes with aiohttp

        base = URL(self._base)
        target = URL(f"{self._base}/{path.lstrip('/')}") if path else base
        if target.origin() != base.origin():
            raise self._failed(ProviderFault.REJECTED, "another origin")
        return target

    def _json(self, fetched: Fetched) -> Any:  # noqa: ANN401
        try:
            return json.loads(fetched.body)
        except (ValueError, RecursionError) as error:
            raise self._failed(ProviderFault.MALFORMED) from error

    def malformed(self) -> ProviderError:
        """Return the error to raise for JSON of an unexpected shape."""
        return self._failed(ProviderFault.MALFORMED)

    def _failed(
        self, fault: ProviderFault, detail: str = "", *, retry_after: float | None = None
    ) -> ProviderError:
        return ProviderError(
            self._label,
            fault,
            f"{self._label} {_SENTENCES[fault]}",
            detail=detail,
            retry_after=retry_after,
        )


def _seconds(text: str | None) -> float | None:
    if text is None or not text.strip().isdecimal():
        return None
    return min(float(text), _LONGEST_WAIT)
