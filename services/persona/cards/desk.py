"""Cards that come in and go out while acore runs, for every frontend."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import IdSource
from services.persona.cards import byaf, charx
from services.persona.cards.archives import is_archive, read_archive
from services.persona.cards.files import read_bounded
from services.persona.cards.importing import CardImporter, CardTaken, ImportedCard
from services.persona.cards.keeping import KeptVersion, content_of
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.pictures import JPEG_START, PNG_SIGNATURE
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.roster import Resident, Roster
from services.persona.cards.shelves import CARD, CARD_FILES, FILES, PICTURES, slug_of
from services.persona.cards.writing import Spec, Target, write_card
from services.persona.library import CharacterLibrary

_LONGEST_NAME = 100
_UPLOAD = "upload"

CardForm = Literal["png", "json-v3", "json-v2", "charx"]
"""Forms a card can be given out in."""

_FORMS: Mapping[CardForm, tuple[Target, Spec]] = {
    "png": ("png", "v3"),
    "json-v3": ("json", "v3"),
    "json-v2": ("json", "v2"),
    "charx": ("charx", "v3"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that may be a card, or an archive of cards; ``name`` is what its sender calls it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one of several cards: ``imported``, or the ``problem`` as a sentence."""

    name: str
    imported: ImportedCard | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A card as a file."""

    name: str
    content: bytes


class CardDesk:
    """Takes cards in, gives them out and goes back to earlier versions.

    The library shows what has changed as soon as a method returns. Imported characters lie in
    ``into``, the others in ``shelves``, which are never written to.
    """

    def __init__(
        self,
        library: CharacterLibrary,
        *,
        into: Path,
        shelves: Sequence[Path],
        ids: IdSource,
        limits: CardLimits,
    ) -> None:
        self._library = library
        self._into = into
        self._shelves = tuple(shelves)
        self._ids = ids
        self.limits = limits

    async def take(self, sent: Sent, *, replace: bool = False) -> ImportedCard:
        """Make a character of a card, or with ``replace`` the new version of its namesake.

        Raises ``CardTaken``, ``InvalidRequest`` and ``StorageError`` as ``CardImporter`` does.
        """
        try:
            return await asyncio.to_thread(self._take, self._importer(), sent, replace=replace)
        finally:
            await self._library.reload()

    async def take_all(self, files: Sequence[Sent]) -> list[Taken]:
        """Take every card in ``files`` and in the archives of cards among them, in order.

        One that cannot be taken stops no other; characters there are already stay as they are.
        Raises ``StorageError`` when nothing can be written; what was taken before it stays.
        """
        try:
            return await asyncio.to_thread(self._take_all, files)
        finally:
            await self._library.reload()

    async def export(self, name: str, *, form: CardForm) -> Exported:
        """Return the card of a character as a file. Raises ``NotFound``, ``InvalidRequest``."""
        slug = self._library.find(name).slug
        to, spec = _FORMS[form]
        content = await asyncio.to_thread(self._export, slug, to=to, spec=spec)
        suffix = f".{spec}.json" if to == "json" else f".{to}"
        return Exported(name=f"{slug}{suffix}", content=content)

    async def versions(self, name: str) -> tuple[KeptVersion, ...]:
        """Return the versions of a character, oldest first. Raises ``NotFound``."""
        slug = self._library.find(name).slug
        return await asyncio.to_thread(lambda: self._importer().versions(slug))

    async def roll_back(self, name: str, version: str) -> ImportedCard:
        """Make an earlier version the present one, as a version of its own; ``NotFound``."""
        slug = self._library.find(name).slug
        try:
            return await asyncio.to_thread(lambda: self._importer().roll_back(slug, version))
        finally:
            await self._library.reload()

    async def reload(self) -> int:
        """Take over every change in the folders at once; return how many characters there are."""
        await self._library.reload()
        return len(self._library.all())

    def _importer(self) -> CardImporter:
        return CardImporter(
            into=self._into, shelves=self._shelves, ids=self._ids, limits=self.limits
        )

    def _take(self, importer: CardImporter, sent: Sent, *, replace: bool) -> ImportedCard:
        with tempfile.TemporaryDirectory(prefix="card-") as folder:
            path = Path(folder) / _file_name(sent.name)
            path.write_bytes(sent.content)
            try:
                return importer.take(path, replace=replace)
            except CardTaken:
                raise
            except CardProblem as problem:
                raise problem.about(sent.name[:_LONGEST_NAME]) from problem
            except InvalidRequest as error:
                raise InvalidRequest(
                    error.code, error.user_message.replace(str(path), sent.name[:_LONGEST_NAME])
                ) from error

    def _take_all(self, files: Sequence[Sent]) -> list[Taken]:
        importer = self._importer()
        done: list[Taken] = []
        for file in files:
            try:
                cards = list(self._cards_in(file))
            except CardProblem as problem:
                about = problem.about(file.name[:_LONGEST_NAME])
                done.append(Taken(name=file.name, problem=about.user_message))
            else:
                done += [self._attempt(importer, card) for card in cards]
        return done

    def _attempt(self, importer: CardImporter, card: Sent) -> Taken:
        try:
            return Taken(name=card.name, imported=self._take(importer, card, replace=False))
        except CardTaken as taken:
            problem = f"There is a character {taken.slug} already; it was left as it is."
            return Taken(name=card.name, problem=problem)
        except InvalidRequest as error:
            return Taken(name=card.name, problem=error.user_message)

    def _cards_in(self, file: Sent) -> Iterator[Sent]:
        """Yield the cards in an archive of them, by name; any other file is one by itself."""
        pictured = file.content.startswith((PNG_SIGNATURE, JPEG_START))
        if pictured or not is_archive(file.content):
            yield file
            return
        inside = read_archive(file.content, limits=self.limits)
        if charx.CARD_FILE in inside or byaf.MANIFEST in inside:
            yield file
            return
        cards = [name for name in sorted(inside) if name.lower().endswith(CARD_FILES)]
        if not cards:
            raise CardProblem("card_missing", "there is no card in the archive")
        for name in cards:
            yield Sent(name=name, content=inside[name])

    def _export(self, slug: str, *, to: Target, spec: Spec) -> bytes:
        found = Roster((*self._others(), self._into), limits=self.limits).find(name=slug)
        if found is None:
            raise NotFound("persona_unknown", f"The card of {slug} is not there any more.")
        file = self._stored(found)
        return write_card(
            file.document,
            to=to,
            spec=spec,
            picture=file.picture,
            assets=file.assets,
            limits=self.limits,
        )

    def _others(self) -> Iterator[Path]:
        return (shelf for shelf in self._shelves if shelf != self._into)

    def _stored(self, found: Resident) -> CardFile:
        """Return a character's card with the picture and files that lie beside it."""
        path = found.path / CARD if found.is_folder else found.path
        limits = self.limits
        file = read_card(read_bounded(path, limits=limits), name=found.slug, limits=limits)
        if not found.is_folder:
            return file
        beside = content_of(found.path)
        picture = next((beside[name] for name in PICTURES if name in beside), None)
        others = {
            _card_name(name): place.read_bytes() for name, place in beside.items() if "/" in name
        }
        return CardFile(
            document=file.document,
            picture=read_bounded(picture, limits=limits) if picture else file.picture,
            assets={**file.assets, **others},
            container=file.container,
            warnings=file.warnings,
        )


def _file_name(name: str) -> str:
    """Return a name for a sent file that says no more than what it is called and of which kind."""
    path = PurePath(name.replace("\\", "/"))
    stem = path.parent.name if path.name == CARD else path.stem
    suffix = path.suffix.lower() if path.suffix.lower() in CARD_FILES else ""
    return f"{slug_of(stem) or _UPLOAD}{suffix}"


def _card_name(stored: str) -> str:
    """Return what a card calls the file that its character keeps under ``stored``."""
    return stored.removeprefix(f"{FILES}/")
