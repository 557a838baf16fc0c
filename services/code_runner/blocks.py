"""Code inside messages."""

from __future__ import annotations

import re

_FENCE = "```"
_FENCED = re.compile(r"```(?:[a-zA-Z0-9_+-]*\n)?(.*?)(?:```|\Z)", re.DOTALL)


def code_in(text: str) -> str:
    """Return the first code block of ``text``, or ``text`` itself where there is none."""
    found = _FENCED.search(text)
    return found[1].strip("\n") if found is not None else text


def unfenced(code: str) -> str:
    """Return code without the fence around it, if there is one."""
    return code_in(code.strip()) if code.lstrip().startswith(_FENCE) else code
