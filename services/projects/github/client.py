"""The few requests of GitHub's REST API that the tools need (docs.github.com/en/rest)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from services.domain.clock import Clock
from services.domain.errors import Refused
from services.projects.github.faults import refusal
from services.settings import GitHubSettings

if TYPE_CHECKING:
    from aiohttp import ClientSession, StreamReader

_SECONDS = 15.0
_MOST_BYTES = 4 * 2**20
_PIECE = 64 * 2**10


class GitHubClient:
    """Speaks to GitHub, or the address in the settings, with the token and follows no redirect.

    The token stands in nothing but the header of requests. Call ``close`` at the end.
    """

    def __init__(self, settings: GitHubSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._web: ClientSession | None = None

    async def get(self, *path: str, **query: str | int) -> object:
        """Return the JSON at ``path``, whose parts are escaped; see ``_send`` for errors."""
        return await self._send("GET", path, query=query)

    async def post(self, *path: str, body: Mapping[str, object]) -> object:
        """Create something and return it."""
        return await self._send("POST", path, body=body)

    async def put(self, *path: str, body: Mapping[str, object]) -> object:
        """Put something in place and return it."""
        return await self._send("PUT", path, body=body)

    async def close(self) -> None:
        """Close the connections."""
        if self._web is not None:
            await self._web.close()
            self._web = None

    async def _send(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> object:
        """Send a request; raises ``Refused`` with a sentence for everything that goes wrong."""
        from aiohttp import ClientError  # noqa: PLC0415  slow to load, and not needed to start

        where = "/".join(quote(part, safe="/") for part in path)
        url = f"{self._settings.url.rstrip('/')}/{where}"
        try:
            async with self._session().request(
                method,
                url,
                params=dict(query or {}),
                json=None if body is None else dict(body),
                allow_redirects=False,
            ) as response:
                content = _parsed(await _read(response.content))
                if response.status >= 300:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    now = self._clock.now().timestamp()
                    raise refusal(response.status, headers, content, now=now)
                return content
        except (ClientError, TimeoutError, OSError) as error:
            raise Refused(
                "github_unreachable", "GitHub cannot be reached; try again later."
            ) from error

    def _session(self) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout  # noqa: PLC0415  as above

        if self._web is None:
            token = self._settings.token
            headers = {
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "acore",
            }
            if token is not None:
                headers["Authorization"] = f"Bearer {token.get_secret_value()}"
            self._web = ClientSession(headers=headers, timeout=ClientTimeout(total=_SECONDS))
        return self._web


async def _read(stream: StreamReader) -> bytes:
    content = bytearray()
    async for piece in stream.iter_chunked(_PIECE):
        content += piece
        if len(content) > _MOST_BYTES:
            raise Refused("github_large", "GitHub's answer is too large.")
    return bytes(content)


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None
