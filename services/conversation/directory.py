"""Where the core can speak first, and the sessions held in memory."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from services.conversation.session import Session
from services.domain.errors import Busy
from services.domain.ids import ConversationId
from services.domain.replies import Delivery
from services.lifecycle import Supervisor

logger = logging.getLogger(__name__)

Reach = Callable[[ConversationId], Awaitable[Delivery | None]]


class DeliveryDirectory:
    """Frontends say here how their conversations are reached."""

    def __init__(self) -> None:
        self._frontends: dict[str, Reach] = {}

    def register(self, platform: str, reach: Reach) -> None:
        """Let ``reach`` find deliveries for conversations of ``platform``; the last one counts."""
        self._frontends[platform] = reach

    async def reach(self, conversation: ConversationId, /) -> Delivery | None:
        """Return a delivery to ``conversation``, or ``None`` when no frontend serves it now."""
        reach = self._frontends.get(conversation.platform)
        return await reach(conversation) if reach is not None else None


class SessionDirectory:
    """At most ``limit`` sessions; the one unused longest makes room if it is quiet."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        create: Callable[[ConversationId], Session],
        limit: int,
    ) -> None:
        self._supervisor = supervisor
        self._create = create
        self._limit = limit
        self._sessions: OrderedDict[ConversationId, Session] = OrderedDict()

    def find(self, conversation: ConversationId) -> Session | None:
        """Return the live session of ``conversation``, if any."""
        return self._sessions.get(conversation)

    def open(self, conversation: ConversationId) -> Session:
        """Return the session of ``conversation``, started if need be.

        Raises ``Busy`` when all ``limit`` sessions are at work.
        """
        session = self._sessions.get(conversation)
        if session is None or session.closed:
            self._make_room()
            session = self._create(conversation)
            self._sessions[conversation] = session
            self._supervisor.start(f"session {conversation}", self._life(conversation, session))
        self._sessions.move_to_end(conversation)
        return session

    def all(self) -> list[Session]:
        """Return every live session."""
        return list(self._sessions.values())

    def _life(
        self, conversation: ConversationId, session: Session
    ) -> Callable[[], Awaitable[None]]:
        async def life() -> None:
            try:
                await session.run()
            finally:
                if self._sessions.get(conversation) is session:
                    del self._sessions[conversation]

        return life

    def _make_room(self) -> None:
        if len(self._sessions) < self._limit:
            return
        for conversation, session in self._sessions.items():
            if session.retire():
                del self._sessions[conversation]
                return
        raise Busy("sessions_full", "Too many conversations are going on; try again in a moment.")
