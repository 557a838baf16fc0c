"""A reminder in the words of the character that took it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, Field

from services.domain.ids import ConversationId, PersonaId
from services.llm.model import Priority
from services.llm.thinking import Urgency
from services.reminders.reminder import Reminder

PLAIN = "Here is what I was to remind you of."
"""What is said when the character's own words do not come in time."""

_LONGEST = 300
_SECONDS = 4.0
_AT_ONCE = 2
_MANNER = 600
_FORBIDDEN = ("http", "@", "<", ">", "`", "#")

Answer = TypeVar("Answer", bound=BaseModel)

Screen = Callable[[str, ConversationId], Awaitable[str]]
"""Returns a character's words as they may be shown in a conversation."""


class Thinker(Protocol):
    """A model that answers in a form, or not at all."""

    async def answer(
        self, kind: str, question: str, form: type[Answer], *, urgency: Urgency
    ) -> Answer | None:
        """Return the answer to ``question``; ``None`` without one in time."""
        ...


class Prompts(Protocol):
    """The wording of prompts."""

    def render(self, name: str, **values: object) -> str:
        """Return template ``name`` filled with ``values``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A character: its name and what it is like."""

    name: str
    manner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Who tells a reminder, and with which words beside the text itself."""

    speaker: str
    words: str


class _Sentence(BaseModel):
    sentence: str = Field(min_length=1, max_length=_LONGEST)


class Phrasing:
    """Asks a model for one sentence, for at most four seconds and twice at a time.

    Everything else, and everything that does not look like a plain sentence, gets a fixed one.
    ``screen`` has the last word on what the model said.
    """

    def __init__(
        self,
        thinker: Thinker,
        prompts: Prompts,
        *,
        speaker: Callable[[PersonaId], Speaker | None],
        screen: Screen,
        seconds: float = _SECONDS,
    ) -> None:
        self._thinker = thinker
        self._prompts = prompts
        self._speaker = speaker
        self._screen = screen
        self._seconds = seconds
        self._running = 0

    async def of(self, reminder: Reminder, *, hurried: bool) -> Wording:
        """Return how ``reminder`` is told; ``hurried`` asks no model."""
        speaker = self._speaker(reminder.persona) if reminder.persona else None
        if speaker is None:
            return Wording(speaker="", words=PLAIN)
        words = ""
        if not hurried and self._running < _AT_ONCE:
            self._running += 1
            try:
                words = await self._asked(speaker, reminder)
            finally:
                self._running -= 1
        return Wording(speaker=speaker.name, words=words or PLAIN)

    async def _asked(self, speaker: Speaker, reminder: Reminder) -> str:
        question = self._prompts.render(
            "reminders/phrase",
            speaker=speaker.name,
            manner=speaker.manner[:_MANNER].splitlines(),
            lines=reminder.text.splitlines(),
        )
        urgency = Urgency(
            priority=Priority.CONVERSATION, tenant=str(reminder.owner), seconds=self._seconds
        )
        found = await self._thinker.answer("reminder", question, _Sentence, urgency=urgency)
        sentence = " ".join(found.sentence.split()) if found else ""
        if not sentence or any(sign in sentence for sign in _FORBIDDEN):
            return ""
        return await self._screen(sentence, reminder.conversation)
