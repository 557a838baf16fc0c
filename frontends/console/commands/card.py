"""Show, convert and take in character cards, and go back to earlier versions."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.arguments import add_action
from frontends.console.asking import Asking, LineAsking
from frontends.console.card_files import (
    card_limits,
    is_folder,
    read_card_file,
    refuse_taken,
    write_whole,
)
from frontends.console.card_text import (
    outcome,
    summary,
    version_array,
    version_lines,
    write_json,
)
from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.persona.cards.importing import CardImporter
    from services.settings import Settings

_CHOICES = (
    "leave    change nothing",
    "replace  make the card its new version; the present one is kept",
    "other    make another character",
)
_LEAVE, _REPLACE = 0, 1
_BECAME = {"new": "", "replaced": " (new version)", "unchanged": " (unchanged)"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with a card."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = add_action(actions, "show", "print what a card says")
    show.add_argument("file", type=Path, metavar="FILE", help="card of any kind")
    show.add_argument(
        "--json", action="store_true", dest="as_json", help="print it as one chara_card_v3 object"
    )
    export = add_action(actions, "export", "write a card in another form")
    export.add_argument("file", type=Path, metavar="FILE", help="card of any kind")
    export.add_argument("--to", choices=["png", "json", "charx"], required=True, help="form")
    export.add_argument("--spec", choices=["v2", "v3"], default="v3", help="specification")
    export.add_argument("-o", "--out", type=Path, metavar="OUT", required=True, help="new file")
    export.add_argument("--force", action="store_true", help="replace OUT if it is there")
    take = add_action(actions, "import", "make a character of a card, or of each card in a folder")
    take.add_argument("file", type=Path, metavar="FILE|FOLDER", help="card, or folder of cards")
    take.add_argument("--as", dest="as_name", metavar="NAME", help="name of the new character")
    take.add_argument(
        "--replace", action="store_true", help="make it the new version of the one that is there"
    )
    versions = add_action(actions, "versions", "list the versions of a character, or show one")
    versions.add_argument("name", metavar="NAME", help="character")
    versions.add_argument("version", metavar="VERSION", nargs="?", help="number or digest")
    versions.add_argument(
        "--json", action="store_true", dest="as_json", help="print a JSON array, or the card"
    )
    back = add_action(actions, "rollback", "make an earlier version the present one")
    back.add_argument("name", metavar="NAME", help="character")
    back.add_argument("version", metavar="VERSION", help="number or digest")


async def execute(call: Invocation) -> int:
    """Do what is asked with the card; no service is opened."""
    if call.arguments.action == "import" and _at_terminal():
        return _import(call, LineAsking())  # asking needs the main thread, which has nothing else
    return await asyncio.to_thread(_ACTIONS[call.arguments.action], call)


def _show(call: Invocation) -> int:
    file = read_card_file(call.arguments.file, call.settings)
    if call.arguments.as_json:
        write_json(file.document.as_json())
    else:
        sys.stdout.write(summary(file))
    _warn(file.warnings)
    return 0


def _export(call: Invocation) -> int:
    from services.persona.cards.writing import write_card

    asked = call.arguments
    refuse_taken(asked.out, force=asked.force)
    file = read_card_file(asked.file, call.settings)
    content = write_card(
        file.document,
        to=asked.to,
        spec=asked.spec,
        picture=file.picture or _picture_beside(asked.file, call.settings),
        assets=file.assets,
        limits=card_limits(call.settings),
    )
    write_whole(asked.out, content)
    _warn(file.warnings)
    sys.stdout.write(f"{asked.out}\n")
    return 0


def _picture_beside(path: Path, settings: Settings) -> bytes | None:
    """Return the picture in the folder of a character whose card is at ``path``, if it has one."""
    from services.persona.cards.files import read_bounded
    from services.persona.cards.shelves import CARD, PICTURES

    beside = [path.with_name(name) for name in PICTURES] if path.name == CARD else []
    found = next((picture for picture in beside if picture.is_file()), None)
    return read_bounded(found, limits=card_limits(settings)) if found else None


def _importer(call: Invocation) -> CardImporter:
    from services.domain.clock import SystemClock
    from services.domain.ids import UlidSource
    from services.persona.cards.importing import CardImporter

    return CardImporter(
        into=call.settings.storage.data / "characters",
        shelves=(call.settings.persona.characters,),
        ids=UlidSource(SystemClock(), random.SystemRandom()),
        limits=card_limits(call.settings),
    )


def _import(call: Invocation, asking: Asking | None = None) -> int:
    from services.persona.cards.importing import CardTaken

    importer, asked = _importer(call), call.arguments
    if is_folder(asked.file):
        if asked.as_name is not None:
            raise InvalidRequest("card_name", "A folder of cards cannot be given one name.")
        return _import_folder(importer, asked.file, replace=asked.replace)
    as_name, replace = asked.as_name, asked.replace
    while True:
        try:
            imported = importer.take(asked.file, as_name=as_name, replace=replace)
        except CardTaken as taken:
            if asking is None:
                raise
            answer = asking.choose(f"There is a character {taken.slug} already", _CHOICES)
            if answer == _LEAVE:
                sys.stdout.write("Nothing was changed.\n")
                return 1
            replace = answer == _REPLACE
            as_name = as_name if replace else asking.ask("Name of the other character")
        else:
            _warn(imported.warnings)
            sys.stdout.write(outcome(imported) + "\n")
            return 0


def _import_folder(importer: CardImporter, folder: Path, *, replace: bool) -> int:
    from services.persona.cards.shelves import cards_in

    paths = cards_in(folder)
    outcomes: Counter[str] = Counter()
    refused: list[tuple[Path, str]] = []
    for number, path in enumerate(paths, start=1):
        try:
            imported = importer.take(path, replace=replace)
        except InvalidRequest as error:
            refused.append((path, error.user_message))
            became = "refused"
        else:
            outcomes[imported.outcome] += 1
            became = imported.slug + _BECAME[imported.outcome]
        sys.stderr.write(printable(f"{number}/{len(paths)} {path.name}: {became}") + "\n")
    sys.stdout.write(f"{outcomes.total()} of {len(paths)} files are characters now.\n")
    if outcomes["replaced"] or outcomes["unchanged"]:
        sys.stdout.write(
            f"Of these, {outcomes['replaced']} are new versions and {outcomes['unchanged']} were "
            "there already.\n"
        )
    for path, reason in refused:
        sys.stdout.write(printable(f"{path.relative_to(folder)}: {reason}") + "\n")
    return 0 if len(refused) < len(paths) or not paths else 1


def _versions(call: Invocation) -> int:
    importer, asked = _importer(call), call.arguments
    if asked.version is None:
        versions = importer.versions(asked.name)
        listed = version_array(versions) if asked.as_json else version_lines(versions)
        sys.stdout.write(listed)
        return 0
    version = importer.version(asked.name, asked.version)
    file = read_card_file(version.folder / "card.json", call.settings)
    if asked.as_json:
        write_json(file.document.as_json())
    else:
        sys.stdout.write(summary(file))
    return 0


def _roll_back(call: Invocation) -> int:
    done = _importer(call).roll_back(call.arguments.name, call.arguments.version)
    sys.stdout.write(outcome(done) + "\n")
    return 0


def _at_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


_ACTIONS = {
    "show": _show,
    "export": _export,
    "import": _import,
    "versions": _versions,
    "rollback": _roll_back,
}


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        sys.stderr.write(printable(f"Note: {warning}") + "\n")
