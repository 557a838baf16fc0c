"""Draining: what runs may end, what stalls is cut, what waits is told, nothing new begins."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.domain.errors import Busy
from services.domain.ids import ConversationId
from tests.fakes.app import PLACE, opened_app
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import Script, ScriptedModel

ELSEWHERE = ConversationId("test", "local", "elsewhere")
SLOW = Script(text="One two. Three four. Five six.", token_seconds=0.05)


async def _begun(delivery: RecordingDelivery) -> None:
    async with asyncio.timeout(5):
        while "two" not in delivery.sink.text:  # noqa: ASYNC110  a sink rings no bell
            await asyncio.sleep(0.01)


async def test_an_answer_that_ends_in_time_is_whole_and_draining_ends_with_it(
    tmp_path: Path,
) -> None:
    async with opened_app(tmp_path, ScriptedModel(SLOW)) as app:
        delivery = RecordingDelivery()
        receipt = await app.post("Hello", delivery)
        await _begun(delivery)
        async with asyncio.timeout(3):
            await app.conversations.drain(30.0)
        assert (await receipt.outcome()).terminals[0].kind == "turn_finished"
        assert delivery.sink.text == SLOW.text
        assert (await app.history())[-1] == ("mira", SLOW.text)


async def test_a_stalled_answer_is_cut_after_the_patience_is_over(tmp_path: Path) -> None:
    endless = Script(pieces=["One two. ", "Three ", *["…"] * 10_000], token_seconds=0.05)
    async with opened_app(tmp_path, ScriptedModel(endless)) as app:
        delivery = RecordingDelivery()
        receipt = await app.post("Hello", delivery)
        await _begun(delivery)
        began = asyncio.get_running_loop().time()
        await app.conversations.drain(0.3)
        assert 0.3 <= asyncio.get_running_loop().time() - began < 2.0
        terminal = (await receipt.outcome()).terminals[0]
        assert (terminal.kind, getattr(terminal, "reason", None)) == (
            "turn_interrupted",
            "shutdown",
        )
        kept = (await app.history())[-1][1]
        assert kept.startswith("One two. Three")
        assert delivery.sink.text.startswith(kept)


async def test_what_waits_and_what_comes_is_told_in_a_sentence(tmp_path: Path) -> None:
    model = ScriptedModel(SLOW)
    async with opened_app(tmp_path, model) as app, asyncio.TaskGroup() as group:
        delivery = RecordingDelivery()
        first = await app.post("Hello", delivery)
        await _begun(delivery)
        waiting = await app.post("And me?", RecordingDelivery())
        await asyncio.sleep(0.05)
        draining = group.create_task(app.conversations.drain(30.0))
        await asyncio.sleep(0)
        for place in (PLACE, ELSEWHERE):
            with pytest.raises(Busy, match="restart"):
                await app.post("Too late", RecordingDelivery(), place=place)
        with pytest.raises(Busy, match="closing"):
            await waiting.outcome()
        await draining
        assert (await first.outcome()).terminals[0].kind == "turn_finished"
    assert len(model.requests) == 1


async def test_draining_an_idle_program_takes_no_time(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        await app.say("Hello")
        async with asyncio.timeout(0.5):
            await app.conversations.drain(30.0)
            await app.conversations.drain()
