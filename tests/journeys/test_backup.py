"""Backups through the program: talked, backed up, lost, restored, and it is all there again."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from services.conversation.history import History
from services.domain.clock import SystemClock
from services.domain.ids import ConversationId, MessageId, UlidSource
from services.domain.messages import BlobPart, Message, TextPart
from services.settings import StorageSettings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from tests.fakes.app import SAM
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.journeys.program import Program, inspected, said

pytestmark = pytest.mark.timeout(90)

PICTURE = b"a picture of a heron" * 5000
MAIN_PLACE = ConversationId("console", "local", "main")


async def attach(data: Path) -> str:
    """Add a message with a picture to the conversation of the terminal; return its name."""
    clock = SystemClock()
    settings = StorageSettings(data=data)
    async with Database(settings, clock=clock) as database:
        blobs = BlobStore(settings, database=database, clock=clock)
        stored = await blobs.put(PICTURE, media_type="image/png")
        part = BlobPart(
            kind="image",
            sha256=stored.sha256,
            media_type="image/png",
            name="heron.png",
            size=stored.size,
        )
        message = Message(
            id=MessageId(UlidSource(clock, random.Random(1)).new()),
            conversation=MAIN_PLACE,
            author=replace(SAM),
            parts=(TextPart(text="Look, a heron"), part),
            created_at=clock.now(),
        )
        async with database.transaction() as tx:
            await History().record(tx, message)
    return stored.sha256


async def read_picture(data: Path, sha256: str) -> bytes:
    clock = SystemClock()
    settings = StorageSettings(data=data)
    async with Database(settings, clock=clock) as database:
        return await BlobStore(settings, database=database, clock=clock).read(sha256)


async def talk(program: Program, *texts: str) -> list[tuple[str, str]]:
    async with program.chatting() as chat:
        for text in texts:
            assert (await chat.say(text))["kind"] == "turn_finished"
        return said(await chat.history())


async def backed_up(program: Program, *arguments: str) -> Path:
    ended = await program.run("backup", *arguments)
    assert ended.code == 0, ended.complaints
    return Path(ended.out.strip())


async def test_what_was_lost_is_there_again(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        await talk(program, "Remember the heron", "And the kettle")
        picture = await attach(program.data)
        shutil.copytree(Path("characters") / "mira", program.data / "characters" / "mira")
        before = await talk(program, "Goodbye")
        archive = await backed_up(program)
        assert archive.parent == tmp_path / "backups"

        shutil.rmtree(program.data)
        restored = await program.run("restore", str(archive))
        assert restored.code == 0, restored.complaints
        assert "messages" in restored.out
        async with program.chatting() as chat:
            assert said(await chat.history()) == before
        assert await read_picture(program.data, picture) == PICTURE
        assert (program.data / "characters" / "mira" / "card.json").exists()
        assert (await talk(program, "Still here?"))[: len(before)] == before


async def test_restoring_beside_a_running_program_is_refused(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        async with program.chatting() as chat:
            await chat.say("Hello")
            archive = await backed_up(program)
            ended = await program.run("restore", str(archive), "--replace")
            assert ended.code == 2
            assert "Another acore" in ended.one_sentence()
            assert (await chat.say("Still here?"))["kind"] == "turn_finished"


async def test_existing_data_stays_and_with_replace_lies_aside(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        early = await talk(program, "The first evening")
        archive = await backed_up(program)
        late = await talk(program, "The second evening")
        ended = await program.run("restore", str(archive))
        assert ended.code == 1
        assert "--replace" in ended.one_sentence()
        assert (await program.run("restore", str(archive), "--replace")).code == 0
        async with program.chatting() as chat:
            assert said(await chat.history()) == early
        (aside,) = program.data.glob("replaced-*")
        old = Program(tmp_path, data=aside).asking(server.url)
        async with old.chatting() as chat:
            assert said(await chat.history()) == late


async def test_a_file_that_is_no_backup_is_one_sentence(tmp_path: Path) -> None:
    letter = tmp_path / "letter.tar"
    letter.write_text("Dear Ann, " * 1000)
    ended = await Program(tmp_path).run("restore", str(letter))
    assert ended.code == 1
    assert "not a complete backup" in ended.one_sentence()
    assert not (tmp_path / "data" / "acore.db").exists()


async def test_a_backup_can_be_restored_elsewhere(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        history = await talk(program, "Hello")
        archive = await backed_up(program, "--to", str(tmp_path / "copies.d"))
        assert archive.parent == tmp_path / "copies.d"
        ended = await program.run("restore", str(archive), "--to", str(tmp_path / "copy"))
        assert ended.code == 0, ended.complaints
        copy = Program(tmp_path, data=tmp_path / "copy").asking(server.url)
        async with copy.chatting() as chat:
            assert said(await chat.history()) == history


async def test_backing_up_while_somebody_is_answered_holds_what_was_finished(
    tmp_path: Path,
) -> None:
    pieces = [f"word{n} " for n in range(40)] + ["end."]
    server = FakeOllama(default=Answer(pieces=pieces, delay_each=0.005))
    async with server.running():
        program = Program(tmp_path).asking(server.url)
        async with program.chatting() as chat:
            finished: list[str] = []
            for n in range(3):
                chat.type(f"Question {n}")
                await chat.until("turn_started")
                archive = await backed_up(program, "--to", str(tmp_path / f"copy{n}"))
                into = tmp_path / f"restored{n}"
                assert (await program.run("restore", str(archive), "--to", str(into))).code == 0
                (stored,) = await inspected(
                    into, tmp_path / "scratch", "SELECT written FROM messages"
                )
                texts = [row[0] for row in stored]
                assert all(text in texts for text in finished)
                assert f"Question {n}" in texts
                finished.append((await chat.until("turn_finished"))["reply"]["text"])


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_at_random_moments_restoring_ends_in_one_of_both(tmp_path: Path) -> None:
    rng = random.Random(17)
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        early = await talk(program, "The first evening")
        (program.data / "characters" / "big").mkdir(parents=True)
        (program.data / "characters" / "big" / "ballast.bin").write_bytes(rng.randbytes(20_000_000))
        archive = await backed_up(program)
        late = await talk(program, "The second evening")
        outcomes = []
        for n in range(8):
            folder = tmp_path / f"again{n}"
            shutil.copytree(program.data, folder)
            victim = Program(tmp_path, data=folder).asking(server.url)
            async with victim.started("restore", str(archive), "--replace") as restoring:
                await asyncio.sleep(0.25 + rng.uniform(0.0, 0.5))
                await restoring.kill()
            async with victim.chatting() as chat:
                found = said(await chat.history())
            assert found in (early, late)
            assert (folder / "characters" / "big" / "ballast.bin").stat().st_size == 20_000_000
            outcomes.append(found)
            shutil.rmtree(folder)
    assert outcomes


async def test_a_night_is_rehearsed_and_then_done(tmp_path: Path) -> None:
    async with FakeOllama().running() as server, AsyncExitStack() as stack:
        program = Program(tmp_path).asking(server.url)
        await talk(program, "Hello")
        chat = await stack.enter_async_context(program.chatting())
        await chat.say("Good evening")
        rehearsal = await program.run("housekeeping", "--json")
        assert rehearsal.code == 0, rehearsal.complaints
        assert {each["chore"] for each in json.loads(rehearsal.out)} >= {"backup", "database"}
        assert not (tmp_path / "backups").exists()
        refused = await program.run("housekeeping", "--now")
        assert refused.code == 2
        assert "Another acore" in refused.one_sentence()
        await chat.leave()
        done = await program.run("housekeeping", "--now", "--json")
    assert done.code == 0, done.complaints
    assert all(each["problem"] is None for each in json.loads(done.out))
    (archive,) = (tmp_path / "backups").iterdir()
    assert archive.suffix == ".tar"
