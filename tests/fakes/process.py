"""A program that runs for long: watched as it writes, told things by signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.ollama_server import FakeOllama

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
PATIENCE = 20.0

_OWN_VARIABLES = ("ACORE_", "OLLAMA_", "LLM_", "DATABASE_PATH", "NO_COLOR")


class Process:
    """A started program; ``out`` and ``complaints`` are what it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = ""
        self.complaints = ""
        self._news = asyncio.Condition()

    def type(self, line: str) -> None:
        """Enter a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    def end_input(self) -> None:
        """Say that nothing more is entered."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def shows(self, text: str) -> None:
        """Wait until standard output has ``text``."""
        await self._until(lambda: text in self.out, text)

    async def complains(self, text: str) -> None:
        """Wait until standard error has ``text``."""
        await self._until(lambda: text in self.complaints, text)

    async def ends(self, *, within: float = PATIENCE) -> int:
        """Wait for the end and return the exit code."""
        async with asyncio.timeout(within):
            return await self.process.wait()

    async def follow(self) -> None:
        """Take in everything the program writes."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(self.process.stdout, "out"))
            group.create_task(self._read(self.process.stderr, "complaints"))

    async def _read(self, stream: asyncio.StreamReader, name: str) -> None:
        while chunk := await stream.read(65_536):
            async with self._news:
                setattr(self, name, getattr(self, name) + chunk.decode())
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    async def _until(self, there: Any, text: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(there)
        except TimeoutError:
            raise AssertionError(f"no {text!r} in {self.out!r} {self.complaints!r}") from None


class Installation:
    """A data folder, a model server and what is configured for them."""

    def __init__(self, folder: Path, server: FakeOllama) -> None:
        self.folder = folder
        self.server = server
        self.data = folder / "data"
        self.config = folder / "config.toml"
        self.env: dict[str, str] = {
            name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)
        } | {
            "OLLAMA_HOST": server.url,
            "OLLAMA_MODEL": "tiny",
            "ACORE_LLM__EMBEDDED": "never",
            "ACORE_PERSONA__USER_NAME": "Sam",
            "ACORE_WEB__ENABLED": "false",
        }

    def program(self, command: str, *arguments: str) -> Sequence[str]:
        """Return the command line of the program itself."""
        return [sys.executable, str(MAIN), command, "--data", str(self.data), *arguments]

    def altered(self, alteration: str, command: str, *arguments: str) -> Sequence[str]:
        """Return the command line of the program after ``alteration``, a piece of Python."""
        script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nimport main\n{alteration}\n"
        script += "sys.exit(main.main())"
        return [sys.executable, "-c", script, command, "--data", str(self.data), *arguments]

    @asynccontextmanager
    async def running(self, *program: str, **env: str) -> AsyncIterator[Process]:
        """Run a command line; it is killed if it outlives the block."""
        process = await asyncio.create_subprocess_exec(
            *program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.env, **env},
            cwd=self.folder,
        )
        running = Process(process)
        async with asyncio.TaskGroup() as group:
            group.create_task(running.follow())
            try:
                yield running
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()

    async def ended(self, *program: str, typed: str = "", **env: str) -> tuple[int, Process]:
        """Run a command line to its end."""
        async with self.running(*program, **env) as running:
            if typed:
                running.type(typed)
            running.end_input()
            code = await running.ends()
        return code, running

    async def history(self) -> list[tuple[str, str]]:
        """Return what was said, by whom, as the next start of the program tells it."""
        _, running = await self.ended(*self.program("chat", "--json", "--message", "/history"))
        report = json.loads(running.out.splitlines()[0])
        return [(entry["author"], entry["text"]) for entry in report["entries"]]

    def log(self) -> list[Mapping[str, Any]]:
        """Return the log's lines."""
        text = (self.data / "logs" / "acore.log").read_text()
        return [json.loads(line) for line in text.splitlines()]
