"""A process that delivers reminders over a socket, to be killed: FOLDER PORT PLATFORM..."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

from services.domain.clock import SystemClock
from services.reminders.outcomes import Pace
from services.reminders.posts import Announcement, Posting
from tests.fakes.reminders import reminder_world


class SocketPost:
    """Tells a recorder on the other end of a socket, and waits for its answer.

    With ``looks`` it asks before whether a possibly repeated one stands there already.
    """

    def __init__(self, platform: str, port: int, *, looks: bool) -> None:
        self._platform = platform
        self._port = port
        self._looks = looks

    async def deliver(self, announcement: Announcement, /) -> Posting:
        """Send it; a lost connection leaves it open whether it arrived."""
        try:
            if self._looks and announcement.uncertain and await self._asked("find", announcement):
                return Posting.POSTED
            await self._asked("post", announcement)
        except (OSError, EOFError):
            return Posting.UNCERTAIN
        return Posting.POSTED

    async def _asked(self, what: str, announcement: Announcement) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            said = {
                "what": what,
                "platform": self._platform,
                "nonce": announcement.nonce,
                "text": announcement.text,
                "occurrence": announcement.occurrence,
                "uncertain": announcement.uncertain,
            }
            writer.write(f"{json.dumps(said)}\n".encode())
            answer = await reader.readuntil(b"\n")
        finally:
            writer.close()
        return bool(json.loads(answer))


async def main(folder: Path, port: int) -> None:
    """Deliver until killed."""
    clock = SystemClock()
    async with reminder_world(folder, clock) as world:
        world.ids = type(world.ids)(clock, random.Random())
        world.posts.register("discord", SocketPost("discord", port, looks=True))
        world.posts.register("plain", SocketPost("plain", port, looks=False))
        async with world.dispatcher(Pace(pauses=(0.0,) * 50)):
            print("delivering", flush=True)  # noqa: T201  it tells whoever kills it
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
