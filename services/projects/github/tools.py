"""Tools for GitHub; there are none without a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from services.domain.people import Role
from services.projects.github.client import GitHubClient
from services.projects.github.repositories import (
    LONGEST_WRITTEN,
    NewContent,
    PullRequest,
    Repositories,
)
from services.projects.tool_parts import Arguments, listed
from services.settings import GitHubSettings
from services.toolbox.spec import Cost, Effect, ToolContext, ToolSpec

_AREA = "github"
_WORDS = ("github", "repository", "repo")
_SECONDS = 40.0

_Branch = Annotated[str, Field(max_length=200, description="A branch; empty for the usual one.")]


class _OfRepository(Arguments):
    repo: str = Field(min_length=3, max_length=140, description="The repository: owner/name.")


class _Folder(_OfRepository):
    path: str = Field("", max_length=500, description="A folder; empty for the top.")
    branch: _Branch = ""


class _File(_OfRepository):
    path: str = Field(min_length=1, max_length=500, description="The file's path.")
    branch: _Branch = ""


class _Requests(_OfRepository):
    state: Literal["open", "closed", "all"] = Field("open", description="Which of them.")


class _Update(_File):
    content: str = Field(max_length=LONGEST_WRITTEN, description="All that the file shall hold.")
    message: str = Field(min_length=1, max_length=200, description="What changes, in one line.")


class _NewRequest(_OfRepository):
    title: str = Field(min_length=1, max_length=200, description="What it is about.")
    body: str = Field("", max_length=4_000, description="More about it.")
    head: str = Field(min_length=1, max_length=200, description="The branch with the changes.")
    base: str = Field("main", min_length=1, max_length=200, description="Where they shall go.")


def github_tools(settings: GitHubSettings, client: GitHubClient) -> Sequence[ToolSpec]:
    """Return the tools, none without a token.

    Reading is for members where the settings name the repositories, for moderators where every
    repository that the token sees is open; writing is for moderators, and waits for their yes.
    """
    if settings.token is None:
        return []
    reader = Role.MEMBER if settings.repositories else Role.MODERATOR
    tools = GitHubTools(Repositories(client, settings.repositories))
    return [*tools.reading(reader), *tools.writing()]


class GitHubTools:
    """What the tools do."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def list_files(self, wanted: _Folder, _context: ToolContext) -> str:
        """List a folder."""
        found = await self._repositories.files(wanted.repo, wanted.path, wanted.branch)
        return listed(found, empty="The folder is empty.")

    async def read_file(self, wanted: _File, _context: ToolContext) -> str:
        """Read a file."""
        return await self._repositories.read(wanted.repo, wanted.path, wanted.branch)

    async def list_branches(self, wanted: _OfRepository, _context: ToolContext) -> str:
        """List branches."""
        return listed(await self._repositories.branches(wanted.repo), empty="There are none.")

    async def list_prs(self, wanted: _Requests, _context: ToolContext) -> str:
        """List pull requests."""
        found = await self._repositories.pull_requests(wanted.repo, wanted.state)
        return listed(found, empty="There are none.")

    async def update_file(self, wanted: _Update, _context: ToolContext) -> str:
        """Change a file."""
        new = NewContent(
            path=wanted.path, text=wanted.content, message=wanted.message, branch=wanted.branch
        )
        return f"Done in commit {await self._repositories.update(wanted.repo, new)}."

    async def create_pr(self, wanted: _NewRequest, _context: ToolContext) -> str:
        """Open a pull request."""
        new = PullRequest(title=wanted.title, head=wanted.head, base=wanted.base, body=wanted.body)
        opened = await self._repositories.open_pull_request(wanted.repo, new)
        return f"Pull request {opened} is open."

    def reading(self, role: Role) -> Sequence[ToolSpec]:
        """Return the tools that read, for people of at least ``role``."""
        return [
            ToolSpec(
                name=name,
                description=description,
                parameters=parameters,
                handler=handler,
                area=_AREA,
                keywords=(*_WORDS, *words),
                permission=role,
                timeout=_SECONDS,
                cost=Cost.NETWORK,
            )
            for name, description, parameters, handler, words in (
                (
                    "github_list_files",
                    "List the files in a folder of a GitHub repository.",
                    _Folder,
                    self.list_files,
                    ("files", "folder", "dateien", "ordner"),
                ),
                (
                    "github_read_file",
                    "Read the beginning of a file in a GitHub repository.",
                    _File,
                    self.read_file,
                    ("file", "read", "readme", "datei", "lesen"),
                ),
                (
                    "github_list_branches",
                    "List the branches of a GitHub repository.",
                    _OfRepository,
                    self.list_branches,
                    ("branch", "branches", "zweige"),
                ),
                (
                    "github_list_prs",
                    "List the pull requests of a GitHub repository.",
                    _Requests,
                    self.list_prs,
                    ("pull", "request", "requests", "pr", "prs"),
                ),
            )
        ]

    def writing(self) -> Sequence[ToolSpec]:
        """Return the tools that write; each call waits for a yes."""
        return [
            ToolSpec(
                name=name,
                description=description,
                parameters=parameters,
                handler=handler,
                area=_AREA,
                keywords=(*_WORDS, *words),
                permission=Role.MODERATOR,
                timeout=_SECONDS,
                effect=Effect.OTHERS,
                cost=Cost.NETWORK,
            )
            for name, description, parameters, handler, words in (
                (
                    "github_update_file",
                    "Change or create a file in a GitHub repository, in a commit of its own.",
                    _Update,
                    self.update_file,
                    ("update", "change", "write", "commit", "ändern", "schreiben"),
                ),
                (
                    "github_create_pr",
                    "Open a pull request on GitHub from one branch into another.",
                    _NewRequest,
                    self.create_pr,
                    ("pull", "request", "pr", "open", "create", "öffnen"),
                ),
            )
        ]
