"""Which turns are for the bot: all, those that name it, or those of a held key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum

from services.domain.ids import AuthorId
from services.voice.listening.names import SpokenNames
from services.voice.listening.wording import words_of

FOLLOW_UP_SECONDS = 12.0
"""How long after an exchange with the bot a person need not name it again."""

_MOST_PEOPLE = 128


class WakeRule(StrEnum):
    """When a turn is for the bot."""

    ALWAYS = "always"
    BY_NAME = "by_name"
    PUSH_TO_LISTEN = "push_to_listen"


class Wake:
    """Decides who is heard and whose turns are addressed to the bot.

    By name, a person who was answered goes on unnamed for ``FOLLOW_UP_SECONDS``; names may be
    misspelled, as recognisers do. Push to listen hears nothing but the people who hold the key.
    """

    def __init__(self, rule: WakeRule, *, names: Sequence[str]) -> None:
        self.rule = rule
        self._names: tuple[str, ...] = ()
        self._spoken_names = SpokenNames()
        self._engaged: OrderedDict[AuthorId, float] = OrderedDict()
        self._pressed: OrderedDict[AuthorId, None] = OrderedDict()
        self.call(names)

    @property
    def names(self) -> Sequence[str]:
        """The names the bot goes by."""
        return self._names

    @property
    def spoken_names(self) -> SpokenNames:
        """The same, to be found in what was said."""
        return self._spoken_names

    def call(self, names: Sequence[str], /) -> None:
        """Replace the names the bot goes by."""
        if tuple(names) != self._names:
            self._names = tuple(names)
            self._spoken_names = SpokenNames(names)

    def press(self, speaker: AuthorId, /) -> None:
        """Let a person hold the key."""
        self._pressed[speaker] = None
        while len(self._pressed) > _MOST_PEOPLE:
            self._pressed.popitem(last=False)

    def release(self, speaker: AuthorId, /) -> None:
        """Let a person release the key."""
        self._pressed.pop(speaker, None)

    def engage(self, speaker: AuthorId, /, *, at: float) -> None:
        """Note an exchange with a person, as when the bot has answered them."""
        self._engaged[speaker] = at
        self._engaged.move_to_end(speaker)
        while len(self._engaged) > _MOST_PEOPLE:
            self._engaged.popitem(last=False)

    def hears(self, speaker: AuthorId, /) -> bool:
        """Say whether a person's sound may be listened to at all."""
        return self.rule is not WakeRule.PUSH_TO_LISTEN or speaker in self._pressed

    def participates(self, speaker: AuthorId, /, *, at: float) -> bool:
        """Say whether a person is in conversation with the bot without naming it."""
        if self.rule is not WakeRule.BY_NAME:
            return True
        last = self._engaged.get(speaker)
        return last is not None and at - last <= FOLLOW_UP_SECONDS

    def names_bot(self, text: str, /) -> bool:
        """Say whether a transcript has one of the bot's names in it."""
        return self._spoken_names.within(words_of(text))

    def addressed(self, speaker: AuthorId, text: str, /, *, since: float) -> bool:
        """Say whether a turn that began at ``since`` is for the bot."""
        return self.participates(speaker, at=since) or self.names_bot(text)
