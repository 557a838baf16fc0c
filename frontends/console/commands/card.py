"""Show, convert and take in character cards."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest, StorageError

if TYPE_CHECKING:
    from services.persona.cards.importing import CardImporter
    from services.persona.cards.limits import CardLimits
    from services.persona.cards.reading import CardFile


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with a card."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = _action(actions, "show", "print what a card says")
    show.add_argument("file", type=Path, metavar="FILE", help="card of any kind")
    show.add_argument(
        "--json", action="store_true", dest="as_json", help="print it as one chara_card_v3 object"
    )
    export = _action(actions, "export", "write a card in another form")
    export.add_argument("file", type=Path, metavar="FILE", help="card of any kind")
    export.add_argument("--to", choices=["png", "json", "charx"], required=True, help="form")
    export.add_argument("--spec", choices=["v2", "v3"], default="v3", help="specification")
    export.add_argument("-o", "--out", type=Path, metavar="OUT", required=True, help="new file")
    export.add_argument("--force", action="store_true", help="replace OUT if it is there")
    take = _action(actions, "import", "make a character of a card, or of each card in a folder")
    take.add_argument("file", type=Path, metavar="FILE|FOLDER", help="card, or folder of cards")
    take.add_argument("--as", dest="as_name", metavar="NAME", help="name of the new character")


async def execute(call: Invocation) -> int:
    """Do what is asked with the card; no service is opened."""
    action = {"show": _show, "export": _export, "import": _import}[call.arguments.action]
    return await asyncio.to_thread(action, call)


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    for option, metavar in (("--data", "DIR"), ("--config", "FILE")):
        parser.add_argument(option, type=Path, metavar=metavar, default=argparse.SUPPRESS)
    return parser


def _show(call: Invocation) -> int:
    file = _read(call.arguments.file, limits=_limits(call))
    if call.arguments.as_json:
        _write_json(file.document.as_json())
    else:
        sys.stdout.write(_summary(file))
    _warn(file.warnings)
    return 0


def _export(call: Invocation) -> int:
    from services.persona.cards.writing import write_card

    asked, limits = call.arguments, _limits(call)
    if asked.out.exists() and not asked.force:
        raise InvalidRequest(
            "card_target", f"{asked.out} is there already; choose another file or add --force."
        )
    file = _read(asked.file, limits=limits)
    content = write_card(
        file.document,
        to=asked.to,
        spec=asked.spec,
        picture=file.picture,
        assets=file.assets,
        limits=limits,
    )
    _write_whole(asked.out, content)
    _warn(file.warnings)
    sys.stdout.write(f"{asked.out}\n")
    return 0


def _import(call: Invocation) -> int:
    from services.domain.clock import SystemClock
    from services.domain.ids import UlidSource
    from services.persona.cards.importing import CardImporter

    importer = CardImporter(
        into=call.settings.storage.data / "characters",
        shelves=(call.settings.persona.characters,),
        ids=UlidSource(SystemClock(), random.SystemRandom()),
        limits=_limits(call),
    )
    path, as_name = call.arguments.file, call.arguments.as_name
    if path.is_dir():
        if as_name is not None:
            raise InvalidRequest("card_name", "A folder of cards cannot be given one name.")
        return _import_folder(importer, path)
    imported = importer.take(path, as_name=as_name)
    _warn(imported.warnings)
    sys.stdout.write(printable(f"{imported.name} is here, as {imported.slug}.") + "\n")
    return 0


def _import_folder(importer: CardImporter, folder: Path) -> int:
    from services.persona.cards.importing import cards_in

    paths = cards_in(folder)
    refused: list[tuple[Path, str]] = []
    for number, path in enumerate(paths, start=1):
        try:
            imported = importer.take(path)
        except InvalidRequest as error:
            refused.append((path, error.user_message))
            outcome = "refused"
        else:
            outcome = imported.slug
        sys.stderr.write(printable(f"{number}/{len(paths)} {path.name}: {outcome}") + "\n")
    sys.stdout.write(f"{len(paths) - len(refused)} of {len(paths)} files are characters now.\n")
    for path, reason in refused:
        sys.stdout.write(printable(f"{path.relative_to(folder)}: {reason}") + "\n")
    return 0 if len(refused) < len(paths) or not paths else 1


def _read(path: Path, *, limits: CardLimits) -> CardFile:
    from services.persona.cards.files import read_bounded
    from services.persona.cards.reading import read_card

    return read_card(read_bounded(path, limits=limits), name=str(path), limits=limits)


def _limits(call: Invocation) -> CardLimits:
    from services.persona.cards.limits import CardLimits

    return CardLimits()


def _write_json(content: bytes) -> None:
    """Print JSON whatever the terminal's encoding is."""
    text = content.decode()
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _escaped(text)
    sys.stdout.write(text + "\n")


def _escaped(text: str) -> str:
    import json

    return json.dumps(json.loads(text))


def _write_whole(path: Path, content: bytes) -> None:
    """Write the file so that it is there whole or not at all."""
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=".card-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
            Path(unfinished).chmod(0o644)
            Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or "it failed"
        raise StorageError("card_unwritable", f"{path} cannot be written: {reason}.") from error


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        sys.stderr.write(printable(f"Note: {warning}") + "\n")


def _summary(file: CardFile) -> str:
    card = file.document
    book = card.character_book or {}
    entries = book.get("entries")
    lines = [
        ("Name", card.name),
        ("Nickname", card.text("nickname")),
        ("Form", f"{card.origin} in {file.container.upper()}"),
        ("Creator", card.text("creator")),
        ("Version", card.text("character_version")),
        ("Tags", ", ".join(card.texts("tags"))),
        ("Description", _length(card.text("description"))),
        ("Personality", _length(card.text("personality"))),
        ("Scenario", _length(card.text("scenario"))),
        ("Examples", _length(card.text("mes_example"))),
        ("Greetings", _greetings(file)),
        ("Lorebook", f"{len(entries)} entries" if isinstance(entries, tuple) else ""),
        ("World", card.world),
        ("Picture", f"{len(file.picture) / 1024:,.0f} kB" if file.picture else ""),
        ("Files", str(len(file.assets) or "")),
        ("Extensions", ", ".join(card.extensions)),
    ]
    width = max(len(label) for label, _ in lines)
    shown = (f"{label:<{width}}  {_one_line(value)}\n" for label, value in lines if value)
    return "".join(shown)


def _length(text: str) -> str:
    return f"{len(text):,} characters" if text else ""


def _greetings(file: CardFile) -> str:
    card = file.document
    counts = (
        (bool(card.text("first_mes")), "first"),
        (len(card.texts("alternate_greetings")), "alternate"),
        (len(card.group_only_greetings), "for groups"),
    )
    return ", ".join(f"{count:d} {kind}" for count, kind in counts if count)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:200]
