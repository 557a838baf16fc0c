"""The texts a scan searches: messages, extra sources, injected prompts, activated content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from services.persona.lore.entry import Source
from services.persona.lore.javascript import trimmed
from services.persona.lore.keys import JOINER, encoded

DEEPEST = 1_000
"""The most messages a scan looks back."""

_START = "\x01"


class Piece:
    """One text in the forms in which it is searched."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def exact(self) -> bytes:
        """The text as it is."""
        return encoded(self.text)

    @cached_property
    def lowered(self) -> bytes:
        """The text in lower case."""
        return encoded(self.text.lower())

    def searched(self, *, cased: bool) -> bytes:
        """The form that keys of this kind are looked for in."""
        return self.exact if cased else self.lowered


class ScanText:
    """What is searched, newest message first; grows by what entries add."""

    def __init__(
        self,
        messages: Sequence[str],
        *,
        sources: Mapping[Source, str],
        injected: Sequence[str],
    ) -> None:
        """Take the messages oldest first; each is trimmed."""
        self._oldest_first = messages
        self._messages: list[Piece] = []
        self.sources = {source: Piece(text) for source, text in sources.items() if text}
        self.injected = [Piece(text) for text in injected]
        self.recursed: list[Piece] = []
        self._whole: dict[tuple[int, frozenset[Source], bool], Piece] = {}

    def message(self, age: int) -> Piece:
        """Return the message that ``age`` newer ones follow."""
        while len(self._messages) <= age:
            text = self._oldest_first[-1 - len(self._messages)]
            self._messages.append(Piece(trimmed(text)))
        return self._messages[age]

    def messages_within(self, depth: int) -> int:
        """Return how many messages a depth reaches."""
        return min(depth, DEEPEST, len(self._oldest_first))

    def recurse(self, text: str) -> Piece:
        """Add the content of activated entries."""
        piece = Piece(text)
        self.recursed.append(piece)
        self._whole.clear()
        return piece

    def whole(self, depth: int, sources: frozenset[Source], *, recursed: bool) -> Piece:
        """Return everything an entry with this depth and these sources sees, as one text."""
        name = (depth, sources, recursed)
        piece = self._whole.get(name)
        if piece is None:
            piece = self._whole[name] = Piece(self._joined(depth, sources, recursed=recursed))
        return piece

    def _joined(self, depth: int, sources: frozenset[Source], *, recursed: bool) -> str:
        if depth <= 0:
            return ""
        messages = [self.message(age).text for age in range(self.messages_within(depth))]
        parts = [JOINER.join(messages)]
        parts += [
            self.sources[source].text
            for source in Source
            if source in sources and source in self.sources
        ]
        parts += [piece.text for piece in self.injected]
        parts += [piece.text for piece in self.recursed] if recursed else []
        return _START + JOINER.join(parts)
