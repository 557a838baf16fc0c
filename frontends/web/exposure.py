"""Who may reach the web server."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from services.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from services.settings import McpSettings, WebSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Say whether ``host`` is this machine alone; names other than localhost are not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_exposure(web: WebSettings) -> None:
    """Raise ``ConfigurationError`` when others could reach the server without a token."""
    token = web.token.get_secret_value() if web.token is not None else ""
    if not is_loopback(web.host) and not token.strip():
        raise ConfigurationError(
            "web_token_missing",
            f"web.host is {web.host}, which others can reach: set web.token "
            "(ACORE_WEB__TOKEN) to what callers have to send, or web.host to 127.0.0.1.",
        )


def check_mcp(settings: McpSettings) -> None:
    """Raise ``ConfigurationError`` when characters and memory would be offered without a token."""
    token = settings.token.get_secret_value() if settings.token is not None else ""
    if settings.serve and not token.strip():
        raise ConfigurationError(
            "mcp_token_missing",
            "mcp.serve is on: set mcp.token (ACORE_MCP__TOKEN) to what programs have to send, "
            "or switch mcp.serve off.",
        )


def allowed_hosts(web: WebSettings) -> frozenset[str] | None:
    """Return the names callers may use; ``None`` (any) when listening on every address.

    A web page that had its own name resolve to this machine would use another name.
    """
    try:
        if ip_address(web.host).is_unspecified:
            return None
    except ValueError:
        pass
    return LOOPBACK_NAMES | {web.host.lower()}
