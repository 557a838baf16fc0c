"""Tools about ideas."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.projects.rules import LONGEST_DESCRIPTION, LONGEST_TITLE
from services.projects.service import ProjectServices
from services.projects.texts import idea_line
from services.projects.tool_parts import AREA, Arguments, Number, Page, asker_of, listed
from services.toolbox.spec import Effect, ToolContext, ToolSpec

_WORDS = ("idea", "ideas", "idee", "ideen", "brainstorm", "einfall")


class _NewIdea(Arguments):
    title: str = Field(min_length=1, max_length=LONGEST_TITLE, description="The idea.")
    description: str = Field("", max_length=LONGEST_DESCRIPTION, description="More about it.")


class _Ideas(Arguments):
    unused_only: bool = Field(default=False, description="Only ideas that became no project yet.")
    page: Page = 1


class _OfIdea(Arguments):
    idea_id: Number = Field(description="The idea's number.")


class IdeaTools:
    """What the tools do."""

    def __init__(self, services: ProjectServices) -> None:
        self._ideas = services.ideas

    async def add_idea(self, wanted: _NewIdea, context: ToolContext) -> str:
        """Keep an idea."""
        idea = await self._ideas.add(asker_of(context), wanted.title, wanted.description)
        return f"Idea {idea.number} is kept."

    async def get_ideas(self, wanted: _Ideas, context: ToolContext) -> str:
        """List ideas."""
        asker = asker_of(context)
        ideas = await self._ideas.listed(asker, unused=wanted.unused_only, page=wanted.page)
        return listed(map(idea_line, ideas), empty="There are no ideas.")

    async def delete_idea(self, wanted: _OfIdea, context: ToolContext) -> str:
        """Delete an idea."""
        idea = await self._ideas.remove(asker_of(context), wanted.idea_id)
        return f"Idea {idea.number} is deleted."

    def specs(self) -> Sequence[ToolSpec]:
        """Return the tools."""
        return [
            ToolSpec(
                name="add_idea",
                description="Keep an idea for a project in the list of this place.",
                parameters=_NewIdea,
                handler=self.add_idea,
                area=AREA,
                keywords=(*_WORDS, "add", "keep", "save", "merken", "hinzufügen"),
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="get_ideas",
                description="List the ideas for projects of this place with their numbers.",
                parameters=_Ideas,
                handler=self.get_ideas,
                area=AREA,
                keywords=(*_WORDS, "list", "which", "liste", "welche"),
            ),
            ToolSpec(
                name="delete_idea",
                description="Delete an idea from the list of this place.",
                parameters=_OfIdea,
                handler=self.delete_idea,
                area=AREA,
                keywords=(*_WORDS, "delete", "remove", "löschen"),
                effect=Effect.OTHERS,
                untrusted=False,
            ),
        ]
