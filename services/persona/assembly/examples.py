"""Example dialogue of cards: blocks of messages between ``<START>`` lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.llm.model import PromptRole
from services.persona.assembly.material import Example, Piece

_START = re.compile(r"<START>", re.IGNORECASE)

SOURCE = "dialogueExamples"


def examples_of(
    text: str,
    *,
    user: str,
    char: str,
    names: Sequence[str] = (),
    group: Sequence[str] = (),
    separator: str = "",
) -> list[Example]:
    """Return the examples of ``text``, macros filled in, each below the ``separator``."""
    head = [Piece(role=PromptRole.SYSTEM, content=separator, source=SOURCE)] if separator else []
    blocks = (
        (block, example_messages(block, user=user, char=char, names=names, group=group))
        for block in example_blocks(text)
    )
    return [Example(text=block, messages=[*head, *said]) for block, said in blocks if said]


def example_blocks(text: str) -> list[str]:
    """Return the blocks of ``mes_example``, without the lines that separate them."""
    return [block.strip() for block in _START.split(text) if block.strip()]


def example_messages(
    block: str, *, user: str, char: str, names: Sequence[str] = (), group: Sequence[str] = ()
) -> list[Piece]:
    """Return one block as messages, macros already filled in.

    A line that begins with a speaker's name and a colon begins a message, any other goes on with
    it. ``names`` are others of the character's. In a group the names stay in the text.
    """
    speakers = dict.fromkeys([user, char, *names, *group])
    opener = re.compile(
        "(" + "|".join(re.escape(name) for name in speakers if name) + "):", re.IGNORECASE
    )
    messages: list[tuple[str, list[str]]] = []
    for line in block.replace("\r", "").split("\n"):
        match = opener.match(line)
        if match is not None:
            said = line if group else line[match.end() :]
            messages.append((match[1], [said.strip()]))
        elif messages:
            messages[-1][1].append(line)
        elif line.strip():
            messages.append((char, [line]))
    return [
        Piece(
            role=PromptRole.SYSTEM,
            content="\n".join(lines).strip(),
            source=SOURCE,
            name="example_user" if name.lower() == user.lower() else "example_assistant",
        )
        for name, lines in messages
        if "\n".join(lines).strip()
    ]
