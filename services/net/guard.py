"""Which addresses of the internet may be connected to on behalf of somebody."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

logger = logging.getLogger(__name__)

Address: TypeAlias = IPv4Address | IPv6Address
AddressPolicy: TypeAlias = Callable[[Address], bool]
AddressInfo: TypeAlias = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_NOT_PUBLIC = (
    IPv4Network("100.64.0.0/10"),  # carriers' own, RFC 6598; a cloud's metadata, too
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("168.63.129.16/32"),  # a cloud's metadata on a public address
)


def is_public(address: Address) -> bool:
    """Say whether ``address`` belongs to the public internet, with every IPv4 address inside it.

    IPv4-mapped, IPv4-compatible, 6to4, Teredo and NAT64 forms are unwrapped first, since Python
    calls some of them global whatever they lead to.
    """
    if isinstance(address, IPv4Address):
        inside = any(address in network for network in _NOT_PUBLIC)
        return address.is_global and not address.is_multicast and not inside
    carried = list(_carried(address))
    if any(not is_public(one) for one in carried):
        return False
    if carried and address not in _GLOBAL_UNICAST:
        return True
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and not address.is_multicast
        and not address.scope_id
    )


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


class ForbiddenAddressError(PermissionError):
    """A connection would have left the addresses that are allowed."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "that address is not to be connected to")


def guarded_sockets(allows: AddressPolicy) -> Callable[[AddressInfo], socket.socket]:
    """Return a maker of sockets for those addresses alone that ``allows``.

    It is asked right before each connection, with the address that is really going to be used,
    however the host was written and whatever its name resolved to earlier. Raises
    ``ForbiddenAddressError``.
    """

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, peer = info
        if family not in {socket.AF_INET, socket.AF_INET6} or not _allowed(str(peer[0]), allows):
            logger.warning("a connection to an inner address was refused")
            raise ForbiddenAddressError
        return socket.socket(family, kind, protocol)

    return make


def _allowed(written: str, allows: AddressPolicy) -> bool:
    try:
        return allows(ip_address(written))
    except ValueError:
        return False
