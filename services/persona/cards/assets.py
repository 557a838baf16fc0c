"""The files a card speaks of: found by address, never fetched."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import unquote, unquote_to_bytes

from services.persona.cards.limits import CardProblem
from services.persona.cards.png import decoded

ARCHIVE_SCHEME = "embeded://"  # spelled so by the specification
OWN_PICTURE = "ccdefault:"
_ARCHIVE_SCHEMES = (ARCHIVE_SCHEME, "embedded://", "__asset:")
_MEDIA_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "svg": "image/svg+xml"}
_PICTURES = frozenset({"png", "webp", "gif", "avif", "bmp"})


def archive_path(uri: str) -> str | None:
    """Return the path that ``uri`` names inside its own file; ``None`` for any other address."""
    for scheme in _ARCHIVE_SCHEMES:
        if uri[: len(scheme)].lower() == scheme:
            return uri[len(scheme) :]
    return None


def find(uri: str, files: Mapping[str, bytes]) -> str | None:
    """Return the path in ``files`` that ``uri`` names, if that file is there."""
    path = archive_path(uri)
    if path is None:
        return None
    tried = (path, unquote(path), path.replace("\\", "/"))
    return next((known for known in tried if known in files), None)


def content_of(uri: str, files: Mapping[str, bytes]) -> bytes | None:
    """Return what ``uri`` stands for: a file of the card, or what a ``data:`` address spells.

    ``None`` for a missing file and for every address elsewhere: those are never fetched.
    """
    path = find(uri, files)
    if path is not None:
        return files[path]
    if uri[:5].lower() != "data:":
        return None
    head, comma, body = uri.partition(",")
    if not comma:
        return None
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return decoded(unquote_to_bytes(body))
    except CardProblem:
        return None


def spelled_out(content: bytes, *, ext: str) -> str:
    """Return ``content`` as a ``data:`` address."""
    ext = ext.lower().lstrip(".")
    kind = _MEDIA_TYPES.get(ext) or (f"image/{ext}" if ext in _PICTURES else "")
    text = base64.b64encode(content).decode("ascii")
    return f"data:{kind or 'application/octet-stream'};base64,{text}"
