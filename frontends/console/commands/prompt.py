"""Show the prompt that a card, lorebooks and a chat make."""

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
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.persona.assembly.preview import Preview, PreviewRequest
    from services.persona.cards.document import CardDocument
    from services.persona.lore.entry import Lorebook

_PROMPTS = Path(__file__).parents[3] / "prompts"
_BAR = 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with prompts."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "print the prompt for the next answer in a chat"
    show = actions.add_parser("show", help=summary, description=summary, allow_abbrev=False)
    for option, metavar in (("--data", "DIR"), ("--config", "FILE")):
        show.add_argument(option, type=Path, metavar=metavar, default=argparse.SUPPRESS)
    show.add_argument("--card", type=Path, required=True, metavar="FILE", help="card of any kind")
    show.add_argument(
        "--book", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
        help="further lorebook, which holds for every character",
    )  # fmt: skip
    show.add_argument(
        "--chat", type=Path, required=True, metavar="CHAT.json", help="messages, oldest first"
    )
    show.add_argument("--user", metavar="NAME", help="name of the person")
    show.add_argument("--context", type=int, metavar="N", help="tokens of prompt and answer")
    show.add_argument("--layout", choices=["sillytavern", "cache"], help="order of the parts")
    show.add_argument("--settings", type=Path, metavar="FILE", help="JSON file with settings")
    show.add_argument("--seed", help="makes chance repeatable")
    show.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


async def execute(call: Invocation) -> int:
    """Assemble and print; no service is opened and no model asked."""
    return await asyncio.to_thread(_show, call)


def _show(call: Invocation) -> int:
    from services.persona.assembly.preview import preview
    from services.persona.assembly.reading import preview_as_json
    from services.persona.lore.scanner import LoreScanner

    shown = preview(_request(call), scanner=LoreScanner())
    if call.arguments.as_json:
        _print(json.dumps(preview_as_json(shown)) + "\n")
    else:
        _print(printable(_readable(shown)))
    return 0


def _request(call: Invocation) -> PreviewRequest:
    from services.domain.clock import SystemClock
    from services.persona.assembly.reading import read_messages, read_request
    from services.persona.assembly.wording import layout_texts
    from services.persona.cards.personas import persona_of
    from services.persona.prompts import PromptLibrary

    asked = call.arguments
    document = _document(asked.card)
    given = _settings(asked.settings) | {
        name: value
        for name in ("user", "context", "layout")
        if (value := getattr(asked, name)) is not None
    }
    seed = asked.seed if asked.seed is not None else given.get("seed")
    persona = persona_of(document, slug=asked.card.stem, version="")
    return read_request(
        given,
        character=persona.character,
        chat=read_messages(_json(asked.chat)),
        books=[*_own_book(document, asked.card, call), *(_book(b, call) for b in asked.book)],
        texts=layout_texts(PromptLibrary(_PROMPTS)),
        count=_counter(given),
        now=SystemClock().now().astimezone(),
        rng=random.SystemRandom() if seed is None else random.Random(str(seed)),
        file_names=[asked.card.stem],
    )


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
    most = call.settings.lore.max_entries
    return [card_lorebook(raw, name=document.name or path.stem, most_entries=most)]


def _book(path: Path, call: Invocation) -> Lorebook:
    from services.persona.lore.books import read_book_file

    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return read_book_file(content, name=path.stem, most_entries=call.settings.lore.max_entries)


def _counter(given: Mapping[str, object]) -> Callable[[str], int]:
    from services.llm.tokens import EstimatedTokens
    from services.persona.lore.budget import chars4

    return chars4 if given.get("tokens") == "chars4" else EstimatedTokens().count


def _settings(path: Path | None) -> dict[str, object]:
    from services.persona.assembly.reading import SETTINGS

    if path is None:
        return {}
    given = _json(path)
    if not isinstance(given, dict):
        raise InvalidRequest("prompt_settings", f"{path} has to hold a JSON object.")
    if unknown := sorted(given.keys() - SETTINGS):
        sys.stderr.write(printable(f"Not a setting of a prompt: {', '.join(unknown)}.") + "\n")
    return given


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("prompt_json", f"{path} is not valid JSON.") from error


def _unreadable(path: Path, error: OSError) -> InvalidRequest:
    return InvalidRequest(
        "prompt_file", f"{path} cannot be read: {error.strerror or 'it is not a file'}."
    )


def _readable(shown: Preview) -> str:
    """Return the messages, then how much of the budget each source takes."""
    arranged = shown.arranged
    lines = []
    for piece in arranged.messages:
        named = f" {piece.name}" if piece.name else ""
        lines += [f"── {piece.role}{named} · {piece.source}", piece.content, ""]
    lines.append(_metered("tokens", sum(arranged.tokens.values()), shown.budget))
    lines += [_metered(f"  {name}", n, shown.budget) for name, n in arranged.tokens.items()]
    for count, what in (
        (arranged.dropped_history, "older messages"),
        (arranged.dropped_examples, "example blocks"),
    ):
        if count:
            lines.append(f"No room for {count} {what}.")
    if arranged.refused:
        lines.append(f"No room at all for {', '.join(arranged.refused)}.")
    lines += [f"Script {each.script} left out: {each.reason}." for each in shown.skipped]
    return "\n".join(lines) + "\n"


def _metered(name: str, tokens: int, budget: int) -> str:
    filled = min(_BAR, round(_BAR * tokens / budget)) if budget else _BAR
    return f"{name:<22}{tokens:>7}  {'█' * filled}{'░' * (_BAR - filled)}"


def _print(text: str) -> None:
    """Print whatever the terminal's encoding is."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
