"""Which addresses count as public, whatever they are wrapped in."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from services.net.bodies import Fetched
from services.net.guard import ForbiddenAddressError, guarded_sockets, is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public_addresses_are_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200",
        "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
        "2002:a00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "fe80::1", "fe80::1%1", "fec0::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "100::1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public_in_any_form(address):
    assert not is_public(ip_address(address))


def test_a_socket_is_made_for_what_is_allowed_alone():
    make = guarded_sockets(is_public)
    stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    make((*stream, ("8.8.8.8", 80))).close()
    for peer in [("127.0.0.1", 80), ("localhost", 80), ("", 80)]:
        with pytest.raises(ForbiddenAddressError):
            make((*stream, peer))
    with pytest.raises(ForbiddenAddressError):
        make((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/run/some.sock",)))


@pytest.mark.parametrize("charset", ["undefined", "idna", "base64", "no such", "a\0b"])
def test_a_charset_of_no_use_does_not_break_reading(charset):
    page = Fetched(url="https://a.test", kind="text/html", body=b"ab\xff", charset=charset)
    assert page.text().startswith("ab")
