"""List the characters."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation

if TYPE_CHECKING:
    from services.persona.character import Persona


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action and its format."""
    parser.add_argument("action", choices=["list"], help="what to do")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON array")


async def execute(call: Invocation) -> int:
    """Print every character there is."""
    from services.factory import opened_services

    async with opened_services(call.settings) as services:
        personas = services.library().all()
        default = call.settings.persona.default
    listed = _as_json(personas) if call.arguments.as_json else _as_text(personas, default=default)
    sys.stdout.write(listed)
    return 0


def _as_text(personas: Sequence[Persona], *, default: str) -> str:
    width = max((len(persona.slug) for persona in personas), default=0)
    lines = [
        f"{persona.slug:<{width}}  {persona.name}{'  (default)' * (persona.slug == default)}\n"
        for persona in personas
    ]
    return "".join(lines) or "No characters were found; look at persona.characters.\n"


def _as_json(personas: Sequence[Persona]) -> str:
    listed = [
        {
            "id": persona.id,
            "slug": persona.slug,
            "name": persona.name,
            "aliases": list(persona.aliases),
            "version": persona.version,
            "tags": list(persona.character.tags),
        }
        for persona in personas
    ]
    return json.dumps(listed, ensure_ascii=False) + "\n"
