"""The web frontend."""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from frontends.web.exposure import check_exposure, check_mcp

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.factory import ServiceFactory
    from services.settings import Settings, WebSettings

logger = logging.getLogger(__name__)

_BACKLOG = 100


async def run_web(
    services: ServiceFactory,
    settings: Settings,
    *,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Serve health and metrics until cancelled; return 0 at once when the port cannot be had.

    ``on_listening`` gets the address once it is open. Raises ``ConfigurationError`` before that
    when others could reach the server without a token, or programs its characters.
    """
    web = settings.web
    check_exposure(web)
    check_mcp(settings.mcp)
    try:
        listening = await asyncio.to_thread(_listen, web)
    except OSError as error:
        _tell_closed(services, web, error)
        return 0
    with listening:
        serving = await asyncio.to_thread(importlib.import_module, "frontends.web.serving")
        host, port = listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        logger.info("web server listens", extra={"address": address})
        async with services.health() as health, _mcp(services, settings) as mcp:
            if on_listening is not None:
                on_listening(address)
            await serving.serve(listening, web, health=health, metrics=services.metrics(), mcp=mcp)
    return 0


@asynccontextmanager
async def _mcp(services: ServiceFactory, settings: Settings) -> AsyncIterator[ASGIApp | None]:
    """Give what answers at ``/mcp``, if that is switched on."""
    if not settings.mcp.serve:
        yield None
        return
    module = await asyncio.to_thread(importlib.import_module, "frontends.web.mcp")
    async with module.offered(services, settings) as app:
        yield app


def _listen(web: WebSettings) -> socket.socket:
    found = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = found[0]
    listening = socket.create_server((address[0], web.port), family=family, backlog=_BACKLOG)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
    listening.setblocking(False)
    return listening


def _tell_closed(services: ServiceFactory, web: WebSettings, error: OSError) -> None:
    if error.errno == errno.EADDRINUSE:
        reason = "the port is in use"
    elif error.errno == errno.EACCES:
        reason = "this port needs more rights"
    else:
        reason = "there is no such address here"
    logger.warning("web server cannot listen", extra={"port": web.port, "reason": str(error)})
    services.announce()(
        "web_not_listening",
        f"Health and metrics are not served on {web.host}:{web.port}: {reason}. "
        "Choose another web.port or web.host, or set web.enabled = false.",
    )
