"""What the tools of projects share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.projects.numbers import LARGEST
from services.projects.rules import Asker
from services.toolbox.spec import ToolContext, asked_by

AREA = "projects"

Number = Annotated[int, Field(ge=1, le=LARGEST)]
Page = Annotated[int, Field(ge=1, le=100, description="Page of a long list.")]

_LONGEST = 950


class Arguments(BaseModel):
    """Arguments of a tool, made ready when first used; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Nothing(Arguments):
    """No arguments."""


class OfProject(Arguments):
    """A project by its number."""

    project_id: Number = Field(description="The project's number.")


class OfTask(Arguments):
    """A task by its number."""

    task_id: Number = Field(description="The task's number.")


def asker_of(context: ToolContext) -> Asker:
    """Return for whom a tool runs; raises ``NotAllowed`` where nobody asked."""
    return Asker(author=asked_by(context), role=context.role, conversation=context.conversation)


def listed(lines: Iterable[str], *, empty: str) -> str:
    """Return ``lines`` as far as they fit into a short result."""
    shown: list[str] = []
    room = _LONGEST
    for line in lines:
        room -= len(line) + 1
        if room < 0 and shown:
            shown.append("There are more.")
            break
        shown.append(line[:_LONGEST])
    return "\n".join(shown) or empty
