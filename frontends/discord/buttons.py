"""The buttons under an answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import discord

from services.domain.ids import ActionId, MessageId, TurnId


class Act(StrEnum):
    """What a button asks for."""

    REGENERATE = "again"
    PREVIOUS = "prev"
    NEXT = "next"
    CONTINUE = "more"
    EDIT = "edit"
    DELETE = "del"
    WHY = "why"


ANSWER_ID = (
    r"acore:(?P<act>again|prev|next|more|edit|del|why):(?P<message>[0-9A-Z]{26}):(?P<asker>\d+)"
)
"""Custom ids of buttons under an answer: what, which reply, and who asked for it (0: nobody)."""
STOP_ID = r"acore:stop:(?P<turn>[0-9A-Z]{26}):(?P<asker>\d+)"
"""Custom id of the button under an answer that is being written."""
CONFIRM_ID = r"acore:(?P<answer>yes|no):(?P<action>[0-9A-Z]{26}):(?P<asker>\d+)"
"""Custom ids of the buttons under a tool's question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Which version of an answer stands, from 0, of how many."""

    index: int = 0
    count: int = 1


def answer_row(message: MessageId, asker: int, versions: Versions) -> discord.ui.View:
    """Return the buttons under a finished answer."""

    def name(act: Act) -> str:
        return f"acore:{act}:{message}:{asker}"

    view = discord.ui.View(timeout=None)
    count = f" {versions.index + 1}/{versions.count}" if versions.count > 1 else ""
    _add(view, name(Act.PREVIOUS), "◀", row=0, disabled=versions.index == 0)
    _add(view, name(Act.NEXT), f"▶{count}", row=0)
    _add(view, name(Act.REGENERATE), "🔁", row=0)
    _add(view, name(Act.CONTINUE), "⏩", row=0)
    _add(view, name(Act.EDIT), "✏️", row=0)
    _add(view, name(Act.WHY), "❔", row=1)
    _add(view, name(Act.DELETE), "🗑️", row=1)
    return view


def stop_row(turn: TurnId, asker: int) -> discord.ui.View:
    """Return the button under an answer that is being written."""
    view = discord.ui.View(timeout=None)
    _add(view, f"acore:stop:{turn}:{asker}", "⏹", row=0)
    return view


def confirm_row(action: ActionId, asker: int) -> discord.ui.View:
    """Return the buttons under a tool's question."""
    view = discord.ui.View(timeout=None)
    _add(view, f"acore:yes:{action}:{asker}", "Yes", row=0, style=discord.ButtonStyle.success)
    _add(view, f"acore:no:{action}:{asker}", "No", row=0, style=discord.ButtonStyle.danger)
    return view


def _add(
    view: discord.ui.View,
    custom_id: str,
    label: str,
    *,
    row: int,
    disabled: bool = False,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> None:
    view.add_item(
        discord.ui.Button(custom_id=custom_id, label=label, row=row, disabled=disabled, style=style)
    )
