"""People talk with the bot in a call: real packets, encryption, ears and voice."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path

import discord
import numpy as np
import pytest

from services.domain.audio import AudioClip
from services.llm.model import ChatRequest
from services.voice.call import VoiceCall
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.pcm import resampled, to_pcm
from tests.discord_standin.entities import Channel, ChannelType, Message
from tests.discord_standin.founding import add_channel
from tests.discord_standin.people import Person
from tests.discord_standin.scene import Scene, scene
from tests.discord_standin.voice.certificate import trust_here
from tests.discord_standin.voice.opus import RATE
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import frames_of_wav
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import command_app, conversation_in, told
from tests.fakes.real_voice import clip_of, real_speech
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

QUESTION = "Hello Mira, please tell me about the old house."
REMARK = "And Mira are there any hills near it?"
AGAIN = "Please tell me about the old house again."
STORY = (
    "The old house stands beside the river. It was built by a fisherman and his daughter. "
    "Every evening they lit a lamp in the window. Ships could see it from far away. "
    "Nobody remembers when the lamp went out."
)
HILLS = "Yes, there are seven green hills."
PATIENCE = 30.0


def answer(request: ChatRequest) -> str:
    asked = request.messages[-1].content.lower()
    return HILLS if "hill" in asked else STORY


async def recordings(folder: Path) -> dict[str, list[bytes]]:
    """Return what people say, as WAV files of Piper's voice made into packets."""
    found: dict[str, list[bytes]] = {}
    async with real_speech() as speech:
        for number, text in enumerate((QUESTION, REMARK, AGAIN)):
            path = folder / f"{number}.wav"
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE)
                file.writeframes(await clip_of(speech, text))
            found[text] = frames_of_wav(path)
    return found


class Evening:
    """A call in the town's lounge, and what can be seen and heard of it."""

    def __init__(
        self, town: Scene, live: DiscordApp, lounge: Channel, model: ScriptedModel
    ) -> None:
        self.town = town
        self.model = model
        self.live = live
        self.lounge = lounge

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  not everything is told of
                await asyncio.sleep(0.01)

    async def enters(self, who: Person) -> None:
        who.joins_voice(self.lounge)
        place = self.live.bot.get_channel(self.lounge.id)
        assert isinstance(place, discord.VoiceChannel)
        await self.until(lambda: who.user.id in place.voice_states)

    async def uses(self, who: Person, name: str) -> str:
        asked = who.uses(self.town.general, self.town.bot, name)
        return (await told(self.town, who, asked))[0]

    @property
    def talk(self) -> VoiceCall | None:
        held = self.live.bot.calls.find(self.town.guild.id)
        return held.call if held is not None else None

    @property
    def busy(self) -> bool:
        return self.talk is not None and self.talk.busy

    def sounding(self, who: Person) -> int:
        """Return how many frames with sound somebody heard of the bot, all of them encrypted."""
        found = [
            each
            for each in who.voice.recorder.of(self.town.bot.user.id)
            if each.opus and not each.silent
        ]
        assert all(each.encrypted for each in found)
        return len(found)

    @property
    def asked_of_hills(self) -> bool:
        return any(answer(each) == HILLS for each in self.model.requests)

    def sound(self, who: Person) -> AudioClip:
        """Return what somebody heard of the bot."""
        pcm = who.voice.recorder.pcm_of(self.town.bot.user.id)
        samples = np.frombuffer(pcm, "<i2").reshape(-1, 2).mean(axis=1).astype(np.float32) / 32768
        made = to_pcm(resampled(samples, rate=RATE, wanted=SAMPLE_RATE))
        return AudioClip(pcm=made, rate=SAMPLE_RATE)

    async def history(self) -> list[tuple[str, str]]:
        return await self.live.app.history(conversation_in(self.live, self.lounge))

    async def answers(self, count: int) -> list[str]:
        """Wait until so many answers are stored, and return them."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [text for who, text in await self.history() if who == "mira"]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.05)

    def chat(self) -> list[Message]:
        return [each for each in self.lounge.messages.values() if each.author.bot]


async def test_an_evening_in_a_call(tmp_path):
    said = await recordings(tmp_path)
    trust_here()
    async with scene(limits=False, voice=VoiceSettings()) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        model, chosen = ScriptedModel(answer), {"speech": ("piper",)}
        async with command_app(town, model, tmp_path / "data", voice=chosen) as live:
            await _evening(Evening(town, live, lounge, model), said)


async def _evening(here: Evening, said: dict[str, list[bytes]]) -> None:
    alice, bob, bot = here.town.alice, here.town.bob, here.town.bot
    await here.enters(alice)
    assert "and listen" in await here.uses(alice, "voice join")
    service = await here.live.bot.calls.service()
    await service.warm()
    await here.enters(bob)

    await alice.voice.says(said[QUESTION])
    await here.until(lambda: here.sounding(bob) > 150)
    assert here.sounding(alice) > 100
    await bob.voice.says(said[REMARK])
    await here.until(lambda: here.asked_of_hills and not here.busy)
    told_of, of_hills = await here.answers(2)
    history = await here.history()
    asked, remarked = (text for who, text in history if who != "mira")
    assert {who for who, _ in history} == {"mira", str(alice.user.id), str(bob.user.id)}
    assert "tell me about the old house" in asked.lower()
    assert told_of.endswith("—")
    assert STORY.startswith(told_of.removesuffix("—").rstrip())
    assert "The old house stands" in told_of
    assert "hills" in remarked
    assert of_hills == HILLS

    ears = service._engines.ears
    assert ears is not None
    heard = (await ears.transcribe(here.sound(bob))).text.lower()
    assert "old house stands beside the river" in heard
    assert "seven green hills" in heard or "7 green hills" in heard
    assert "lamp went out" not in heard

    before = here.sounding(alice)
    await alice.voice.says(said[AGAIN])
    await here.until(lambda: here.sounding(alice) > before + 100)
    alice.disconnects(bot.user, here.town.guild)
    await here.until(lambda: here.live.bot.calls.find(here.town.guild.id) is None)
    assert any("I do not any more" in one.content for one in here.chat())
    *_, cut = await here.answers(3)
    assert cut.endswith("—")
    assert STORY.startswith(cut.removesuffix("—").rstrip())
    assert bot.user.id not in here.town.guild.voice
    assert not here.live.bot.voice_clients
