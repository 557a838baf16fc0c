"""@discordjs/voice, which is not ours, joins the stand-in's calls, speaks and listens there."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.clients.test_other_clients import Companion, Program, _run
from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.scene import scene
from tests.discord_standin.voice.group import Group
from tests.discord_standin.voice.sealing import AES_GCM, XCHACHA
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import numbered_frames

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(300)]

_HERE: Final = Path(__file__).parent
_FOLDER: Final = _HERE / "discordjs_voice_client"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("no Node.js, so @discordjs/voice judges nothing: install Node.js 20 with npm")
    folder = tmp_path_factory.mktemp("discordjs-voice") / "client"
    shutil.copytree(_FOLDER, folder, ignore=shutil.ignore_patterns("node_modules"))
    _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return Program((node, str(folder / "client.mjs")))


@asynccontextmanager
async def _in_a_call(
    program: Program, settings: VoiceSettings
) -> AsyncIterator[tuple[Companion, Channel]]:
    """Let the client log in and join a call that Alice is in."""
    async with scene(voice=settings) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        process = await asyncio.create_subprocess_exec(
            *program.arguments,
            env=os.environ | town.standin.environment(town.bot),
            stdout=asyncio.subprocess.PIPE,
        )
        running = Companion(town, process, [])
        try:
            await running.tells("ready", user="eos")
            town.alice.joins_voice(lounge)
            town.alice.says(town.general, f"join {lounge.id}")
            await running.tells("did", word="join")
            yield running, lounge
            await running.does("leave")
            town.alice.says(town.general, "bye")
            async with asyncio.timeout(30):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _hear_each_other(running: Companion) -> None:
    town = running.town
    bot_id = town.bot.user.id
    alice = town.alice.voice
    alice.recorder.heard.clear()
    town.alice.says(town.general, "say 10")
    await running.tells("did", word="say")
    heard = alice.recorder.heard
    await town.until(lambda: len(alice.recorder.frames_of(bot_id)) >= 10 and heard[-1].silent)
    expected = [b"\x78" + bytes([number]) * 40 for number in range(10)]
    assert alice.recorder.frames_of(bot_id) == expected

    frames = list(numbered_frames(7, 10))
    if not any(each["what"] == "knows" for each in running.told):
        alice.announces()
        await running.tells("knows", user=str(alice.user_id))
    await alice.says(frames)
    for frame in frames:
        said = await running.tells("heard", user=str(alice.user_id))
        assert said["frame"] == frame.hex()


async def _agree(running: Companion, group: Group, epoch: int) -> None:
    """Wait until the client shares an epoch's keys with Alice, as its privacy code shows."""
    await running.town.until(lambda: group.settled and group.epoch == epoch)
    own = running.town.alice.voice.endpoint.privacy_code
    async with asyncio.timeout(30):
        while True:
            running.town.alice.says(running.town.general, "code")
            said = await running.tells("code")
            if said["code"] == own:
                return


@pytest.mark.parametrize("mode", [AES_GCM, XCHACHA])
async def test_it_speaks_and_listens_without_end_to_end_encryption(program, mode):
    settings = VoiceSettings(dave_version=0, modes=(mode,))
    async with _in_a_call(program, settings) as (running, _):
        session = running.town.standin.gateway.voice.client_of(running.town.bot)
        assert session.sealing
        assert session.sealing.mode == mode
        await _hear_each_other(running)


async def test_it_follows_the_group_as_members_come_and_go(program):
    async with _in_a_call(program, VoiceSettings()) as (running, lounge):
        town = running.town
        group = town.standin.gateway.voice.call_in(lounge).group
        await _agree(running, group, 1)
        await _hear_each_other(running)
        heard = town.alice.voice.recorder.of(town.bot.user.id)
        assert {each.encrypted for each in heard if not each.silent} == {True}
        town.bob.joins_voice(lounge)
        await _agree(running, group, 2)
        await _hear_each_other(running)
        town.bob.leaves_voice(town.guild)
        await _agree(running, group, 3)
        await _hear_each_other(running)
        assert group.invalid == []
