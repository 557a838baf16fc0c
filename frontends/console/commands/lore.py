"""Try lorebooks on a chat, and convert them."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.arguments import add_action
from frontends.console.card_files import (
    own_book,
    read_card_file,
    read_json,
    read_lines,
    read_lorebook,
    read_object,
    refuse_taken,
    write_whole,
)
from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.persona.cards.document import CardDocument

_Rng = Callable[[], random.Random]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with lorebooks."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    scan = add_action(actions, "scan", "say which entries a chat activates")
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
    convert = add_action(actions, "convert", "write a lorebook in another form")
    convert.add_argument("file", type=Path, metavar="FILE", help="lorebook of any kind")
    convert.add_argument("--to", choices=["sillytavern", "v3"], required=True, help="form")
    convert.add_argument("-o", "--out", type=Path, metavar="OUT", required=True, help="new file")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is there")


async def execute(call: Invocation) -> int:
    """Do what is asked; no service is opened."""
    action = _convert if call.arguments.action == "convert" else _scan
    return await asyncio.to_thread(action, call)


def _scan(call: Invocation) -> int:
    if call.arguments.batch is not None:
        return _scan_batch(call)
    from services.domain.clock import SystemClock
    from services.persona.lore.conversation import LoreConversation
    from services.persona.lore.scanner import LoreScanner
    from services.persona.lore.wire import SETTINGS, read_chat, result_as_json, result_as_text

    asked = call.arguments
    if asked.chat is None or not (asked.book or asked.card):
        raise InvalidRequest(
            "lore_arguments", "Say which chat and which books: --chat CHAT.json --book FILE."
        )
    settings = read_object(asked.settings, known=SETTINGS | {"sources"}, of="a scan")
    books = [read_lorebook(path, call.settings) for path in asked.book]
    if asked.card is not None:
        document = read_card_file(asked.card, call.settings).document
        books += own_book(document, asked.card, call.settings)
        settings = {**_of_card(document, asked.card), **settings}
    conversation = LoreConversation(
        books,
        settings,
        scanner=LoreScanner(),
        rng=_rng(asked.seed)(),
        now=SystemClock().now().astimezone(),
        count_tokens=_estimate,
    )
    result = conversation.turn(read_chat(read_json(asked.chat)))
    if asked.as_json:
        write_text(_dumped(result_as_json(result)) + "\n")
    else:
        write_text(printable(result_as_text(result)))
    return 0


def _scan_batch(call: Invocation) -> int:
    from services.domain.clock import SystemClock
    from services.persona.lore.conversation import scan_lines
    from services.persona.lore.scanner import LoreScanner

    for answer in scan_lines(
        read_lines(call.arguments.batch),
        scanner=LoreScanner(),
        rng=_rng(call.arguments.seed),
        now=SystemClock().now().astimezone(),
        count_tokens=_estimate,
        most_entries=call.settings.lore.max_entries,
    ):
        write_text(_dumped(answer) + "\n")
    return 0


def _convert(call: Invocation) -> int:
    from services.persona.lore.books import as_json, as_sillytavern, as_v3

    asked = call.arguments
    refuse_taken(asked.out, force=asked.force)
    book = read_lorebook(asked.file, call.settings)
    content = as_json(as_sillytavern(book) if asked.to == "sillytavern" else as_v3(book))
    write_whole(asked.out, content)
    write_text(f"{asked.out}: {len(book.entries)} entries\n")
    return 0


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


def _rng(seed: str | None) -> _Rng:
    """Return what makes a random source for each conversation, all alike if there is a seed."""
    return random.SystemRandom if seed is None else lambda: random.Random(seed)


def _estimate() -> Callable[[str], int]:
    from services.llm.tokens import EstimatedTokens

    return EstimatedTokens().count


def _dumped(value: object) -> str:
    """Return JSON that any terminal can print, and that says halves of surrogate pairs."""
    return json.dumps(value)
