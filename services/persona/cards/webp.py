"""Cards in WEBP: JSON in the picture's EXIF or XMP."""

from __future__ import annotations

import html
import json
import struct
from collections.abc import Iterator
from itertools import islice

from services.persona.cards.jsontree import check_structure
from services.persona.cards.limits import CardProblem
from services.persona.cards.png import decoded

_IMAGE_DESCRIPTION, _EXIF_DIRECTORY, _USER_COMMENT = 0x010E, 0x8769, 0x9286
_TEXT_TAGS = frozenset({_IMAGE_DESCRIPTION, _USER_COMMENT})
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}  # byte, text, short, long, undefined
_MOST_TAGS = 256
_MOST_DIRECTORIES = 8
_MOST_TEXTS = 16
_MOST_CHUNKS = 10_000
_MOST_GUESSES = 16
_CHARSETS = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "utf-16", b"\0" * 8: "utf-8"}


def card_texts(data: bytes) -> Iterator[bytes]:
    """Yield what may be a card's JSON in the WEBP ``data``, the likeliest first.

    Tried are the user comment and the description of the EXIF part as JSON, base64 or a list of
    byte values, then the first JSON object anywhere in the EXIF and XMP parts.
    """
    parts = dict(_parts(data))
    exif = parts.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    for value in islice(_tag_texts(exif), _MOST_TEXTS):
        yield from _readings(value)
    yield from _objects(exif.decode("utf-8", errors="replace"))
    xmp = parts.get(b"XMP ", b"").decode("utf-8", errors="replace")
    yield from _objects(html.unescape(xmp))


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 12
    for _ in range(_MOST_CHUNKS):
        if start + 8 > len(data):
            return
        kind, length = struct.unpack("<4sI", data[start : start + 8])
        if start + 8 + length > len(data):
            raise CardProblem("card_cut_off", "its picture is cut off before its end")
        if kind in {b"EXIF", b"XMP "}:
            yield kind, data[start + 8 : start + 8 + length]
        start += 8 + length + length % 2


def _tag_texts(tiff: bytes) -> Iterator[bytes]:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return
    [first] = struct.unpack(f"{order}I", tiff[4:8])
    waiting, seen = [first], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        start = waiting.pop(0)
        if start in seen or start + 2 > len(tiff):
            continue
        seen.add(start)
        [count] = struct.unpack(f"{order}H", tiff[start : start + 2])
        for number in range(min(count, _MOST_TAGS)):
            entry = tiff[start + 2 + 12 * number : start + 14 + 12 * number]
            if len(entry) < 12:
                break
            tag, kind, length, place = struct.unpack(f"{order}HHII", entry)
            if tag == _EXIF_DIRECTORY:
                waiting.append(place)
            elif tag in _TEXT_TAGS:
                size = length * _TYPE_SIZES.get(kind, 1)
                yield entry[8 : 8 + size] if size <= 4 else tiff[place : place + size]


def _readings(value: bytes) -> Iterator[bytes]:
    charset = _CHARSETS.get(value[:8])
    text = value[8:] if charset else value
    if charset == "utf-16":
        for encoding in ("utf-16-le", "utf-16-be"):
            wide = text.decode(encoding, errors="replace").strip("\0 \ufeff")
            if wide.startswith("{"):
                yield wide.encode("utf-8", errors="replace")
    text = text.strip(b"\0 \t\r\n")
    if text.startswith(b"{"):
        yield text
    elif text[:1].isdigit() and b"," in text[:8]:
        yield from _byte_list(text)
    elif text:
        try:
            yield decoded(text)
        except CardProblem:
            return


def _byte_list(text: bytes) -> Iterator[bytes]:
    try:
        yield bytes(int(number) for number in text.split(b","))
    except ValueError:
        return


def _objects(text: str) -> Iterator[bytes]:
    """Yield the JSON objects that begin at the first few braces."""
    check_structure(text)
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(_MOST_GUESSES):
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict) and value:
            yield text[start:end].encode("utf-8", errors="replace")
        start = text.find("{", end)
