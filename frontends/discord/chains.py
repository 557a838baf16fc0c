"""How long machines have been talking to each other without a human."""

from __future__ import annotations

from collections import OrderedDict

from services.domain.ids import ConversationId
from services.domain.people import AuthorKind

_PLACES = 5_000


class Chains:
    """Counts the messages of bots since a human last wrote, per conversation."""

    def __init__(self) -> None:
        self._steps: OrderedDict[ConversationId, int] = OrderedDict()

    def human(self, conversation: ConversationId) -> None:
        """Begin anew; a human has written."""
        if self._steps:
            self._steps.pop(conversation, None)

    def hop(self, conversation: ConversationId, kind: AuthorKind) -> int:
        """Count a message that is taken in, and return how many steps it is from a human."""
        if kind is AuthorKind.HUMAN:
            self.human(conversation)
            return 0
        steps = self._steps.get(conversation, 0) + 1
        self._steps[conversation] = steps
        self._steps.move_to_end(conversation)
        if len(self._steps) > _PLACES:
            self._steps.popitem(last=False)
        return steps
