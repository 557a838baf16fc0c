"""A person at a terminal: starts a program, reads what it shows, types."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\][^\x07]*\x07|\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]")
_PROMPT_OPENS = b"\x1b[?2004h"  # from here on, what is pasted is marked: a line editor listens
_CHUNK = 65_536
_PATIENCE = 20.0

CTRL_C = "\x03"
CTRL_D = "\x04"
ENTER = "\r"


class PseudoTerminal:
    """One program and its screen; ``text`` is all that was shown, without control sequences."""

    def __init__(self, process: asyncio.subprocess.Process, fd: int) -> None:
        self.process = process
        self._fd = fd
        self._raw = b""
        self._seen = 0
        self._prompts = 0
        self._news = asyncio.Event()
        self.hung_up = False

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self._raw.decode(errors="replace"))

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    async def shows(self, pattern: str) -> re.Match[str]:
        """Wait until something new matches ``pattern``, and take it as seen."""
        while True:
            found = re.compile(pattern).search(self.text, self._seen)
            if found:
                self._seen = found.end()
                return found
            await self._more(f"waiting for {pattern!r}")

    async def prompts(self) -> None:
        """Wait until the next line may be typed."""
        while True:
            opened = self._raw.find(_PROMPT_OPENS, self._prompts)
            if opened >= 0:
                self._prompts = opened + 1
                self._seen = len(_ESCAPES.sub("", self._raw[:opened].decode(errors="replace")))
                return
            await self._more("waiting for the prompt")

    async def say(self, line: str) -> None:
        """Wait for the prompt and enter a line."""
        await self.prompts()
        self.type(line + ENTER)

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self.hung_up = True

    async def ends(self) -> int:
        """Wait until the program has ended and return its exit code."""
        async with asyncio.timeout(_PATIENCE):
            return await self.process.wait()

    def read(self) -> None:
        """Take in what the program has shown."""
        try:
            chunk = os.read(self._fd, _CHUNK)
        except OSError:  # how a terminal says that its program is gone
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._fd)
        self._raw += chunk
        self._news.set()

    async def _more(self, why: str) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{why}; shown so far:\n{self.text[self._seen :]}") from None


@asynccontextmanager
async def at_terminal(
    *program: str | Path, env: Mapping[str, str], cwd: Path
) -> AsyncIterator[PseudoTerminal]:
    """Run ``program`` with a terminal of its own; it is killed if it outlives the block."""
    own, its = pty.openpty()
    terminal: PseudoTerminal | None = None
    try:
        process = await _started(program, its, env={**env, "TERM": "xterm-256color"}, cwd=cwd)
        terminal = PseudoTerminal(process, own)
        loop = asyncio.get_running_loop()
        loop.add_reader(own, terminal.read)
        try:
            yield terminal
        finally:
            if not terminal.hung_up:
                loop.remove_reader(own)
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        if terminal is None or not terminal.hung_up:
            os.close(own)


async def _started(
    program: Sequence[str | Path], terminal: int, *, env: Mapping[str, str], cwd: Path
) -> asyncio.subprocess.Process:
    def claim() -> None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    try:
        return await asyncio.create_subprocess_exec(
            *program,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=claim,
        )
    finally:
        os.close(terminal)
