"""Show what a reminder in people's words means."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from frontends.console.arguments import add_action
from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from frontends.console.wording import clean, printable
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.reminders.when import ParsedReminder


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with reminders."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    parse = add_action(actions, "parse", "print when a reminder would come, or what would be asked")
    parse.add_argument("text", metavar="TEXT", help='for example "tomorrow at 9am call mum"')
    parse.add_argument(
        "--now", metavar="ISO8601", help="moment it is said; without an offset it is local"
    )
    parse.add_argument("--tz", metavar="ZONE", default="UTC", help="such as Europe/Berlin")
    parse.add_argument(
        "--json", action="store_true", dest="as_json", help="print when, rrule, text and ask"
    )


async def execute(call: Invocation) -> int:
    """Parse one reminder; no service is opened."""
    from services.reminders.when import parse_reminder

    asked = call.arguments
    zone = _zone(clean(asked.tz))
    parsed = parse_reminder(clean(asked.text), now=_now(asked.now, zone), zone=zone)
    write_text(_as_json(parsed) if asked.as_json else _in_words(parsed))
    return 0


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from services.people.timezones import zone_name  # slow to load

        return ZoneInfo(zone_name(name))


def _now(text: str | None, zone: ZoneInfo) -> datetime:
    from services.domain.clock import SystemClock

    if text is None:
        return SystemClock().now().astimezone(zone)
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            "moment", "--now is no moment; write it as in 2026-11-18T10:00:00+01:00."
        ) from error


def _as_json(parsed: ParsedReminder) -> str:
    shown = {
        "when": parsed.when.isoformat() if parsed.when else None,
        "rrule": parsed.rrule,
        "text": parsed.text,
        "ask": parsed.ask,
    }
    return json.dumps(shown) + "\n"


def _in_words(parsed: ParsedReminder) -> str:
    if parsed.when is None:
        return f"{parsed.ask}\n"
    repeats = f", repeats {parsed.rrule}" if parsed.rrule else ""
    text = f": {printable(parsed.text)}" if parsed.text else ""
    return f"{parsed.when:%A %Y-%m-%d %H:%M:%S%z}{repeats}{text}\n"
