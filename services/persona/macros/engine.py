"""Expands macros in card text, lorebook entries and prompts."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from services.persona.macros import functions
from services.persona.macros.environment import MacroEnvironment
from services.persona.macros.syntax import DEEPEST, Block, Head, Macro, Node, Text, head, parse

LONGEST = 1_000_000
"""Characters that macros may add to a text; what comes after is cut off."""

_MOST_WORK = 1_000_000
_VALUES_DEEP = 6
_OLD_NAMES = re.compile(r"<(USER|BOT|CHAR|GROUP|CHARIFNOTGROUP)>", re.IGNORECASE)
_TRIM = "\x00trim\x00"
_LINE_BREAKS = "\r\n"


def expand(text: str, environment: MacroEnvironment) -> str:
    """Return ``text`` with its macros filled in, from left to right, inner ones first.

    A macro that is not known stays as it is, with those inside it filled in. Never raises for
    text of any kind; the time is linear in the length of the text and of what comes out, and both
    what macros add and what they cost is bounded, whatever texts they name.
    """
    if "{{" not in text and "<" not in text:
        return text
    return _Expansion(environment, longest=LONGEST + len(text), work=_MOST_WORK).run(text)


@dataclass(slots=True)
class _Expansion:
    """One run over one text.

    ``length`` is what it has made, ``work`` what it may still cost beyond its own text: characters
    of the values it names, and dice.
    """

    environment: MacroEnvironment
    longest: int
    work: int
    values: int = 0
    nested: int = 0
    length: int = 0
    used_original: bool = False
    origin: bytes = b""

    def run(self, text: str) -> str:
        before = self.origin
        whole = f"{self.environment.chat_id}\x00{text}".encode("utf-8", "surrogatepass")
        self.origin = hashlib.sha256(whole).digest()
        modern = _OLD_NAMES.sub(_modern, text)
        expanded = self.nodes(parse(modern, deepest=DEEPEST - self.nested))
        self.origin = before
        return _trimmed(expanded)

    def nodes(self, nodes: Sequence[Node]) -> str:
        return "".join([self._node(node) for node in nodes])

    def text(self, text: str) -> str:
        """Expand a value that may hold macros itself, such as a description."""
        self.work -= len(text)
        if self.values >= _VALUES_DEEP or ("{{" not in text and "<" not in text):
            return text
        self.values += 1
        try:
            return self.run(text)
        finally:
            self.values -= 1

    def _node(self, node: Node) -> str:
        if self.length > self.longest or self.work < 0:
            return ""
        if isinstance(node, Text):
            self.length += len(node.value)
            return node.value
        before = self.length
        self.nested += 1
        result = self._macro(node) if isinstance(node, Macro) else self._block(node)
        self.nested -= 1
        self.length = max(self.length, before + len(result))
        return result

    def _macro(self, macro: Macro) -> str:
        taken = head(macro)
        result = None
        if taken is not None:
            result = functions.call(Call(self, taken, macro.at))
        return self._verbatim(macro) if result is None else result

    def _block(self, block: Block) -> str:
        taken = head(block.opening)
        if taken is not None:
            call = Call(self, taken, block.opening.at, body=block.body)
            result = functions.call_block(call)
            if result is not None:
                return result
        inner = self.nodes(block.body)
        return f"{self._macro(block.opening)}{inner}{self._macro(block.closing)}"

    def _verbatim(self, macro: Macro) -> str:
        return "{{" + self.nodes(macro.inside) + "}}"


@dataclass(slots=True)
class Call:
    """A macro that is being filled in; arguments are expanded when they are asked for."""

    expansion: _Expansion
    head: Head
    at: int
    body: Sequence[Node] | None = None

    @property
    def name(self) -> str:
        """The macro's name in lower case."""
        return self.head.name

    @property
    def environment(self) -> MacroEnvironment:
        """What macros know."""
        return self.expansion.environment

    @property
    def count(self) -> int:
        """How many arguments there are."""
        return len(self.head.arguments)

    def argument(self, index: int, default: str = "") -> str:
        """Return an argument expanded, without the white space around it."""
        return self.raw(index, default).strip()

    def raw(self, index: int, default: str = "") -> str:
        """Return an argument expanded, white space included."""
        if index >= self.count:
            return default
        return self.expansion.nodes(self.head.arguments[index])

    def rest(self, start: int = 0) -> str:
        """Return the arguments from ``start`` on as one text, ``::`` included."""
        return "::".join(self.raw(index) for index in range(start, self.count))

    def value(self, text: str) -> str:
        """Expand a text the environment gave."""
        return self.expansion.text(text)

    def original(self) -> str:
        """Return what is overridden, the first time it is asked for."""
        if self.expansion.used_original:
            return ""
        self.expansion.used_original = True
        return self.environment.original or ""

    def spend(self, work: int) -> bool:
        """Take ``work`` from what the expansion may cost; false when there is too little left."""
        self.expansion.work -= work
        return self.expansion.work >= 0

    def seed(self) -> bytes:
        """Return what tells this macro apart from every other in the conversation."""
        return self.expansion.origin + str(self.at).encode()

    def content(self) -> str:
        """Return the enclosed text expanded; white space around it goes unless ``#`` keeps it."""
        return self._tidied(self.expansion.nodes(self.body or ()))

    def branches(self) -> tuple[Sequence[Node], Sequence[Node]]:
        """Return what is enclosed before and after this block's own ``{{else}}``."""
        body = self.body or ()
        for index, node in enumerate(body):
            taken = head(node) if isinstance(node, Macro) else None
            if taken is not None and taken.name == "else":
                return body[:index], body[index + 1 :]
        return body, ()

    def branch(self, nodes: Sequence[Node]) -> str:
        """Return one branch expanded."""
        return self._tidied(self.expansion.nodes(nodes))

    def _tidied(self, text: str) -> str:
        return text if "#" in self.head.flags else textwrap.dedent(text).strip()


def _modern(match: re.Match[str]) -> str:
    name = match[1].lower()
    return "{{char}}" if name == "bot" else f"{{{{{name}}}}}"


def _trimmed(text: str) -> str:
    """Return ``text`` without trim marks and the line breaks next to them."""
    if _TRIM not in text:
        return text
    first, *others = text.split(_TRIM)
    parts = [first.rstrip(_LINE_BREAKS)] if others else [first]
    parts += [part.strip(_LINE_BREAKS) for part in others[:-1]]
    return "".join([*parts, *(part.lstrip(_LINE_BREAKS) for part in others[-1:])])


def trimming() -> str:
    """Return the mark that eats the line breaks around it."""
    return _TRIM
