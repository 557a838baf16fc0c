"""Counting words, and telling whether an address could be one."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LONGEST_HOST, _LONGEST_LOCAL = 253, 64


def count_words(text: str) -> int:
    """Return how many words a text has; what an apostrophe or hyphen joins is one."""
    return len(_WORD.findall(text))


def count_characters(text: str) -> str:
    """Return how many characters a text has, with and without white space."""
    return f"{len(text)} characters, {len(''.join(text.split()))} without spaces"


def web_address_fault(text: str) -> str | None:
    """Return why ``text`` is no address of the web (RFC 3986, http and https), if it is none."""
    address = text.strip()
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        return "it has spaces in it"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "its host or port is malformed"
    if parts.scheme not in ("http", "https"):
        return "it does not begin with http:// or https://"
    if port == 0 or not parts.hostname or not _is_host(parts.hostname):
        return "it has no valid host"
    return None


def mail_address_fault(text: str) -> str | None:
    """Return why ``text`` is no e-mail address (RFC 5321, without quoted names), if it is none."""
    local, at, host = text.strip().rpartition("@")
    if not at:
        return "it has no @"
    if len(local) > _LONGEST_LOCAL or _LOCAL.fullmatch(local) is None:
        return "what stands before the @ is not allowed"
    if "." not in host or not _is_name(host):
        return "what stands after the @ is no host name"
    return None


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _is_name(host)
    return True


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)
