"""Cards in PNG and APNG: the texts between the picture's chunks."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.persona.cards.archives import safe_name
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.pictures import PNG_SIGNATURE, png_chunk

_TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_CARD_KEYWORDS = (b"ccv3", b"chara")
_ASSET_KEYWORD = b"chara-ext-asset_"
_MOST_CHUNKS = 20_000
_FRAME = 12  # length, kind and checksum of a chunk
_LONGEST_KEYWORD = 79
_WHITESPACE = b" \t\r\n\f\v"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChunk:
    """One text of a PNG, still as stored; ``keyword`` in lower case, ``spelled`` as it stands."""

    keyword: bytes
    spelled: bytes
    kind: bytes
    body: memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class PngCard:
    """A PNG taken apart.

    ``texts`` holds the first ``ccv3`` and the first ``chara``, in this order, as far as they are
    there; ``picture`` is the file without any of them and without what follows its end.
    """

    texts: tuple[TextChunk, ...]
    picture: bytes
    assets: Mapping[str, bytes]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int
    end: int

    def body(self, view: memoryview) -> memoryview:
        return view[self.start + 8 : self.end - 4]


def read_png(data: bytes, *, limits: CardLimits) -> PngCard:
    """Take the PNG in ``data`` apart; pictures are not decoded and texts not inflated.

    Raises ``CardProblem`` when the file is cut off or damaged, or has too many parts.
    """
    view = memoryview(data)
    cards: dict[bytes, TextChunk] = {}
    assets: dict[str, bytes] = {}
    kept: list[memoryview] = [view[: len(PNG_SIGNATURE)]]
    warnings: list[str] = []
    texts, begun, pictured = 0, len(PNG_SIGNATURE), False
    chunk = None
    for chunk in _chunks(view):
        if chunk.kind == b"IDAT" and not pictured:
            pictured = _inflates(chunk.body(view))
        if chunk.kind not in _TEXT_KINDS:
            continue
        texts += 1
        if texts > limits.text_chunks:
            raise CardProblem(
                "card_too_many_parts", f"it has more than {limits.text_chunks:,} texts inside"
            )
        text = _text(chunk, view)
        if text.keyword in _CARD_KEYWORDS:
            if text.keyword in cards:
                warnings.append("The picture holds several cards of one kind; the first counts.")
            cards.setdefault(text.keyword, text)
            kept.append(view[begun : chunk.start])
            begun = chunk.end
        elif text.keyword.startswith(_ASSET_KEYWORD):
            _take_asset(text, assets, warnings)
    if not pictured or chunk is None:
        raise CardProblem("picture_broken", "its picture is damaged")
    kept.append(view[begun : chunk.end])
    return PngCard(
        texts=tuple(cards[keyword] for keyword in _CARD_KEYWORDS if keyword in cards),
        picture=b"".join(kept),
        assets=assets,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def card_json(text: TextChunk, *, limits: CardLimits) -> bytes:
    """Return the JSON in a text: inflated if it is compressed, and out of its base64.

    Raises ``CardProblem`` when it inflates beyond the limit or is neither base64 nor JSON.
    """
    stored = _stored(text, limits=limits).strip(_WHITESPACE + b"\0")
    if stored[:1] == b"{" or stored[:4] == b"\xef\xbb\xbf{":
        return stored
    return decoded(stored)


def write_png(picture: bytes, *, chara: bytes, ccv3: bytes) -> bytes:
    """Return ``picture``, a PNG, with these two JSON texts just before its end.

    Cards that are in it already are left out; every other byte up to its end stays. Raises
    ``CardProblem`` when ``picture`` is damaged.
    """
    limits = CardLimits(card_mb=float("inf"), text_chunks=_MOST_CHUNKS)
    clean = read_png(picture, limits=limits).picture
    end = len(clean) - _FRAME
    texts = (
        png_chunk(b"tEXt", keyword + b"\0" + base64.b64encode(body))
        for keyword, body in ((b"chara", chara), (b"ccv3", ccv3))
    )
    return b"".join((clean[:end], *texts, clean[end:]))


def without_assets(picture: bytes) -> bytes:
    """Return a sound PNG without the files that older cards keep between its chunks."""
    view = memoryview(picture)
    kept = [view[: len(PNG_SIGNATURE)]]
    for chunk in _chunks(view):
        text = _text(chunk, view) if chunk.kind in _TEXT_KINDS else None
        if text is None or not text.keyword.startswith(_ASSET_KEYWORD):
            kept.append(view[chunk.start : chunk.end])
    return b"".join(kept)


def decoded(text: bytes) -> bytes:
    """Return what base64 ``text`` stands for; tolerates lost padding, line ends, URL alphabets.

    Raises ``CardProblem`` when it is not base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        pass
    bare = text.translate(bytes.maketrans(b"-_", b"+/"), _WHITESPACE + b"=\0")
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except binascii.Error as error:
        raise CardProblem("card_unreadable", "the card in its picture is damaged") from error


def _chunks(view: memoryview) -> Iterator[_Chunk]:
    """Yield the chunks from IHDR to IEND, their checksums checked."""
    start = len(PNG_SIGNATURE)
    for number in range(_MOST_CHUNKS):
        if start + _FRAME > len(view):
            raise CardProblem("card_cut_off", "its picture is cut off before its end")
        length, kind = struct.unpack(">I4s", view[start : start + 8])
        end = start + _FRAME + length
        if end > len(view):
            raise CardProblem("card_cut_off", "a part of its picture is longer than the file")
        if (number == 0) != (kind == b"IHDR"):
            raise CardProblem("picture_broken", "its picture is damaged")
        [checksum] = struct.unpack(">I", view[end - 4 : end])
        if zlib.crc32(view[start + 4 : end - 4]) != checksum:
            raise CardProblem("card_damaged", "its picture is damaged: a checksum is wrong")
        yield _Chunk(kind, start, end)
        if kind == b"IEND":
            return
        start = end
    raise CardProblem("card_too_many_parts", f"its picture has more than {_MOST_CHUNKS:,} parts")


def _inflates(body: memoryview) -> bool:
    if not body:
        return False
    try:
        zlib.decompressobj().decompress(body[:64], 64)
    except zlib.error:
        return False
    return True


def _text(chunk: _Chunk, view: memoryview) -> TextChunk:
    body = chunk.body(view)
    keyword, found, _ = bytes(body[: _keyword_reach(body)]).partition(b"\0")
    rest = body[len(keyword) + 1 :] if found else body[len(body) :]
    return TextChunk(
        keyword=keyword.strip().lower(), spelled=keyword.strip(), kind=chunk.kind, body=rest
    )


def _keyword_reach(body: memoryview) -> int:
    # Keys of older assets hold paths, which may be longer than the standard's 79 bytes.
    return 1024 if bytes(body[:16]).lower() == _ASSET_KEYWORD else _LONGEST_KEYWORD + 1


def _stored(text: TextChunk, *, limits: CardLimits) -> bytes:
    if text.kind == b"tEXt":
        return bytes(text.body)
    if text.kind == b"zTXt":
        return _inflated(text.body[1:], limits=limits)
    packed = bytes(text.body[:1]) == b"\1"
    fields = bytes(text.body[2:]).split(b"\0", 2)
    if len(fields) < 3:  # language, translated keyword, text
        raise CardProblem("card_unreadable", "the card in its picture is damaged")
    return _inflated(memoryview(fields[2]), limits=limits) if packed else fields[2]


def _inflated(body: memoryview, *, limits: CardLimits) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(body, limits.inflated_bytes + 1)
    except zlib.error as error:
        raise CardProblem("card_unreadable", "the card in its picture is damaged") from error
    if len(text) > limits.inflated_bytes:
        raise CardProblem(
            "card_too_large", f"its text is larger than {limits.inflated_mb:g} MB once inflated"
        )
    return text


def _take_asset(text: TextChunk, assets: dict[str, bytes], warnings: list[str]) -> None:
    spelled = text.spelled[len(_ASSET_KEYWORD) :].removeprefix(b":")
    name = safe_name(spelled.decode("utf-8", errors="replace"))
    if name is None or text.kind != b"tEXt":
        warnings.append("A file inside the picture has an impossible name and was left out.")
        return
    try:
        assets.setdefault(name, decoded(bytes(text.body)))
    except CardProblem:
        warnings.append(f"The file {name} inside the picture is damaged and was left out.")
