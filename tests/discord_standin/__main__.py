"""A Discord to try things on: ``python -m tests.discord_standin [PORT]``; see ``console``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading

from tests.discord_standin.console import Console
from tests.discord_standin.founding import add_bot, add_channel, add_guild, add_user
from tests.discord_standin.scene import known_contract
from tests.discord_standin.server import Standin


async def main(port: int) -> None:
    """Serve a world with one guild, one channel, one person and one bot until told to quit."""
    async with Standin(port=port, contract=known_contract()) as standin:
        world = standin.world
        bot = add_bot(world, "acore")
        alice = add_user(world, "Alice")
        guild = add_guild(world, "Playground", owner=alice, members=(bot.user,))
        channel = add_channel(world, guild, "general")
        for name, value in standin.environment(bot).items():
            _write(f"{name}={value}")
        _write(f"# guild {guild.id}, channel {channel.id}; type `alice: hello`, or `quit`")
        console = Console(standin, bot, guild, channel, _write)
        lines = _typed_lines()
        while (line := await lines.get()) is not None:
            if not console.take(line):
                return
        await asyncio.Event().wait()  # nobody types any more, but clients may go on


def _typed_lines() -> asyncio.Queue[str | None]:
    """Return what is typed, line by line, with None for the end of it."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have ended first
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return lines


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except KeyboardInterrupt:
        sys.exit(130)
