"""The OpenAI SDK and its errors; importing it costs 370 ms and 12 MB, so it is imported late."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import httpx2
import openai

from services.domain.errors import ProviderError
from services.llm.byte_lines import MalformedLine
from services.llm.openai_faults import (
    filtered,
    malformed,
    read_error,
    reply_error,
    unauthorized,
    unreachable,
)
from services.llm.openai_sse import event_data
from services.llm.openai_wire import AnswerFiltered, StreamFailed
from services.llm.retry_after import retry_after
from services.llm.stream_faults import Endpoint, broken_off

if TYPE_CHECKING:
    from openai._types import HttpxSendArgs
    from typing_extensions import Unpack

_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", None}  # noqa: S104
_MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_NO_LIST = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_BROKEN = (
    httpx2.NetworkError,
    httpx2.ProtocolError,
    httpx2.DecodingError,
    httpx2.ReadTimeout,
    httpx2.WriteTimeout,
)


_LOST = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
_MOST_STALE = 3


class UnusableKeyError(Exception):
    """The key holds characters that cannot be sent."""


class _WrongContent(Exception):  # noqa: N818
    """A document for people came where an answer should be."""


class _Trip:
    """What became of one request on its connection."""

    def __init__(self) -> None:
        self.fresh = False
        self.answered = False

    async def __call__(self, event: str, info: object) -> None:
        if event.startswith("connection.connect_"):
            self.fresh = True
        elif event.endswith("receive_response_headers.complete"):
            self.answered = True


class OpenAiClient(openai.AsyncOpenAI):
    """The SDK's client, which sends what it is given and nothing about this machine.

    Neither ``OPENAI_*`` variables nor the SDK's own headers are used, and what a server sends is
    read only up to a limit. Nothing is tried twice, but for a request that a kept connection
    turned out to be too old for.
    """

    def __init__(self, base_url: str, key: str, *, connect_timeout: float) -> None:
        if not (key.isascii() and key.isprintable()):
            raise UnusableKeyError
        parts = urlsplit(base_url)
        # Loading the certificates takes 50 ms, which plain HTTP need not pay, and a proxy from the
        # environment must not come between this machine and itself.
        transport = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=connect_timeout),
            verify=True if parts.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=parts.hostname not in _LOOPBACK,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            event_hooks={"response": [self._refuse]},
        )
        # Empty strings keep the SDK from looking into the environment.
        super().__init__(
            api_key=key,
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=base_url,
            timeout=httpx2.Timeout(None, connect=connect_timeout),
            max_retries=0,
            http_client=transport,
        )
        self._platform = "Unknown"  # else it is found out in a thread, to be sent along

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """What every request carries."""
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"Content-Type": "application/json", "User-Agent": "acore", **key}

    async def _send_request(
        self, request: httpx2.Request, *, stream: bool, **options: Unpack[HttpxSendArgs]
    ) -> httpx2.Response:
        """Send; again where the server had closed a kept connection before it saw the request."""
        for _ in range(_MOST_STALE):
            trip = _Trip()
            request.extensions["trace"] = trip
            try:
                return await super()._send_request(request, stream=stream, **options)
            except _LOST:
                if trip.fresh or trip.answered:
                    raise
        return await super()._send_request(request, stream=stream, **options)

    def _auth_headers(self, security: object) -> dict[str, str]:
        """Leave the key to ``default_headers``."""
        return {}

    def _validate_headers(self, headers: object, custom_headers: object) -> None:
        """Allow requests without a key."""

    async def data(self, body: Mapping[str, object]) -> AsyncGenerator[bytes, None]:
        """Post ``body`` to ``/chat/completions`` and yield the data of the answer's events.

        An answer in one piece is yielded as such. Closing it closes the connection. What it raises
        is for ``translated``.
        """
        response: httpx2.Response = await self.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body=body,
            options={"headers": {"Accept": "text/event-stream", **_UNSAID}},
            stream=True,
        )
        blocks = response.aiter_bytes()
        try:
            content_type = response.headers.get("content-type", "")
            if "html" in content_type:
                raise _WrongContent
            if content_type.startswith("application/json"):
                yield await _read(blocks, _MAX_DOCUMENT_BYTES)
                return
            async with aclosing(event_data(blocks)) as events:
                async for event in events:
                    yield event
        finally:
            await _abandon(response, blocks)

    async def document(self, path: str) -> object:
        """Return the JSON at ``path``, which may be a whole address, or ``None`` without one."""
        try:
            opened: object = await self.get(
                path,
                cast_to=httpx2.Response,
                options={"headers": {"Accept": "application/json", **_UNSAID}},
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
        except openai.APIStatusError as error:
            if error.status_code in _NO_LIST:
                return None
            raise
        response = cast("httpx2.Response", opened)
        blocks = response.aiter_bytes()
        try:
            return json.loads(await _read(blocks, _MAX_DOCUMENT_BYTES))
        finally:
            await _abandon(response, blocks)

    async def _refuse(self, response: httpx2.Response) -> None:
        """Raise for every status but success, with as much of the reply as is of use."""
        if response.is_success:
            return
        blocks = response.aiter_bytes()
        body = b""
        try:
            async for block in blocks:
                body += block
                if len(body) > _MAX_ERROR_BYTES:
                    break
        finally:
            await _abandon(response, blocks)
        raise openai.APIStatusError("refused", response=response, body=body)


_UNSAID = {name: openai.Omit() for name in ("x-stainless-retry-count", "x-stainless-read-timeout")}


async def _read(blocks: AsyncIterator[bytes], most: int) -> bytes:
    found = bytearray()
    async for block in blocks:
        found += block
        if len(found) > most:
            raise MalformedLine
    return bytes(found)


async def _abandon(response: httpx2.Response, blocks: AsyncIterator[bytes]) -> None:
    """Close the connection and let the library's nested generators run into that.

    Left in the middle they would be closed one by one by tasks that nobody owns.
    """
    await response.aclose()
    with suppress(httpx2.HTTPError, httpx2.StreamError):
        async for _ in blocks:
            pass


@contextmanager
def translated(endpoint: Endpoint, model: str | None = None) -> Iterator[None]:
    """Turn what the SDK and the reading raise into ``ProviderError``."""
    try:
        yield
    except openai.APIStatusError as error:
        body = error.body if isinstance(error.body, bytes) else b""
        wait = retry_after(error.response.headers)
        reply = read_error(error.status_code, body)
        raise reply_error(endpoint, model, reply, retry_after=wait) from error
    except openai.APIConnectionError as error:
        raise _transport_error(endpoint, error.__cause__ or error) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _transport_error(endpoint, error) from error
    except StreamFailed as error:
        raise reply_error(endpoint, model, read_error(None, error.body)) from error
    except AnswerFiltered as error:
        raise filtered(endpoint) from error
    except UnusableKeyError as error:
        raise unauthorized(endpoint, "unprintable key") from error
    except _WrongContent as error:
        raise malformed(endpoint, "text/html") from error
    except (ValueError, openai.OpenAIError) as error:
        raise malformed(endpoint, type(error).__name__) from error


def _transport_error(endpoint: Endpoint, error: BaseException) -> ProviderError:
    detail = type(error).__name__
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return unreachable(endpoint, "is not a known host name", f"{detail} DNS")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return unreachable(endpoint, "cannot be trusted: TLS failed", f"{detail} TLS")
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return unreachable(endpoint, "is not an address", detail)
    if isinstance(error, httpx2.ProxyError):
        return unreachable(endpoint, "cannot be reached through the proxy", detail)
    if isinstance(error, _BROKEN) and not isinstance(error, httpx2.ConnectError):
        return broken_off(endpoint, detail)
    return unreachable(endpoint, "does not answer", detail)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
