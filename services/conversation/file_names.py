"""Names of files as a prompt may show them."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 60
_STRANGE = re.compile(r"[^\w .,()+&'-]")


def shown_name(name: str) -> str:
    """Return a file's name in quotation marks, as one short line that cannot end them.

    Signs that mean something in a prompt become underscores, and no two lines come of it.
    """
    plain = unicodedata.normalize("NFKC", name)
    plain = " ".join(_STRANGE.sub("_", " ".join(plain.split())).split())
    if len(plain) > _LONGEST:
        stem, dot, ending = plain.rpartition(".")
        tail = f"{dot}{ending}" if stem and len(ending) <= 5 else ""
        plain = f"{plain[: _LONGEST - len(tail) - 1]}…{tail}"
    return f'"{plain or "file"}"'


def same_name(asked: str, name: str) -> bool:
    """Tell whether ``asked`` means the file called ``name``, in whatever case, quotes or cut."""
    one, other = _key(asked), _key(name)
    return bool(one) and (one == other or one in other)


def _key(name: str) -> str:
    return shown_name(name.strip("\"' ")).strip('"').rstrip("…").casefold()
