"""Lines that start with a slash."""

from __future__ import annotations

import pytest

from frontends.console.actions import COMMANDS
from frontends.console.slash import Asked, Said, read_line
from services.domain.errors import InvalidRequest, NotFound


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("hello", "hello"),
        (" /regen", " /regen"),
        ("//regen is a command", "/regen is a command"),
        ("///", "//"),
        ("1/2", "1/2"),
    ],
)
def test_only_a_single_leading_slash_makes_a_command(line: str, text: str) -> None:
    assert read_line(line, COMMANDS) == Said(text)


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("/regen", "regen", ""),
        ("/REGEN ", "regen", ""),
        ("/swipe left", "swipe", "left"),
        ("/swipe", "swipe", ""),
        ("/edit  two\nlines ", "edit", "two\nlines"),
        ("/edit\npasted below", "edit", "pasted below"),
        ("/branch 3", "branch", "3"),
    ],
)
def test_a_command_and_what_it_takes_are_told_apart(line: str, name: str, argument: str) -> None:
    asked = read_line(line, COMMANDS)
    assert isinstance(asked, Asked)
    assert (asked.command.name, asked.argument) == (name, argument)


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean /regen"):
        read_line("/regn", COMMANDS)


def test_a_path_is_not_sent_but_the_way_to_send_it_is_told() -> None:
    with pytest.raises(NotFound, match="begin it with two"):
        read_line("/usr/share/doc is large", COMMANDS)


def test_a_missing_argument_shows_how_to_write_it() -> None:
    with pytest.raises(InvalidRequest, match="/edit TEXT"):
        read_line("/edit", COMMANDS)


def test_what_a_command_does_not_take_is_not_silently_dropped() -> None:
    with pytest.raises(InvalidRequest, match="/undo"):
        read_line("/undo everything", COMMANDS)


def test_every_command_has_its_own_name_and_a_summary() -> None:
    names = [command.name for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert all(command.summary.endswith(".") for command in COMMANDS)
