"""Reads a request's body: JSON, or a form with ``payload_json`` and files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.discord_standin import errors
from tests.discord_standin.rest.routing import Upload

_FILE_FIELD = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    content_type: str = ""
    value: Any = None
    files: dict[int, Upload] = field(default_factory=dict)


async def read_body(request: web.Request) -> Body:
    """Return the body.

    Raises:
        DiscordError: it is not JSON.
    """
    if request.content_type == "multipart/form-data":
        return await _read_form(request)
    data = await request.read()
    return Body(request.content_type, _parsed(data)) if data else Body()


async def _read_form(request: web.Request) -> Body:
    value: Any = {}
    files: dict[int, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=True))
        found = _FILE_FIELD.fullmatch(part.name or "")
        if found:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files[int(found[1])] = Upload(part.filename or "unknown", data, kind)
        elif part.name == "payload_json":
            value = _parsed(data)
    return Body("multipart/form-data", value, files)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise errors.invalid_json() from None
