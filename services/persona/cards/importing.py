"""Taking cards into the folder of characters, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import InvalidRequest, StorageError
from services.domain.ids import IdSource
from services.persona.cards.acore_fields import read_fields
from services.persona.cards.document import CardDocument
from services.persona.cards.files import read_bounded
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits, CardProblem
from services.persona.cards.pictures import check_picture
from services.persona.cards.reading import CardFile, read_card

_LONGEST_SLUG = 60
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_UNFINISHED = ".importing-"
_EXTENSIONS = {"jpeg": "jpg"}
_ASSETS = "assets/"
_OTHERS = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCard:
    """A card that is now a character; ``warnings`` are sentences for the person."""

    slug: str
    name: str
    folder: Path
    warnings: tuple[str, ...]


def slug_of(name: str) -> str:
    """Return the folder name for a character called ``name``; empty when nothing is left of it.

    Letters and digits of every script stay, everything between them becomes one hyphen.
    """
    words = _BETWEEN_WORDS.sub("-", unicodedata.normalize("NFKC", name).casefold())
    return words.strip("-")[:_LONGEST_SLUG].strip("-")


class CardImporter:
    """Makes characters in ``into`` out of cards.

    ``shelves`` are all folders of characters, ``into`` among them: no name and no id that is
    taken on one of them is given away again. Blocking; one importer at a time per folder.
    """

    def __init__(
        self, *, into: Path, shelves: Sequence[Path], ids: IdSource, limits: CardLimits
    ) -> None:
        self._into = into
        self._shelves = (*shelves, into)
        self._ids = ids
        self._limits = limits
        self._taken_ids: set[str] | None = None

    def take(self, path: Path, *, as_name: str | None = None) -> ImportedCard:
        """Make a character of the card at ``path``; its folder is named after it or ``as_name``.

        The folder appears at once and complete: ``card.json``, the picture and the card's other
        files. Raises ``InvalidRequest`` when the card cannot be read or the name is taken, and
        ``StorageError`` when the folder cannot be written; nothing is left behind then.
        """
        file = read_card(
            read_bounded(path, limits=self._limits), name=str(path), limits=self._limits
        )
        slug = slug_of(as_name or file.document.name or path.stem)
        if not slug:
            raise InvalidRequest(
                "card_name", f"The card {path} names nobody; choose a name with --as."
            )
        if any((shelf / slug).exists() for shelf in self._shelves):
            raise _taken(slug)
        document, warnings = self._identified(file.document)
        self._write(slug, file, document)
        return ImportedCard(
            slug=slug,
            name=document.name or slug,
            folder=self._into / slug,
            warnings=(*file.warnings, *warnings),
        )

    def _identified(self, document: CardDocument) -> tuple[CardDocument, tuple[str, ...]]:
        """Return the card with an id that is its own: memories hang on it."""
        raw = as_mapping(document.extensions.get("acore"))
        wanted = read_fields(raw)[0].id
        if self._taken_ids is None:
            self._taken_ids = _ids_on(self._shelves)
        if wanted is not None and wanted not in self._taken_ids:
            self._taken_ids.add(wanted)
            return document, ()
        minted = self._ids.new()
        self._taken_ids.add(minted)
        said = () if wanted is None else ("Its id belongs to another character; it got its own.",)
        return document.with_extension("acore", {**raw, "id": minted}), said

    def _write(self, slug: str, file: CardFile, document: CardDocument) -> None:
        try:
            self._into.mkdir(parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._into.parent))
        except OSError as error:
            raise _unwritable(self._into, error) from error
        try:
            _fill(unfinished, file, document, limits=self._limits)
            unfinished.chmod(0o755)
            unfinished.rename(self._into / slug)
        except OSError as error:
            if (self._into / slug).exists():
                raise _taken(slug) from error
            raise _unwritable(self._into, error) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def cards_in(folder: Path) -> list[Path]:
    """Return every file in ``folder`` and below, by path; hidden ones and links are left out."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(place, name) for name in sorted(files) if not name.startswith("."))
        found.extend(path for path in paths if path.is_file() and not path.is_symlink())
    return found


def stored_path(folder: Path, name: str) -> Path:
    """Return where the character in ``folder`` keeps the file that its card calls ``name``."""
    return folder / name if name.startswith(_ASSETS) else folder / _OTHERS / name


def _fill(folder: Path, file: CardFile, document: CardDocument, *, limits: CardLimits) -> None:
    for name, content in file.assets.items():
        path = stored_path(folder, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise CardProblem(
                "archive_damaged", "a path in the archive is a file and a folder"
            ) from error
    if file.picture is not None:
        kind = check_picture(file.picture, limits=limits).kind
        (folder / f"avatar.{_EXTENSIONS.get(kind, kind)}").write_bytes(file.picture)
    (folder / "card.json").write_bytes(document.as_json(indent=2) + b"\n")


def _ids_on(shelves: Sequence[Path]) -> set[str]:
    taken: set[str] = set()
    for shelf in shelves:
        for path in shelf.glob("*/card.json"):
            taken.add(path.parent.name)
            own = _own_id(path)
            if own is not None:
                taken.add(own)
    return taken


def _own_id(path: Path) -> str | None:
    try:
        card = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    fields: Mapping[str, object] = as_mapping(card)
    for name in ("data", "extensions", "acore"):
        fields = as_mapping(fields.get(name))
    own = fields.get("id")
    return own if isinstance(own, str) else None


def _taken(slug: str) -> InvalidRequest:
    return InvalidRequest(
        "card_name_taken", f"There is a character {slug} already; choose another name with --as."
    )


def _unwritable(folder: Path, error: OSError) -> StorageError:
    reason = error.strerror or "it failed"
    return StorageError("characters_unwritable", f"{folder} cannot be written: {reason}.")
