"""Ids for cards that have none of their own."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

logger = logging.getLogger(__name__)

INDEX = ".index.json"
"""Name of the file, in the folder of imported characters."""

_MOST_GONE = 5_000
_LONGEST_ID = 64


class Identity(BaseModel):
    """The id of a card and the SHA-256 of its file when that was last read."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1, max_length=_LONGEST_ID)
    sha256: str


_Identities = TypeAdapter(dict[str, Identity])


class IdentityIndex:
    """Gives cards ids that last: a card keeps its id when its text changes or its file is renamed.

    ``file`` keeps them; without it, or when its folder is missing, they hold for this process.
    Cards that have gone are remembered, the last 5,000 of them. Blocking.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known = _read(file)
        self._given = {identity.id for identity in self._known.values()}
        self._changed = False

    def known(self, key: str) -> str | None:
        """Return the id of the card at ``key``, if it was given one."""
        identity = self._known.get(key)
        return identity.id if identity else None

    def identify(
        self, key: str, digest: str, *, slug: str, present: Collection[str], taken: Collection[str]
    ) -> str:
        """Return the id of the card at ``key``, whose content has ``digest``.

        A card that turns up with the content of one that is gone, which ``present`` tells, is
        that one under a new name. A new card is called after ``slug``. No id in ``taken`` is
        given.
        """
        mine = self._known.get(key)
        if mine is None or mine.id in taken:
            mine = self._moved(digest, present, taken) or self._new(slug, digest, taken)
        if self._known.get(key) != (mine := Identity(id=mine.id, sha256=digest)):
            self._known[key] = mine
            self._given.add(mine.id)
            self._changed = True
        return mine.id

    def save(self, *, present: Collection[str]) -> None:
        """Write what has changed, whole or not at all; what cannot be written is logged."""
        if not self._changed or self._file is None or not self._file.parent.is_dir():
            return
        gone = [key for key in self._known if key not in present]
        for key in gone[: max(0, len(gone) - _MOST_GONE)]:
            del self._known[key]
        try:
            _write(self._file, self._known)
        except OSError as error:
            logger.warning("ids of cards cannot be kept", extra={"problem": str(error)})
        else:
            self._changed = False

    def _moved(
        self, digest: str, present: Collection[str], taken: Collection[str]
    ) -> Identity | None:
        for key, identity in self._known.items():
            if identity.sha256 == digest and key not in present and identity.id not in taken:
                del self._known[key]
                return identity
        return None

    def _new(self, slug: str, digest: str, taken: Collection[str]) -> Identity:
        wanted = slug[:_LONGEST_ID]
        number, name = 1, wanted
        while name in taken or name in self._given:
            number += 1
            name = f"{wanted[: _LONGEST_ID - 8]}-{number}"
        return Identity(id=name, sha256=digest)


def _read(file: Path | None) -> dict[str, Identity]:
    if file is None or not file.exists():
        return {}
    try:
        return _Identities.validate_python(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        logger.warning("ids of cards cannot be read", extra={"problem": str(error)[:200]})
        return {}


def _write(file: Path, known: Mapping[str, Identity]) -> None:
    content = {key: identity.model_dump() for key, identity in known.items()}
    descriptor, unfinished = tempfile.mkstemp(prefix=".index-", suffix=".part", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(json.dumps(content, indent=1).encode())
            out.flush()
            os.fsync(out.fileno())
        Path(unfinished).replace(file)
    finally:
        with suppress(FileNotFoundError):
            Path(unfinished).unlink()
