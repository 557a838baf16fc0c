"""Turns out of sound: whole, once, by name, and at the right moment."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.audio import AudioClip, AudioFrame, SpeakerFrame
from services.domain.errors import ProviderError, ProviderFault
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import (
    DropReason,
    SpeechEnded,
    SpeechProgress,
    SpeechStarted,
    Stage,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)
from services.voice.listening.room import ListeningSettings
from services.voice.listening.wake import Wake, WakeRule
from services.voice.recognition import Transcript
from tests.fakes.clock import ManualClock
from tests.fakes.speech import VOCABULARY, ScriptedCompletion, ToneRecogniser, hush, spoken
from tests.fakes.voice_call import ANN, BOB, VoiceCall, person, voice_call

SURE, NOT_YET = 0.97, 0.2


def slow(latency: float):
    return lambda clock: ToneRecogniser(clock, latency=lambda _: latency)


def saying(*texts: str | Transcript | Exception):
    return lambda clock: ToneRecogniser(clock, texts=texts)


def _failure() -> ProviderError:
    return ProviderError("tones", ProviderFault.UNREACHABLE, "Start it again.")


async def test_a_turn_is_told_from_beginning_to_end():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple", "boat"))
        stopped = call.clock.monotonic()
        await call.wait(1.0)
    kinds = [type(event) for event in call.events]
    assert kinds == [SpeechStarted, SpeechEnded, TranscriptReady, TranscriptReady, TurnDecided]
    (decided,) = call.of(TurnDecided)
    assert decided.speaker == ANN
    assert decided.text == "apple boat"
    assert decided.ending is Ending.COMPLETE
    assert decided.addressed
    assert decided.ended_at == pytest.approx(stopped, abs=0.05)
    assert decided.at - stopped < 0.4


async def test_transcription_starts_before_the_turn_is_decided():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(1.0)
    ready = call.of(TranscriptReady)[0]
    assert ready.stage is Stage.SPECULATIVE
    assert ready.at < call.of(TurnDecided)[0].at
    assert len(call.recogniser.clips) == 1


async def test_going_on_after_a_short_pause_does_the_whole_sentence_anew():
    async with voice_call(recogniser=slow(0.5), completion=ScriptedCompletion(NOT_YET)) as call:
        await call.talk(ann=spoken("apple", "boat") + hush(0.25) + spoken("cloud"))
        await call.wait(3)
    assert call.decided() == ["apple boat cloud"]
    assert call.recogniser.cancelled == 1
    assert [start.resumed for start in call.of(SpeechStarted)] == [False, True]


async def test_a_first_parts_late_transcript_does_not_release_half_the_turn():
    def slow_first(clock: ManualClock) -> ToneRecogniser:
        times = iter([2.5])
        return ToneRecogniser(clock, latency=lambda _: next(times, 0.05))

    async with voice_call(recogniser=slow_first, completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple", "boat") + hush(0.6) + spoken("cloud", "drum"))
        await call.wait(4)
    assert call.decided() == ["apple boat cloud drum"]
    assert len(call.recogniser.clips) == 2


async def test_speech_that_goes_on_before_a_late_transcript_belongs_to_the_same_turn():
    async with voice_call(recogniser=slow(1.0), completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(0.6)
        await call.talk(ann=spoken("boat"))
        await call.wait(3)
    assert call.decided() == ["apple boat"]


async def test_an_unfinished_sound_waits_for_the_rest():
    async with voice_call(completion=ScriptedCompletion(NOT_YET)) as call:
        await call.talk(ann=spoken("apple") + hush(1.0) + spoken("boat"))
        await call.wait(1.0)
        assert call.decided() == []
        await call.wait(1.0)
    (decided,) = call.of(TurnDecided)
    assert decided.text == "apple boat"
    assert decided.ending is Ending.TIMEOUT


async def test_a_doubtful_end_is_judged_once_more_a_little_later():
    completion = ScriptedCompletion(NOT_YET, SURE)
    async with voice_call(completion=completion) as call:
        await call.talk(ann=spoken("apple", "boat"))
        stopped = call.clock.monotonic()
        await call.wait(1.0)
    (decided,) = call.of(TurnDecided)
    assert decided.ending is Ending.COMPLETE
    assert decided.at - stopped < 0.35
    assert completion.lengths[1] > completion.lengths[0]


async def test_words_that_ask_for_more_outweigh_a_finished_sound():
    async with voice_call(
        recogniser=saying("I wanted to ask what the"), completion=ScriptedCompletion(SURE)
    ) as call:
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum", "engine"))
        await call.wait(0.9)
        assert call.decided() == []
        await call.wait(0.6)
    assert call.of(TurnDecided)[0].ending is Ending.TIMEOUT


async def test_after_a_question_of_the_bot_thinking_is_allowed():
    async with voice_call(completion=ScriptedCompletion(NOT_YET)) as call:
        call.listener.bot_said("What is your favourite place?")
        await call.talk(ann=spoken("apple"))
        await call.wait(1.6)
        assert call.decided() == []
        await call.wait(0.8)
        assert call.decided() == ["apple"]
        await call.talk(ann=spoken("boat"))
        await call.wait(1.5)
    assert call.decided() == ["apple", "boat"]


async def test_without_a_completion_model_silence_and_words_decide():
    async with voice_call(recogniser=saying("Good morning.", "I like the")) as call:
        await call.talk(ann=spoken("apple", "boat"))
        await call.wait(0.9)
        assert call.decided() == ["Good morning."]
        await call.wait(1)
        await call.talk(ann=spoken("apple", "boat", "cloud"))
        await call.wait(0.9)
        assert len(call.decided()) == 1
        await call.wait(1.0)
    assert call.decided() == ["Good morning.", "I like the"]


async def test_an_empty_transcript_ends_the_turn_quietly():
    async with voice_call(recogniser=saying("  ")) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(1.0)
    assert call.decided() == []
    (dropped,) = call.of(TurnDropped)
    assert dropped.reason is DropReason.EMPTY
    assert call.texts(Stage.SPECULATIVE) == [""]


async def test_what_a_recogniser_invents_ends_the_turn_quietly():
    async with voice_call(recogniser=saying("Thanks for watching!")) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(1.0)
    assert call.of(TurnDropped)[0].reason is DropReason.INVENTED


async def test_the_bots_own_words_are_dropped_and_a_persons_are_not():
    async with voice_call(
        recogniser=saying("we could go to the old harbor", "stop"),
        completion=ScriptedCompletion(SURE),
    ) as call:
        call.listener.bot_said("Tomorrow we could go to the old harbour together.")
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum", "engine", "forest"))
        await call.wait(0.6)
        await call.talk(ann=spoken("apple"))
        await call.wait(0.6)
    assert call.of(TurnDropped)[0].reason is DropReason.ECHO
    assert call.decided() == ["stop"]


@pytest.mark.virtual_time
async def test_a_recogniser_that_dies_once_is_asked_again():
    async with voice_call(
        recogniser=saying(_failure(), "hello"), completion=ScriptedCompletion(SURE)
    ) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(0.4)
        await call_later(call)
    assert call.decided() == ["hello"]


@pytest.mark.virtual_time
async def test_a_turn_nobody_understood_is_dropped_as_failed_and_the_next_is_heard():
    texts = (_failure(), _failure(), "hello")
    async with voice_call(recogniser=saying(*texts), completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(0.4)
        await call_later(call)
        await call.wait(0.6)
        assert call.of(TurnDropped)[0].reason is DropReason.FAILED
        await call.talk(ann=spoken("boat"))
        await call.wait(0.6)
    assert call.decided() == ["hello"]


async def call_later(call: VoiceCall) -> None:
    """Let the pause between two tries pass, which is on the loop's own clock."""
    await asyncio.sleep(1)
    await call.wait(0.4)


async def test_who_goes_on_after_an_early_decision_is_not_answered_twice():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple", "boat"))
        await call.wait(0.7)
        await call.talk(ann=spoken("cloud"))
        await call.wait(0.7)
        call.listener.bot_started()
        await call.talk(ann=spoken("drum"))
        await call.wait(0.7)
    first, second, third = call.of(TurnDecided)
    assert (first.text, second.text, third.text) == ("apple boat", "apple boat cloud", "drum")
    assert (first.continues, second.continues, third.continues) == (None, first.turn, None)
    assert second.started_at == first.started_at


@pytest.mark.parametrize("pause", [hundredths / 100 for hundredths in range(14, 27)])
async def test_a_turn_is_not_decided_while_its_speaker_begins_again(pause: float):
    async with voice_call(recogniser=slow(0.0), completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken("apple", "boat") + hush(pause))
        again = call.clock.monotonic()
        await call.talk(ann=spoken("cloud"))
        await call.wait(1)
    late = [event.text for event in call.of(TurnDecided) if event.at > again + 0.03]
    assert late == ["apple boat cloud"]


async def test_a_back_channel_is_no_beginning_of_what_is_said_later():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        call.listener.bot_started()
        await call.talk(ann=spoken("apple"))
        await call.wait(0.5)
        call.listener.bot_stopped()
        await call.talk(ann=spoken("boat"))
        await call.wait(0.5)
    assert call.decided() == ["apple", "boat"]


async def test_a_cough_after_an_early_decision_leaves_the_turn_to_be_answered():
    async with voice_call(
        recogniser=saying("what time is it", ""), completion=ScriptedCompletion(SURE)
    ) as call:
        await call.talk(ann=spoken("apple", "boat", "cloud"))
        await call.wait(0.6)
        await call.talk(ann=spoken("apple", seconds=0.1))
        await call.wait(1.0)
    first, second = call.of(TurnDecided)
    assert second.continues == first.turn
    assert second.text == "what time is it"


async def test_a_later_turn_is_a_turn_of_its_own():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        for word in ("apple", "boat"):
            await call.talk(ann=spoken(word))
            await call.wait(2)
    assert call.decided() == ["apple", "boat"]


async def test_a_speaker_who_never_stops_is_answered_at_the_cap_and_loses_nothing():
    words = VOCABULARY * 8
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        await call.talk(ann=spoken(*words))
        await call.wait(2)
    assert call.of(TurnDecided)[0].ending is Ending.TIMEOUT
    heard = " ".join(call.decided()).split()
    assert len(call.decided()) == 2
    assert abs(len(heard) - len(words)) <= 1
    assert heard[:100] == list(words[:100])


async def test_25_people_at_once_are_told_apart():
    names = [f"p{number}" for number in range(25)]
    tracks = {
        name: spoken(*(VOCABULARY[(index + step) % 18] for step in range(4)))
        for index, name in enumerate(names)
    }
    async with voice_call(
        recogniser=lambda clock: ToneRecogniser(clock, latency=lambda _: 0.01),
        completion=ScriptedCompletion(SURE),
    ) as call:
        await call.talk(**tracks)
        await call.wait(4)
        one_more = SpeakerFrame(
            speaker=person("Late"),
            frame=AudioFrame(pcm=spoken("apple"), rate=16_000, channels=1, started_at=0),
        )
        call.listener.hear(one_more)
        assert call.listener.dropped == 0, "somebody silent makes room"
    texts = {decided.speaker.display_name: decided.text for decided in call.of(TurnDecided)}
    assert texts == {
        name.capitalize(): " ".join(VOCABULARY[(index + step) % 18] for step in range(4))
        for index, name in enumerate(names)
    }


async def test_a_26th_speaker_waits_while_all_others_speak():
    async with voice_call(settings=ListeningSettings(most_speakers=2)) as call:
        await call.talk(ann=spoken("apple"), bob=spoken("boat"), cid=spoken("cloud"))
        assert call.listener.dropped == 12
        await call.wait(2)
        await call.talk(cid=spoken("cloud"))
        await call.wait(2)
    assert sorted(call.decided()) == ["apple", "boat", "cloud"]


async def test_frames_of_another_form_are_dropped():
    async with voice_call() as call:
        for rate, channels in ((48_000, 1), (16_000, 2)):
            frame = AudioFrame(pcm=spoken("apple"), rate=rate, channels=channels, started_at=0)
            call.listener.hear(SpeakerFrame(speaker=ANN, frame=frame))
        assert call.listener.dropped == 2
        await call.wait(1)
    assert call.events == []


async def test_by_name_turns_without_it_are_context_and_the_exchange_goes_on_unnamed():
    wake = Wake(WakeRule.BY_NAME, names=["Neuro"])
    texts = ("Nice weather.", "Hey Neuro, how are you?", "And what now?")
    async with voice_call(
        recogniser=saying(*texts), completion=ScriptedCompletion(SURE), wake=wake
    ) as call:
        for _ in range(2):
            await call.talk(ann=spoken("apple", "boat", "cloud"))
            await call.wait(0.6)
        wake.engage(ANN.id, at=call.clock.monotonic())
        await call.talk(ann=spoken("apple", "boat", "cloud"))
        await call.wait(0.6)
    assert [decided.addressed for decided in call.of(TurnDecided)] == [False, True, True]


async def test_push_to_listen_hears_nothing_but_held_keys_and_ends_at_release():
    wake = Wake(WakeRule.PUSH_TO_LISTEN, names=["Neuro"])
    async with voice_call(completion=ScriptedCompletion(NOT_YET), wake=wake) as call:
        await call.talk(ann=spoken("apple"), bob=spoken("boat"))
        await call.wait(1)
        assert call.events == []
        wake.press(BOB.id)
        await call.talk(ann=spoken("apple"), bob=spoken("boat"))
        call.listener.release(BOB.id)
        await call.wait(0.5)
    (decided,) = call.of(TurnDecided)
    assert (decided.speaker, decided.text, decided.ending) == (BOB, "boat", Ending.COMPLETE)


async def test_a_language_recognised_twice_is_asked_for_from_then_on():
    texts = [Transcript(text=text, language="de", confidence=0.9) for text in ("ja", "gut", "toll")]
    async with voice_call(recogniser=saying(*texts), completion=ScriptedCompletion(SURE)) as call:
        for _ in texts:
            await call.talk(ann=spoken("apple"))
            await call.wait(0.6)
    assert call.recogniser.languages == [None, None, "de"]
    assert call.of(TurnDecided)[-1].language == "de"


async def test_while_the_bot_is_heard_speech_is_understood_as_it_goes():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        call.listener.bot_started()
        began = call.clock.monotonic()
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum", "engine"))
        partials = [event for event in call.of(TranscriptReady) if event.stage is Stage.PARTIAL]
        assert partials[0].text in ("apple", "apple boat")
        assert partials[0].at - began < 0.6
        assert len(call.of(SpeechProgress)) >= 8
        call.listener.bot_stopped()
        await call.wait(2)
        told = len(call.of(SpeechProgress))
        await call.talk(ann=spoken("apple", "boat", "cloud"))
        await call.wait(0.6)
    assert len(call.of(SpeechProgress)) == told
    assert call.decided() == ["apple boat cloud drum engine", "apple boat cloud"]


async def test_what_is_hardly_understood_as_it_goes_is_not_told_before_the_pause():
    unsure = [Transcript(text="in a month", confidence=0.3)] * 2
    async with voice_call(
        recogniser=saying(*unsure, Transcript(text="Mm-hmm.", confidence=0.3)),
        completion=ScriptedCompletion(SURE),
    ) as call:
        call.listener.bot_started()
        await call.talk(ann=spoken("apple", "boat", "cloud", "drum"))
        assert len(call.recogniser.clips) == 2
        assert call.of(TranscriptReady) == []
        await call.wait(1.5)
    assert call.decided() == ["Mm-hmm."]


async def test_whoever_goes_on_while_the_bot_is_heard_is_soon_understood():
    async with voice_call(completion=ScriptedCompletion(SURE)) as call:
        call.listener.bot_started()
        await call.talk(ann=spoken("apple", "boat") + hush(0.15))
        went_on = call.clock.monotonic()
        await call.talk(ann=spoken("cloud", "drum"))
        partials = [event for event in call.of(TranscriptReady) if event.stage is Stage.PARTIAL]
        assert any("cloud" in each.text and each.at - went_on < 0.4 for each in partials)
        await call.wait(0.6)


async def test_somebody_who_leaves_takes_their_turn_along():
    async with voice_call() as call:
        await call.talk(ann=spoken("apple"), bob=spoken("boat"))
        assert call.listener.speaking == (ANN, BOB)
        call.listener.left(ANN.id)
        await call.wait(2)
    assert call.of(TurnDropped)[0].reason is DropReason.LEFT
    assert call.decided() == ["boat"]


async def test_leaving_the_listener_cancels_what_is_under_way():
    async with voice_call(recogniser=slow(5)) as call:
        await call.talk(ann=spoken("apple"))
        await call.wait(0.2)
    assert call.recogniser.cancelled == 1


_SPEECH = st.lists(
    st.tuples(st.integers(1, 4), st.floats(0.0, 1.1), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=25)
@given(
    speech=_SPEECH,
    latencies=st.lists(st.floats(0.0, 1.5), min_size=1, max_size=6),
    sure=st.sampled_from([0.01, 0.3, 0.6, 0.97]),
    bot_heard=st.booleans(),
)
async def test_every_word_is_in_exactly_one_turn_in_order(
    speech: list[tuple[int, float, bool]], latencies: list[float], sure: float, bot_heard: bool
):
    """Whatever the pauses and however late the recogniser, nothing is lost, doubled or halved."""
    words = iter(VOCABULARY * 2)
    said: list[str] = []
    turns = iter(latencies * 1000)

    def recogniser(clock: ManualClock) -> ToneRecogniser:
        def latency(_: AudioClip) -> float:
            return next(turns)

        return ToneRecogniser(clock, latency=latency)

    async with voice_call(recogniser=recogniser, completion=ScriptedCompletion(sure)) as call:
        if bot_heard:
            call.listener.bot_started()
        for count, pause, packets in speech:
            chosen = [next(words) for _ in range(count)]
            said += chosen
            await call.talk(ann=spoken(*chosen))
            if packets:
                await call.talk(ann=hush(pause + 0.02))
            else:
                await call.wait(pause)
        await call.wait(6)
        assert not call.listener.speaking
    decided = {event.turn: event for event in call.of(TurnDecided)}
    replaced = {event.continues for event in decided.values()}
    final = [event.text for event in decided.values() if event.turn not in replaced]
    assert " ".join(final).split() == said
    assert not call.of(TurnDropped)
    _well_formed(call)


def _well_formed(call: VoiceCall) -> None:
    ended: set[int] = set()
    speaking: dict[int, bool] = {}
    for event in call.events:
        assert event.turn not in ended, "a turn's last event is its last"
        match event:
            case SpeechStarted():
                assert speaking.get(event.turn, False) is False
                assert event.resumed == (event.turn in speaking)
                speaking[event.turn] = True
            case SpeechEnded():
                assert speaking[event.turn]
                speaking[event.turn] = False
            case TurnDecided() | TurnDropped():
                assert speaking[event.turn] is False
                ended.add(event.turn)
    assert ended == set(speaking)
