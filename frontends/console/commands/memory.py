"""Look into memory, correct it, forget, and measure how well it recalls."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import cast

from frontends.console import memory_eval, memory_learn, memory_recall, memory_reindex
from frontends.console.arguments import add_action
from frontends.console.invocation import CommandModule, Invocation
from frontends.console.memory_rights import RIGHTS_ACTIONS

_ACTIONS: Mapping[str, CommandModule] = {
    **RIGHTS_ACTIONS,
    "eval": cast("CommandModule", memory_eval),
    "learn": cast("CommandModule", memory_learn),
    "recall": cast("CommandModule", memory_recall),
    "reindex": cast("CommandModule", memory_reindex),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with the first line of its module's docstring."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, module in _ACTIONS.items():
        summary = (module.__doc__ or name).splitlines()[0].rstrip(".")
        module.configure(add_action(actions, name, summary[:1].lower() + summary[1:]))


async def execute(call: Invocation) -> int:
    """Do what is asked."""
    return await _ACTIONS[call.arguments.action].execute(call)
