"""The tools a server lists, as far as they are taken."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.mcp.schema import cleaned

MOST_TOOLS = 200
"""Tools of one server that are taken."""

_LONGEST_DESCRIPTION = 600
_LONGEST_ORIGINAL = 128  # as the protocol advises
_LONGEST_NAME = 64  # as OpenAI has it for functions, with the characters below
_UNNAMEABLE = re.compile(r"[^a-zA-Z0-9_-]")
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTool:
    """A tool as a server describes it; ``read_only`` is what it says of itself."""

    name: str
    description: str
    schema: Mapping[str, Any]
    annotations: Mapping[str, Any]

    @property
    def read_only(self) -> bool:
        """Whether it says that it changes nothing."""
        return self.annotations.get("readOnlyHint") is True

    @property
    def digest(self) -> str:
        """SHA-256 of all that the server says of it, in hexadecimal."""
        said = [self.name, self.description, self.schema, self.annotations]
        written = json.dumps(said, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTool:
    """A tool that is taken: ``name`` is how models call it, ``original`` how the server does."""

    name: str
    original: str
    description: str
    schema: Mapping[str, Any]
    read_only: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a server lists; ``cut`` says that it lists more than is taken."""

    tools: Sequence[ListedTool] = ()
    cut: bool = False


def listing_of(server: str, tools: Iterable[RawTool], *, cut: bool = False) -> Listing:
    """Return what is taken of a server's tools: the first of each name, up to ``MOST_TOOLS``."""
    taken: dict[str, ListedTool] = {}
    originals: set[str] = set()
    for tool in tools:
        if tool.name in originals or not (tool.name.isprintable() and tool.name):
            continue
        if len(tool.name) > _LONGEST_ORIGINAL:
            continue
        if len(taken) == MOST_TOOLS:
            cut = True
            break
        originals.add(tool.name)
        name = tool_name(server, tool.name, avoid=taken)
        taken[name] = ListedTool(
            name=name,
            original=tool.name,
            description=_description(tool),
            schema=cleaned(tool.schema),
            read_only=tool.read_only,
            digest=tool.digest,
        )
    return Listing(tools=tuple(taken.values()), cut=cut)


def tool_name(server: str, tool: str, *, avoid: Iterable[str] = ()) -> str:
    """Return ``server__tool``, with nothing that a provider of models refuses in a name.

    What had to be changed, or would be a name in ``avoid``, ends on digits of its own.
    """
    wanted = f"{server}__{tool}"
    name = _UNNAMEABLE.sub("_", wanted)
    if name == wanted and len(name) <= _LONGEST_NAME and name not in avoid:
        return name
    digits = hashlib.sha256(wanted.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST_NAME - _DIGITS - 1]}_{digits}"


def _description(tool: RawTool) -> str:
    shown = "".join(c if c.isprintable() else " " for c in tool.description[: 4 * _LONGEST_NAME**2])
    words = " ".join(shown.split())
    if len(words) > _LONGEST_DESCRIPTION:
        words = words[:_LONGEST_DESCRIPTION].rstrip() + " ..."
    return words or tool.name
