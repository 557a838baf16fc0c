"""Real engines are killed in the midst of a call, and the call goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.domain.clock import SystemClock
from services.llm.ollama import OllamaModel
from services.llm.priority import ProviderLane
from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    Trouble,
    Troubled,
    TurnLost,
    TurnTaken,
)
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.registry import build_probability
from services.voice.engines.rvc.process_converter import RvcProcess
from services.voice.listening.events import DropReason
from tests.fakes.live_call import LiveCall, live_call
from tests.fakes.model_requests import QUICK
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.real_voice import MortalConverter, clip_of, only, real_ears, real_speech
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.speech import hush, spoken
from tests.fakes.tiny_onnx import content_network, voice_network
from tests.fakes.voice_engines import FakeSpeech

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

QUESTION = "Hello Mira, how are you doing today?"
ANOTHER = "What is the name of your garden?"
STORY = "Once there was a long road. It went over hills. A house stood there."


@pytest.fixture(scope="module")
def asked() -> dict[str, bytes]:
    """Return the questions as somebody says them."""

    async def made() -> dict[str, bytes]:
        async with real_speech() as speech:
            return {text: await clip_of(speech, text) for text in (QUESTION, ANOTHER)}

    return asyncio.run(made())


def troubles(live: LiveCall) -> list[tuple[Trouble, bool]]:
    return [(each.trouble, each.over) for each in live.of(Troubled)]


async def test_ears_killed_at_work_hear_the_turn_all_the_same(tmp_path, asked):
    async with (
        real_ears() as ears,
        live_call(
            tmp_path, ScriptedModel("Fine."), ears=ears, probability=build_probability()
        ) as live,
    ):
        ears.deaths = 1
        await live.people.say(asked[QUESTION])
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert "how are you" in live.of(TurnTaken)[0].text
        assert troubles(live) == []


async def test_ears_that_die_again_and_again_are_told_of_once(tmp_path, asked):
    async with (
        real_ears() as ears,
        live_call(
            tmp_path, ScriptedModel("Fine."), ears=ears, probability=build_probability()
        ) as live,
    ):
        ears.deaths = 1_000
        for count in (1, 2):
            await live.people.say(asked[QUESTION])
            lost = await live.comes(TurnLost, count=count)
            assert lost.reason is DropReason.FAILED
        assert troubles(live) == [(Trouble.EARS, False)]
        assert [text for text, _ in live.speech.said] == [live.of(Troubled)[0].text]
        await live.until(lambda: not live.call.busy, what="silence")
        ears.deaths = 0
        before = len(live.of(AnswerEnded))
        await live.people.say(asked[ANOTHER])
        ended = await live.comes(AnswerEnded, count=before + 1)
        assert ended.whole
        assert live.speech.said[-1][0] == "Fine."
        assert troubles(live) == [(Trouble.EARS, False), (Trouble.EARS, True)]


async def test_a_voice_killed_in_mid_answer_is_told_of_once_and_speaks_again(tmp_path):
    async with (
        real_speech() as speech,
        live_call(tmp_path, ScriptedModel(STORY), speech=only(speech)) as live,
    ):
        speech.spared, speech.deaths = 1, 1
        await live.people.say(spoken("apple", "boat"))
        ended = await live.comes(AnswerEnded)
        assert not ended.whole
        assert troubles(live)[0] == (Trouble.VOICE, False)
        await live.people.say(spoken("cloud", "drum"))
        ended = await live.comes(AnswerEnded, count=2)
        assert ended.whole
        assert troubles(live) == [(Trouble.VOICE, False), (Trouble.VOICE, True)]
        await live.app.conversations.drain(2.0)
        said = [text for who, text in await live.history() if who == "mira"]
        assert said == [STORY, STORY]


async def test_a_converter_killed_in_mid_answer_is_bypassed_with_one_notice(tmp_path):
    content_network(tmp_path / "rvc" / "content.onnx")
    voice_network(tmp_path / "rvc" / "nora.onnx")
    converter = MortalConverter(RvcProcess(tmp_path / "rvc"), dies=True, spared=2)
    told: list[str] = []
    speech = ConvertedSpeech(
        FakeSpeech(rate=22050, seconds_per_character=0.03),
        converter,
        ConversionTarget(model="nora"),
        clock=SystemClock(),
        on_notice=lambda code, text: told.append(code),
        rest_seconds=3.0,
    )
    await speech.open()
    try:
        async with live_call(tmp_path / "data", ScriptedModel(STORY), speech=speech) as live:
            await live.people.say(spoken("apple", "boat"))
            ended = await live.comes(AnswerEnded)
            assert ended.whole
            assert converter.made == 2
            assert (told, speech.bypassed) == (["conversion_bypassed"], True)
            assert troubles(live) == [(Trouble.CONVERSION, False)]
            assert "keeps its own voice" in live.of(Troubled)[0].text
            await live.until(lambda: not speech.bypassed, what="the end of the rest")
            await live.people.say(spoken("cloud", "drum"))
            ended = await live.comes(AnswerEnded, count=2)
            assert ended.whole
            assert converter.made > 2
            assert told == ["conversion_bypassed"]
            assert troubles(live) == [(Trouble.CONVERSION, False), (Trouble.CONVERSION, True)]
    finally:
        await speech.close()


@pytest.fixture
async def model() -> AsyncIterator[tuple[FakeOllama, OllamaModel]]:
    """A model on a server that does not run yet."""
    server = FakeOllama()
    async with server.running():
        port = server.port
    model = OllamaModel(
        "tiny",
        host=f"http://127.0.0.1:{port}",
        settings=QUICK,
        num_ctx=4096,
        clock=SystemClock(),
        lane=ProviderLane(1),
    )
    yield server, model
    await model.aclose()


async def test_a_model_server_that_dies_in_mid_answer_is_told_of_once(tmp_path: Path, model):
    server, answers = model
    dying = Answer(pieces=("Once there was ", "a long road. ", "It went "), cut_after=2)
    async with live_call(tmp_path, answers) as live:
        async with server.running(server.port):
            await answers.open()
            server.answers.append(dying)
            await live.people.say(spoken("apple", "boat"))
            await live.comes(AnswerBegun)
        await live.comes(Troubled)
        await live.until(lambda: not live.call.busy, what="the end of the answer")
        await live.people.say(spoken("cloud", "drum"))
        await live.comes(TurnTaken, count=2)
        await live.until(lambda: not live.call.busy, what="the end of the second try")
        assert troubles(live) == [(Trouble.MODEL, False)]
        sentence = live.of(Troubled)[0].text
        assert [text for text, _ in live.speech.said if text in sentence]
        async with server.running(server.port):
            await live.people.say(spoken("engine", "drum") + hush(0.3))
            await live.until(lambda: troubles(live)[-1] == (Trouble.MODEL, True), what="an answer")
            await live.until(lambda: live.speech.said[-1][0].startswith("Hello"), what="words")
        assert len(troubles(live)) == 2
