"""The GitHub tools against a server that behaves like GitHub."""

from __future__ import annotations

import logging

import pytest

from services.configuration import load_settings
from services.domain.calls import ToolCall
from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.people import Role
from services.projects.github.client import GitHubClient
from services.projects.github.tools import github_tools
from services.settings import GitHubSettings
from services.toolbox.spec import Effect, ToolContext
from services.toolbox.toolbox import Toolbox
from tests.fakes.clock import ManualClock
from tests.fakes.github import REPOSITORY, TOKEN, FakeGitHub, fake_github
from tests.fakes.project_world import person

pytestmark = pytest.mark.integration

PLACE = ConversationId("discord", "100", "1")


class Desk:
    """The tools at work."""

    def __init__(self, github: FakeGitHub, **settings: object) -> None:
        self.github = github
        section = GitHubSettings.model_validate(
            {"token": TOKEN, "url": github.url, "repositories": [REPOSITORY], **settings}
        )
        self.client = GitHubClient(section, clock=ManualClock())
        self.tools = github_tools(section, self.client)
        self.box = Toolbox([self.tools])

    async def use(self, name: str, role: Role = Role.MODERATOR, **arguments: object):
        context = ToolContext(
            conversation=PLACE,
            persona=PersonaId("mira"),
            turn=TurnId("t"),
            asker=person("ann"),
            role=role,
        )
        call = ToolCall(id="1", name=name, arguments={"repo": REPOSITORY, **arguments})
        return await self.box.run(call, context, limit=10_000)


@pytest.fixture
async def github():
    async with fake_github() as server:
        yield server


@pytest.fixture
async def desk(github):
    made = Desk(github)
    yield made
    await made.client.close()


def test_without_a_token_there_are_no_tools():
    settings = GitHubSettings()
    assert not github_tools(settings, GitHubClient(settings, clock=ManualClock()))


def test_the_token_comes_from_its_usual_variable(tmp_path):
    settings = load_settings(overrides={}, environ={"GITHUB_TOKEN": TOKEN}, cwd=tmp_path)
    assert settings.github.token
    assert settings.github.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings)


async def test_files_are_listed_and_read(desk):
    desk.github.files |= {"src/lamp.py": b"x = 1\n", "src/deep/a b#?.txt": "grün".encode()}
    assert (await desk.use("github_list_files")).content == "README.md\nsrc/"
    assert (await desk.use("github_list_files", path="/src/")).content == ("src/deep/\nsrc/lamp.py")
    read = await desk.use("github_read_file", path="src/deep/a b#?.txt", branch="wip")
    assert read.content == "grün"
    desk.github.files["long.txt"] = b"y" * 5_000
    long = (await desk.use("github_read_file", path="long.txt")).content
    assert long == "y" * 4_000 + "\n[cut]"


async def test_files_that_are_no_text_are_refused(desk):
    desk.github.files |= {"a.png": b"\x89PNG\xff\x00", "src/b": b""}
    for path, reason in (("a.png", "no text"), ("src", "folder"), ("none", "nothing by that")):
        result = await desk.use("github_read_file", path=path)
        assert result.is_error
        assert reason in result.content
    assert "file, not a folder" in (await desk.use("github_list_files", path="README.md")).content


async def test_branches_and_pull_requests_are_listed(desk):
    assert (await desk.use("github_list_branches")).content == "main\nwip"
    assert (await desk.use("github_list_prs")).content == "There are none."
    opened = await desk.use("github_create_pr", title="Glow", head="wip")
    assert "#1 https://github.test" in opened.content
    assert (await desk.use("github_list_prs")).content == "#1 Glow (wip into main, open)"
    assert (await desk.use("github_list_prs", state="closed")).content == "There are none."
    again = await desk.use("github_create_pr", title="Glow", head="wip")
    assert again.is_error
    assert "already exists" in again.content


async def test_a_file_is_created_changed_and_never_overwritten_unseen(desk):
    for text in ("one", "two"):
        done = await desk.use("github_update_file", path="a.txt", content=text, message="m")
        assert "commit abcdef0" in done.content
        assert desk.github.files["a.txt"] == text.encode()
    desk.github.changed_meanwhile = True
    late = await desk.use("github_update_file", path="a.txt", content="three", message="m")
    assert "changed on GitHub meanwhile" in late.content
    assert desk.github.files["a.txt"] == b"two"


async def test_writing_waits_for_a_yes_and_takes_a_moderator(desk):
    writing = {tool.name for tool in desk.tools if tool.effect is Effect.OTHERS}
    assert writing == {"github_update_file", "github_create_pr"}
    arguments = {"path": "a.txt", "content": "x", "message": "m"}
    refused = await desk.use("github_update_file", Role.MEMBER, **arguments)
    assert refused.is_error
    assert not desk.github.seen


async def test_reading_everything_the_token_sees_takes_a_moderator(github):
    desk = Desk(github, repositories=[])
    assert (await desk.use("github_list_branches", Role.MEMBER)).is_error
    assert not (await desk.use("github_list_branches", Role.MODERATOR)).is_error
    await desk.client.close()


@pytest.mark.parametrize(
    "arguments",
    [
        {"repo": "other/private"},
        {"repo": "maker/lamp/../../user"},
        {"repo": "maker/.."},
        {"repo": "https://evil.test/maker/lamp"},
        {"repo": "maker"},
        {"path": "../../../user"},
        {"path": "a/../../b"},
        {"branch": "main\r\nX: y"},
        {"branch": "a..b"},
        {"repo": 7},
        {"path": "x" * 501},
        {"secret": "x"},
    ],
    ids=str,
)
async def test_nothing_outside_the_named_repositories_is_reached(desk, arguments):
    result = await desk.use("github_list_files", **arguments)
    assert result.is_error
    assert not desk.github.seen


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((401, {}, b"{}"), "does not accept the token"),
        ((403, {}, b"{}"), "may not do that"),
        ((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, b"{}"), "again in 1 s"),
        ((403, {"Retry-After": "30"}, b"{}"), "again in 30 s"),
        ((429, {}, b"{}"), "again in 60 s"),
        ((404, {}, b"{}"), "nothing by that name"),
        ((409, {}, b"{}"), "changed on GitHub"),
        ((422, {}, b'{"message": "Bad\\nname"}'), "refused that: Bad name."),
        ((422, {}, b"[1]"), "refused that."),
        ((301, {"Location": "http://127.0.0.1:9/steal"}, b""), "has moved"),
        ((500, {}, b"<html>"), "status 500"),
        ((200, {}, b"<html>"), "cannot be read"),
        ((200, {}, b'{"name": 1}'), "cannot be read"),
        ((200, {}, b"[" * 100_000), "cannot be read"),
        ((200, {}, b" " * (5 * 2**20)), "too large"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_goes_wrong_is_said_without_the_token(desk, caplog, trouble, said):
    caplog.set_level(logging.DEBUG)
    desk.github.trouble = trouble
    result = await desk.use("github_list_branches")
    assert result.is_error
    assert said in result.content
    assert TOKEN not in result.content + caplog.text
    assert len(desk.github.seen) == 1, "redirects are not followed, nothing is tried again"


async def test_a_server_that_is_not_there_is_told(github):
    desk = Desk(github, url="http://127.0.0.1:9")
    assert "cannot be reached" in (await desk.use("github_list_branches")).content
    await desk.client.close()
