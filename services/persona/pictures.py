"""The picture of a character, wherever its card keeps it."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from urllib.parse import unquote

from services.domain.errors import InvalidRequest
from services.persona.cards.assets import archive_path
from services.persona.cards.files import read_bounded
from services.persona.cards.importing import stored_name
from services.persona.cards.limits import CardLimits
from services.persona.cards.pictures import check_picture
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.shelves import CARD, CARD_FILES, PICTURES, slug_of
from services.persona.character import Persona

logger = logging.getLogger(__name__)

_LIMITS = CardLimits()


class CharacterPictures:
    """Finds pictures in ``folders`` of characters; as in the library, a later one wins.

    A character's picture is ``avatar.*`` in its folder, else the main icon of its card, else the
    card's file itself when that is a picture. Links that lead out of a folder are not followed.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = tuple(dict.fromkeys(folders))

    async def of(self, persona: Persona) -> bytes | None:
        """Return the picture of ``persona``: a PNG, JPEG, WEBP or GIF of at most 10 MB.

        ``None`` when it has none, or none that is sound and within the limits.
        """
        return await asyncio.to_thread(self._find, persona.slug)

    def _find(self, slug: str) -> bytes | None:
        for folder in reversed(self._folders):
            own = folder / slug
            if (own / CARD).is_file():
                return _of_folder(own) if _within(own, folder) else None
            found = _card_file(folder, slug)
            if found is not None:
                file = _card(found, folder)
                return file.picture if file is not None else None
        return None


def _of_folder(own: Path) -> bytes | None:
    for name in PICTURES:
        picture = _sound(own / name, own)
        if picture is not None:
            return picture
    file = _card(own / CARD, own)
    if file is None or file.picture is not None:
        return file.picture if file is not None else None
    icon = file.document.icon
    path = archive_path(icon.uri) if icon is not None else None
    for name in (path, unquote(path), path.replace("\\", "/")) if path else ():
        picture = _sound(own / stored_name(name), own)
        if picture is not None:
            return picture
    return None


def _card(path: Path, folder: Path) -> CardFile | None:
    place = _within(path, folder)
    if place is None:
        return None
    try:
        return read_card(read_bounded(place, limits=_LIMITS), name=path.name, limits=_LIMITS)
    except InvalidRequest as error:
        logger.warning("a character's picture cannot be read", extra={"code": error.code})
        return None


def _sound(path: Path, folder: Path) -> bytes | None:
    """Return the picture at ``path``, unless it is broken, too large or outside ``folder``."""
    place = _within(path, folder)
    if place is None:
        return None
    try:
        data = read_bounded(place, limits=_LIMITS)
        check_picture(data, limits=_LIMITS)
    except InvalidRequest as error:
        logger.warning("a character's picture cannot be read", extra={"code": error.code})
        return None
    return data


def _card_file(folder: Path, slug: str) -> Path | None:
    """Return the card in ``folder`` itself that is called ``slug``, the first by name."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  names alone, of thousands
    except OSError:
        return None
    for name in names:
        path = folder / name
        if name.lower().endswith(CARD_FILES) and slug_of(path.stem) == slug and path.is_file():
            return path
    return None


def _within(path: Path, folder: Path) -> Path | None:
    """Return where ``path`` leads, if something is there and it is inside ``folder``."""
    try:
        place = path.resolve(strict=True)
        return place if place.is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError, ValueError):
        return None
