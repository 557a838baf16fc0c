"""What may be told to the model besides persona and history, and which of it a message deserves."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from services.domain.clock import Clock
from services.domain.ids import ConversationId
from services.domain.messages import Message, Modality
from services.domain.replies import TurnBrief
from services.people.answer_style import AnswerStyles
from services.people.timezones import zone
from services.persona.prompts import PromptLibrary

_SMALL_TALK_WORDS = 4
_QUESTION = re.compile(
    r"[?\uff1f]|^\s*(who|what|when|where|why|how|which|do|does|did|is|are|can|could|will)\b",
    re.IGNORECASE,
)
_RECALL = re.compile(
    r"\b(remember|recall|forgot|last (time|week|month|year|night)|yesterday|earlier|ago|before"
    r"|again|still|told you|we talked|you said|i said)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(time|clock|date|tomorrow|yesterday|weekday|weekend|birthday|(what|which) day"
    r"|(mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)


class Need(StrEnum):
    """Kinds of context. Every message has ``PRESENT``; the rest depends on what is said."""

    PRESENT = "present"
    TIME = "time"
    RECALL = "recall"
    KNOWLEDGE = "knowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextBlock:
    """A piece of context; ``refs`` names the records it was made from, for ``why``."""

    text: str
    refs: tuple[str, ...] = ()


class ContextSource(Protocol):
    """Something that knows more than the history does.

    ``priority`` decides who is dropped when the budget is short; higher stays longer.
    """

    @property
    def name(self) -> str:
        """A stable name, shown in ``why``."""
        ...

    @property
    def priority(self) -> int:
        """Higher is kept longer."""
        ...

    @property
    def serves(self) -> Need:
        """The need that makes this source worth asking."""
        ...

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return blocks for ``turn``, best first; may be cancelled at any time."""
        ...


@runtime_checkable
class ForeseeingSource(Protocol):
    """A source that can begin before it is asked."""

    def foresee(self, text: str, /) -> None:
        """Begin with what needs nothing but the text of the turn to come; returns at once."""
        ...


def needs_of(brief: TurnBrief) -> Mapping[Need, str]:
    """Say which kinds of context a turn deserves, each with the reason.

    Small talk (a few words, no question, no look back) gets only what is always there. The cues
    are English; without one a longer message still gets recall.
    """
    said = " ".join(message.text for message in brief.burst)
    return needs_of_text(said or (brief.instruction or ""))


def needs_of_text(text: str, /) -> Mapping[Need, str]:
    """Say the same of what a turn is about."""
    needs = {Need.PRESENT: "always"}
    if _TIME.search(text):
        needs[Need.TIME] = "speaks of time"
    if _RECALL.search(text):
        return needs | {Need.RECALL: "looks back", Need.KNOWLEDGE: "looks back"}
    if _QUESTION.search(text):
        return needs | {Need.RECALL: "question", Need.KNOWLEDGE: "question"}
    if len(text.split()) > _SMALL_TALK_WORDS:
        return needs | {Need.RECALL: "more than small talk"}
    return needs


class TimeSource:
    """The date and the part of the day, coarse so that prompts seldom change."""

    name = "time"
    priority = 90
    serves = Need.TIME

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block with today's date and the hour, in the zone of the turn."""
        now = self._clock.now().astimezone(zone(turn.timezone))
        return [ContextBlock(text=f"It is {now:%A, %d %B %Y}, about {now:%H}:00.")]


class AnswerStyleSource:
    """How the person who asked for a turn would like to be answered."""

    name = "answer_style"
    priority = 80
    serves = Need.PRESENT

    def __init__(self, styles: AnswerStyles, *, prompts: PromptLibrary) -> None:
        self._styles = styles
        self._prompts = prompts

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return the asker's wish, quoted; nothing for anybody else's, or without an asker."""
        style = await self._styles.of_author(turn.asker)
        if style is None or turn.asker is None:
            return []
        text = self._prompts.render(
            "conversation/answer_style",
            user=_quoted(turn.asker.display_name),
            style=_quoted(style.text),
        )
        return [ContextBlock(text=text, refs=(f"answer_style:{style.preset or 'own'}",))]


class SpokenSource:
    """That an answer will be heard, not read."""

    name = "spoken"
    priority = 95
    serves = Need.PRESENT

    def __init__(self, prompts: PromptLibrary) -> None:
        self._prompts = prompts

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block for turns that answer speech."""
        if turn.modality is not Modality.VOICE:
            return []
        return [ContextBlock(text=self._prompts.render("conversation/spoken"))]


class OverheardSource:
    """What was said nearby to nobody in particular, from the gate's bounded window."""

    name = "overheard"
    priority = 40
    serves = Need.PRESENT
    _LINES = 10

    def __init__(self, overheard: Callable[[ConversationId], Sequence[Message]]) -> None:
        self._overheard = overheard

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block with the last ten lines, oldest first."""
        recent = deque(self._overheard(turn.conversation), maxlen=self._LINES)
        lines = [f"{message.author.display_name}: {message.text[:300]}" for message in recent]
        if not lines:
            return []
        refs = tuple(str(message.id) for message in recent)
        return [ContextBlock(text="Said nearby just before:\n" + "\n".join(lines), refs=refs)]


def _quoted(text: str) -> str:
    """Return ``text`` as one line that cannot close the marks around it."""
    return " ".join(text.split()).replace("<", "\u2039").replace(">", "\u203a")
