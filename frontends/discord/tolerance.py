"""Living through events that discord.py cannot read."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

_NEEDED = frozenset({"READY", "RESUMED"})

Parser = Callable[[Any], None]


def tolerate(parsers: MutableMapping[str, Parser]) -> None:
    """Have each event that cannot be read logged and left out; discord.py would end the bot.

    Without a session there is no bot, so those that begin one still end it.
    """
    for name, parse in parsers.items():
        if name not in _NEEDED:
            parsers[name] = partial(_attempt, name, parse)


def _attempt(name: str, parse: Parser, data: object) -> None:
    try:
        parse(data)
    except Exception as error:  # noqa: BLE001  whatever discord.py did not expect of Discord
        trouble = type(error).__name__
        logger.warning("an event could not be read", extra={"event": name, "error": trouble})
