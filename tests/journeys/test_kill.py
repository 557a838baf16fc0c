"""``kill -9`` at random moments: what was finished is stored, and so is every whole sentence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama
from tests.journeys.program import Program, inspected

PIECES = [f"{word} " for n in range(6) for word in ("This", "is", "sentence", f"number{n}.")]
STORED = "SELECT written FROM messages WHERE persona_id IS NOT NULL AND deleted_at IS NULL"


async def killed_once(program: Program, moment: float) -> Sequence[Mapping[str, Any]]:
    """Chat until the kill and return what was printed."""
    async with program.chatting() as chat:
        for n in range(8):
            chat.type(f"Question {n}")
        await chat.until("turn_started")
        await asyncio.sleep(moment)
        return list((await chat.kill()).events)


async def check(program: Program, events: Sequence[Mapping[str, Any]], scratch: Path) -> None:
    async with program.chatting() as chat:  # starting again recovers what was open
        await chat.leave()
    soundness, stored = await inspected(program.data, scratch, "PRAGMA integrity_check", STORED)
    assert soundness == [["ok"]]
    texts = [row[0] for row in stored]
    for event in events:
        if event["kind"] == "turn_finished":
            assert event["reply"]["text"] in texts
    ends = [n for n, event in enumerate(events) if event["kind"] == "turn_finished"]
    unfinished = events[ends[-1] + 1 :] if ends else events
    for event in unfinished:
        if event["kind"] == "sentence_ready":
            assert event["text"] in texts[-1]


async def turns_survive(folder: Path, kills: int) -> None:
    rng = random.Random(20)
    server = FakeOllama(default=Answer(pieces=PIECES, delay_each=0.004))
    async with server.running():
        for n in range(kills):
            program = Program(folder, data=folder / f"data{n % 3}").asking(server.url)
            events = await killed_once(program, rng.uniform(0.0, 0.4))
            await check(program, events, folder / "copy")


@pytest.mark.timeout(120)
async def test_nothing_finished_is_lost_and_no_whole_sentence(tmp_path: Path) -> None:
    await turns_survive(tmp_path, 8)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_the_same_over_many_kills(tmp_path: Path) -> None:
    await turns_survive(tmp_path, 200)
