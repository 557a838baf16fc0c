"""How a story goes on in a character's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, Field

from services.domain.errors import ProviderError
from services.games.story import Story
from services.llm.model import ChatRequest, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.llm.thinking import ModelSource, Prompts

logger = logging.getLogger(__name__)

_LONGEST = 1200
_LONGEST_MANNER = 600
_SECONDS = 60.0
_TOKENS = 350


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A character: its name and what it is like."""

    name: str
    manner: str


class Storyteller(Protocol):
    """Writes for a character."""

    async def go_on(self, story: Story, speaker: Speaker, *, tenant: str) -> str:
        """Return the next part of a story; empty without one, and never raises."""
        ...


class _Continuation(BaseModel):
    text: str = Field(min_length=1, max_length=2 * _LONGEST)


class ModelStoryteller:
    """Asks the model that answers people, once a part, for at most 60 seconds.

    What people wrote is quoted to it. Parts are given as ``screen`` returns them.
    """

    def __init__(
        self,
        models: ModelSource,
        prompts: Prompts,
        *,
        screen: Callable[[str], Awaitable[str]],
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._screen = screen

    async def go_on(self, story: Story, speaker: Speaker, *, tenant: str) -> str:
        """Return a part of at most 1,200 characters."""
        question = self._prompts.render(
            "games/story",
            title=story.title,
            parts=[(part.name, part.text.splitlines()) for part in story.parts],
            character=speaker.name,
            manner=" ".join(speaker.manner.split())[:_LONGEST_MANNER],
        )
        request = ChatRequest(
            messages=[PromptMessage(role=PromptRole.USER, content=question, source="games")],
            sampling=Sampling(max_tokens=_TOKENS, temperature=0.9),
            think=False,
            tenant=tenant,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                model = await self._models.get()
                answer = await ask_typed(model, request, _Continuation)
        except TimeoutError:
            logger.info("a story was not gone on with", extra={"code": "too_late"})
            return ""
        except ProviderError as error:
            logger.info("a story was not gone on with", extra={"code": error.code})
            return ""
        return (await self._screen(answer.text.strip()[:_LONGEST])).strip()
