"""The way to pages of the public internet that somebody, or a model, asked for."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING, Self

from services.domain.errors import InvalidRequest, Refused
from services.net.bodies import (
    ENCODINGS,
    BodyTooLargeError,
    BodyUnreadableError,
    Fetched,
    read_body,
)
from services.net.guard import AddressPolicy, guarded_sockets, is_public

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver
    from yarl import URL

logger = logging.getLogger(__name__)

PAGES = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf"}
)
"""Media types that can be read as a page."""

USER_AGENT = "acore (self-hosted assistant; opens pages that people ask for)"

_PORTS = frozenset({80, 443})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_AUTHORITY_END = re.compile(r"[/?#]")
_LONGEST_URL = 2000
_MOST_BYTES = 5_000_000
_SECONDS = 15.0
_AT_ONCE = 8


class PublicWeb:
    """Fetches from public addresses alone; the one session of its kind, closed when left.

    ``allows`` says which addresses are public, ``ports`` which may be used, ``resolver`` finds
    names. Proxies, cookies and passwords of the environment are never used or sent.
    """

    def __init__(
        self,
        *,
        allows: AddressPolicy = is_public,
        ports: Collection[int] = _PORTS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allows = allows
        self._ports = frozenset(ports)
        self._resolver = resolver
        self._session: ClientSession | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(
        self,
        url: str,
        *,
        kinds: Collection[str] = PAGES,
        most_bytes: int = _MOST_BYTES,
        seconds: float = _SECONDS,
    ) -> Fetched:
        """Return what is at ``url``, following at most five redirects, each checked like the first.

        ``most_bytes`` counts after unpacking, ``seconds`` cover everything, waiting for a turn
        included. Raises ``InvalidRequest`` for what is no public http or https address, and
        ``Refused`` for all that goes wrong on the way; inner addresses, names that are not found
        and servers that do not answer are told apart by nothing that is said.
        """
        from aiohttp import ClientError  # noqa: PLC0415  a tenth of a second at start

        target = self._checked(url)
        try:
            async with asyncio.timeout(seconds), self._turns:
                return await self._follow(target, frozenset(kinds), most_bytes)
        except TimeoutError as error:
            raise _unreachable("deadline") from error
        except BodyTooLargeError as error:
            size = f"{most_bytes / 1_000_000:g} MB"
            raise Refused("page_large", f"That page is larger than {size}.") from error
        except BodyUnreadableError as error:
            raise Refused("page_damaged", "That page is packed in a way acore cannot read.") from (
                error
            )
        except (ClientError, OSError, ValueError) as error:
            raise _unreachable(type(error).__name__) from error

    async def _follow(self, target: URL, kinds: frozenset[str], most_bytes: int) -> Fetched:
        for _ in range(_MOST_REDIRECTS + 1):
            async with self._opened().get(
                target, allow_redirects=False, headers={"Accept": ", ".join(sorted(kinds))}
            ) as response:
                if response.status not in _REDIRECTS or "Location" not in response.headers:
                    return await self._read(response, kinds, most_bytes)
                target = self._next(response)
        raise Refused("page_redirects", "That page leads from one address to the next without end.")

    def _next(self, response: ClientResponse) -> URL:
        from yarl import URL  # noqa: PLC0415  comes with aiohttp

        location = response.headers["Location"]
        try:
            joined = response.url.join(URL(location[:_LONGEST_URL]))
            return self._checked(str(joined))
        except (InvalidRequest, ValueError) as error:
            raise _unreachable("redirect") from error

    async def _read(
        self, response: ClientResponse, kinds: frozenset[str], most_bytes: int
    ) -> Fetched:
        if response.status != 200:
            raise Refused(
                "page_status", f"That page cannot be had; its server answered {response.status}."
            )
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in kinds:
            raise Refused("page_kind", "That address holds a kind of file that is not read here.")
        return Fetched(
            url=str(response.url),
            kind=kind,
            charset=response.charset,
            body=await read_body(response, most_bytes=most_bytes),
        )

    def _checked(self, url: str) -> URL:
        """Return the parsed ``url``; raises ``InvalidRequest`` for what is never opened."""
        from yarl import URL  # noqa: PLC0415  comes with aiohttp

        if len(url) > _LONGEST_URL or not url.isprintable() or any(one in url for one in "\\ "):
            raise _not_public()
        try:
            parsed = URL(url)
            fine = (
                parsed.scheme in {"http", "https"}
                and bool(parsed.host)
                and "@" not in _AUTHORITY_END.split(url, 3)[2]
                and parsed.port in self._ports
            )
        except ValueError as error:
            raise _not_public() from error
        if not fine:
            raise _not_public()
        return parsed.with_fragment(None)

    def _opened(self) -> ClientSession:
        if self._session is None:
            import aiohttp  # noqa: PLC0415  a tenth of a second at start

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=guarded_sockets(self._allows),
                    resolver=self._resolver,
                    use_dns_cache=False,
                    limit=_AT_ONCE,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": ENCODINGS},
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _not_public() -> InvalidRequest:
    return InvalidRequest(
        "page_address", "Give the full http or https address of a page on the public internet."
    )


def _unreachable(reason: str) -> Refused:
    logger.info("a page could not be reached", extra={"reason": reason})
    return Refused("page_unreachable", "That page cannot be reached.")
