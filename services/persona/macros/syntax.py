"""Macro text as a tree: plain text and macros, which may hold both again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DEEPEST = 48
"""How deep macros and blocks may be nested; what encloses more than that is plain text."""

_BRACES = re.compile(r"\{\{+|\}\}+")
_NAME = re.compile(r"\s*+(?P<flags>[!?~>#]*+)\s*+(?P<name>//|/?[a-z][\w-]*+|[.$])", re.IGNORECASE)
_UTC = re.compile(r"time_UTC[+-]\d{1,2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    value: str

    @property
    def depth(self) -> int:
        """How many macros and blocks are inside each other here."""
        return 0


@dataclass(frozen=True, slots=True)
class Macro:
    """``{{…}}``: what is inside, where it begins in the whole text, and how deep it is."""

    inside: Sequence[Node]
    at: int
    depth: int


@dataclass(frozen=True, slots=True)
class Block:
    """``{{name}}…{{/name}}``: the opening macro, what it encloses, the closing one, the depth."""

    opening: Macro
    body: Sequence[Node]
    closing: Macro
    depth: int


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
    """Braces that wait for their partner: the place of their text, and what is inside so far."""

    index: int
    at: int
    depth: int = 0


def parse(text: str, *, deepest: int = DEEPEST) -> list[Node]:
    """Return ``text`` as nodes, in time linear in its length.

    Braces without a partner are plain text, and so are those around more than ``deepest`` levels.
    Of more than two opening braces the last two count, of more than two closing ones the first two.
    """
    if "{{" not in text:
        return [Text(text)] if text else []
    reader = _Reader(deepest)
    position = 0
    for match in _BRACES.finditer(text):
        start, end = match.span()
        reader.add(text[position:start])
        if text[start] == "{":
            reader.open(start, end)
        else:
            reader.close(end - start)
        position = end
    reader.add(text[position:])
    return _blocks(_merged(reader.nodes), deepest)


class _Reader:
    """Pairs braces. Opening ones stand as text until their partner turns up."""

    def __init__(self, deepest: int) -> None:
        self.nodes: list[Node] = []
        self._open: list[_Open] = []
        self._deepest = deepest

    def add(self, text: str) -> None:
        if text:
            self.nodes.append(Text(text))

    def open(self, start: int, end: int) -> None:
        run = end - start
        # Four braces and more may be macros directly inside macros; an odd one out is text.
        pairs = run // 2 if run % 2 == 0 else 1
        self.add("{" * (run - 2 * pairs))
        for at in range(end - 2 * pairs, end, 2):
            self._open.append(_Open(len(self.nodes), at))
            self.add("{{")

    def close(self, run: int) -> None:
        while run >= len("}}") and self._open:
            run -= len("}}")
            done = self._open.pop()
            depth = self._closed(done)
            if self._open:
                self._open[-1].depth = max(self._open[-1].depth, depth)
        self.add("}" * run)

    def _closed(self, done: _Open) -> int:
        if done.depth >= self._deepest:
            self.add("}}")
            return done.depth
        inside = _blocks(_merged(self.nodes[done.index + 1 :]), self._deepest - 1)
        depth = 1 + _depth(inside)
        self.nodes[done.index :] = [Macro(inside, done.at, depth)]
        return depth


def head(macro: Macro) -> Head | None:
    """Take a macro apart; ``None`` when it has no name that could mean anything.

    White space before the name lets white space at the end be padding, too.
    """
    inside = macro.inside
    if not inside or not isinstance(inside[0], Text):
        return None
    if inside[0].value[:1].isspace() and isinstance(last := inside[-1], Text):
        inside = [*inside[:-1], Text(last.value.rstrip())]
    first = inside[0].value if isinstance(inside[0], Text) else ""
    if (utc := _UTC.fullmatch(first.strip())) and len(inside) == 1:
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


def _blocks(nodes: list[Node], deepest: int) -> list[Node]:
    """Pair ``{{name}}`` with the ``{{/name}}`` that closes it."""
    closed = [_closes(node) if isinstance(node, Macro) else None for node in nodes]
    if not any(closed):
        return nodes
    found: list[Node] = []
    openings = _Openings()
    for node, name in zip(nodes, closed, strict=True):
        made = node
        index = None if name is None else openings.latest(name)
        if index is not None and isinstance(node, Macro):
            opening, body = found[index], found[index + 1 :]
            depth = 1 + _depth(body)
            if depth > deepest:
                openings.forget()
            elif isinstance(opening, Macro):
                del found[index:]
                openings.cut(index)
                made = Block(opening, body, node, depth)
        elif name is None and isinstance(node, Macro) and (taken := head(node)) is not None:
            openings.note(taken.name, len(found))
        found.append(made)
    return found


class _Openings:
    """Where macros stand that may be closed yet, by name; each is looked at a few times only."""

    def __init__(self) -> None:
        self._all: list[tuple[int, str]] = []
        self._by_name: dict[str, list[int]] = {}

    def note(self, name: str, index: int) -> None:
        self._all.append((index, name))
        self._by_name.setdefault(name, []).append(index)

    def latest(self, name: str) -> int | None:
        places = self._by_name.get(name)
        return places[-1] if places else None

    def cut(self, index: int) -> None:
        """Forget those at ``index`` and after it."""
        while self._all and self._all[-1][0] >= index:
            _, name = self._all.pop()
            self._by_name[name].pop()

    def forget(self) -> None:
        self._all.clear()
        self._by_name.clear()


def _closes(macro: Macro) -> str | None:
    first = macro.inside[0] if macro.inside else None
    if not isinstance(first, Text) or "/" not in first.value:
        return None
    taken = head(macro)
    if taken is None or not taken.name.startswith("/") or taken.name == "//":
        return None
    return taken.name[1:]


def _depth(nodes: Sequence[Node]) -> int:
    return max((node.depth for node in nodes), default=0)


def _merged(nodes: Sequence[Node]) -> list[Node]:
    """Return ``nodes`` with neighbouring texts made one."""
    found: list[Node] = []
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, Text):
            texts.append(node.value)
            continue
        if texts:
            found.append(Text("".join(texts)))
            texts = []
        found.append(node)
    if texts:
        found.append(Text("".join(texts)))
    return found
