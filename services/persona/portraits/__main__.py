"""Draws the pictures of the shipped characters again: ``python -m services.persona.portraits``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.persona.cards.files import read_bounded
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from services.persona.portraits.drawing import draw
from services.persona.portraits.making import portrait_of

_SHIPPED = Path(__file__).parents[3] / "characters"


def shipped(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield where each picture of the characters in ``folder`` belongs, and the picture.

    Raises ``InvalidRequest`` for a card that cannot be read.
    """
    limits = CardLimits()
    for path in sorted(folder.glob("*/card.json")):
        card = read_card(read_bounded(path, limits=limits), name=str(path), limits=limits)
        yield path.with_name("avatar.png"), draw(portrait_of(card.document))


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the pictures of the characters in a folder; 1 when a card cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m services.persona.portraits")
    parser.add_argument("folder", nargs="?", type=Path, default=_SHIPPED)
    folder = parser.parse_args(arguments).folder
    try:
        for path, picture in shipped(folder):
            path.write_bytes(picture)
            sys.stdout.write(f"{path}: {len(picture)} bytes\n")
    except InvalidRequest as error:
        sys.stderr.write(f"{error.user_message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
