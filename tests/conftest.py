"""What every test stands on: injected time, chance and ids; nothing leaks; no network."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

from services.domain.ids import UlidSource
from tests.fakes.clock import ManualClock
from tests.virtual_time import VirtualTimeLoop

_HERE = Path(__file__).parent
_MARKER_OF_FOLDER: Final = {
    "contracts": "contract",
    "integration": "integration",
    "journeys": "journey",
    "properties": "property",
}
_NETWORKED: Final = ("integration", "journey")
_THREAD_GRACE_SECONDS: Final = 2.0
_ROOM_BYTES: Final = 2 * 2**30

# How long an example takes depends on the machine; pytest's timeout bounds the whole test.
settings.register_profile("acore", deadline=None, print_blob=True)
settings.load_profile("acore")

# Programs started here must heed signals even where the tests were started to ignore them, as in
# the background of a script.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


# Without bytecode every program started here would compile all of acore anew, for two seconds each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def _in_memory() -> Path | None:
    """Return a folder in memory where there is one with room, in which programs may run."""
    folder = Path("/dev/shm")  # noqa: S108  folders for temporary files of their own lie in it
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    fits = disk.f_bavail * disk.f_frsize >= _ROOM_BYTES and not disk.f_flag & os.ST_NOEXEC
    return folder if fits and os.access(folder, os.W_OK | os.X_OK) else None


# On a disk the tests would spend most of their time waiting for the commits of small databases.
if "TMPDIR" not in os.environ and (_memory := _in_memory()) is not None:
    os.environ["TMPDIR"] = str(_memory)
    tempfile.tempdir = None


class NetworkIsBanned(RuntimeError):  # noqa: N818
    """A test outside tests/integration and tests/journeys reached for the network."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests marked ``virtual_time`` on the loop that skips waiting."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its kind, and watch the tasks of the asynchronous ones."""
    for item in items:
        folder = item.path.relative_to(_HERE).parts[0] if item.path.is_relative_to(_HERE) else ""
        item.add_marker(_MARKER_OF_FOLDER.get(folder, "unit"))
        if isinstance(item, pytest.Function) and item.get_closest_marker("asyncio"):
            # First in, so last out: after the fixtures that own tasks have closed them.
            item.fixturenames.insert(0, "no_leaked_tasks")


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Take what earlier files left out of the collector's sight.

    A full collection over the reports and modules of thousands of tests holds a process up for
    half a second, which a test that measures a loop would take for the product's doing.
    """
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that moves only when told to."""
    return ManualClock()


@pytest.fixture
def rng() -> random.Random:
    """Chance that repeats itself."""
    return random.Random(20260101)


@pytest.fixture
def ids(clock: ManualClock) -> UlidSource:
    """Ids that are the same in every run."""
    return UlidSource(clock, random.Random(1))


@pytest.fixture
def test_data() -> Path:
    """The folder of files that are not ours to ship, such as real cards in ``cards/``."""
    folder = os.environ.get("ACORE_TEST_DATA")
    if not folder:
        pytest.skip("ACORE_TEST_DATA names no folder: nothing real is read")
    return Path(folder)


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail when tasks outlive the test and its fixtures; for asynchronous tests only."""
    before = asyncio.all_tasks()
    yield
    for _ in range(5):  # what was cancelled may still have to end
        await asyncio.sleep(0)
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    names = sorted(f"{task.get_name()}: {task.get_coro()}" for task in leaked)
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    assert not names, f"tasks outlived the test: {names}"


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fail when a thread that would keep the process alive outlives the test."""
    before = set(threading.enumerate())
    yield
    leaked = [thread for thread in threading.enumerate() if _would_linger(thread, before)]
    for thread in leaked:
        thread.join(_THREAD_GRACE_SECONDS / len(leaked))
    names = [thread.name for thread in leaked if thread.is_alive()]
    assert not names, f"threads outlived the test: {names}"


def _would_linger(thread: threading.Thread, before: set[threading.Thread]) -> bool:
    # A loop ends the threads of its own executor when it closes.
    own_executor = thread.name.startswith("asyncio_")
    return thread not in before and not thread.daemon and not own_executor


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse sockets to unit, contract and property tests; Unix ones are fine."""
    if any(request.node.get_closest_marker(name) for name in _NETWORKED):
        return
    for name in ("bind", "connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _refusing(name))


def _refusing(name: str) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: Any) -> Any:
        if self.family != socket.AF_UNIX:
            raise NetworkIsBanned(f"{name}: move this test to tests/integration")
        return original(self, *args)

    return guarded
