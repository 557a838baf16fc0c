"""Reading what servers that make pictures answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from services.net.configured import ConfiguredServer


def listed(answer: object, key: str) -> Sequence[object]:
    """Return the list under ``key`` of a JSON object, empty where there is none."""
    value = answer.get(key) if isinstance(answer, Mapping) else None
    return value if isinstance(value, list) else ()


def mapped(answer: object, key: str) -> Mapping[str, object]:
    """Return the object under ``key`` of a JSON object, empty where there is none."""
    value = answer.get(key) if isinstance(answer, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def decoded(text: object, server: ConfiguredServer) -> bytes:
    """Return the bytes of base64, with or without a data URL's head; raises ``ProviderError``."""
    if not isinstance(text, str):
        raise server.malformed()
    try:
        return base64.b64decode(text.partition(",")[2] if "," in text[:100] else text)
    except (binascii.Error, ValueError) as error:
        raise server.malformed() from error
