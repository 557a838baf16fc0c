"""What was said to nobody: a short memory that is never written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from services.conversation.limits import BoundedMap
from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message

MOST_MESSAGES = 50
LONGEST_SECONDS = 3600.0
_MOST_CONVERSATIONS = 500
_MOST_CHARACTERS = 4000  # a longer message is not kept, which bounds the memory of the whole


class Overheard:
    """Per conversation the last 50 messages of the last hour, for the 500 latest conversations."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places: BoundedMap[ConversationId, deque[tuple[float, Message]]] = BoundedMap(
            _MOST_CONVERSATIONS
        )

    def add(self, message: Message) -> None:
        """Remember the message for an hour."""
        if len(message.text) > _MOST_CHARACTERS:
            return
        place = self._places.get(message.conversation)
        if place is None:
            place = deque(maxlen=MOST_MESSAGES)
            self._places.put(message.conversation, place)
        place.append((self._clock.monotonic(), message))

    def recent(self, conversation: ConversationId) -> Sequence[Message]:
        """Return what is remembered of the conversation, oldest first."""
        place = self._places.get(conversation)
        if place is None:
            return ()
        oldest = self._clock.monotonic() - LONGEST_SECONDS
        while place and place[0][0] < oldest:
            place.popleft()
        return tuple(message for _, message in place)

    def forget_authors(self, accounts: Collection[AuthorId]) -> None:
        """Forget everything that some accounts said."""
        for place in self._places.values():
            kept = [entry for entry in place if entry[1].author.id not in accounts]
            place.clear()
            place.extend(kept)

    def forget(self, conversation: ConversationId, message: MessageId | None = None) -> None:
        """Forget one message, or the whole conversation."""
        place = self._places.get(conversation)
        if message is None or place is None:
            self._places.drop(conversation)
            return
        kept = [entry for entry in place if entry[1].id != message]
        place.clear()
        place.extend(kept)
