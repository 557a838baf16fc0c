"""What docs/projects.md promises is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from discord import app_commands

from cogs.ideas import IdeasCog
from cogs.projects import ProjectsCog
from cogs.weeks import WeeksCog
from frontends.console.project_actions import PROJECT_COMMANDS
from frontends.discord.idea_acting import IdeaActing
from frontends.discord.project_acting import ProjectActing
from frontends.discord.week_acting import WeekActing
from services.factory import ServiceFactory
from services.projects import ideas, notes, projects, tasks
from services.settings import GitHubSettings
from tests.fakes.app import settings_in

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "docs" / "projects.md").read_text(encoding="utf-8")


@pytest.fixture
def factory(tmp_path):
    return ServiceFactory(settings=settings_in(tmp_path))


def test_the_page_names_every_command_of_discord(factory):
    services = factory.project_services()
    cogs = [
        ProjectsCog(acting=ProjectActing(services), projects=services.projects),
        IdeasCog(acting=IdeaActing(services)),
        WeeksCog(acting=WeekActing(services.weeks, factory.timezones())),
    ]
    offered = set()
    for cog in cogs:
        for command in cog.walk_app_commands():
            if isinstance(command, app_commands.Command):
                offered.add(f"/{command.qualified_name}")
    part = PAGE.partition("## On Discord")[2].partition("## Who")[0]
    assert set(re.findall(r"^\| `(/[^`]+)`", part, flags=re.M)) == offered


def test_the_page_names_every_command_of_the_terminal():
    part = PAGE.partition("## In the terminal")[2].partition("## GitHub")[0]
    rows = dict(re.findall(r"^\| `/(\w+)` \| (.*) \|$", part, flags=re.M))
    assert set(rows) == {command.name for command in PROJECT_COMMANDS}
    for command in PROJECT_COMMANDS:
        listed = command.argument.strip("[]").removesuffix(" ...").split("|")
        assert {found.split()[0] for found in re.findall(r"`([^`]+)`", rows[command.name])} == {
            *listed
        }


def test_the_limits_are_those_of_the_page():
    for number in (
        projects.MOST_ACTIVE,
        projects.MOST_EVER,
        ideas.MOST_IDEAS,
        tasks.MOST_TASKS,
        notes.MOST_NOTES,
    ):
        assert re.search(rf"\b{number:,}\b", PAGE)


def test_the_tools_are_in_the_toolbox_and_those_of_github_with_a_token(factory, tmp_path):
    def names(made):
        kits = [kit for kit in made.tools() if kit]
        return {tool.name for kit in kits for tool in kit if tool.area in ("projects", "github")}

    assert len(names(factory)) == 18
    token = GitHubSettings.model_validate({"token": "t" * 20})
    with_token = names(ServiceFactory(settings=settings_in(tmp_path, github=token)))
    assert len(with_token) == 24
    assert "projects" in {one.name for one in factory.holdings()}
