"""The guards of conftest.py notice what they are there for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTED = """
import asyncio, random, socket, threading
import pytest
from hypothesis import given, strategies

held = []
release = threading.Event()


@pytest.fixture
async def owner():
    task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    yield task
    task.cancel()


async def test_fails_leaked_task():
    held.append(asyncio.get_running_loop().create_task(asyncio.sleep(60)))


async def test_passes_task_closed_by_its_fixture(owner):
    assert not owner.done()


def test_fails_leaked_thread():
    threading.Thread(target=release.wait, args=(5,), name="planted").start()


def test_passes_daemon_thread():
    threading.Thread(target=release.wait, args=(5,), daemon=True).start()


async def test_passes_executor_thread():
    assert await asyncio.to_thread(lambda: 1) == 1


def test_fails_connect():
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def test_fails_bind():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


async def test_fails_connection_of_the_loop():
    await asyncio.open_connection("127.0.0.1", 9)


@pytest.mark.integration
def test_passes_bind_when_integration():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def test_passes_unix_socket(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))


@pytest.mark.virtual_time
async def test_passes_virtual_time():
    await asyncio.sleep(3600)


@given(strategies.integers())
async def test_passes_generated_examples(number):
    await asyncio.sleep(0)


def test_passes_repeatable_ids(ids, rng, clock):
    first = ids.new()
    clock.advance(1)
    assert first < ids.new()
    assert rng.random() == random.Random(20260101).random()
"""


@pytest.mark.timeout(60)
def test_guards_fail_what_leaks_and_nothing_else(tmp_path: Path):
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_planted.py").write_text(PLANTED)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "--no-cov"),
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    lines = run.stdout.splitlines()
    # A failure of a guard is an error at the end of a test whose body passed.
    bad = {line.split("::")[1].split()[0] for line in lines if line.startswith(("FAILED", "ERROR"))}
    good = {line.split("::")[1].split()[0] for line in lines if line.startswith("PASSED")} - bad
    assert bad, run.stdout + run.stderr
    assert all(name.startswith("test_fails_") for name in bad), run.stdout
    assert all(name.startswith("test_passes_") for name in good), run.stdout
    assert len(bad) + len(good) == PLANTED.count("def test_")


async def test_integration_tests_may_use_sockets():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
