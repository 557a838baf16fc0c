"""Writing a card as V2 or V3 into JSON, PNG or CHARX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.persona.cards import charx, png
from services.persona.cards.archives import safe_name
from services.persona.cards.assets import (
    ARCHIVE_SCHEME,
    OWN_PICTURE,
    archive_path,
    content_of,
    find,
    spelled_out,
)
from services.persona.cards.document import DEFAULT_ASSET, CardDocument
from services.persona.cards.icons import moved_icon, with_added_icon
from services.persona.cards.jsontree import dump
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.pictures import PNG_SIGNATURE, as_png, check_picture, plain_picture
from services.persona.cards.versions import as_v2

Target = Literal["json", "png", "charx"]
Spec = Literal["v2", "v3"]

_ICON_FOLDER = "assets/icon/images"
_MAIN_ICON: Mapping[str, object] = {"type": DEFAULT_ASSET.type, "name": DEFAULT_ASSET.name}
_EXTENSIONS = {"jpeg": "jpg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CardParts:
    """What goes into a file beside the card: its picture and its other files by path."""

    picture: bytes | None = None
    assets: Mapping[str, bytes] = field(default_factory=dict)
    limits: CardLimits = field(default_factory=CardLimits)


def write_card(
    document: CardDocument,
    *,
    to: Target,
    spec: Spec = "v3",
    picture: bytes | None = None,
    assets: Mapping[str, bytes] | None = None,
    limits: CardLimits | None = None,
) -> bytes:
    """Return the card as a file that ``read_card`` gives back unchanged. Blocking.

    A PNG carries the card twice, as V2 and as V3, whatever ``spec``; without a picture it gets a
    plain one. JSON and PNG have no place for files, so those the card names become ``data:``
    addresses in it. In a CHARX the picture is the main icon. Raises ``InvalidRequest`` when the
    picture is none, or when the files make the card larger than may be read again.
    """
    parts = CardParts(picture=picture, assets=assets or {}, limits=limits or CardLimits())
    if to == "png":
        return _as_png(document, parts)
    if to == "charx":
        card, files = _for_archive(document, parts)
        return charx.write_charx(_json(card, spec, indent=2), files=files)
    return _json(_self_contained(document, parts, own_picture=False), spec, indent=2)


def _json(document: CardDocument, spec: Spec, *, indent: int | None = None) -> bytes:
    return dump(as_v2(document), indent=indent) if spec == "v2" else document.as_json(indent=indent)


def _as_png(document: CardDocument, parts: CardParts) -> bytes:
    card = _self_contained(document, parts, own_picture=parts.picture is not None)
    ccv3 = _json(card, "v3")
    if len(ccv3) > parts.limits.inflated_bytes:
        raise CardProblem(
            "card_assets_too_large", "its files are too large for a PNG; write a CHARX instead"
        )
    picture = plain_picture(document.name) if parts.picture is None else parts.picture
    whole = as_png(picture, limits=parts.limits)
    return png.write_png(whole, chara=_json(card, "v2"), ccv3=ccv3)


def _self_contained(document: CardDocument, parts: CardParts, *, own_picture: bool) -> CardDocument:
    """Return the card with the files it names spelled out inside it."""
    if not parts.assets and not own_picture:
        return document
    kept_inside = _inside(parts) if own_picture else frozenset()

    listed = document.data.get("assets")
    if not isinstance(listed, tuple):
        return document
    icon = document.icon
    changed: list[object] = []
    for asset in listed:
        uri = str(asset.get("uri", ""))
        path = find(uri, parts.assets)
        is_picture = own_picture and icon is not None and uri == icon.uri
        if is_picture and content_of(uri, parts.assets) == parts.picture:
            changed.append({**asset, "uri": OWN_PICTURE, "ext": "png"})
        elif path is None or path in kept_inside:
            changed.append(asset)
        else:
            spelled = spelled_out(parts.assets[path], ext=str(asset.get("ext", "")))
            changed.append({**asset, "uri": spelled})
    return document.with_data(assets=changed)


def _inside(parts: CardParts) -> frozenset[str]:
    """Return the paths of the files that lie between the chunks of the picture itself."""
    if parts.picture is None or not parts.picture.startswith(PNG_SIGNATURE):
        return frozenset()
    return frozenset(png.read_png(parts.picture, limits=parts.limits).assets)


def _for_archive(document: CardDocument, parts: CardParts) -> tuple[CardDocument, dict[str, bytes]]:
    """Return the card with addresses as in an archive, and the archive's files."""
    files = {path: content for path, content in parts.assets.items() if safe_name(path) == path}
    listed = document.data.get("assets")
    assets = [_archived(dict(asset)) for asset in listed] if isinstance(listed, tuple) else None
    icon = document.icon
    own = icon is not None and icon.uri.startswith(OWN_PICTURE)
    if parts.picture is None or (icon is not None and not own):
        return (document if assets is None else document.with_data(assets=assets)), files
    picture, ext = _icon_file(parts)
    path = _free_path(f"{_ICON_FOLDER}/main.{ext}", files, picture)
    files[path] = picture
    here = {"uri": f"{ARCHIVE_SCHEME}{path}", "ext": ext}
    if assets is None or icon is None:
        return with_added_icon(document, assets or [], {**_MAIN_ICON, **here}), files
    moved = [
        moved_icon(asset, here) if str(asset.get("uri", "")).startswith(OWN_PICTURE) else asset
        for asset in assets
    ]
    return document.with_data(assets=moved), files


def _icon_file(parts: CardParts) -> tuple[bytes, str]:
    picture = parts.picture or b""
    kind = check_picture(picture, limits=parts.limits).kind
    bare = png.without_assets(picture) if kind == "png" else picture
    return bare, _EXTENSIONS.get(kind, kind)


def _archived(asset: dict[str, object]) -> dict[str, object]:
    uri = str(asset.get("uri", ""))
    path = archive_path(uri)
    if path is None or not uri.startswith("__asset:"):
        return asset
    return {**asset, "uri": f"{ARCHIVE_SCHEME}{path}"}


def _free_path(path: str, files: Mapping[str, bytes], content: bytes) -> str:
    stem, _, ext = path.rpartition(".")
    number = 1
    while files.get(path, content) != content:
        number += 1
        path = f"{stem}-{number}.{ext}"
    return path
