"""The program as a process of its own: fed lines, read event by event, killed at will."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.llm.embedded.catalog import SMALL
from services.net.wheels import installed_models

Event = dict[str, Any]

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
SMALL_MODEL = installed_models() / SMALL.file_name
PATIENCE = 30.0
TERMINALS = frozenset({"turn_finished", "turn_interrupted", "turn_failed"})
# What ends a line of input: an answer, or the reason why there is none.
OUTCOMES = TERMINALS | {"refused", "suppressed"}

_OWN_VARIABLES = ("ACORE_", "OLLAMA_", "LLM_", "DATABASE_PATH", "NO_COLOR")
_LONGEST_LINE = 1 << 26
# The log is folded in by whoever closes last, so look at copies and never at the files themselves.
_INSPECT = """
import json, sys
from services.storage.sqlite import use_modern_sqlite
connection = use_modern_sqlite().connect(sys.argv[1])
print(json.dumps([connection.execute(query).fetchall() for query in sys.argv[2:]]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a finished program left."""

    code: int
    events: Sequence[Event]
    out: str
    complaints: str

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def one_sentence(self) -> str:
        """Return the only line on standard error, which has to be prose."""
        assert self.complaints.count("\n") == 1, self.complaints
        assert "Traceback" not in self.complaints
        assert self.complaints.endswith(".\n"), self.complaints
        return self.complaints.strip()


class Running:
    """A started program; ``events`` is all it has printed so far, whole lines only."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[Event] = []
        self._seen = 0
        self._lines: list[str] = []

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def type(self, text: str | bytes) -> None:
        """Enter a line, without waiting for anything."""
        assert self.process.stdin is not None
        data = text.encode() if isinstance(text, str) else text
        self.process.stdin.write(data + b"\n")

    async def say(self, text: str | bytes) -> Event:
        """Enter a message and return how it ended; ``answer`` is what was printed meanwhile."""
        self.type(text)
        return await self.until(*OUTCOMES)

    async def ask(self, command: str, kind: str) -> Event:
        """Enter a command and return its report."""
        self.type(command)
        return await self.until(kind)

    async def history(self) -> list[Event]:
        """Return every message of the conversation, as the program tells it."""
        entries: list[Event] = (await self.ask("/history 1000", "history"))["entries"]
        return entries

    async def until(self, *kinds: str) -> Event:
        """Return the next event of one of ``kinds``, and take everything up to it as seen."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for event in self.events[self._seen :]:
                        self._seen += 1
                        if event["kind"] in kinds:
                            return event
                    if not await self._read():
                        raise AssertionError(f"ended before {kinds}: {self.kinds}")
        except TimeoutError:
            raise AssertionError(f"no {kinds} in time: {self.kinds}") from None

    async def leave(self) -> Ended:
        """End the input and return what the program left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.ended()

    async def kill(self) -> Ended:
        """Take the process away; what it had printed is read to the end."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        return await self.ended()

    async def ended(self) -> Ended:
        """Wait for the end."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while await self._read():
                pass
            complaints = (await self.process.stderr.read()).decode()
            code = await self.process.wait()
        return Ended(code=code, events=self.events, out="".join(self._lines), complaints=complaints)

    async def _read(self) -> bool:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        self._lines.append(line)
        if line.startswith("{") and line.endswith("\n"):
            self.events.append(json.loads(line))
        return bool(line)


class Program:
    """Starts acore over one data folder, with nothing but ``env`` configured."""

    def __init__(self, folder: Path, *, data: Path | None = None, **env: str) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)
        } | {"ACORE_WEB__ENABLED": "false", **env}

    def asking(self, url: str) -> Program:
        """Have the model ``tiny`` of the server at ``url`` answer, and no other."""
        self.env |= {
            "OLLAMA_HOST": url,
            "OLLAMA_MODEL": "tiny",
            "ACORE_LLM__EMBEDDED": "never",
            "ACORE_LLM__RETRIES": "0",
        }
        return self

    @asynccontextmanager
    async def started(self, command: str, *arguments: str) -> AsyncIterator[Running]:
        """Start the program; it is killed if it outlives the block."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(MAIN),
            command,
            "--data",
            str(self.data),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.env,
            cwd=self.folder,
            limit=_LONGEST_LINE,
        )
        running = Running(process)
        try:
            yield running
        finally:
            if process.returncode is None:
                await running.kill()

    def chatting(self, *arguments: str) -> Any:
        """Start ``chat --json`` over standard input."""
        return self.started("chat", "--json", *arguments)

    async def run(self, command: str, *arguments: str, typed: bytes = b"") -> Ended:
        """Run the program to its end."""
        async with self.started(command, *arguments) as running:
            assert running.process.stdin is not None
            running.process.stdin.write(typed)
            return await running.leave()

    async def say(self, text: str, *arguments: str) -> Ended:
        """Run the program for one message."""
        return await self.run("chat", "--json", "--message", text, *arguments)


def migrated(folder: Path) -> Path:
    """Return a data folder with an empty database, to be copied: making one takes a second."""
    data = folder / "data"
    subprocess.run([sys.executable, MAIN, "migrate", "--data", data], check=True)
    return data


def _copied(data: Path, scratch: Path) -> None:
    scratch.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        source = data / f"acore.db{suffix}"
        copy = scratch / source.name
        copy.unlink(missing_ok=True)
        if source.exists():
            copy.write_bytes(source.read_bytes())


async def inspected(data: Path, scratch: Path, *queries: str) -> list[list[list[Any]]]:
    """Return the rows of each query on a copy of the database as it lies there.

    A process of its own does it, so this one never opens a database of the program.
    """
    _copied(data, scratch)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _INSPECT,
        str(scratch / "acore.db"),
        *queries,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    out, _ = await process.communicate()
    rows: list[list[list[Any]]] = json.loads(out)
    return rows


def spoken(events: Sequence[Event]) -> str:
    """Return the text of all deltas."""
    return "".join(event["text"] for event in events if event["kind"] == "text_delta")


def said(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return who said what."""
    return [(entry["author_kind"], entry["text"]) for entry in history]


def model_servers(parent: int) -> list[int]:
    """Return the processes of the built-in model that ``parent`` runs."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in found if is_model_server(pid)]


def is_model_server(pid: int) -> bool:
    """Tell whether a process of the built-in model has this id and is no zombie."""
    try:
        return b"services.llm.embedded" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
