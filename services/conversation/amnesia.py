"""Dropping what the process holds in memory of somebody who is forgotten."""

from __future__ import annotations

from collections.abc import Collection

from services.conversation.document_reading import DocumentReading
from services.conversation.history import History
from services.conversation.pictures import Pictures
from services.conversation.recollection import Viewers
from services.conversation.scene_state import SceneStates
from services.conversation.service import ConversationService
from services.domain.ids import ConversationId
from services.llm.wrapping import Wrapping
from services.memory.forgetting.ground import Forgotten
from services.people.permissions import Permissions
from services.people.personas import UserPersonaBook
from services.people.repository import PeopleRepository
from services.people.scopes import ScopedSettings


class Amnesia:
    """Tells everything that keeps words, names or choices in memory; ``Forgetting`` calls it."""

    def __init__(
        self,
        *,
        conversations: ConversationService,
        history: History,
        states: SceneStates,
        people: PeopleRepository,
        scopes: ScopedSettings,
        permissions: Permissions,
        user_personas: UserPersonaBook,
        viewers: Viewers,
        pictures: Pictures,
        documents: DocumentReading,
        answers: Wrapping,
    ) -> None:
        self._conversations = conversations
        self._caches = (
            history,
            states,
            people,
            scopes,
            permissions,
            user_personas,
            viewers,
            pictures,
            documents,
        )
        self._answers = answers

    async def hush(self, conversations: Collection[str], /) -> None:
        """Interrupt the answers that run in ``conversations``; waits 3 s at most."""
        await self._conversations.hush([ConversationId.parse(one) for one in conversations])

    def forget(self, forgotten: Forgotten, /) -> None:
        """Have everything read from the database again."""
        for cache in self._caches:
            cache.refresh()
        self._answers.forget_answers()
        places = [ConversationId.parse(one) for one in forgotten.conversations]
        self._conversations.forget(places, forgotten.accounts, wholly=forgotten.place is not None)
