"""People who speak different languages in one call, over the model that knows many."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.domain.audio import AudioClip
from services.settings import VoiceSettings
from services.voice.call_events import AnswerEnded, TurnTaken
from services.voice.engines.model_catalog import KOKORO, PIPER_JOE
from services.voice.engines.process_engines import kokoro, piper
from services.voice.engines.process_speech import ProcessSpeech
from services.voice.engines.registry import build_probability, build_speech_to_text
from services.voice.recognition import SpeechToText, Transcript
from services.voice.synthesis import Voice
from tests.fakes.live_call import live_call
from tests.fakes.real_voice import clip_of
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.voice_call import ANN, BOB

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]

SPANISH = ("Hace muy buen tiempo en la ciudad.", "¿Dónde está la estación de tren?")
ENGLISH = ("Good morning, how are you today?", "The weather is very nice in the city.")


@dataclass(slots=True)
class Noting:
    """Ears that note which language they were told to expect."""

    inner: SpeechToText
    told: list[str | None] = field(default_factory=list)
    name: str = "whisper"

    async def open(self) -> None:
        await self.inner.open()

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        self.told.append(language)
        return await self.inner.transcribe(clip, language=language)

    async def close(self) -> None:
        await self.inner.close()


@pytest.fixture(scope="module")
def said() -> dict[str, bytes]:
    """Return the sentences as somebody says them."""

    async def made() -> dict[str, bytes]:
        folder = KOKORO.verified()
        spaniard = kokoro(folder / "kokoro.onnx", folder / "voices.npz")
        american = piper([PIPER_JOE.verified()], noise=0)
        return {
            **await _clips(spaniard, SPANISH, "es"),
            **await _clips(american, ENGLISH, "en"),
        }

    return asyncio.run(made())


async def _clips(
    speech: ProcessSpeech, sentences: tuple[str, ...], language: str
) -> dict[str, bytes]:
    voice = Voice(language=language)
    clips = {text: await clip_of(speech, text, voice=voice) for text in sentences}
    await speech.close()
    return clips


async def test_the_language_of_each_person_is_recognised_and_then_expected(
    tmp_path: Path, said: dict[str, bytes]
):
    chosen = build_speech_to_text(VoiceSettings(ears_model="base"), data=tmp_path)
    assert chosen is not None
    ears = Noting(chosen)
    await ears.open()
    turns = [(ANN, SPANISH[0]), (BOB, ENGLISH[0]), (ANN, SPANISH[1]), (BOB, ENGLISH[1])]
    model = ScriptedModel(lambda request: "Yes.")
    async with live_call(tmp_path, model, ears=ears, probability=build_probability()) as live:
        for count, (person, sentence) in enumerate(turns, start=1):
            await live.people.say(said[sentence], by=person)
            await live.comes(AnswerEnded, count=count)
        assert set(ears.told) == {None}
        languages = live.call.listener.languages
        assert (languages.of(ANN.id), languages.of(BOB.id)) == ("es", "en")
        ears.told.clear()
        await live.people.say(said[SPANISH[0]], by=ANN)
        await live.comes(TurnTaken, count=len(turns) + 1)
        assert set(ears.told) == {"es"}
        heard = [(turn.speaker.id, turn.text.casefold()) for turn in live.of(TurnTaken)]
    await ears.close()
    assert [who for who, _ in heard[:4]] == [person.id for person, _ in turns]
    for place, words in enumerate(("buen tiempo", "good morning", "estación", "weather")):
        assert words in heard[place][1]
