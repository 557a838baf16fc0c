"""A conversation follows its character's card; a thousand cards do not hold it up."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.domain.ids import PersonaId
from services.domain.people import Role
from services.domain.replies import TurnFinished
from services.llm.model import ChatRequest
from services.persona.library import CharacterLibrary
from services.persona.watching import CharacterWatch
from tests.bench.lag import watched_loop
from tests.fakes.app import PLACE, SAM, App, opened_app
from tests.fakes.card_files import as_json, book, entry, v2
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = pytest.mark.timeout(120)

MANY = 2_000


def put(data: Path, description: str, *, slug: str = "mira", **fields: object) -> Path:
    path = data / "characters" / slug / "card.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    own = {"acore": {"id": slug}}
    card = v2(name=slug.title(), description=description, extensions=own, **fields)
    path.write_bytes(as_json(card))
    return path


def prompt(request: ChatRequest) -> str:
    return repr(request.messages)


async def describes(app: App, slug: str, description: str) -> None:
    async with asyncio.timeout(20):
        while app.factory.library().find(slug).character.description != description:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_next_turn_has_the_new_card_and_a_begun_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    put(tmp_path, "She keeps bees.")
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="First.", hold=hold), Script(text="Second.")])
    async with (
        opened_app(tmp_path, model) as app,
        CharacterWatch(app.factory.library(), seconds=0.02),
    ):
        first = RecordingDelivery()
        receipt = await app.post("Hello", first)
        async with asyncio.timeout(20):
            while not model.requests:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.to_thread(put, tmp_path, "She keeps goats.")
        await describes(app, "mira", "She keeps goats.")
        hold.set()
        outcome = await receipt.outcome()
        assert isinstance(outcome.terminals[0], TurnFinished)
        await app.say("And now?")
        assert "bees" in prompt(model.requests[0])
        assert "goats" in prompt(model.requests[1])
        assert "bees" not in prompt(model.requests[1])
        history = await app.history()
    assert [text for _, text in history] == ["Hello", "First.", "And now?", "Second."]
    assert [who for who, _ in history] == ["sam", "mira", "sam", "mira"]


async def test_a_character_taken_away_leaves_the_talk_to_the_default(tmp_path: Path) -> None:
    path = put(tmp_path, "She keeps bees.", slug="ada")
    async with (
        opened_app(tmp_path, ScriptedModel("Hm.")) as app,
        CharacterWatch(app.factory.library(), seconds=0.02),
    ):
        await app.conversations.choose_persona(PLACE, "ada", by=SAM, role=Role.OWNER)
        assert (await app.conversations.persona_of(PLACE)).slug == "ada"
        await asyncio.to_thread(path.unlink)
        async with asyncio.timeout(20):
            while app.factory.library().get(PersonaId("ada")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        outcome, _ = await app.say("Still there?")
        assert isinstance(outcome.terminals[0], TurnFinished)
        assert (await app.history())[-1] == ("mira", "Hm.")


def many(data: Path) -> None:
    lore = book(*(entry(id=n, keys=[f"k{n}"], content="Bees dance. " * 20) for n in range(10)))
    for number in range(MANY):
        put(data, "words " * 500, slug=f"n{number}", character_book=lore)


async def test_two_thousand_cards_are_read_and_watched_beside_the_loop(tmp_path: Path) -> None:
    await asyncio.to_thread(many, tmp_path)
    own = tmp_path / "characters"
    library = CharacterLibrary(own, default="n0", own=own)
    async with watched_loop() as late:
        opened = await _timed(library.reload)
    assert len(library.all()) == MANY
    assert opened < 30
    # One full garbage collection of a process with thousands of tests behind it may fall into it.
    assert sorted(late)[-2] < opened / 2, "the loop went on while cards were read"
    async with watched_loop() as late:
        looks = [await _timed(library.look_again) for _ in range(10)]
    assert min(looks) < 0.5
    assert statistics.median(late) < max(looks) / 3, "and while they were looked at"
    for number in range(0, MANY, 100):
        await asyncio.to_thread(put, tmp_path, "changed", slug=f"n{number}")
    await library.look_again()
    assert await _timed(library.look_again) < opened, "only what has changed is read"
    changed = [each for each in library.all() if each.character.description == "changed"]
    assert len(changed) == MANY // 100


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
