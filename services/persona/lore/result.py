"""What a scan found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.persona.lore.effects import TimedEffects
from services.persona.lore.entry import LoreEntry, Scope, Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """An entry that takes part; ``content`` is final: macros filled in, decorators gone.

    ``step`` is the pass it was activated in, from 1.
    """

    book: str
    scope: Scope
    entry: LoreEntry
    content: str
    reason: str
    step: int

    @property
    def uid(self) -> Uid:
        """The entry's id as its file has it."""
        return self.entry.uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """An entry that would have taken part but for ``reason``, or whose key could not be run."""

    book: str
    uid: Uid
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthBlock:
    """Entries that become one message, ``depth`` messages above the end."""

    depth: int
    role: int
    entries: tuple[Activation, ...]

    @property
    def text(self) -> str:
        """The message."""
        return joined(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoreTexts:
    """The texts of a scan by where they go; entries of one place are on lines of their own."""

    before: str
    after: str
    note_top: str
    note_bottom: str
    examples_top: tuple[str, ...]
    examples_bottom: tuple[str, ...]
    at_depth: tuple[tuple[int, int, str], ...]
    outlets: Mapping[str, str]
    sections: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Everything a scan found; all places list from the top of the prompt down.

    ``activated`` is in the order of activation. ``at_depth`` has the deepest block first and, at
    one depth, the assistant's, the user's, the system's. ``other`` holds the remaining places by
    name: ANTop, ANBottom, EMTop, EMBottom, outlet, and the V3 sections. Entries without text
    are activated but in no place. ``tokens`` counts all activated contents, each with its line
    end. ``disabled_prompts`` are card prompts that V3 decorators turn off.
    """

    activated: tuple[Activation, ...]
    before: tuple[Activation, ...]
    after: tuple[Activation, ...]
    at_depth: tuple[DepthBlock, ...]
    other: Mapping[str, tuple[Activation, ...]]
    outlets: Mapping[str, tuple[Activation, ...]]
    skipped: tuple[Skip, ...]
    tokens: int
    overflowed: bool
    passes: int
    timed: TimedEffects
    disabled_prompts: frozenset[str] = frozenset()

    def texts(self) -> LoreTexts:
        """Return the texts for prompt assembly."""
        other = self.other
        return LoreTexts(
            before=joined(self.before),
            after=joined(self.after),
            note_top=joined(other.get("ANTop", ())),
            note_bottom=joined(other.get("ANBottom", ())),
            examples_top=tuple(one.content for one in other.get("EMTop", ())),
            examples_bottom=tuple(one.content for one in other.get("EMBottom", ())),
            at_depth=tuple((block.depth, block.role, block.text) for block in self.at_depth),
            outlets={name: joined(entries) for name, entries in self.outlets.items()},
            sections={name: joined(other[name]) for name in SECTIONS if name in other},
        )


SECTIONS: Sequence[str] = ("personality", "scenario")
"""Parts of the card that V3 decorators can place text in."""


def joined(entries: Iterable[Activation]) -> str:
    """Return the contents, each on lines of its own."""
    return "\n".join(entry.content for entry in entries)
