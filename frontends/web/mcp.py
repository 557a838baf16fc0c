"""The Model Context Protocol at ``/mcp``, and who may use it; importing this is slow."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from frontends.mcp.offer import Offer, account_of
from frontends.mcp.protocol import make_server
from frontends.web.exposure import LOOPBACK_NAMES, is_loopback

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings

_MOST_BYTES = 256 * 1024


class McpGuard:
    """Lets through what comes from this machine, was not sent by a web page, and brings the token.

    A page in a browser could reach this machine as well: its ``Origin`` is another than the server,
    and a name of its own that leads here is not one of the loopback names.
    """

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        app = self._refusal(scope) or self._app
        await app(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        client = scope.get("client")
        if client is None or not is_loopback(client[0]):
            return JSONResponse({"error": "only for this machine"}, status_code=403)
        if _name(host) not in LOOPBACK_NAMES:
            return JSONResponse({"error": "unknown host name"}, status_code=421)
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            return JSONResponse({"error": "unknown origin"}, status_code=403)
        if not self._admits(headers.get("authorization", "")):
            return JSONResponse(
                {"error": "a token is needed"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return None

    def _admits(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._token)
        return bool(self._token) and right and scheme.lower() == "bearer"


@asynccontextmanager
async def offered(services: ServiceFactory, settings: Settings) -> AsyncIterator[ASGIApp]:
    """Give the application to serve at ``/mcp``, guarded, for as long as the block runs."""
    token = settings.mcp.token
    offer = Offer(services, person=account_of(settings))
    # No sessions: nothing is kept between requests, so nothing grows.
    manager = StreamableHTTPSessionManager(
        make_server(offer), json_response=True, stateless=True, max_request_body_size=_MOST_BYTES
    )
    async with manager.run():
        yield McpGuard(
            manager.handle_request, token="" if token is None else token.get_secret_value()
        )


def _name(host: str) -> str:
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")
