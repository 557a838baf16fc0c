"""The stand-in as a program: a bot logs in to it by its environment, a person types lines."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord
import pytest
from discord import app_commands

from tests.discord_standin.console import Console
from tests.discord_standin.scene import Scene, living, scene


class Form(discord.ui.Modal, title="A form"):
    why: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Why?", custom_id="why")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"because {self.why}", ephemeral=True)


class Buttons(discord.ui.View):
    @discord.ui.button(label="One")
    async def one(self, interaction: discord.Interaction, _: object) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Two")
    async def two(self, interaction: discord.Interaction, _: object) -> None:
        await interaction.response.edit_message(content="two it is", view=None)


class Obliging(discord.Client):
    """Answers hello with buttons, and /add with a sum."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        @self.tree.command(description="Adds")
        async def add(interaction: discord.Interaction, a: int, b: int) -> None:
            await interaction.response.send_message(str(a + b), ephemeral=True)

        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if message.content == "hello":
            await message.channel.send("choose", view=Buttons(timeout=None))


class Desk:
    """A console and what it wrote."""

    def __init__(self, town: Scene) -> None:
        self._town = town
        self.lines: list[str] = []
        self.console = Console(town.standin, town.bot, town.guild, town.general, self.lines.append)

    async def types(self, line: str, *, until: str) -> None:
        """Type a line, and wait until one that ends so was written."""
        self.console.take(line)
        await self._town.until(lambda: any(each.endswith(until) for each in self.lines))


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    async with scene(limits=False) as town, living(Obliging(), town.standin, town.bot):
        yield Desk(town)


async def test_person_speaks_clicks_fills_in_and_uses_commands():
    async with desk() as at:
        await at.types("alice: hello", until="#general eos (APP): choose [1 One] [2 Two]")
        await at.types("alice! 1", until="alice is asked 'A form': alice? why=...")
        await at.types("alice? why='I said so'", until="because I said so (only alice sees this)")
        await at.types("alice! 2", until="#general eos (APP): two it is (changed)")
        await at.types("bob/ add a=2 b=3", until="#general eos (APP): 5 (only bob sees this)")


async def test_person_writes_elsewhere_reacts_edits_and_deletes():
    async with desk() as at:
        await at.types("carol> @eos: psst", until="carol: psst")
        await at.types("carol: again", until="@carol+eos carol: again")
        await at.types("bob: oops", until="#general bob: oops")
        await at.types("alice+ 👍", until="bob: oops 👍x1 (changed)")
        await at.types("bob~ better", until="bob: better 👍x1 (changed)")
        await at.types("bob~", until="bob: better 👍x1 (deleted)")


@pytest.mark.parametrize(
    "line",
    ["nonsense", "alice> nowhere", "alice> #nowhere: x", "alice! 1", "alice/ nothing", "alice?"],
)
async def test_what_cannot_be_done_is_said_and_ends_nothing(line: str):
    async with desk() as at:
        assert at.console.take(line)
        assert at.lines[-1].startswith("! ")
        assert not at.console.take("quit")


async def test_program_tells_its_environment_and_prints_what_the_bot_posts():
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.discord_standin",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert program.stdin
        assert program.stdout
        lines = [(await program.stdout.readline()).decode().strip() for _ in range(5)]
        told = dict(line.split("=", 1) for line in lines[:4])
        headers = {"Authorization": f"Bot {told['DISCORD_TOKEN']}"}
        channel = lines[4].split("channel ")[1].split(";")[0]
        url = f"{told['ACORE_DISCORD__API_URL']}/channels/{channel}/messages"
        assert told["ACORE_DISCORD__GATEWAY_URL"].startswith("ws://127.0.0.1:")
        assert told["ACORE_DISCORD__CDN_URL"].endswith("/cdn")
        program.stdin.write(b"alice: anyone there?\n")
        assert await program.stdout.readline() == b"#general alice: anyone there?\n"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url, json={"content": "yes"}) as answer,
        ):
            assert answer.status == 200
        assert await program.stdout.readline() == b"#general acore (APP): yes\n"
        program.stdin.write(b"quit\n")
        async with asyncio.timeout(20):
            assert await program.wait() == 0
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
