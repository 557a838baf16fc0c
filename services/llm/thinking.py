"""Small questions for the cheap model: yes or no, which label, what title."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel, Field, create_model

from services.domain.errors import ProviderError
from services.llm.model import ChatModel, ChatRequest, Priority, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.observability.metrics import Metrics
from services.settings import LlmSettings

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=BaseModel)

NO_LABEL = "none"

_MOST_LABELS = 50
_MOST_CHARACTERS = 6000
_TITLE_CHARACTERS = 80
_MAX_TOKENS = 64


class ModelSource(Protocol):
    """Where chat models come from."""

    async def get(self, name: str | None = None) -> ChatModel:
        """Return an opened model, the configured one if ``name`` is ``None``."""
        ...


class Prompts(Protocol):
    """The wording of prompts."""

    def render(self, name: str, **values: object) -> str:
        """Return template ``name`` filled with ``values``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """Who waits for an answer, on whose behalf, and for how many seconds at most."""

    priority: Priority = Priority.BACKGROUND
    tenant: str = ""
    seconds: float = 60.0


IN_PASSING = Urgency()
"""Whenever the server is idle."""


class _Verdict(BaseModel):
    yes: bool


class _Title(BaseModel):
    title: str = Field(min_length=1, max_length=_TITLE_CHARACTERS)


class Thinking:
    """Asks the thinking model, or the one that answers when none is set.

    What is to be judged is quoted as data, its end kept when it is too long. Equal questions may
    be answered from the cache. A model that fails, answers in another form or takes too long has
    not answered; that is logged and counted (``thinking_unanswered{kind}``), never raised.
    """

    def __init__(
        self,
        models: ModelSource,
        prompts: Prompts,
        settings: LlmSettings,
        *,
        metrics: Metrics | None = None,
    ) -> None:
        self._models = models
        self._prompts = prompts
        self._settings = settings
        self._metrics = metrics

    def apply(self, settings: LlmSettings) -> None:
        """Use the thinking model of ``settings`` from now on."""
        self._settings = settings

    async def yes_no(
        self, question: str, context: str, *, urgency: Urgency = IN_PASSING
    ) -> bool | None:
        """Answer ``question`` about ``context``; ``None`` without an answer."""
        text = self._prompts.render("thinking/yes_no", question=question, lines=_quoted(context))
        answer = await self._ask("yes_no", text, _Verdict, urgency)
        return None if answer is None else answer.yes

    async def classify(
        self, text: str, labels: Sequence[str], *, urgency: Urgency = IN_PASSING
    ) -> str | None:
        """Return the one of ``labels`` (1 to 50) that fits; ``None`` when none does, or unknown."""
        if not 1 <= len(labels) <= _MOST_LABELS:
            raise ValueError(f"{len(labels)} labels")  # noqa: TRY003
        choice = _choice_of(tuple(labels))
        question = self._prompts.render("thinking/classify", labels=labels, lines=_quoted(text))
        answer = await self._ask("classify", question, choice, urgency)
        label = None if answer is None else str(getattr(answer, "label", NO_LABEL))
        return label if label in labels else None

    async def title(self, conversation: str, *, urgency: Urgency = IN_PASSING) -> str:
        """Return a title of at most 80 characters; the first words said when there is none."""
        text = self._prompts.render("thinking/title", lines=_quoted(conversation))
        answer = await self._ask("title", text, _Title, urgency)
        title = " ".join(answer.title.split()).strip("\"'“”„ ") if answer else ""
        return title or _first_words(conversation)

    async def answer(
        self,
        kind: str,
        question: str,
        form: type[Answer],
        *,
        urgency: Urgency = IN_PASSING,
        model: str | None = None,
    ) -> Answer | None:
        """Return the answer of ``model``, by default the thinking one, in ``form``.

        ``question`` has to quote as data what it asks about. ``None`` without an answer, which is
        counted under ``kind``.
        """
        return await self._ask(kind, question, form, urgency, model=model)

    async def _ask(
        self,
        kind: str,
        question: str,
        answer: type[Answer],
        urgency: Urgency,
        *,
        model: str | None = None,
    ) -> Answer | None:
        message = PromptMessage(role=PromptRole.USER, content=question, source=f"thinking {kind}")
        request = ChatRequest(
            messages=[message],
            sampling=Sampling(max_tokens=_MAX_TOKENS, temperature=0.0),
            think=False,
            priority=urgency.priority,
            tenant=urgency.tenant,
            repeatable=True,
        )
        try:
            async with asyncio.timeout(urgency.seconds):
                asked = await self._models.get(model or self._settings.thinking_model)
                return await ask_typed(asked, request, answer)
        except TimeoutError:
            code = "too_late"
        except ProviderError as error:
            code = error.code
        logger.info("a small question was not answered", extra={"kind": kind, "code": code})
        if self._metrics is not None:
            self._metrics.count("thinking_unanswered", kind=kind)
        return None


def _quoted(text: str) -> list[str]:
    """Return the lines of the end of ``text``, whatever ends them."""
    return text[-_MOST_CHARACTERS:].splitlines()


def _first_words(text: str) -> str:
    words = " ".join(text[: _TITLE_CHARACTERS * 4].split())
    if len(words) <= _TITLE_CHARACTERS:
        return words
    return words[: _TITLE_CHARACTERS - 1].rpartition(" ")[0] + "…"


@functools.lru_cache(maxsize=64)
def _choice_of(labels: tuple[str, ...]) -> type[BaseModel]:
    allowed = Literal[(*labels, NO_LABEL)]  # type: ignore[valid-type]
    return create_model("Choice", label=(allowed, ...))
