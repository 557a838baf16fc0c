"""Macro text as a tree: plain text and macros, which may hold both again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

DEEPEST = 48
"""Macros nested deeper than this are plain text."""

_BRACES = re.compile(r"\{\{+|\}\}+")
_NAME = re.compile(r"\s*(?P<flags>[!?~>#]*)\s*(?P<name>//|/?[a-z][\w-]*|[.$])", re.IGNORECASE)
_UTC = re.compile(r"time_UTC[+-]\d{1,2}\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    value: str


@dataclass(frozen=True, slots=True)
class Macro:
    """``{{…}}``: what is inside, and where it begins in the whole text."""

    inside: Sequence[Node]
    at: int


@dataclass(frozen=True, slots=True)
class Block:
    """``{{name}}…{{/name}}``: the opening macro, what it encloses, and the closing one."""

    opening: Macro
    body: Sequence[Node]
    closing: Macro


Node = Text | Macro | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A macro taken apart: ``name`` in lower case, then what follows it.

    ``arguments`` are the parts between ``::``; ``colon`` and ``space`` tell how the first part was
    joined to the name in the older spellings ``{{name:…}}`` and ``{{name …}}``.
    """

    name: str
    flags: str
    arguments: Sequence[Sequence[Node]]
    joined: str


@dataclass(slots=True)
class _Open:
    at: int
    inside: list[Node] = field(default_factory=list)


def parse(text: str) -> list[Node]:
    """Return ``text`` as nodes, in time linear in its length.

    Braces without a partner are plain text. Of more than two opening braces the last two count, of
    more than two closing ones the first two.
    """
    if "{{" not in text:
        return [Text(text)] if text else []
    stack = [_Open(0)]
    position = 0
    for match in _BRACES.finditer(text):
        start, end = match.span()
        if start < position:
            continue
        _add_text(stack[-1].inside, text[position:start])
        position = start
        if match.group()[0] == "{":
            position = _opened(stack, text, start, end)
        else:
            position = _closed(stack, start, end)
            _add_text(stack[-1].inside, text[position:end])
            position = end
    _add_text(stack[-1].inside, text[position:])
    while len(stack) > 1:
        unfinished = stack.pop()
        _add_text(stack[-1].inside, "{{")
        for node in unfinished.inside:
            _add(stack[-1].inside, node)
    return _blocks(stack[0].inside)


def _opened(stack: list[_Open], text: str, start: int, end: int) -> int:
    run = end - start
    # Four braces and more may be macros directly inside macros; an odd one out is text.
    pairs = run // 2 if run % 2 == 0 else 1
    _add_text(stack[-1].inside, text[start : end - 2 * pairs])
    for number in range(pairs):
        at = end - 2 * (pairs - number)
        if len(stack) > DEEPEST:
            _add_text(stack[-1].inside, "{{")
        else:
            stack.append(_Open(at))
    return end


def _closed(stack: list[_Open], start: int, end: int) -> int:
    """Close as many macros as the run of braces can; return how far it was used."""
    while end - start >= 2 and len(stack) > 1:
        done = stack.pop()
        _add(stack[-1].inside, Macro(_blocks(done.inside), done.at))
        start += 2
    return start


def head(macro: Macro) -> Head | None:
    """Take a macro apart; ``None`` when it has no name that could mean anything."""
    inside = macro.inside
    if not inside or not isinstance(inside[0], Text):
        return None
    first = inside[0].value
    if (utc := _UTC.match(first.strip())) and len(inside) == 1:
        return Head(name="time_utc", flags="", arguments=[[Text(utc.group()[8:])]], joined=":")
    match = _NAME.match(first)
    if match is None:
        return None
    name = match["name"]
    rest = first[match.end() :]
    nodes: list[Node] = [*([Text(rest)] if rest else []), *inside[1:]]
    if name in {"//", ".", "$"}:
        return Head(name=name, flags=match["flags"], arguments=[nodes], joined="")
    joined, nodes = _joint(nodes)
    if joined is None:
        return None
    arguments = list(_split(nodes)) if joined else []
    return Head(name=name.lower(), flags=match["flags"], arguments=arguments, joined=joined)


def _joint(nodes: list[Node]) -> tuple[str | None, list[Node]]:
    """Return how arguments are joined to the name (``""`` for none), and the arguments."""
    if not nodes:
        return "", []
    first = nodes[0]
    if not isinstance(first, Text):
        return None, []
    stripped = first.value.lstrip()
    for joint in ("::", ":"):
        if stripped.startswith(joint):
            rest = stripped[len(joint) :]
            return joint, [*([Text(rest)] if rest else []), *nodes[1:]]
    if not stripped and len(nodes) == 1:
        return "", []
    if first.value[:1].isspace():
        return " ", [*([Text(stripped)] if stripped else []), *nodes[1:]]
    return None, []


def _split(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Yield the parts of ``nodes`` between ``::`` in plain text."""
    part: list[Node] = []
    for node in nodes:
        if not isinstance(node, Text):
            part.append(node)
            continue
        first, *others = node.value.split("::")
        if first:
            part.append(Text(first))
        for other in others:
            yield part
            part = [Text(other)] if other else []
    yield part


def _blocks(nodes: list[Node]) -> list[Node]:
    """Pair ``{{name}}`` with the ``{{/name}}`` that closes it."""
    if not any(isinstance(node, Macro) and _closes(node) for node in nodes):
        return nodes
    found: list[Node] = []
    openings: list[tuple[str, int]] = []
    for node in nodes:
        if not isinstance(node, Macro):
            _add(found, node)
            continue
        name = _closes(node)
        if name is None:
            taken = head(node)
            if taken is not None:
                openings.append((taken.name, len(found)))
            found.append(node)
            continue
        index = next((at for opened, at in reversed(openings) if opened == name), None)
        opening = found[index] if index is not None else None
        if index is None or not isinstance(opening, Macro):
            found.append(node)
            continue
        body = found[index + 1 :]
        del found[index:]
        openings = [each for each in openings if each[1] < index]
        found.append(Block(opening, body, node))
    return found


def _closes(macro: Macro) -> str | None:
    taken = head(macro)
    if taken is None or not taken.name.startswith("/") or taken.name == "//":
        return None
    return taken.name[1:]


def _add(nodes: list[Node], node: Node) -> None:
    if isinstance(node, Text):
        _add_text(nodes, node.value)
    else:
        nodes.append(node)


def _add_text(nodes: list[Node], text: str) -> None:
    if not text:
        return
    if nodes and isinstance(nodes[-1], Text):
        nodes[-1] = Text(nodes[-1].value + text)
    else:
        nodes.append(Text(text))
