import asyncio, contextlib, time
from services.domain.clock import SystemClock
from services.domain.people import Author
from services.domain.ids import AuthorId
from services.observability.metrics import Metrics
from frontends.discord.voice.link import VoiceLink
from tests.discord_standin.voice.stage import stage, eventually
from tests.discord_standin.voice.sound import frames_of_pcm, tone
from tests.discord_standin.voice.links import Weather


async def test_smoke():
    async with stage() as here:
        ch = here.client.get_channel(here.lounge.id)
        t = time.monotonic()
        link = await VoiceLink.connect(
            ch,
            author_of=lambda i: Author(id=AuthorId("discord", str(i)), display_name=str(i)),
            clock=SystemClock(),
            metrics=Metrics(),
        )
        print("joined", time.monotonic() - t)
        alice = await here.joins(here.town.alice)
        got = []

        async def read():
            async with contextlib.aclosing(link.frames()) as fr:
                async for f in fr:
                    got.append(f)

        async with asyncio.TaskGroup() as g:
            task = g.create_task(read())
            await alice.says(frames_of_pcm(tone(300, 0.5)))
            await eventually(lambda: len(got) >= 25)
            print(len(got), link.health())
            from tests.discord_standin.voice.opcodes import Close

            t = time.monotonic()
            here.board.servers[0].dismiss(here.bot_id, Close.SESSION_INVALID)
            await eventually(lambda: link.health().sessions == 2 and link.health().connected)
            await here.settles()
            print("back", time.monotonic() - t)
            await link.close()
        print(link.ending)
