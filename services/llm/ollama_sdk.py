"""The Ollama SDK and its errors; importing it costs 90 ms and 7 MB, so it is imported late."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import ollama

from services.domain.errors import ProviderError, ProviderFault
from services.llm.ollama_faults import Endpoint, missing, unreachable
from services.llm.ollama_wire import MalformedLine

MAX_LINE_BYTES = 4 * 1024 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", None}  # noqa: S104


class OllamaClient(ollama.AsyncClient):
    """The SDK's client, with streamed calls that keep what the SDK drops.

    The SDK's own models leave out fields they do not know: nested tool schemas, ``min_p``, cached
    token counts. ``lines`` sends and returns them as they are, with headers per call.
    """

    def __init__(self, host: str, *, connect_timeout: float) -> None:
        parts = urlsplit(host if "://" in host else f"http://{host}")
        # Loading the certificates takes 50 ms, which plain HTTP need not pay, and a proxy from the
        # environment must not come between this machine and itself.
        verify = parts.scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(
            host,
            timeout=httpx.Timeout(None, connect=connect_timeout),
            verify=verify,
            trust_env=parts.hostname not in _LOOPBACK,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def lines(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Mapping[str, object], None]:
        """Post ``body`` and yield the lines of the answer; closing it closes the connection.

        Raises ``ollama.ResponseError`` for an error status or an error line, ``ValueError`` for a
        line that is no JSON object, and the errors of ``httpx``.
        """
        async with self._client.stream(
            "POST", path, json=body, headers=dict(headers or {})
        ) as response:
            if response.is_error:
                text = (await response.aread()).decode(errors="replace")
                raise ollama.ResponseError(text, response.status_code)
            blocks = response.aiter_bytes()
            try:
                async with aclosing(_lines(blocks)) as lines:
                    async for line in lines:
                        yield _object(line)
            finally:
                await _abandon(response, blocks)


async def _lines(blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise MalformedLine
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        yield rest


async def _abandon(response: httpx.Response, blocks: AsyncIterator[bytes]) -> None:
    """Close the connection and let the library's nested generators run into that.

    Left in the middle they would be closed one by one by tasks that nobody owns.
    """
    await response.aclose()
    with suppress(httpx.HTTPError, httpx.StreamError):
        async for _ in blocks:
            pass


def _object(line: bytes) -> Mapping[str, object]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise MalformedLine
    if value.get("error"):
        raise ollama.ResponseError(str(value["error"]))
    return value


@contextmanager
def translated(endpoint: Endpoint, model: str | None = None) -> Iterator[None]:
    """Turn what the SDK raises into ``ProviderError``."""
    try:
        yield
    except (ConnectionError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise _transport_error(endpoint, error) from error
    except ollama.ResponseError as error:
        raise _response_error(endpoint, model, error) from error
    except (ValueError, TypeError, AttributeError) as error:
        # All three come out of the SDK for JSON of another shape than it expects.
        raise ProviderError(
            endpoint.provider,
            ProviderFault.MALFORMED,
            f"What answers at {endpoint.host} is not understood; check that it is an Ollama server "
            "and up to date.",
            detail=str(error)[:200],
        ) from error


def _transport_error(endpoint: Endpoint, error: Exception) -> ProviderError:
    detail = f"{type(error).__name__}: {error}"[:200]
    # The SDK raises a bare ConnectionError where httpx could not connect.
    broken = (httpx.NetworkError, httpx.ProtocolError, httpx.DecodingError, httpx.ReadTimeout)
    if isinstance(error, broken) and not isinstance(error, httpx.ConnectError):
        return ProviderError(
            endpoint.provider,
            ProviderFault.BROKEN_STREAM,
            "The model's server broke off in the middle of the answer; try again.",
            detail=detail,
        )
    return unreachable(endpoint, detail)


def _response_error(
    endpoint: Endpoint, model: str | None, error: ollama.ResponseError
) -> ProviderError:
    status, text = error.status_code, str(error.error)
    detail = f"{status}: {text}"[:200]
    if status == httpx.codes.NOT_FOUND and "page not found" not in text and "<" not in text:
        return missing(endpoint, model)
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return ProviderError(
            endpoint.provider,
            ProviderFault.OVERLOADED,
            "The model's server cannot answer now; try again in a moment.",
            detail=detail,
        )
    if status < 0:
        return ProviderError(
            endpoint.provider,
            ProviderFault.BROKEN_STREAM,
            "The model's server failed in the middle of the answer; try again.",
            detail=detail,
        )
    if "does not support" in text:
        return ProviderError(
            endpoint.provider,
            ProviderFault.UNSUPPORTED,
            f"The model cannot do this ({text[:120]}); choose another model.",
            detail=detail,
        )
    if status == httpx.codes.NOT_FOUND:
        return ProviderError(
            endpoint.provider,
            ProviderFault.REJECTED,
            f"What answers at {endpoint.host} is not an Ollama server; correct OLLAMA_HOST.",
            detail=detail,
        )
    return ProviderError(
        endpoint.provider,
        ProviderFault.REJECTED,
        f"The model's server refused the request ({text[:120]}); check the model's settings.",
        detail=detail,
    )
