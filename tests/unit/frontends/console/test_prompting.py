"""What is offered while a line is typed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from frontends.console.actions import COMMANDS
from frontends.console.prompting import ChatCompleter, open_history
from frontends.console.slash import Choices

NAMES: dict[Choices, list[str]] = {
    "personas": ["mira", "juno"],
    "models": ["small:1b"],
    "directions": ["left", "right"],
}


async def _names(choices: Choices) -> Sequence[str]:
    return NAMES[choices]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/re", ["/recall", "/remind", "/reminders", "/relationship", "/regen", "/reset"]),
        ("/persona ", ["mira", "juno"]),
        ("/persona J", ["juno"]),
        ("/model s", ["small:1b"]),
        ("/swipe ", ["left", "right"]),
        ("/edit ", []),
        ("regards", []),
        ("", []),
    ],
)
async def test_only_what_fits_is_offered(typed: str, offered: list[str]) -> None:
    completer = ChatCompleter(COMMANDS, _names)
    found = completer.get_completions_async(Document(typed), CompleteEvent())
    assert [completion.text async for completion in found] == offered


def test_only_the_owner_can_read_what_was_typed(tmp_path: Path) -> None:
    file = tmp_path / "data" / "console_history"
    history = open_history(file)
    history.store_string("two\nlines and \udcff")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(open_history(file).load_history_strings()) == ["two\nlines and \ufffd"]


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "console_history"
    history = open_history(file)
    for number in range(120):
        history.store_string(f"{number} " + "x" * 10_000)
    kept = list(open_history(file).load_history_strings())
    assert file.stat().st_size < 600_000
    assert kept[0].startswith("119 ")
    assert all(line.split(" ")[0].isdecimal() for line in kept)
