"""The suites that every engine of voice passes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np

from services.domain.audio import AudioClip, AudioFrame
from services.voice.recognition import SpeechToText
from services.voice.synthesis import TextToSpeech, Voice

SENTENCE = "Hello there, how are you doing today?"
LONG = " ".join([SENTENCE] * 6)


async def spoken(
    engine: TextToSpeech, text: str, *, voice: Voice | None = None
) -> list[AudioFrame]:
    async with aclosing(engine.synthesize(text, voice=voice or Voice())) as frames:
        return [frame async for frame in frames]


def lasting(frames: list[AudioFrame]) -> float:
    return sum(frame.seconds for frame in frames)


class SpeechContract:
    """Subclasses give the fixture ``speech``; ``paced`` where speed shortens.

    Slow engines say less: a shorter ``sentence``, and ``long``, which is at least four times it.
    """

    paced = True
    sentence = SENTENCE
    long = LONG

    async def test_it_speaks_in_mono_frames_of_at_most_100_ms(self, speech: TextToSpeech):
        frames = await spoken(speech, self.sentence)
        assert lasting(frames) > 0.5
        assert {frame.channels for frame in frames} == {1}
        assert len({frame.rate for frame in frames}) == 1
        assert all(0 < frame.seconds <= 0.1001 for frame in frames)
        assert all(len(frame.pcm) % 2 == 0 for frame in frames)

    async def test_frames_say_where_they_begin(self, speech: TextToSpeech):
        frames = await spoken(speech, self.sentence)
        at = 0.0
        for frame in frames:
            assert abs(frame.started_at - at) < 1e-6
            at += frame.seconds

    async def test_it_begins_with_speech_not_silence(self, speech: TextToSpeech):
        pcm = b"".join(frame.pcm for frame in await spoken(speech, self.sentence))
        rate = (await spoken(speech, self.sentence))[0].rate
        start = np.frombuffer(pcm, "<i2")[: rate // 20]
        assert np.abs(start).max() > 100

    async def test_faster_speech_is_shorter(self, speech: TextToSpeech):
        usual = lasting(await spoken(speech, self.sentence))
        fast = lasting(await spoken(speech, self.sentence, voice=Voice(speed=1.5)))
        if self.paced:
            assert fast < 0.85 * usual

    async def test_closing_in_the_middle_leaves_it_usable(self, speech: TextToSpeech):
        async with aclosing(speech.synthesize(self.long, voice=Voice())) as frames:
            await anext(frames)
        assert lasting(await spoken(speech, self.sentence)) > 0.5

    async def test_a_cancelled_listener_leaves_it_usable(self, speech: TextToSpeech):
        task = asyncio.get_running_loop().create_task(spoken(speech, self.long))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert lasting(await spoken(speech, self.sentence)) > 0.5

    async def test_two_at_once_do_not_mix(self, speech: TextToSpeech):
        alone = lasting(await spoken(speech, self.sentence))
        both = await asyncio.gather(spoken(speech, self.sentence), spoken(speech, self.long))
        assert abs(lasting(both[0]) - alone) < 0.35 * alone
        assert lasting(both[1]) > 3 * alone

    async def test_odd_texts_do_no_harm(self, speech: TextToSpeech):
        for text in ("...", "🦊", "a\x00b", "\ud800 hi", "naïve 你好", "<b>&amp;"):
            await spoken(speech, text)
        assert lasting(await spoken(speech, self.sentence)) > 0.5

    async def test_it_lists_voices_with_names(self, speech: TextToSpeech):
        listed = await speech.voices()
        assert listed
        assert all(voice.name for voice in listed)

    async def test_opening_and_closing_twice_is_fine(self, speech: TextToSpeech):
        await speech.open()
        await speech.open()
        await speech.close()
        await speech.close()


class EarsContract:
    """Subclasses give the fixture ``ears``, and ``clip``: someone saying ``words``."""

    words = "hello"

    async def test_it_understands_a_clip(self, ears: SpeechToText, clip: AudioClip):
        heard = await ears.transcribe(clip)
        assert self.words in heard.text.casefold()
        assert heard.text == heard.text.strip()
        assert heard.confidence is None or 0 <= heard.confidence <= 1

    async def test_a_known_language_is_taken(self, ears: SpeechToText, clip: AudioClip):
        heard = await ears.transcribe(clip, language="en-US")
        assert self.words in heard.text.casefold()

    async def test_silence_and_nothing_are_no_words(self, ears: SpeechToText):
        for seconds in (0, 0.4, 2):
            clip = AudioClip(pcm=bytes(int(seconds * 32000)), rate=16000)
            assert (await ears.transcribe(clip)).text == ""

    async def test_calls_at_the_same_time_do_not_mix(self, ears: SpeechToText, clip: AudioClip):
        silence = AudioClip(pcm=bytes(32000), rate=16000)
        heard = await asyncio.gather(*(ears.transcribe(each) for each in (clip, silence, clip)))
        assert [bool(each.text) for each in heard] == [True, False, True]

    async def test_a_cancelled_call_leaves_it_usable(self, ears: SpeechToText, clip: AudioClip):
        task = asyncio.get_running_loop().create_task(ears.transcribe(clip))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert self.words in (await ears.transcribe(clip)).text.casefold()

    async def test_opening_and_closing_twice_is_fine(self, ears: SpeechToText):
        await ears.open()
        await ears.open()
        await ears.close()
        await ears.close()
