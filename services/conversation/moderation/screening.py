"""What people may say to characters: judged before it is answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel

from services.conversation.limits import Limits
from services.conversation.moderation.policy import ContentPolicy
from services.conversation.moderation.rules import ContentRules
from services.domain.clock import Clock
from services.domain.messages import Message
from services.domain.people import AuthorKind
from services.llm.model import Priority
from services.llm.thinking import Thinking, Urgency
from services.observability.metrics import Metrics
from services.persona.prompts import PromptLibrary
from services.settings import ModerationSettings

logger = logging.getLogger(__name__)

NOTICE_SECONDS = 600.0
"""How long a person who was told why gets no answer is not told again."""

_MODEL_SECONDS = 5.0
_MOST_CHARACTERS = 6_000
_WORDS_SENTENCE = (
    "That has words in it that are not wanted here, so nobody answers; please put it differently."
)
_MODEL_SENTENCE = "That is not wanted here, so nobody answers; please talk about something else."

Category = Literal["none", "harassment", "hate", "sexual", "minors", "self_harm", "danger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a message may be answered.

    Of a refused one ``by`` tells what refused it, ``category`` why if a model did, and
    ``sentence`` what its author may be told; ``notify`` is set once per person in ten minutes.
    """

    refused: bool = False
    by: Literal["", "words", "model"] = ""
    category: Category = "none"
    sentence: str = ""
    notify: bool = False


PASSED = Verdict()


class InboundModeration(Protocol):
    """Judges messages before they are answered; ``place`` is what is forbidden there."""

    async def screen(self, message: Message, place: ContentRules, /) -> Verdict:
        """Judge ``message`` by words and patterns alone."""
        ...

    async def judge(self, message: Message, place: ContentRules, /) -> Verdict:
        """Judge ``message`` by words and patterns, then by the moderating model, if one is set."""
        ...


class Judgement(BaseModel):
    """What the moderating model answers."""

    refuse: bool
    category: Category


class Moderation:
    """Refuses what the rules forbid, then what the moderating model finds, if one is set.

    A model that fails or takes longer than five seconds lets the message pass; that is counted
    (``moderation_unjudged``). What characters say themselves is not judged.
    """

    def __init__(
        self,
        settings: ModerationSettings,
        *,
        policy: ContentPolicy,
        thinking: Thinking,
        prompts: PromptLibrary,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._thinking = thinking
        self._prompts = prompts
        self._metrics = metrics
        self._notices = Limits(clock, window_seconds=NOTICE_SECONDS)

    def reconfigure(self, settings: ModerationSettings) -> None:
        """Ask the model of ``settings`` from the next message on."""
        self._settings = settings

    async def screen(self, message: Message, place: ContentRules, /) -> Verdict:
        """Judge ``message`` by words and patterns alone; a long text in a thread."""
        if message.author.kind is AuthorKind.PERSONA:
            return PASSED
        if await self._policy.joined(place).found_in(message.text):
            return self._refused(message, by="words", sentence=_WORDS_SENTENCE)
        return PASSED

    async def judge(self, message: Message, place: ContentRules, /) -> Verdict:
        """Judge ``message`` by words and patterns, then by the model; never raises."""
        screened = await self.screen(message, place)
        if screened.refused or message.author.kind is AuthorKind.PERSONA:
            return screened
        judgement = await self._asked(message)
        if judgement is None or not judgement.refuse:
            return PASSED
        return self._refused(
            message, by="model", sentence=_MODEL_SENTENCE, category=judgement.category
        )

    async def _asked(self, message: Message) -> Judgement | None:
        model, text = self._settings.model, message.text
        if not model or not text.strip():
            return None
        place = message.conversation
        judgement = await self._thinking.answer(
            "moderation",
            self._prompts.render("conversation/moderate", lines=_excerpt(text).splitlines()),
            Judgement,
            model=model,
            urgency=Urgency(
                priority=Priority.CONVERSATION,
                tenant=f"{place.platform}:{place.scope}",
                seconds=_MODEL_SECONDS,
            ),
        )
        if judgement is None:
            self._metrics.count("moderation_unjudged")
        return judgement

    def _refused(
        self,
        message: Message,
        *,
        by: Literal["words", "model"],
        sentence: str,
        category: Category = "none",
    ) -> Verdict:
        self._metrics.count("moderation_refused", by=by)
        logger.info("message refused", extra={"by": by, "category": category})
        return Verdict(
            refused=True,
            by=by,
            category=category,
            sentence=sentence,
            notify=self._notices.first_refusal(message.author.id),
        )


def _excerpt(text: str) -> str:
    """Return the beginning and the end of what is too long to be judged as a whole."""
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:half]}\n[…]\n{text[-half:]}"
