import asyncio, pytest
from tests.integration.test_discord_conversation import *
async def test_dbg(town, live):
    asked = town.bob.uses(town.general, town.bot, "conversation greet")
    await told(town, town.bob, asked)
    [shown] = town.bob.answers_to(asked)
    [greeting] = [one for one in town.general.messages.values() if one.id != shown.id]
    first = greeting.content
    a = town.bob.clicks(greeting, "▶")
    await town.until(lambda: greeting.content != first)
    await asyncio.sleep(1)
    print("AFTER", [ (m.content[:60], m.id) for m in town.general.messages.values()])
    b = town.bob.clicks(greeting, "◀")
    await asyncio.sleep(2)
    print("AFTER", [ (m.content[:60], m.id) for m in town.general.messages.values()], [m.content for m in town.bob.answers_to(b)])
    assert 0
