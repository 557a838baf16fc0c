"""Clients that are not ours hold the stand-in to account: hikari, and discord.js on Node.js.

Each runs unmodified, in an environment made for it and thrown away, and does what people in the
stand-in ask of it; what it says on stdout is what it understood.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.discord_standin.entities import Channel, Message
from tests.discord_standin.founding import add_user
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission
from tests.discord_standin.rest.cdn import blank_png
from tests.discord_standin.scene import Scene, scene

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(300)]

_HERE = Path(__file__).parent
_PATIENCE_SECONDS = 30.0
_ROOT = _HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """How a client is started."""

    arguments: tuple[str, ...]


@dataclass(slots=True)
class Companion:
    """A client that runs, and the town it runs in."""

    town: Scene
    program: asyncio.subprocess.Process
    told: list[Json]

    async def tells(self, what: str, **more: object) -> Json:
        """Wait until the client says so."""
        assert self.program.stdout
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while line := await self.program.stdout.readline():
                said = json.loads(line)
                self.told.append(said)
                if said["what"] == what and more.items() <= said.items():
                    return dict(said)
        raise AssertionError(f"it ended; before it said {self.told[-5:]}")

    async def does(self, word: str, *, file: bytes | None = None) -> Message:
        """Let Alice say a word in #general, and wait until it is done; return what she said."""
        files = [("picture.png", file, "image/png")] if file else []
        said = self.town.alice.says(self.town.general, word, files=files)
        await self.tells("did", word=word)
        return said

    @staticmethod
    def last_of(channel: Channel) -> Message:
        return list(channel.messages.values())[-1]


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def hikari(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("hikari")
    _run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    requirements = _HERE / "hikari-requirements.txt"
    _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements)
    return Program((str(python), str(_HERE / "hikari_client.py")))


@pytest.fixture(scope="module")
def discordjs(tmp_path_factory: pytest.TempPathFactory) -> Program:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip(
            "no Node.js, so discord.js judges nothing: install Node.js 20 or newer with npm, such "
            "as by `apt install nodejs npm`, then run `make check-all`"
        )
    folder = tmp_path_factory.mktemp("discordjs") / "client"
    shutil.copytree(
        _HERE / "discordjs_client", folder, ignore=shutil.ignore_patterns("node_modules")
    )
    _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return Program((node, str(folder / "client.mjs")))


@pytest.fixture(params=["hikari", "discordjs"])
async def companion(request: pytest.FixtureRequest) -> AsyncIterator[Companion]:
    """Each client in turn, logged in."""
    program: Program = request.getfixturevalue(request.param)
    async with scene() as town, _living(program, town) as running:
        yield running


@asynccontextmanager
async def _living(program: Program, town: Scene) -> AsyncIterator[Companion]:
    town.guild.roles[town.guild.id].permissions |= (
        Permission.MANAGE_WEBHOOKS | Permission.MANAGE_THREADS
    )
    process = await asyncio.create_subprocess_exec(
        *program.arguments,
        env=os.environ | town.standin.environment(town.bot),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Companion(town, process, [])
    try:
        await running.tells("ready", user="eos")
        yield running
        town.alice.says(town.general, "bye")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            assert process.stdout
            while await process.stdout.readline():
                pass
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_knows_its_guild_and_registers_its_commands(companion):
    assert companion.town.standin.gateway.identified == 1
    if not any(said["what"] == "guild" for said in companion.told):
        await companion.tells("guild", name="Playground", channels=1)
    commands = companion.town.standin.world.commands.values()
    assert {command.name for command in commands} == {"ping", "form"}


async def test_it_hears_answers_edits_and_reacts(companion):
    question = await companion.does("hello")
    answer = companion.last_of(companion.town.general)
    assert answer.content == "echo: hello!"
    assert answer.edited_at is not None
    assert answer.reference == (companion.town.general.id, question.id)
    assert question.reactions == {"👍": [companion.town.bot.user.id]}


async def test_embeds_files_and_buttons_arrive(companion):
    town = companion.town
    await companion.does("rich")
    message = companion.last_of(town.general)
    assert message.embeds[0]["fields"] == [{"name": "name", "value": "value", "inline": False}]
    assert [(each.filename, each.content) for each in message.attachments] == [
        ("hello.txt", b"hello file")
    ]
    town.alice.clicks(message, "Again")
    await town.until(lambda: message.content == "clicked")
    assert message.components == []


async def test_commands_completions_and_forms_are_answered(companion):
    town = companion.town
    typed = town.alice.fills_in(town.general, town.bot, "ping", "text", text="ab")
    await town.until(lambda: typed.answer_type)
    assert [each["value"] for each in typed.answer_data["choices"]] == ["ab!"]
    used = town.alice.uses(town.general, town.bot, "ping", text="x")
    await town.until(lambda: len(town.alice.answers_to(used)) == 2)
    assert [each.content for each in town.alice.answers_to(used)] == ["pong", "and more"]
    assert not any(town.bob.sees(each) for each in town.alice.answers_to(used))
    asked = town.alice.uses(town.general, town.bot, "form")
    await town.until(lambda: asked.answer_type)
    filled = town.alice.submits(asked, why="because")
    await town.until(lambda: town.alice.answers_to(filled))
    assert [each.content for each in town.alice.answers_to(filled)] == ["got: because"]


async def test_webhooks_threads_and_direct_messages_work(companion):
    town = companion.town
    await companion.does("face")
    face = companion.last_of(town.general)
    assert (face.author.username, face.content) == ("Another", "as another, edited")
    assert not town.standin.world.webhooks
    said = await companion.does("thread")
    thread = town.standin.world.channels[said.id]
    assert thread.thread
    assert thread.thread.archived
    assert companion.last_of(thread).content == "in the thread"
    await companion.does("direct")
    direct = town.standin.world.direct_channel(town.alice.user.id, town.bot.user.id)
    assert companion.last_of(direct).content == "only you"


async def test_history_and_own_emojis_are_read(companion):
    town = companion.town
    for text in ("one", "two"):
        town.bob.says(town.general, text)
    town.alice.says(town.general, "history")
    assert (await companion.tells("history"))["texts"] == ["history", "two", "one"]
    town.alice.says(town.general, "emoji", files=[("a.png", blank_png(), "image/png")])
    assert (await companion.tells("emojis"))["names"] == ["face"]
    await companion.tells("did", word="emoji")
    assert not town.standin.world.emojis


async def test_what_people_do_is_understood(companion):
    town = companion.town
    said = town.bob.says(town.general, "x")
    await companion.tells("message", text="x")
    town.bob.edits(said, "y")
    await companion.tells("message edited")
    town.bob.types(town.general)
    await companion.tells("typing")
    town.bob.reacts(said, "🔥")
    await companion.tells("reaction")
    town.bob.takes_back(said, "🔥")
    await companion.tells("reaction taken back")
    town.bob.deletes(said)
    await companion.tells("message deleted")


async def test_what_changes_in_the_guild_is_understood(companion):
    town = companion.town
    town.bob.shows("playing a game")
    await companion.tells("presence")
    newcomer = town.standin.person(add_user(town.standin.world, "Carol"))
    newcomer.joins(town.guild)
    await companion.tells("member joined")
    newcomer.leaves(town.guild)
    await companion.tells("member left")
    opened = town.alice.opens_channel(town.guild, "aside")
    await companion.tells("channel opened")
    town.alice.changes_channel(opened, name="elsewhere")
    await companion.tells("channel changed")
    town.alice.opens_thread(opened, "thread")
    await companion.tells("thread opened")
    town.alice.closes(opened)
    await companion.tells("channel closed")
    role = town.alice.makes_role(town.guild, "Guests")
    town.alice.changes_role(town.guild, role, permissions=Permission.ADD_REACTIONS)
    await companion.tells("role changed")


async def test_it_resumes_after_a_drop_and_misses_nothing(companion):
    town = companion.town
    town.standin.gateway.cut()
    town.alice.says(town.general, "meanwhile")
    await companion.tells("message", text="meanwhile")
    assert (town.standin.gateway.identified, town.standin.gateway.resumed) == (1, 1)


async def test_it_is_thrown_out_and_let_in_again(companion):
    town = companion.town
    town.alice.throws_out(town.guild, town.bot.user)
    await companion.tells("guild left")
    town.standin.person(town.bot.user).joins(town.guild)
    await companion.tells("guild joined")
