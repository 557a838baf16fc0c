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
from services.llm.byte_lines import MalformedLine, split_lines
from services.llm.ollama_faults import missing, unreachable
from services.llm.retry_after import retry_after
from services.llm.stream_faults import Endpoint, broken_off, loading

_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", None}  # noqa: S104


_LOADING = ("loading model", "model is loading", "is being loaded", "still loading")


class _Refusal(ollama.ResponseError):
    """An error status with what its headers say."""

    def __init__(self, text: str, response: httpx.Response) -> None:
        super().__init__(text, response.status_code)
        self.retry_after = retry_after(response.headers)


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
                raise _Refusal(text, response)
            blocks = response.aiter_bytes()
            try:
                async with aclosing(split_lines(blocks)) as lines:
                    async for line in lines:
                        if line.strip():
                            yield _object(line)
            finally:
                await _abandon(response, blocks)


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
        return broken_off(endpoint, detail)
    return unreachable(endpoint, detail)


def _response_error(
    endpoint: Endpoint, model: str | None, error: ollama.ResponseError
) -> ProviderError:
    status, text = error.status_code, str(error.error)
    detail = f"{status}: {text}"[:200]
    if status == httpx.codes.NOT_FOUND and "page not found" not in text and "<" not in text:
        return missing(endpoint, model)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        return _for_now(endpoint, model, error, detail)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ProviderError(
            endpoint.provider,
            ProviderFault.UNAUTHORIZED,
            f"The server at {endpoint.host} lets nobody in without a password; put name and "
            "password before the host in OLLAMA_HOST, as docs/models.md shows.",
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


def _for_now(
    endpoint: Endpoint, model: str | None, error: ollama.ResponseError, detail: str
) -> ProviderError:
    """Return the error for a refusal that may pass."""
    wait = error.retry_after if isinstance(error, _Refusal) else None
    if any(words in str(error.error).lower() for words in _LOADING):
        return loading(endpoint, model, detail, retry_after=wait)
    passing = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
    if error.status_code in passing:
        return ProviderError(
            endpoint.provider,
            ProviderFault.OVERLOADED,
            "The model's server cannot answer now; try again in a moment.",
            detail=detail,
            retry_after=wait,
        )
    return ProviderError(
        endpoint.provider,
        ProviderFault.SERVER_ERROR,
        "The model's server failed; try again, or look into its log.",
        detail=detail,
        retry_after=wait,
    )
