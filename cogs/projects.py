"""Commands about projects and their tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.places import PLATFORM, in_thread
from frontends.discord.project_acting import Numbers, ProjectActing
from frontends.discord.project_buttons import StartButton, TaskButton
from frontends.discord.project_threads import DiscordThreads
from services.projects.projects import Projects
from services.projects.records import Status
from services.projects.rules import LONGEST_NOTE, LONGEST_TITLE

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Number = app_commands.Range[int, 1, 999_999_999]
Page = app_commands.Range[int, 1, 100]
Label = app_commands.Range[str, 1, LONGEST_TITLE]
Note = app_commands.Range[str, 1, LONGEST_NOTE]
Which = Literal["active", "archived", "completed"]
_WHICH_PROJECT = "The project's number."
_WHICH_TASK = "The task's number."
_cooldown = app_commands.checks.cooldown(10, 30.0)


class ProjectsCog(commands.Cog, name="Projects"):
    """What people here work on."""

    project = app_commands.Group(name="project", description="What people here work on.")
    checklist = app_commands.Group(
        name="checklist", description="What is to be done in a project.", parent=project
    )

    def __init__(self, *, acting: ProjectActing, projects: Projects) -> None:
        self._acting = acting
        self._projects = projects

    @project.command(description="Begin a project; it gets a thread of its own.")
    @app_commands.describe(plan="Whether I propose a checklist.")
    @app_commands.checks.cooldown(3, 60.0)
    async def start(self, interaction: Interaction, plan: bool = True) -> None:  # noqa: FBT001  an option
        await self._acting.start(interaction, checklist=plan)

    @project.command(description="List the projects here with their progress.")
    @app_commands.describe(only="Only those that are so.", page="Page of a long list.")
    @app_commands.rename(only="filter")
    @_cooldown
    async def status(
        self, interaction: Interaction, only: Which | None = None, page: Page = 1
    ) -> None:
        await self._acting.status(interaction, Status(only) if only else None, page)

    @project.command(description="Show a project and its tasks.")
    @app_commands.describe(number=_WHICH_PROJECT)
    @app_commands.rename(number="id")
    @_cooldown
    async def info(self, interaction: Interaction, number: Number) -> None:
        await self._acting.info(interaction, number)

    @project.command(description="Put a project away, or take it up again.")
    @app_commands.describe(number=_WHICH_PROJECT, outcome="What becomes of it.")
    @app_commands.rename(number="id")
    @_cooldown
    async def archive(
        self, interaction: Interaction, number: Number, outcome: Which = "archived"
    ) -> None:
        await self._acting.move(interaction, number, Status(outcome))

    @project.command(description="Write a note on a project, or read those there are.")
    @app_commands.describe(number=_WHICH_PROJECT, text="The note; without it you read.")
    @app_commands.rename(number="id")
    @_cooldown
    async def note(
        self, interaction: Interaction, number: Number, text: Note | None = None
    ) -> None:
        await self._acting.note(interaction, number, text)

    @checklist.command(description="Add a task to a project.")
    @app_commands.describe(project=_WHICH_PROJECT, task="What is to be done.")
    @_cooldown
    async def add(self, interaction: Interaction, project: Number, task: Label) -> None:
        await self._acting.add_task(interaction, project, task)

    @checklist.command(
        name="list", description="Show a project's tasks, with buttons to tick them."
    )
    @app_commands.describe(project=_WHICH_PROJECT, page="Page of a long list.")
    @_cooldown
    async def list_tasks(self, interaction: Interaction, project: Number, page: Page = 1) -> None:
        await self._acting.list_tasks(interaction, project, page)

    @checklist.command(description="Mark a task as done, or as not done if it was.")
    @app_commands.describe(task=_WHICH_TASK)
    @_cooldown
    async def toggle(self, interaction: Interaction, task: Number) -> None:
        await self._acting.toggle_task(interaction, task)

    @checklist.command(description="Delete a task.")
    @app_commands.describe(task=_WHICH_TASK)
    @_cooldown
    async def remove(self, interaction: Interaction, task: Number) -> None:
        await self._acting.remove_task(interaction, task)

    @checklist.command(description="Give a task to somebody, or to nobody.")
    @app_commands.describe(task=_WHICH_TASK, member="Who; without, nobody has it any more.")
    @_cooldown
    async def assign(
        self, interaction: Interaction, task: Number, member: discord.Member | None = None
    ) -> None:
        await self._acting.assign_task(interaction, task, member)

    @app_commands.command(description="Show that everything runs: latency, servers, model.")
    @app_commands.checks.cooldown(3, 15.0)
    async def brrr(self, interaction: Interaction) -> None:
        await self._acting.brrr(interaction)

    @info.autocomplete("number")
    @archive.autocomplete("number")
    @note.autocomplete("number")
    @add.autocomplete("project")
    @list_tasks.autocomplete("project")
    async def projects_offered(self, interaction: Interaction, typed: str) -> Numbers:
        return await self._acting.projects_offered(interaction, typed)

    @toggle.autocomplete("task")
    @remove.autocomplete("task")
    @assign.autocomplete("task")
    async def tasks_offered(self, interaction: Interaction, typed: str) -> Numbers:
        return await self._acting.tasks_offered(interaction, typed)

    @commands.Cog.listener("on_raw_thread_delete")
    async def go_on_without(self, payload: discord.RawThreadDeleteEvent) -> None:
        thread = in_thread(payload.guild_id, payload.parent_id, payload.thread_id)
        await self._projects.thread_gone(thread)


async def setup(bot: AcoreBot) -> None:
    services = bot.services.project_services()
    services.threads.register(PLATFORM, DiscordThreads(bot))
    bot.add_dynamic_items(TaskButton, StartButton)
    await bot.add_cog(ProjectsCog(acting=ProjectActing(services), projects=services.projects))
