"""What is taken out of a model's words before anybody sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.conversation.markers import MarkerFilter
from services.conversation.moderation.policy import OutputGuard
from services.conversation.speakers import SpeakerFilter
from services.memory.learning.memory_block import MemoryBlockFilter

MOST_STOP_SEQUENCES = 8

_WIDE_GAP = re.compile(r"\n(?:[^\S\n]*\n){3,}")


class ReplyFilter:
    """Cleans a streamed reply; the result does not depend on how it was chunked.

    Taken out are: whitespace around the reply, the speaker's own name before a line, control
    tokens, memory blocks, and of three or more blank lines all but one. The reply ends before a
    line that begins with another speaker's name; ``other_names`` should include general labels
    such as ``User``. At most what may still turn out to be one of these is held back.
    """

    def __init__(self, *, own_names: Sequence[str], other_names: Sequence[str]) -> None:
        self._memories = MemoryBlockFilter()
        self._markers = MarkerFilter()
        self._speakers = SpeakerFilter(own_names=own_names, other_names=other_names)
        self._spacing = SpacingFilter()

    @property
    def finished(self) -> bool:
        """Whether someone else's words began: nothing more will come, the stream may be stopped."""
        return self._markers.finished or self._speakers.finished

    @property
    def memories(self) -> tuple[str, ...]:
        """The memory blocks taken out so far, as they were written."""
        return tuple(self._memories.blocks)

    def feed(self, text: str) -> str:
        """Take more of the reply and return what may be shown of it."""
        own = self._markers.feed(self._memories.feed(text))
        return self._spacing.feed(self._speakers.feed(own))

    def close(self) -> str:
        """Return what was held back, as the end of the reply."""
        own = self._markers.feed(self._memories.close()) + self._markers.close()
        words = self._speakers.feed(own) + self._speakers.close()
        return self._spacing.feed(words)


class GuardedReply:
    """A reply filter and, after it, the guard that takes out what nobody may say."""

    def __init__(self, words: ReplyFilter, guard: OutputGuard) -> None:
        self._words = words
        self._guard = guard

    @property
    def finished(self) -> bool:
        """Whether nothing more will come; the stream may be stopped."""
        return self._words.finished

    @property
    def memories(self) -> tuple[str, ...]:
        """The memory blocks taken out so far, as they were written."""
        return self._words.memories

    def feed(self, text: str) -> str:
        """Take more of the reply and return what may be shown of it."""
        return self._guard.feed(self._words.feed(text))

    def close(self) -> str:
        """Return what was held back, as the end of the reply."""
        return self._guard.feed(self._words.close()) + self._guard.close()


class SpacingFilter:
    """Drops whitespace around a text and all but one of three or more blank lines."""

    def __init__(self) -> None:
        self._begun = False
        self._gap = ""

    def feed(self, text: str) -> str:
        """Take more text and return it up to its last visible character."""
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        words = self._gap + text
        visible = words.rstrip()
        self._gap = _WIDE_GAP.sub("\n\n\n\n", words[len(visible) :])
        return _WIDE_GAP.sub("\n\n", visible)


def stop_sequences(own: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return strings at which a provider may stop: other speakers' lines, eight at most.

    Earlier names in ``others`` come first; names the persona shares are left out.
    """
    mine = {name.strip().casefold() for name in own}
    names = dict.fromkeys(name.strip() for name in others)
    stops = (f"\n{name}:" for name in names if name and name.casefold() not in mine)
    return tuple(stops)[:MOST_STOP_SEQUENCES]
