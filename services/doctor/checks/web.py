"""The web server: a free port, and no open door."""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import ip_address

from services.doctor.check import Case, Check, Finding, fine, problem, skipped
from services.doctor.places import in_use
from services.domain.errors import ConfigurationError

_OFF = "The web server is switched off."


async def _door(case: Case) -> Finding:
    web = case.loaded.web
    if not web.enabled:
        return skipped(_OFF)
    if _loopback(web.host):
        return fine(f"The web server listens on this machine alone ({web.host}).")
    if web.token is None or not web.token.get_secret_value():
        return problem(
            f"The web server would listen beyond this machine ({web.host}) without a token.",
            fix="Write a long random ACORE_WEB__TOKEN=… into .env, or set web.host to 127.0.0.1.",
            cause="settings",
        )
    return fine(f"The web server listens beyond this machine ({web.host}) and asks for a token.")


async def _port(case: Case) -> Finding:
    web = case.loaded.web
    if not web.enabled:
        return skipped(_OFF)
    fault = await asyncio.to_thread(_bind_fault, web.host, web.port)
    if fault is None:
        return fine(f"The web server's port {web.port} is free.")
    if fault == errno.EADDRINUSE:
        if await asyncio.to_thread(_running, case):
            return fine(f"The web server's port {web.port} is in use, and acore is running.")
        return problem(
            f"The web server's port {web.port} is used by another program.",
            fix="Stop that program, or set web.port to another number (0 takes a free one).",
            cause="dependency",
        )
    if fault == errno.EACCES:
        return problem(
            f"Your user may not use the web server's port {web.port}.",
            fix="Set web.port to a number above 1023.",
            cause="settings",
        )
    return problem(
        f"The web server cannot listen on {web.host}: this machine does not have that address.",
        fix="Set web.host to 127.0.0.1, or to an address of this machine.",
        cause="settings",
    )


def _running(case: Case) -> bool:
    try:
        return in_use(case)
    except (ConfigurationError, OSError):
        return False


def _bind_fault(host: str, port: int) -> int | None:
    """Try to listen for a moment; return the error number, ``None`` when it works."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
                listener.listen(1)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


def _loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


CHECKS = (
    Check(name="web_access", area="web", examine=_door),
    Check(name="web_port", area="web", examine=_port),
)
