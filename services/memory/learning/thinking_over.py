"""Asking a model what messages teach; its answer is only a claim about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatRequest, Priority, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.llm.thinking import ModelSource, Prompts
from services.memory.learning.extraction import Claim
from services.memory.learning.topics import TopicName
from services.observability.metrics import Metrics
from services.settings import LlmSettings, MemorySettings

logger = logging.getLogger(__name__)

AT_ONCE = 6
"""Messages a model is shown at once: small models lose track of more."""

_MOST_CLAIMS = 8
_CHARACTERS = 1200
_MAX_TOKENS = 500
_SECONDS = 120.0
_FEWEST_LETTERS = 12


class _Claimed(BaseModel):
    source: Annotated[int, Field(ge=1, le=AT_ONCE)]
    quote: Annotated[str, StringConstraints(max_length=240)]
    about: Annotated[str, StringConstraints(max_length=60)]
    topic: TopicName
    detail: Annotated[str, StringConstraints(max_length=30)] = ""
    value: Annotated[str, StringConstraints(max_length=120)]
    ends: bool = False


class _Answer(BaseModel):
    facts: Annotated[list[_Claimed], Field(max_length=_MOST_CLAIMS)]
    warmth: Annotated[int, Field(ge=-1, le=1)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message as a model is shown it."""

    author: str
    text: str

    @property
    def worth_reading(self) -> bool:
        """Whether there is enough of it to hold a fact."""
        return sum(letter.isalpha() for letter in self.text) >= _FEWEST_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What a model claims of each message, and how warm the last one is: -1, 0 or 1."""

    claims: list[list[Claim]]
    warmth: int = 0


@dataclass(frozen=True, slots=True)
class _Shown:
    number: int
    author: str
    lines: list[str]


class ThinkingOver:
    """Asks the learning model, or the thinking one, when nobody else needs it."""

    def __init__(
        self,
        models: ModelSource,
        prompts: Prompts,
        settings: MemorySettings,
        llm: LlmSettings,
        *,
        metrics: Metrics | None = None,
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._name = settings.learner or llm.thinking_model
        self._metrics = metrics

    def apply(self, settings: MemorySettings, llm: LlmSettings) -> None:
        """Ask the model that the settings name from now on."""
        self._name = settings.learner or llm.thinking_model

    async def claims(self, messages: Sequence[Written], *, tenant: str) -> Thought | None:
        """Return what is claimed of each of up to six messages, ``None`` when no model answered.

        An answer in another form than asked for claims nothing. It is asked in the background: a
        conversation that needs the model cuts it off. Never raises ``ProviderError``.
        """
        found: list[list[Claim]] = [[] for _ in messages]
        shown = [
            _Shown(number, each.author, each.text[:_CHARACTERS].splitlines())
            for number, each in enumerate(messages[:AT_ONCE], start=1)
        ]
        question = self._prompts.render("memory/extract", messages=shown)
        request = ChatRequest(
            messages=[PromptMessage(role=PromptRole.USER, content=question, source="learning")],
            sampling=Sampling(max_tokens=_MAX_TOKENS, temperature=0.0),
            think=False,
            priority=Priority.BACKGROUND,
            tenant=tenant,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                model = await self._models.get(self._name)
                answer = await ask_typed(model, request, _Answer)
        except TimeoutError:
            self._unanswered("too_late")
            return None
        except ProviderError as error:
            self._unanswered(error.code)
            return Thought(claims=found) if error.fault is ProviderFault.MALFORMED else None
        for each in answer.facts:
            if each.source <= len(found):
                found[each.source - 1].append(_claim(each))
        return Thought(claims=found, warmth=answer.warmth)

    def _unanswered(self, code: str) -> None:
        logger.info("nothing was learnt by a model", extra={"code": code})
        if self._metrics is not None:
            self._metrics.count("thinking_unanswered", kind="learning")


def _claim(each: _Claimed) -> Claim:
    return Claim(
        topic=each.topic,
        value=each.value,
        detail=each.detail,
        quote=each.quote or each.value,
        about=each.about,
        ends=each.ends,
    )
