"""Files that carry cards, sound and broken, of our own making."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes, *, checksum: int | None = None) -> bytes:
    """One PNG chunk, with a wrong checksum if one is given."""
    crc = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def header(width: int = 4, height: int = 4) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def pixels(width: int = 4, height: int = 4) -> bytes:
    return chunk(b"IDAT", zlib.compress((b"\0" + b"\x30\x60\x90" * width) * height))


END = chunk(b"IEND", b"")


def png(*parts: bytes, after: bytes = b"") -> bytes:
    """A small picture with ``parts`` between its pixels and its end."""
    return SIGNATURE + header() + pixels() + b"".join(parts) + END + after


def text(keyword: str, value: object, *, kind: bytes = b"tEXt", raw: bytes | None = None) -> bytes:
    """A text chunk with ``value`` as base64 of JSON, or with ``raw`` as it is."""
    body = base64.b64encode(as_json(value)) if raw is None else raw
    word = keyword.encode("latin-1") + b"\0"
    if kind == b"zTXt":
        return chunk(kind, word + b"\0" + zlib.compress(body, 9))
    if kind == b"iTXt":
        return chunk(kind, word + b"\0\0\0\0" + body)
    return chunk(kind, word + body)


def packed_itxt(keyword: str, body: bytes) -> bytes:
    return chunk(b"iTXt", keyword.encode() + b"\0\1\0en\0word\0" + zlib.compress(body, 9))


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def v1(**fields: object) -> dict[str, object]:
    card: dict[str, object] = {
        "name": "Ada",
        "description": "Keeps bees.",
        "personality": "calm",
        "scenario": "a garden",
        "first_mes": "Mind the smoker.",
        "mes_example": "<START>\n{{user}}: hi\n{{char}}: hello",
    }
    return {**card, **fields}


def v2(**fields: object) -> dict[str, object]:
    data = {
        **v1(),
        "creator_notes": "",
        "system_prompt": "",
        "post_history_instructions": "",
        "alternate_greetings": [],
        "tags": [],
        "creator": "us",
        "character_version": "1",
        "extensions": {},
        **fields,
    }
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}


def v3(**fields: object) -> dict[str, object]:
    card = v2(**{"group_only_greetings": [], **fields})
    return {**card, "spec": "chara_card_v3", "spec_version": "3.0"}


def entry(**fields: object) -> dict[str, object]:
    return {
        "keys": ["bee"],
        "content": "Bees dance.",
        "extensions": {},
        "enabled": True,
        "insertion_order": 10,
        "use_regex": False,
        **fields,
    }


def book(*entries: Mapping[str, object], **fields: object) -> dict[str, object]:
    return {"extensions": {}, "entries": list(entries), **fields}


def archive(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def charx(card: object, files: Mapping[str, bytes] | None = None) -> bytes:
    return archive({"card.json": as_json(card), **(files or {})})


def jpeg() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (6, 5), (200, 100, 50)).save(out, format="JPEG")
    return out.getvalue()


def webp(*, exif: bytes = b"", xmp: bytes = b"", width: int = 8, height: int = 8) -> bytes:
    """A WEBP header with metadata; its picture is never decoded."""

    def part(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    canvas = b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    parts = part(b"VP8X", canvas) + part(b"VP8L", b"\x2f" + b"\0" * 9)
    parts += (part(b"EXIF", exif) if exif else b"") + (part(b"XMP ", xmp) if xmp else b"")
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + parts


def exif(value: bytes, *, order: str = "<", tag: int = 0x9286, nested: bool = True) -> bytes:
    """A TIFF directory whose ``tag`` holds ``value``, in its own directory or the first."""
    mark = b"II" if order == "<" else b"MM"
    start = mark + struct.pack(f"{order}HI", 42, 8)

    def directory(which: int, kind: int, count: int, place: int) -> bytes:
        return struct.pack(f"{order}HHHIII", 1, which, kind, count, place, 0)

    if not nested:
        return start + directory(tag, 7, len(value), 26) + value
    first = directory(0x8769, 4, 1, 26)
    return start + first + directory(tag, 7, len(value), 44) + value


def byaf(
    character: Mapping[str, object],
    scenarios: Sequence[Mapping[str, object]],
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    names = [f"scenarios/scenario{number}.json" for number in range(len(scenarios))]
    manifest = {
        "schemaVersion": 1,
        "createdAt": "2025-01-01T00:00:00Z",
        "author": {"name": "Bee Keeper", "backyardURL": ""},
        "characters": ["characters/c1/character.json"],
        "scenarios": names,
    }
    told = {name: as_json(scenario) for name, scenario in zip(names, scenarios, strict=True)}
    return archive(
        {
            "manifest.json": as_json(manifest),
            "characters/c1/character.json": as_json(character),
            **told,
            **(files or {}),
        }
    )
