"""What a model adds to projects: a first checklist, a look back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, Field, StringConstraints

from services.domain.errors import InvalidRequest, ProviderError
from services.llm.model import ChatRequest, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.llm.thinking import ModelSource, Prompts
from services.projects.records import Project
from services.projects.rules import LONGEST_TITLE, one_line

logger = logging.getLogger(__name__)

MOST_PROPOSED = 10
"""Tasks proposed for a new project."""

_PLAN_TOKENS = 500
_LOOK_BACK_TOKENS = 200
_SECONDS = 60.0
_LONGEST_LOOK_BACK = 600
_MOST_LINES = 60

_AnswerT = TypeVar("_AnswerT", bound=BaseModel)


class Planner(Protocol):
    """Proposes and sums up; without an answer both return what is empty, and never raise."""

    async def checklist(self, project: Project, *, tenant: str) -> Sequence[str]:
        """Return up to 10 tasks for a project; nothing is stored."""
        ...

    async def look_back(self, lines: Sequence[str], *, tenant: str) -> str:
        """Return two or three sentences on what was done and what is left."""
        ...


class _Checklist(BaseModel):
    tasks: Annotated[
        list[Annotated[str, StringConstraints(max_length=200)]], Field(max_length=MOST_PROPOSED)
    ]


class _LookBack(BaseModel):
    summary: str = Field(min_length=1, max_length=_LONGEST_LOOK_BACK)


class ModelPlanner:
    """Asks the model that answers people, once per proposal, for at most 60 seconds."""

    def __init__(self, models: ModelSource, prompts: Prompts) -> None:
        self._models = models
        self._prompts = prompts

    async def checklist(self, project: Project, *, tenant: str) -> Sequence[str]:
        """Return up to 10 different tasks for a project, each as it could be added."""
        question = self._prompts.render(
            "projects/checklist",
            title=project.title,
            lines=project.description.splitlines(),
            tags=project.tags,
            most=MOST_PROPOSED,
        )
        answer = await self._ask(question, _Checklist, tokens=_PLAN_TOKENS, tenant=tenant)
        found: dict[str, str] = {}
        for task in answer.tasks if answer is not None else ():
            try:
                label = one_line(task.lstrip("-*•0123456789.) "), longest=LONGEST_TITLE, what="It")
            except InvalidRequest:
                continue
            found.setdefault(label.casefold(), label)
        return list(found.values())[:MOST_PROPOSED]

    async def look_back(self, lines: Sequence[str], *, tenant: str) -> str:
        """Return a summary of at most 600 characters on one line."""
        question = self._prompts.render("projects/look_back", lines=lines[:_MOST_LINES])
        answer = await self._ask(question, _LookBack, tokens=_LOOK_BACK_TOKENS, tenant=tenant)
        return "" if answer is None else " ".join(answer.summary.split())

    async def _ask(
        self, question: str, form: type[_AnswerT], *, tokens: int, tenant: str
    ) -> _AnswerT | None:
        request = ChatRequest(
            messages=[PromptMessage(role=PromptRole.USER, content=question, source="projects")],
            sampling=Sampling(max_tokens=tokens, temperature=0.5),
            think=False,
            tenant=tenant,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                return await ask_typed(await self._models.get(), request, form)
        except TimeoutError:
            code = "too_late"
        except ProviderError as error:
            code = error.code
        logger.info("a model proposed nothing for projects", extra={"code": code})
        return None
