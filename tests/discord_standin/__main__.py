"""Runs a stand-in for trying things by hand: ``python -m tests.discord_standin [PORT]``."""

from __future__ import annotations

import asyncio
import sys

from tests.discord_standin.founding import add_bot, add_channel, add_guild, add_user
from tests.discord_standin.server import Standin


async def main(port: int) -> None:
    """Serve a world with one guild, one channel, one person and one bot until stopped."""
    async with Standin(port=port) as standin:
        world = standin.world
        bot = add_bot(world, "acore")
        person = add_user(world, "Alice")
        guild = add_guild(world, "Playground", owner=person, members=(bot.user,))
        channel = add_channel(world, guild, "general")
        lines = (
            f"REST     {standin.api_url}",
            f"gateway  {standin.gateway.url}",
            f"CDN      {standin.gateway.cdn}",
            f"token    {bot.token}",
            f"guild    {guild.id}",
            f"channel  {channel.id}",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except KeyboardInterrupt:
        sys.exit(130)
