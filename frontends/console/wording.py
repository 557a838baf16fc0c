"""Text on its way in from and out to a terminal."""

from __future__ import annotations

import re

# Everything that moves the cursor or talks to the terminal; line feed and tab stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def decoded(line: bytes) -> str:
    """Return ``line`` as text; bytes that are not UTF-8 become U+FFFD."""
    return line.decode("utf-8", errors="replace")


def clean(text: str) -> str:
    """Return ``text`` with what the system could not decode replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def printable(text: str) -> str:
    """Return ``text`` without control characters, so that no one else steers the terminal."""
    return _CONTROL.sub("", clean(text))


def one_line(text: str, *, longest: int) -> str:
    """Return ``text`` on one line of at most ``longest`` characters, cut with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"
