"""Show the prompt that a card, lorebooks and a chat make."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.arguments import add_action
from frontends.console.card_files import (
    own_book,
    read_card_file,
    read_json,
    read_lorebook,
    read_object,
)
from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from frontends.console.wording import printable

if TYPE_CHECKING:
    from services.persona.assembly.preview import Preview, PreviewRequest

_PROMPTS = Path(__file__).parents[3] / "prompts"
_BAR = 30
_KINDS = ("normal", "continue", "impersonate", "swipe", "regenerate", "quiet")
_FLAGS = ("user", "context", "layout", "kind", "group", "now")
_ENVIRONMENT = frozenset(
    {"user", "char", "persona", "group", "now", "last_user_at", "variables", "globals", "model",
     "input", "chat_id", "seed", "timezone", "max_prompt", "swipe", "swipes"}
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with prompts."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = add_action(actions, "show", "print the prompt for the next answer in a chat")
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
    show.add_argument("--kind", choices=_KINDS, help="what the answer is for")
    show.add_argument("--group", nargs="+", metavar="NAME", help="all characters of a scene")
    show.add_argument("--now", metavar="TIME", help="what macros take for now, in ISO 8601")
    show.add_argument(
        "--env", type=Path, metavar="FILE", help="JSON file with what macros know, as for macro"
    )
    show.add_argument("--seed", help="makes chance repeatable")
    show.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


async def execute(call: Invocation) -> int:
    """Assemble and print; no service is opened and no model asked."""
    return await asyncio.to_thread(_show, call)


def _show(call: Invocation) -> int:
    from services.persona.assembly.answer import preview_as_json
    from services.persona.assembly.preview import preview
    from services.persona.lore.scanner import LoreScanner

    shown = preview(_request(call), scanner=LoreScanner())
    if call.arguments.as_json:
        write_text(json.dumps(preview_as_json(shown)) + "\n")
        sys.stderr.write(_no_room(shown))
    else:
        write_text(printable(_readable(shown)))
    return 0


def _request(call: Invocation) -> PreviewRequest:
    from services.domain.clock import SystemClock
    from services.persona.assembly.reading import SETTINGS, read_messages, read_request
    from services.persona.assembly.wording import layout_texts
    from services.persona.cards.personas import persona_of
    from services.persona.prompts import PromptLibrary
    from services.persona.style import style_text

    asked = call.arguments
    document = read_card_file(asked.card, call.settings).document
    given = _known(asked.env) | read_object(asked.settings, known=SETTINGS, of="a prompt")
    given |= {name: value for name in _FLAGS if (value := getattr(asked, name)) is not None}
    seed = asked.seed if asked.seed is not None else given.get("seed")
    persona = persona_of(document, slug=asked.card.stem, version="")
    library = PromptLibrary(_PROMPTS)
    return read_request(
        given,
        character=persona.character,
        chat=read_messages(read_json(asked.chat)),
        books=[
            *own_book(document, asked.card, call.settings),
            *(read_lorebook(path, call.settings) for path in asked.book),
        ],
        texts=layout_texts(library, auxiliary=style_text(persona, library)),
        count=_counter(given),
        now=SystemClock().now().astimezone(),
        rng=random.SystemRandom() if seed is None else random.Random(str(seed)),
        file_names=[asked.card.stem],
    )


def _known(path: Path | None) -> dict[str, object]:
    """Return what the environment of macros at ``path`` says that the card does not."""
    given = {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): value
        for name, value in read_object(path).items()
    }
    if unused := sorted(given.keys() - _ENVIRONMENT):
        sys.stderr.write(printable(f"Left to the card or the chat: {', '.join(unused)}.") + "\n")
    return {name: value for name, value in given.items() if name in _ENVIRONMENT}


def _counter(given: Mapping[str, object]) -> Callable[[str], int]:
    from services.llm.tokens import EstimatedTokens
    from services.persona.lore.budget import chars4

    return chars4 if given.get("tokens") == "chars4" else EstimatedTokens().count


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
    lines += _no_room(shown).splitlines()
    lines += [f"Script {each.script} left out: {each.reason}." for each in shown.skipped]
    return "\n".join(lines) + "\n"


def _no_room(shown: Preview) -> str:
    refused = dict.fromkeys(shown.arranged.refused)
    return f"No room at all for {', '.join(refused)}; allow more context.\n" if refused else ""


def _metered(name: str, tokens: int, budget: int) -> str:
    filled = min(_BAR, round(_BAR * tokens / budget)) if budget else _BAR
    return f"{name:<22}{tokens:>7}  {'█' * filled}{'░' * (_BAR - filled)}"
