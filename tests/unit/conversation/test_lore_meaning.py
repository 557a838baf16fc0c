"""Entries marked for it are found by what was meant; a failing embedder costs nothing but them."""

import pytest

from services.conversation.lore_meaning import MeantEntries
from services.domain.errors import ProviderError, ProviderFault
from services.persona.lore.entry import Lorebook, LoreEntry
from services.persona.macros.environment import ChatLine
from tests.fakes.hash_embedder import HashEmbedder

BOOK = Lorebook(
    name="town",
    entries=(
        LoreEntry(
            uid=1, content="The harbour bell rings at dawn for the fishing fleet", vectorized=True
        ),
        LoreEntry(uid=2, content="Every winter the old mill grinds chestnut meal", vectorized=True),
        LoreEntry(uid=3, content="The harbour bell rings at dawn for the fishing fleet"),
        LoreEntry(
            uid=4, content="The harbour bell of the fishing fleet", vectorized=True, disabled=True
        ),
    ),
)


def said(*texts):
    return [ChatLine(name="Sam", text=text, is_user=True) for text in texts]


@pytest.fixture
def embedder():
    return HashEmbedder()


async def test_only_marked_entries_that_are_near_are_found(embedder):
    found = await MeantEntries(embedder).find(
        [BOOK], said("When does the bell ring for the fishing fleet?")
    )
    assert found == {("town", "1")}


async def test_only_the_newest_two_messages_count(embedder):
    chat = said("The harbour bell rings at dawn for the fishing fleet", "Hm.", "Nice cup of tea.")
    assert await MeantEntries(embedder).find([BOOK], chat) == frozenset()


async def test_entries_are_embedded_once(embedder):
    meant = MeantEntries(embedder)
    for _ in range(3):
        await meant.find([BOOK], said("When does the bell ring?"))
    assert len(embedder.passed) == len(set(embedder.passed)) == 10


@pytest.mark.parametrize("chat", [[], said(""), said("  ")])
async def test_nothing_said_finds_nothing(embedder, chat):
    assert await MeantEntries(embedder).find([BOOK], chat) == frozenset()
    assert embedder.calls == 0


async def test_without_an_embedder_or_with_a_failing_one_none_are_found(embedder):
    chat = said("When does the bell ring for the fishing fleet?")
    assert await MeantEntries(None).find([BOOK], chat) == frozenset()
    embedder.failure = ProviderError("hash", ProviderFault.UNREACHABLE, "Start it.")
    meant = MeantEntries(embedder)
    assert await meant.find([BOOK], chat) == frozenset()
    embedder.failure = None
    assert await meant.find([BOOK], chat) == {("town", "1")}
