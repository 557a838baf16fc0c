"""The forms for new projects and ideas, and what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import discord

from frontends.discord.asking import answer
from frontends.discord.confirming import Form, Interaction, OwnView, close
from frontends.discord.memory_text import shown
from frontends.discord.posting import SILENT, PostingFailed, translated
from frontends.discord.project_asking import asker_from
from frontends.discord.project_views import idea_text, outcome_text
from services.projects.projects import NewProject
from services.projects.records import Project
from services.projects.rules import LONGEST_DESCRIPTION, LONGEST_TAGS, LONGEST_TITLE, Asker
from services.projects.service import ProjectServices

_SHOWN_TASK = 80
_PARAGRAPH = discord.TextStyle.paragraph


class ProjectForm(Form):
    """Starts a project; with ``checklist`` a model proposes tasks for it."""

    name: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="Title", custom_id="title", max_length=LONGEST_TITLE
    )
    description: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="What it is about",
        custom_id="description",
        style=_PARAGRAPH,
        max_length=LONGEST_DESCRIPTION,
        required=False,
    )
    tags: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="Tags, with commas between them",
        custom_id="tags",
        max_length=LONGEST_TAGS,
        required=False,
    )

    def __init__(self, services: ProjectServices, *, checklist: bool = True) -> None:
        super().__init__(title="New project")
        self._services = services
        self._checklist = checklist

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Start it, and offer a checklist once everybody can see it."""
        asker = await asker_from(interaction)
        async with translated():
            await interaction.response.defer(thinking=True)
        new = NewProject(
            title=self.name.value, description=self.description.value, tags=self.tags.value
        )
        outcome = await self._services.projects.start(asker, new, thread=True)
        await answer(interaction, outcome_text(outcome, "A project begins."), private=False)
        if self._checklist:
            await offer_checklist(interaction, self._services, asker, outcome.project)


class IdeaForm(Form):
    """Keeps an idea."""

    name: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="The idea", custom_id="title", max_length=LONGEST_TITLE
    )
    description: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="More about it",
        custom_id="description",
        style=_PARAGRAPH,
        max_length=LONGEST_DESCRIPTION,
        required=False,
    )

    def __init__(self, services: ProjectServices) -> None:
        super().__init__(title="New idea")
        self._services = services

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Keep it."""
        asker = await asker_from(interaction)
        idea = await self._services.ideas.add(asker, self.name.value, self.description.value)
        await answer(interaction, idea_text(idea), private=False)


async def offer_checklist(
    interaction: Interaction, services: ProjectServices, asker: Asker, project: Project
) -> None:
    """Show whoever started a project what a model would do first; without an answer, nothing."""
    tasks = await services.planner.checklist(project, tenant=asker.place)
    if not tasks:
        return
    view = Proposal(interaction, services, project, tasks)
    head = f"A checklist for **{shown(project.title)}**:"
    text = "\n".join([head, *(f"- {shown(task, longest=_SHOWN_TASK)}" for task in tasks)])
    async with translated():
        view.message = await interaction.followup.send(
            text, ephemeral=True, allowed_mentions=SILENT, view=view, wait=True
        )


class Proposal(OwnView):
    """Takes over proposed tasks, or leaves it."""

    def __init__(
        self,
        asked: Interaction,
        services: ProjectServices,
        project: Project,
        tasks: Sequence[str],
    ) -> None:
        super().__init__(asked)
        self._services = services
        self._project = project
        self._tasks = tasks
        self.message: discord.WebhookMessage | None = None

    async def on_timeout(self) -> None:
        """Take the buttons away."""
        if self.message is None:
            return
        try:
            async with translated():
                await self.message.edit(view=None)
        except PostingFailed:  # it is gone, or too old to be changed
            return

    @discord.ui.button(style=discord.ButtonStyle.success, label="Add these tasks")
    async def accept(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Add them."""
        self.stop()
        asker = await asker_from(interaction)
        added = await self._services.tasks.add_all(asker, self._project.number, self._tasks)
        await close(
            interaction,
            f"{len(added)} tasks are added; /project checklist list shows them.",
        )

    @discord.ui.button(label="No, thanks")
    async def leave(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Add nothing."""
        self.stop()
        await close(interaction, "Nothing was added.")
