"""The protocol's reference servers, where they are installed: as programs of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.integration.test_mcp_client import bench

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

FOLDER = Path(os.environ.get("ACORE_TEST_MCP_SERVERS", Path(sys.executable).parent))


def program(name: str) -> str:
    """Return the path of a reference server, or skip the test."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    return str(path)


async def test_the_time_server_tells_the_time(tmp_path: Path):
    server = {"command": program("mcp-server-time"), "read_only": ("get_current_time",)}
    async with bench(tmp_path, time=server) as at:
        view = await at.ready("time")
        assert set(view.tools) == {"time__get_current_time", "time__convert_time"}
        vienna = await at.call("time__get_current_time", timezone="Europe/Vienna")
        assert '"timezone": "Europe/Vienna"' in vienna.content
        nowhere = await at.call("time__get_current_time", timezone="Atlantis/Center")
        assert nowhere.content.startswith("The tool failed and says:")
        assert (await at.call("time__get_current_time")).is_error


async def test_the_git_server_looks_into_a_repository(tmp_path: Path):
    repository = tmp_path / "repository"
    process = await asyncio.create_subprocess_exec("git", "init", "-q", str(repository))
    assert await process.wait() == 0
    server = {"command": program("mcp-server-git"), "args": ("--repository", str(repository))}
    async with bench(tmp_path / "data", git=server) as at:
        await at.ready("git")
        status = await at.call("git__git_status", repo_path=str(repository))
        assert "No commits yet" in status.content


async def test_the_fetch_server_lists_its_tool(tmp_path: Path):
    server = {"command": program("mcp-server-fetch")}
    async with bench(tmp_path, fetch=server) as at:
        assert (await at.ready("fetch")).tools == ("fetch__fetch",)
        refused = await at.call("fetch__fetch", url="http://127.0.0.1:1/")
        assert "fail" in refused.content
