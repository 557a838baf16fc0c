"""Try lorebooks on a chat, and convert them."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.persona.cards.document import CardDocument
    from services.persona.lore.entry import Lorebook

_Rng = Callable[[], random.Random]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with lorebooks."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    scan = _action(actions, "scan", "say which entries a chat activates")
    scan.add_argument(
        "--book", type=Path, nargs="+", action="extend", default=[], metavar="FILE", help="lorebook"
    )
    scan.add_argument("--card", type=Path, metavar="FILE", help="card, with its own lorebook")
    scan.add_argument("--chat", type=Path, metavar="CHAT.json", help="messages, oldest first")
    scan.add_argument("--settings", type=Path, metavar="FILE", help="JSON file with settings")
    scan.add_argument(
        "--batch", type=Path, metavar="FILE.jsonl", help="answer one request a line instead"
    )
    scan.add_argument("--seed", help="makes chance repeatable")
    scan.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    convert = _action(actions, "convert", "write a lorebook in another form")
    convert.add_argument("file", type=Path, metavar="FILE", help="lorebook of any kind")
    convert.add_argument("--to", choices=["sillytavern", "v3"], required=True, help="form")
    convert.add_argument("-o", "--out", type=Path, metavar="OUT", required=True, help="new file")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is there")


async def execute(call: Invocation) -> int:
    """Do what is asked; no service is opened."""
    action = _convert if call.arguments.action == "convert" else _scan
    return await asyncio.to_thread(action, call)


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    for option, metavar in (("--data", "DIR"), ("--config", "FILE")):
        parser.add_argument(option, type=Path, metavar=metavar, default=argparse.SUPPRESS)
    return parser


def _scan(call: Invocation) -> int:
    if call.arguments.batch is not None:
        return _scan_batch(call)
    from services.domain.clock import SystemClock
    from services.persona.lore.conversation import LoreConversation
    from services.persona.lore.scanner import LoreScanner
    from services.persona.lore.wire import read_chat, result_as_json, result_as_text

    asked = call.arguments
    if asked.chat is None or not (asked.book or asked.card):
        raise InvalidRequest(
            "lore_arguments", "Say which chat and which books: --chat CHAT.json --book FILE."
        )
    settings = _settings(asked.settings)
    books = [_book(path, call) for path in asked.book]
    if asked.card is not None:
        document = _document(asked.card)
        books += _own_book(document, asked.card, call)
        settings = {**_of_card(document, asked.card), **settings}
    conversation = LoreConversation(
        books,
        settings,
        scanner=LoreScanner(),
        rng=_rng(asked.seed)(),
        now=SystemClock().now().astimezone(),
        count_tokens=_estimate,
    )
    result = conversation.turn(read_chat(_json(asked.chat)))
    _print(_dumped(result_as_json(result)) + "\n" if asked.as_json else result_as_text(result))
    return 0


def _scan_batch(call: Invocation) -> int:
    from services.domain.clock import SystemClock
    from services.persona.lore.conversation import scan_lines
    from services.persona.lore.scanner import LoreScanner

    path: Path = call.arguments.batch
    try:
        with path.open(encoding="utf-8-sig", errors="surrogatepass") as lines:
            for answer in scan_lines(
                lines,
                scanner=LoreScanner(),
                rng=_rng(call.arguments.seed),
                now=SystemClock().now().astimezone(),
                count_tokens=_estimate,
                most_entries=_most_entries(call),
            ):
                _print(_dumped(answer) + "\n")
    except OSError as error:
        raise _unreadable(path, error) from error
    return 0


def _convert(call: Invocation) -> int:
    from services.persona.lore.books import as_json, as_sillytavern, as_v3

    asked = call.arguments
    if asked.out.exists() and not asked.force:
        raise InvalidRequest(
            "lore_target", f"{asked.out} is there already; choose another file or add --force."
        )
    book = _book(asked.file, call)
    content = as_json(as_sillytavern(book) if asked.to == "sillytavern" else as_v3(book))
    try:
        asked.out.write_bytes(content)
    except OSError as error:
        raise InvalidRequest(
            "lore_target", f"{asked.out} cannot be written: {error.strerror}."
        ) from error
    _print(f"{asked.out}: {len(book.entries)} entries\n")
    return 0


def _book(path: Path, call: Invocation) -> Lorebook:
    from services.persona.lore.books import read_book_file

    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return read_book_file(content, name=path.stem, most_entries=_most_entries(call))


def _document(path: Path) -> CardDocument:
    from services.persona.cards.files import read_bounded
    from services.persona.cards.limits import CardLimits
    from services.persona.cards.reading import read_card

    limits = CardLimits()
    return read_card(read_bounded(path, limits=limits), name=str(path), limits=limits).document


def _own_book(document: CardDocument, path: Path, call: Invocation) -> list[Lorebook]:
    from services.persona.lore.books import card_lorebook

    raw = document.character_book
    if raw is None:
        return []
    name = document.name or path.stem
    return [card_lorebook(raw, name=name, most_entries=_most_entries(call))]


def _of_card(document: CardDocument, path: Path) -> dict[str, object]:
    """Return what a scan takes from the card unless the settings say otherwise."""
    depth_prompt = document.depth_prompt
    return {
        "char": document.called,
        "names": [document.name, path.stem],
        "tags": list(document.texts("tags")),
        "character_description": document.text("description"),
        "personality": document.text("personality"),
        "scenario": document.text("scenario"),
        "creator_notes": document.text("creator_notes"),
        "depth_prompt": depth_prompt.prompt if depth_prompt is not None else "",
    }


def _settings(path: Path | None) -> Mapping[str, object]:
    from services.persona.lore.wire import SETTINGS

    if path is None:
        return {}
    given = _json(path)
    if not isinstance(given, dict):
        raise InvalidRequest("lore_settings", f"{path} has to hold a JSON object.")
    unknown = sorted(given.keys() - SETTINGS - {"sources"})
    if unknown:
        sys.stderr.write(f"Not a setting of a scan: {', '.join(unknown)}.\n")
    return given


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("lore_json", f"{path} is not valid JSON.") from error


def _unreadable(path: Path, error: OSError) -> InvalidRequest:
    return InvalidRequest(
        "lore_file", f"{path} cannot be read: {error.strerror or 'it is not a file'}."
    )


def _rng(seed: str | None) -> _Rng:
    """Return what makes a random source for each conversation, all alike if there is a seed."""
    return random.SystemRandom if seed is None else lambda: random.Random(seed)


def _estimate() -> Callable[[str], int]:
    from services.llm.tokens import EstimatedTokens

    return EstimatedTokens().count


def _most_entries(call: Invocation) -> int:
    return call.settings.lore.max_entries


def _dumped(value: object) -> str:
    """Return JSON that any terminal can print, and that says halves of surrogate pairs."""
    return json.dumps(value)


def _print(text: str) -> None:
    """Print whatever the terminal's encoding is."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
