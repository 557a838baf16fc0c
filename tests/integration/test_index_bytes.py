"""What was removed or edited away is in no file of the data folder any more."""

import pytest
from sqlalchemy import text

from services.domain.events import MessageEdited
from services.memory.recollections import forget_rows
from tests.fakes.memory_world import opened_world

SECRETS = ["Zanzibarquux", "kwyjibofnord", "plughxyzzy"]


def traces(folder):
    """Return which secrets are in which files, also in pieces as the word index keeps them."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            for secret in SECRETS:
                for piece in {secret.lower(), secret.lower()[1:], secret.lower()[:9]}:
                    if piece.encode() in content:
                        found.append((path.name, piece))
    return found


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with opened_world(tmp_path, clock, ids) as opened:
        yield opened


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["removed", "edited", "forgotten"])
async def test_removed_words_leave_no_bytes_behind(world, tmp_path, clock, how):
    filler = [f"weather{n} garden{n % 97} morning{n % 13} talk about boats" for n in range(1500)]
    async with world.indexing() as indexer:
        await world.say_many(filler[:700])
        secret = await world.say(f"{SECRETS[0]} and {SECRETS[1]} met {SECRETS[2]} {SECRETS[1]}s")
        await world.say_many(filler[700:])
        await indexer.caught_up()
        await world.database.checkpoint()
        assert traces(tmp_path)

        async with world.database.transaction() as tx:
            if how == "removed":
                await world.history.remove(tx, secret.message.id, at=clock.now())
            elif how == "edited":
                entry = await world.history.edit(
                    tx, secret.message.id, "nothing to see", at=clock.now()
                )
                world.bus.publish(MessageEdited(entry=entry))
            else:
                await world.history.remove(tx, secret.message.id, at=clock.now())
                row = (await world.rows())[secret.message.id]["id"]
                dropped = await tx.run(forget_rows, [row])
        if how == "forgotten":
            await indexer.dropped(dropped, thoroughly=True)
        await indexer.caught_up()
        await world.database.checkpoint()
        assert traces(tmp_path) == []
        assert await world.found(SECRETS[0]) == []


async def test_the_word_index_stays_sound(world, clock):
    async with world.indexing() as indexer:
        entries = [await world.say(f"entry{n} about things") for n in range(60)]
        await indexer.caught_up()
        for entry in entries[::2]:
            async with world.database.transaction() as tx:
                await world.history.remove(tx, entry.message.id, at=clock.now())
        await indexer.caught_up()
        assert len(await world.found("things")) == 30
    async with world.database.transaction() as tx:
        await tx.run(
            lambda c: c.execute(
                text("INSERT INTO recollection_words(recollection_words) VALUES('integrity-check')")
            )
        )
