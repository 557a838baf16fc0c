"""A server that is reached by streamable HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

import httpx2
from mcp.client.streamable_http import streamable_http_client

from services.mcp.process import LONGEST_MESSAGE

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0
_WHOLE = "application/json"
_PACKED = "the answer is packed"
_TOO_LONG = "the answer is too long"


class Statuses:
    """The last status a server answered with that was not a success."""

    last: int | None = None


@asynccontextmanager
async def reached(
    url: str, token: str | None, *, statuses: Statuses
) -> AsyncIterator[TransportStreams]:
    """Speak with the server at ``url`` for as long as the block runs.

    Answers longer than ``LONGEST_MESSAGE``, packed ones and redirects to other servers are refused.
    """
    headers = {"Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_SILENCE_SECONDS)
    trust_env = not _on_this_machine(url)
    # Made beside the loop: reading the certificates takes long.
    client = await asyncio.to_thread(
        lambda: httpx2.AsyncClient(
            headers=headers,
            timeout=timeout,
            trust_env=trust_env,
            event_hooks={"response": [_Watch(statuses)]},
        )
    )
    async with client, streamable_http_client(url, http_client=client) as streams:
        yield streams


class _Watch:
    """Looks at every answer before its body is read."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    async def __call__(self, response: httpx2.Response) -> None:
        if response.status_code >= 400:
            self._statuses.last = response.status_code
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.DecodingError(_PACKED, request=response.request)
        if response.headers.get("content-type", "").lower().startswith(_WHOLE):
            response.stream = _Capped(cast(httpx2.AsyncByteStream, response.stream))


class _Capped(httpx2.AsyncByteStream):
    """Ends with an error where more comes than a message may have."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LONGEST_MESSAGE
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError(_TOO_LONG)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _on_this_machine(url: str) -> bool:
    host = httpx2.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
