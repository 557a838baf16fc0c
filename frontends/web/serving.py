"""The HTTP server inside the program's own event loop; importing this is slow."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from frontends.web.app import create_app
from services.observability.health import Health
from services.observability.metrics import Metrics
from services.settings import WebSettings

_FINISHING_SECONDS = 1
_MOST_CONNECTIONS = 100


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _version() -> str:
    """Return the version installed, or that of the checkout; ``unknown`` without either."""
    try:
        return importlib.metadata.version("acore")
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        project = Path(__file__).parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


VERSION = _version()


async def serve(
    listening: socket.socket,
    web: WebSettings,
    *,
    health: Health,
    metrics: Metrics,
    mcp: ASGIApp | None = None,
) -> None:
    """Serve on ``listening`` until cancelled, then close within two seconds.

    Requests being answered get one second to finish; idle connections are closed at once.
    """
    config = uvicorn.Config(
        create_app(web, health=health, metrics=metrics, version=VERSION, mcp=mcp),
        lifespan="off",
        loop="none",
        http="h11",
        ws="none",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_FINISHING_SECONDS,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listening]), name="web server")
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({serving})
            for connection in list(server.server_state.connections):
                connection.transport.abort()
