"""Taking cards into the folder of characters, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.domain.ids import IdSource
from services.persona.cards.acore_fields import read_fields
from services.persona.cards.document import CardDocument
from services.persona.cards.files import read_bounded
from services.persona.cards.keeping import (
    UNFINISHED,
    KeptVersion,
    clear_unfinished,
    content_of,
    copy_content,
    digest_in,
    digest_of,
    keep,
    kept_versions,
    put,
    sole_change,
    write_content,
)
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.pictures import check_picture
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.roster import Resident, Roster
from services.persona.cards.shelves import ASSETS, CARD, FILES, PICTURES, slug_of

_EXTENSIONS = {"jpeg": "jpg"}
_SHORTEST_DIGEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCard:
    """A card that is now a character; ``warnings`` are sentences for the person.

    ``outcome`` tells whether the character is new, has this card as its new version, or had it
    already.
    """

    slug: str
    name: str
    folder: Path
    outcome: Literal["new", "replaced", "unchanged"]
    warnings: tuple[str, ...] = ()


class CardTaken(InvalidRequest):
    """There is a character with the card's name or id already: the one called ``slug``."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            "card_name_taken",
            f"There is a character {slug} already; add --replace to make the card its new "
            "version, or --as NAME to make another character.",
        )
        self.slug = slug


class CardImporter:
    """Makes characters, and new versions of them, in ``into`` out of cards.

    ``shelves`` are the other folders of characters. No name and no id that is taken on one of them
    is given away again, and nothing in them is written. Every version of a character is kept in
    its folder. Blocking; several importers, also in several processes, take turns.
    """

    def __init__(
        self, *, into: Path, shelves: Sequence[Path], ids: IdSource, limits: CardLimits
    ) -> None:
        self._into = into
        self._shelves = (*(shelf for shelf in shelves if shelf != into), into)
        self._ids = ids
        self._limits = limits
        self._roster: Roster | None = None

    def take(
        self, path: Path, *, as_name: str | None = None, replace: bool = False
    ) -> ImportedCard:
        """Make a character of the card at ``path``, called after it or ``as_name``.

        With ``replace`` it becomes the new version of the character that has its id or name, or
        the name ``as_name``: that keeps its id and its earlier versions. All of it appears at once
        and complete. Raises ``CardTaken`` without ``replace``, ``InvalidRequest`` when the card
        cannot be read and ``StorageError`` when the folder cannot be written; nothing is left
        behind then.
        """
        file = self._read(path)
        asked = as_name or file.document.name or _stem(path)
        slug = slug_of(asked)
        if not slug:
            raise InvalidRequest(
                "card_name", f"The card {path} names nobody; choose a name with --as."
            )
        own = None if as_name else _own_id(file.document)
        resident = self._residents().find(id=own, name=asked)
        if resident is not None and not replace:
            raise CardTaken(resident.slug)
        with self._changing():
            if resident is None:
                return self._add(path, slug, file)
            return self._replace(path, resident, file)

    def versions(self, name: str) -> tuple[KeptVersion, ...]:
        """Return the versions of the character called ``name``, oldest first.

        A character that is a file, or came with acore, has one until it is replaced. Raises
        ``NotFound``.
        """
        resident = self._find(name)
        if not resident.is_folder:
            raise NotFound(
                "card_versions",
                f"{resident.path} is a file of your own, of which no versions are kept; "
                "import it to have them kept.",
            )
        return kept_versions(resident.path)

    def version(self, name: str, wanted: str) -> KeptVersion:
        """Return the version with this number or beginning of its digest; raises ``NotFound``."""
        versions = self.versions(name)
        found = [version for version in versions if str(version.number) == wanted]
        if not found and len(wanted) >= _SHORTEST_DIGEST:
            found = [version for version in versions if version.digest.startswith(wanted.lower())]
        if not found:
            raise NotFound(
                "card_version",
                f"The character {name} has no version {wanted}; its versions are 1 to "
                f"{len(versions)}.",
            )
        return found[-1]

    def roll_back(self, name: str, wanted: str) -> ImportedCard:
        """Make an earlier version the present one, as a version of its own.

        Raises ``NotFound``, and ``StorageError`` when the folder cannot be written.
        """
        resident = self._find(name)
        version = self.version(name, wanted)
        if resident.shelf != self._into:
            return _outcome(resident, resident.path, changed=False)
        with self._changing(), self._unfinished() as unfinished:
            copy_content(version.folder, unfinished, share=True)
            changed = put(resident.path, unfinished, digest_of(unfinished), ids=self._ids)
        return _outcome(resident, resident.path, changed=changed)

    def _find(self, name: str) -> Resident:
        resident = self._residents().find(name=name)
        if resident is None:
            raise NotFound(
                "persona_unknown",
                f"There is no character called {name}; `main.py persona list` shows them.",
            )
        return resident

    def _read(self, path: Path) -> CardFile:
        raw = read_bounded(path, limits=self._limits)
        return read_card(raw, name=str(path), limits=self._limits)

    def _residents(self) -> Roster:
        if self._roster is None:
            if self._into.is_dir():
                with self._changing():
                    clear_unfinished(self._into)
            self._roster = Roster(self._shelves, limits=self._limits)
        return self._roster

    def _add(self, path: Path, slug: str, file: CardFile) -> ImportedCard:
        document, warnings = self._identified(file.document)
        folder = self._into / slug
        with self._unfinished() as unfinished:
            self._write(unfinished, self._content(path, file, document))
            self._appear(unfinished, folder)
        self._count(slug, document)
        return ImportedCard(
            slug=slug,
            name=document.name or slug,
            folder=folder,
            outcome="new",
            warnings=(*file.warnings, *warnings),
        )

    def _replace(self, path: Path, resident: Resident, file: CardFile) -> ImportedCard:
        document = _with_id(file.document, resident.id)
        content = self._content(path, file, document)
        folder, changed = self._into / resident.slug, True
        with self._unfinished() as unfinished:
            if resident.path == folder:
                write_content(unfinished, content)
                changed = put(folder, unfinished, digest_in(content), ids=self._ids)
            else:
                self._keep_former(resident, unfinished)
                self._write(unfinished, content)
                self._appear(unfinished, folder)
        self._count(resident.slug, document)
        return _outcome(resident, folder, changed=changed, warnings=file.warnings)

    def _keep_former(self, resident: Resident, unfinished: Path) -> None:
        """Keep a shipped character, or one that is a file, as the first version."""
        if resident.is_folder:
            digest = digest_of(resident.path)
            keep(unfinished, digest, ids=self._ids, source=resident.path)
            return
        file = self._read(resident.path)
        self._write(
            unfinished,
            self._content(resident.path, file, _with_id(file.document, resident.id)),
        )

    def _write(self, unfinished: Path, content: Mapping[str, bytes]) -> None:
        """Write content and keep it as a version, in place of any that is there."""
        for old in content_of(unfinished).values():
            old.unlink()
        try:
            write_content(unfinished, content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise CardProblem(
                "archive_damaged", "a path in the archive is a file and a folder"
            ) from error
        keep(unfinished, digest_in(content), ids=self._ids)

    def _appear(self, content: Path, folder: Path) -> None:
        content.chmod(0o755)
        try:
            content.rename(folder)
        except OSError:
            if folder.exists():
                raise CardTaken(folder.name) from None
            raise

    def _identified(self, document: CardDocument) -> tuple[CardDocument, tuple[str, ...]]:
        """Return the card with an id that is its own: memories hang on it."""
        wanted = _own_id(document)
        if wanted is not None and not self._residents().has_id(wanted):
            return document, ()
        said = () if wanted is None else ("Its id belongs to another character; it got its own.",)
        return _with_id(document, self._ids.new()), said

    def _count(self, slug: str, document: CardDocument) -> None:
        self._residents().add(
            Resident(
                slug=slug,
                id=_own_id(document) or slug,
                names=(document.name, document.called),
                path=self._into / slug,
                shelf=self._into,
            )
        )

    def _content(self, path: Path, file: CardFile, document: CardDocument) -> dict[str, bytes]:
        """Return the files of the character, by relative path."""
        content = self._companions(path.parent) if path.name == CARD else {}
        if file.picture is not None:
            content = {name: data for name, data in content.items() if name not in PICTURES}
            kind = check_picture(file.picture, limits=self._limits).kind
            content[f"avatar.{_EXTENSIONS.get(kind, kind)}"] = file.picture
        content |= {stored_name(name): data for name, data in file.assets.items()}
        content[CARD] = document.as_json(indent=2) + b"\n"
        return content

    def _companions(self, folder: Path) -> dict[str, bytes]:
        """Return what lies beside the ``card.json`` of a character, unless that is too much."""
        found = {name: path for name, path in content_of(folder).items() if name != CARD}
        size = sum(path.stat().st_size for path in found.values())
        if len(found) > self._limits.archive_files or size > self._limits.archive_bytes:
            raise CardProblem(
                "archive_too_large", "the files beside it are more than a card may bring"
            )
        content = {name: path.read_bytes() for name, path in found.items()}
        for name in content.keys() & set(PICTURES):
            check_picture(content[name], limits=self._limits)
        return content

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Make the folder, hold it, and say what cannot be written."""
        try:
            self._into.mkdir(parents=True, exist_ok=True)
            with sole_change(self._into):
                yield
        except OSError as error:
            reason = error.strerror or "it failed"
            raise StorageError(
                "characters_unwritable", f"{self._into} cannot be written: {reason}."
            ) from error

    @contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """Give a folder beside that of the characters, gone at the end unless it was moved."""
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._into.parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def stored_name(name: str) -> str:
    """Return where in its folder a character keeps the file that its card calls ``name``."""
    return name if name.startswith(f"{ASSETS}/") else f"{FILES}/{name}"


def _stem(path: Path) -> str:
    return path.absolute().parent.name if path.name == CARD else path.stem


def _own_id(document: CardDocument) -> str | None:
    return read_fields(document.extensions.get("acore"))[0].id


def _with_id(document: CardDocument, own: str) -> CardDocument:
    raw = as_mapping(document.extensions.get("acore"))
    return (
        document if raw.get("id") == own else document.with_extension("acore", {**raw, "id": own})
    )


def _outcome(
    resident: Resident, folder: Path, *, changed: bool, warnings: tuple[str, ...] = ()
) -> ImportedCard:
    return ImportedCard(
        slug=resident.slug,
        name=resident.names[0] if resident.names else resident.slug,
        folder=folder,
        outcome="replaced" if changed else "unchanged",
        warnings=warnings,
    )
