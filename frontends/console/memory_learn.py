"""Say what a chat would teach; nothing is stored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.card_files import read_json
from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest

BAD_CHAT = 2
"""The exit code for a chat that cannot be read."""

if TYPE_CHECKING:
    from services.memory.learning.chat_trial import ChatTrial, Line
    from services.memory.learning.fact import Fact
    from services.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the chat and how it is read."""
    parser.add_argument("file", type=Path, metavar="CHAT.json", help="messages, oldest first")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    parser.add_argument(
        "--model", action="store_true", dest="by_model", help="ask the configured model as well"
    )


async def execute(call: Invocation) -> int:
    """Read the chat by rule, with the model where that is asked for, and print what it teaches."""
    from services.domain.clock import SystemClock  # noqa: PLC0415
    from services.memory.learning.chat_trial import ChatTrial, read_lines  # noqa: PLC0415

    try:
        lines = read_lines(read_json(call.arguments.file), now=SystemClock().now())
    except InvalidRequest as error:
        sys.stderr.write(f"{printable(error.user_message)}\n")
        return BAD_CHAT
    trial = ChatTrial(lines)
    trial.learn_by_rule()
    if call.arguments.by_model:
        await _ask_model(trial, call.settings)
    if call.arguments.as_json:
        found = {
            "facts": [_as_json(each, lines) for each in trial.facts],
            "rejected": [{"index": at, "reason": reason} for at, reason in trial.rejected],
        }
        write_text(json.dumps(found) + "\n")
    else:
        write_text(printable(_as_text(trial.facts)))
    return 0


async def _ask_model(trial: ChatTrial, settings: Settings) -> None:
    from services.factory import ServiceFactory  # noqa: PLC0415
    from services.memory.learning.chat_trial import Speaker  # noqa: PLC0415
    from services.memory.learning.thinking_over import AT_ONCE, ThinkingOver, Written  # noqa: PLC0415

    services = ServiceFactory(settings=settings)
    spoken = [each for each in trial.lines if each.speaker is Speaker.PERSON]
    async with services.models() as models:
        asked = ThinkingOver(models, services.prompts(), settings.memory, settings.llm)
        for start in range(0, len(spoken), AT_ONCE):
            part = spoken[start : start + AT_ONCE]
            thought = await asked.claims(
                [Written(author=each.name, text=each.text) for each in part], tenant=""
            )
            if thought is None:
                sys.stderr.write("No model answered; only the rules were used.\n")
                return
            for line, claims in zip(part, thought.claims, strict=True):
                trial.learn_claims(line, claims)


def _as_json(fact: Fact, lines: Sequence[Line]) -> dict[str, object]:
    line = lines[int(fact.message or 0)]
    return {
        "about": fact.about.name,
        "teller": fact.teller.name,
        "hearsay": fact.hearsay,
        "kind": fact.kind.value,
        "slot": fact.slot,
        "value": fact.value,
        "text": fact.text,
        "confidence": fact.confidence,
        "origin": fact.origin.value,
        "source": {"index": line.index, "id": line.id, "quote": fact.quote},
        "valid_from": fact.valid_from.isoformat(),
        "valid_to": None if fact.valid_to is None else fact.valid_to.isoformat(),
    }


def _as_text(facts: Sequence[Fact]) -> str:
    if not facts:
        return "This chat teaches nothing.\n"
    return "".join(
        f"{each.text}{'' if each.standing else ' (no longer)'}  [{each.slot}; "
        f"message {int(each.message or 0) + 1}: {each.quote}]\n"
        for each in facts
    )
