"""Reading a card from any file that can carry one; the content decides, never the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from services.persona.cards import byaf, charx, png, webp
from services.persona.cards.archives import FILE_START, is_archive, read_archive
from services.persona.cards.assets import OWN_PICTURE, content_of
from services.persona.cards.document import CardDocument
from services.persona.cards.files import check_size
from services.persona.cards.icons import without_own_icon
from services.persona.cards.jsontree import parse
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.normalising import normalise
from services.persona.cards.pictures import JPEG_START, PNG_SIGNATURE, check_picture

Container = Literal["json", "png", "webp", "charx", "byaf"]

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFile:
    """A card and what came with it.

    ``picture`` is the character's picture (PNG, JPEG, WEBP or GIF), without a card inside;
    ``assets`` are the other files by path. ``warnings`` are sentences for whoever reads the card.
    """

    document: CardDocument
    picture: bytes | None
    assets: Mapping[str, bytes]
    container: Container
    warnings: tuple[str, ...]


def read_card(data: bytes, *, name: str, limits: CardLimits) -> CardFile:
    """Return the card in ``data``: JSON, PNG, WEBP, CHARX or Backyard archive. Blocking.

    ``name`` is what messages call the file. Nothing is fetched and nothing written. Raises
    ``InvalidRequest`` with one sentence that names the problem.
    """
    check_size(data, limits=limits, name=name)
    try:
        file = _read(data, limits=limits)
        _check_book(file.document, limits=limits)
    except CardProblem as problem:
        raise problem.about(name) from problem
    return file


def _read(data: bytes, *, limits: CardLimits) -> CardFile:
    if not data:
        raise CardProblem("card_empty", "the file is empty")
    if data.startswith(PNG_SIGNATURE):
        return _from_png(data, limits=limits)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _from_webp(data, limits=limits)
    if data.lstrip()[:1] in {b"{", b"["} or data.startswith(_BYTE_ORDER_MARKS):
        return _from_json(data, limits=limits)
    if is_archive(data):
        return _from_archive(data, limits=limits)
    if data.startswith(JPEG_START):
        raise CardProblem("card_missing", "this JPEG has no card inside")
    raise CardProblem("card_unknown", "it is no PNG, JSON, CHARX, WEBP or BYAF file")


def _from_json(data: bytes, *, limits: CardLimits) -> CardFile:
    document = normalise(parse(data))
    picture, warnings = _icon(document, {}, limits=limits)
    return _card_file(document, picture, {}, "json", warnings)


def _from_png(data: bytes, *, limits: CardLimits) -> CardFile:
    check_picture(data, limits=limits)
    file = png.read_png(data, limits=limits)
    # A generator would end with the first text that raises; map goes on to the next.
    texts = map(partial(png.card_json, limits=limits), file.texts)
    document, warnings = _first_sound(texts, missing="this PNG has no card inside")
    return _card_file(document, file.picture, file.assets, "png", (*file.warnings, *warnings))


def _from_webp(data: bytes, *, limits: CardLimits) -> CardFile:
    check_picture(data, limits=limits)
    missing = "this WEBP has no card inside"
    document, _ = _first_sound(webp.card_texts(data), missing=missing)
    return _card_file(document, data, {}, "webp", ())


def _first_sound(texts: Iterator[bytes], *, missing: str) -> tuple[CardDocument, tuple[str, ...]]:
    """Return the first text that is a card; a limit that one breaks ends the search."""
    first: CardProblem | None = None
    while True:
        try:
            text = next(texts, None)
            if text is None:
                break
            document = normalise(parse(text))
        except CardProblem as problem:
            if problem.code not in {"card_unreadable", "card_unknown", "card_is_book"}:
                raise
            first = first or problem
        else:
            said = ("One of its cards is damaged; the other was read.",) if first else ()
            return document, said
    raise first or CardProblem("card_missing", missing)


def _from_archive(data: bytes, *, limits: CardLimits) -> CardFile:
    files = read_archive(data, limits=limits)
    container: Container
    if byaf.MANIFEST in files and charx.CARD_FILE not in files:
        container = "byaf"
        texts = {name: content for name, content in files.items() if name.endswith(".json")}
        _check_texts(texts, limits=limits)
        document = normalise(byaf.byaf_card(texts))
        assets = {name: content for name, content in files.items() if name not in texts}
    else:
        container = "charx"
        card, assets = charx.card_file(files)
        _check_texts({charx.CARD_FILE: card}, limits=limits)
        document = normalise(parse(card))
    picture, warnings = _icon(document, assets, limits=limits)
    if picture is None and data.startswith(JPEG_START):
        picture = _leading_picture(data, limits=limits)
    return _card_file(document, picture, assets, container, warnings)


def _check_texts(texts: Mapping[str, bytes], *, limits: CardLimits) -> None:
    if sum(map(len, texts.values())) > limits.inflated_bytes:
        raise CardProblem(
            "card_too_large", f"its text is larger than {limits.inflated_mb:g} MB once unpacked"
        )


def _icon(
    document: CardDocument, assets: Mapping[str, bytes], *, limits: CardLimits
) -> tuple[bytes | None, tuple[str, ...]]:
    icon = document.icon
    if icon is None or icon.uri.startswith(OWN_PICTURE):
        return None, ()
    content = content_of(icon.uri, assets)
    if content is None:
        return None, ("The picture of the card is not in the file, and nothing is fetched.",)
    try:
        check_picture(content, limits=limits)
    except CardProblem as problem:
        if problem.code != "picture_broken":
            raise
        return None, ("The icon of the card is no PNG, JPEG, WEBP or GIF.",)
    return content, ()


def _leading_picture(data: bytes, *, limits: CardLimits) -> bytes | None:
    picture = data[: data.find(FILE_START)]
    try:
        check_picture(picture, limits=limits)
    except CardProblem as problem:
        if problem.code != "picture_broken":
            raise
        return None
    return picture


def _check_book(document: CardDocument, *, limits: CardLimits) -> None:
    entries = (document.character_book or {}).get("entries")
    if isinstance(entries, tuple) and len(entries) > limits.lore_entries:
        raise CardProblem(
            "card_too_much_lore", f"its lorebook has more than {limits.lore_entries:,} entries"
        )


def _card_file(
    document: CardDocument,
    picture: bytes | None,
    assets: Mapping[str, bytes],
    container: Container,
    warnings: tuple[str, ...],
) -> CardFile:
    before, others = without_own_icon(document, assets)
    return CardFile(
        document=before,
        picture=picture,
        assets=others,
        container=container,
        warnings=tuple(dict.fromkeys((*document.warnings, *warnings))),
    )
