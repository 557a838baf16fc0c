"""Buttons of projects, found by their custom ids whenever they were sent."""

from __future__ import annotations

from typing import Any

import discord

from frontends.discord.asking import bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.posting import translated
from frontends.discord.project_asking import asker_from
from frontends.discord.project_forms import ProjectForm
from frontends.discord.project_views import checklist_row, checklist_text

_TASK_ID = r"acore:task:(?P<project>\d{1,9}):(?P<task>\d{1,9}):(?P<page>\d{1,3})"
START_ID = "acore:project:start"
"""Custom id of the button that starts a project."""

Button = discord.ui.Button[Any]


class TaskButton(Clickable[Button], template=_TASK_ID):
    """Ticks a task, for those who may; everybody sees the list change."""

    async def clicked(self, interaction: Clicked) -> None:
        """Tick the task and show how the list stands now."""
        asker = await asker_from(interaction)
        services = bot_of(interaction).services.project_services()
        number, page = int(self.parts["project"]), int(self.parts["page"])
        await services.tasks.toggle(asker, int(self.parts["task"]))
        project = await services.projects.info(asker, number)
        tasks = await services.tasks.of(asker, number, page=page)
        async with translated():
            await interaction.response.edit_message(
                content=checklist_text(project, tasks),
                view=checklist_row(project, tasks, page=page),
            )


class StartButton(Clickable[Button], template=START_ID):
    """Opens the form for a new project."""

    async def clicked(self, interaction: Clicked) -> None:
        """Open it."""
        (await asker_from(interaction)).need_member()
        services = bot_of(interaction).services.project_services()
        async with translated():
            await interaction.response.send_modal(ProjectForm(services))


def start_row() -> discord.ui.View:
    """Return the button that starts a project."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(custom_id=START_ID, label="Start a project", emoji="🚀"))
    view.stop()
    return view
