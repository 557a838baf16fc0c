"""How what came of code reads on Discord."""

from __future__ import annotations

import io
import re

import discord

from services.code_runner.values import CodeResult

_FENCE = "```"
_BESIDE_ANOTHER = re.compile("`(?=`)")
_LONGEST = 1_700
_MOST_LINES = 40


def code_answer(result: CodeResult) -> tuple[str, list[discord.File]]:
    """Return the words of an answer and, where they are too long, all of it as a file."""
    text = "".join(char for char in result.text() if char.isprintable() or char in "\n\t")
    foot = f"-# {result.seconds:.2f} s"
    shown = _BESIDE_ANOTHER.sub("`\u200b", text)
    if len(shown) <= _LONGEST and shown.count("\n") < _MOST_LINES:
        return f"{_FENCE}\n{shown}\n{_FENCE}\n{foot}", []
    first = "\n".join(shown[: _LONGEST // 2].splitlines()[: _MOST_LINES // 2])
    file = discord.File(io.BytesIO(text.encode("utf-8", "replace")), filename="result.txt")
    return f"{_FENCE}\n{first}\n…\n{_FENCE}\n{foot}; the file holds everything.", [file]
