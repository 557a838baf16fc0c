"""Who is let in: by the name they use for this machine, and by the token they bring."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS_OPEN = "/healthz"
_ASKS_ITSELF = "/mcp"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Guard:
    """Lets through what names an allowed host and, where there is a token, brings it.

    ``/healthz`` is open to everybody: it says nothing but that the process lives. ``/mcp`` asks for
    a token of its own.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None, token: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self._app
        if scope["type"] == "http" and scope["path"] != _ALWAYS_OPEN:
            app = self._refusal(Headers(scope=scope), path=scope["path"]) or app
        await app(scope, receive, send_marked)

    def _refusal(self, headers: Headers, *, path: str) -> JSONResponse | None:
        if self._hosts is not None and _name(headers.get("host", "")) not in self._hosts:
            return JSONResponse({"error": "unknown host name"}, status_code=421)
        if path == _ASKS_ITSELF or self._token is None:
            return None
        if not self._admits(headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": "Bearer"}
            return JSONResponse({"error": "a token is needed"}, status_code=401, headers=challenge)
        return None

    def _admits(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        token = given.strip().encode("latin-1", "replace")
        right = hmac.compare_digest(token, self._token or b"")
        return right and scheme.lower() == "bearer"


def _name(host: str) -> str:
    """Return the name in a Host header, without port and brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")
