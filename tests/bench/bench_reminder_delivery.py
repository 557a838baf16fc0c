"""Ten thousand reminders due at once: how far behind the platform's limit the last one is told.

The limits are Discord's: 50 requests a second in all and 5 in 5 s for a channel, kept by the same
pacing the bot uses, so that this part takes at least 200 s. Another part kills the process twenty
times while it delivers to a recorder over a socket.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from services.storage.sqlite import use_modern_sqlite
from tests.bench.lag import watched_loop
from tests.bench.results import Figure, percentile, report, rss_mb

use_modern_sqlite()

from frontends.discord.pacing import Bucket, Pacing  # noqa: E402
from services.domain.clock import SystemClock  # noqa: E402
from services.domain.ids import AuthorId, ConversationId  # noqa: E402
from services.reminders.posts import Announcement, Posting  # noqa: E402
from tests.fakes.reminder_recorder import ended, recording, started  # noqa: E402
from tests.fakes.reminders import ReminderWorld, reminder_world  # noqa: E402

COUNT = 10_000
CHANNELS = 2_000
PER_SECOND = 50
KILLS = 20
CROWD = 2_000


class PacedPost:
    """Takes as many as Discord would, each after the time an answer takes."""

    def __init__(self, clock: SystemClock) -> None:
        self._pacing = Pacing(clock)
        self._chance = random.Random(3)
        self.told: Counter[str] = Counter()
        self.at: dict[str, float] = {}

    async def deliver(self, announcement: Announcement, /) -> Posting:
        """Wait for the pace, then for the answer."""
        await self._pacing.free(Bucket(f"send:{announcement.conversation}"))
        await asyncio.sleep(self._chance.uniform(0.05, 0.15))
        self.told[announcement.nonce] += 1
        self.at.setdefault(announcement.text, time.perf_counter())
        return Posting.POSTED


async def stock(world: ReminderWorld, count: int, *, channels: int, platform: str) -> None:
    """Store ``count`` reminders that are due, spread over ``channels``."""
    now = world.clock.now()
    await world.add_many(
        [
            world.reminder(
                f"{platform} {number}",
                now,
                number=number,
                owner=AuthorId(platform, f"user{number % channels}"),
                conversation=ConversationId(platform, "guild", str(number % channels)),
            )
            for number in range(count)
        ]
    )


async def delivered(folder: Path) -> list[Figure]:
    """Deliver everything at the platform's pace."""
    clock = SystemClock()
    async with reminder_world(folder, clock) as world:
        await stock(world, COUNT, channels=CHANNELS, platform="discord")
        post = PacedPost(clock)
        world.posts.register("discord", post)
        memory = rss_mb()
        began = time.perf_counter()
        async with world.dispatcher(), watched_loop() as late:
            while len(post.told) < COUNT:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)
            seconds = time.perf_counter() - began
            grown = rss_mb() - memory
            await world.until(lambda rows: all(row["state"] == "shown" for row in rows))
    limit = COUNT / PER_SECOND
    return [
        Figure(name=f"{COUNT:,} due at once: behind the limit", value=seconds - limit, unit="s",
               target=10),
        Figure(name="the limit itself", value=limit, unit="s"),
        Figure(name="told more than once", value=sum(n - 1 for n in post.told.values()),
               unit="reminders", target=0),
        Figure(name="memory grown meanwhile", value=grown, unit="MB", target=40),
        Figure(name="event loop late, p99", value=percentile(late, 0.99) * 1000, unit="ms",
               target=100),
    ]  # fmt: skip


async def crowded(folder: Path) -> list[Figure]:
    """Let one channel be crowded, and see how long somebody elsewhere waits."""
    clock = SystemClock()
    async with reminder_world(folder, clock) as world:
        await stock(world, CROWD, channels=1, platform="discord")
        elsewhere = ConversationId("discord", "guild", "zzz")
        alone = world.reminder("alone", clock.now(), number=CROWD, conversation=elsewhere)
        await world.add_many([alone])
        post = PacedPost(clock)
        world.posts.register("discord", post)
        began = time.perf_counter()
        async with world.dispatcher():
            while "alone" not in post.at:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.005)
    name = f"one elsewhere beside {CROWD:,} in one channel"
    return [Figure(name=name, value=post.at["alone"] - began, unit="s", target=1)]


async def killed(folder: Path) -> list[Figure]:
    """Kill the process twenty times while it delivers ten thousand."""
    async with reminder_world(folder, SystemClock()) as world:
        await stock(world, COUNT, channels=CHANNELS, platform="discord")
    async with recording() as (recorder, port):
        for kill in range(1, KILLS + 1):
            process = await started(folder, port)
            while len(recorder.shown) < kill * COUNT // (KILLS + 1):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await ended(process)
        process = await started(folder, port)
        began = time.perf_counter()
        while len(recorder.shown) < COUNT and time.perf_counter() - began < 120:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.0)
        await ended(process)
    twice = sum(count - 1 for count in recorder.shown.values())
    lost = COUNT - len(recorder.shown)
    return [
        Figure(name=f"lost over {KILLS} kills", value=lost, unit="reminders", target=0),
        Figure(name=f"told twice over {KILLS} kills", value=twice, unit="reminders", target=0),
    ]


async def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [
            *await delivered(folder / "paced"),
            *await crowded(folder / "crowded"),
            *await killed(folder / "killed"),
        ]
    report("reminder_delivery", figures)


if __name__ == "__main__":
    asyncio.run(main())
