"""A platform that notes what a process tells it over a socket, and that process."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Recorder:
    """A server that shows what it is sent; on ``discord`` once for each nonce."""

    def __init__(self) -> None:
        self.shown: Counter[tuple[str, str]] = Counter()
        self.unmarked: Counter[tuple[str, str]] = Counter()
        self.chance = random.Random(11)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = json.loads(await reader.readuntil(b"\n"))
            key = (said["platform"], said["nonce"])
            await asyncio.sleep(self.chance.uniform(0.0, 0.004))
            if said["what"] == "find":
                answer = self.shown[key] > 0
            else:
                answer = True
                self.shown[key] += 1
                self.unmarked[key] += not said["uncertain"]
            await asyncio.sleep(self.chance.uniform(0.0, 0.004))
            writer.write(f"{json.dumps(answer)}\n".encode())
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def recording() -> AsyncIterator[tuple[Recorder, int]]:
    recorder = Recorder()
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    async with server:
        yield recorder, server.sockets[0].getsockname()[1]


async def started(folder: Path, port: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.reminder_child", str(folder), str(port),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"delivering\n"
    return process


async def ended(process: asyncio.subprocess.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    await process.stdout.read()
    await process.wait()
