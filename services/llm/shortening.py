"""Prompts made shorter without breaking what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from services.llm.model import PromptMessage, PromptRole, TokenCounter
from services.llm.tokens import prompt_tokens

Unit = list[PromptMessage]
"""Messages that are kept or dropped together: a message, or tool calls and their results."""


def last_exchange(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Return the system messages, the last user message and everything after it.

    Without a user message, the last message or tool round takes its place.
    """
    units = _units(messages)
    start = _last_user(units, default=len(units) - 1)
    return [
        message
        for place, unit in enumerate(units)
        for message in unit
        if place >= start or message.role is PromptRole.SYSTEM
    ]


def fitted(
    messages: Sequence[PromptMessage], *, budget: int, counter: TokenCounter
) -> list[PromptMessage]:
    """Return ``messages`` cut down to ``budget`` tokens, from the oldest on.

    The leading system messages, the last user message and the newest message stay even when they
    alone are more than that. A tool's result is never kept without its call, nor dropped from it.
    """
    leading = list(takewhile(lambda message: message.role is PromptRole.SYSTEM, messages))
    units = _units(messages[len(leading) :])
    if not units:
        return leading
    newest = len(units) - 1
    kept = {newest, _last_user(units, default=newest)}
    left = budget - prompt_tokens(counter, leading)
    left -= sum(prompt_tokens(counter, units[place]) for place in kept)
    for place in range(newest, -1, -1):
        if place in kept:
            continue
        left -= prompt_tokens(counter, units[place])
        if left < 0:
            break
        kept.add(place)
    return leading + [message for place in sorted(kept) for message in units[place]]


def _units(messages: Sequence[PromptMessage]) -> list[Unit]:
    units: list[Unit] = []
    for message in messages:
        if message.role is PromptRole.TOOL and units and units[-1][0].tool_calls:
            units[-1].append(message)
        else:
            units.append([message])
    return units


def _last_user(units: Sequence[Unit], *, default: int) -> int:
    users = [place for place, unit in enumerate(units) if unit[0].role is PromptRole.USER]
    return users[-1] if users else default
