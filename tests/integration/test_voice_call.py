"""One call from sound to sound: what is answered, when the bot falls silent, what is kept."""

from __future__ import annotations

import asyncio
import time

from pydantic import BaseModel

from services.conversation.jobs import Initiative
from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.domain.ids import ConversationId
from services.domain.replies import Delivery
from services.llm.model import ChatRequest
from services.toolbox.spec import ToolContext, ToolSpec
from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    Ducked,
    Interrupted,
    Resumed,
    Trouble,
    Troubled,
    TurnLost,
    TurnTaken,
    Unducked,
    WordsHeard,
)
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import Stage
from services.voice.listening.wake import WakeRule
from tests.fakes.live_call import HERE, live_call
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import Script, Scripted, ScriptedModel
from tests.fakes.speech import hush, spoken
from tests.fakes.voice_call import ANN, BOB
from tests.fakes.voice_engines import FakeSpeech


class Nothing(BaseModel):
    """No arguments."""


STORY = "Once there was a long road. It went over nine hills. At its end stood a small house."


async def test_a_question_is_answered_aloud_and_kept(tmp_path):
    async with live_call(tmp_path, ScriptedModel("Hello there. How are you?")) as live:
        await live.people.say(spoken("apple", "boat"))
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert [turn.text for turn in live.of(TurnTaken)] == ["apple boat"]
        assert len(live.of(AnswerBegun)) == 1
        await live.app.conversations.drain(2.0)
        assert await live.history() == [
            ("ann", "apple boat"),
            ("mira", "Hello there. How are you?"),
        ]


async def test_only_what_was_heard_of_an_interrupted_answer_is_kept(tmp_path):
    model = ScriptedModel(lambda request: STORY if _asks(request, "apple") else "All right.")
    async with live_call(tmp_path, model) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.comes(AnswerBegun)
        await live.until(lambda: len(live.loudspeaker.sounding()) > 40)
        await live.people.say(spoken("cloud", "drum", "engine", "forest", "garden"))
        await live.comes(AnswerBegun, count=2)
        await live.comes(AnswerEnded, count=2)
        await live.app.conversations.drain(2.0)
        kept = await live.history()
        said = [text for who, text in kept if who == "mira"]
        assert [who for who, _ in kept] == ["ann", "mira", "ann", "mira"]
        assert live.of(Ducked)
        assert [one.hard for one in live.of(Interrupted)] == [False]
        assert said[0].endswith("—")
        assert STORY.startswith(said[0][:-1])
        assert len(said[0]) < len(STORY) - 20
        assert said[1] == "All right."


async def test_noise_that_stopped_the_answer_lets_it_go_on_and_it_is_kept_whole(tmp_path):
    async with live_call(
        tmp_path, ScriptedModel(STORY), texts={"cloud drum engine forest": ""}
    ) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        live.ears.texts = _Wordless()
        await live.people.say(spoken("cloud", "drum", "engine", "forest", seconds=0.3) + hush(0.1))
        await live.comes(Resumed)
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        await live.app.conversations.drain(2.0)
        assert [text for who, text in await live.history() if who == "mira"] == [STORY]


async def test_a_back_channel_only_ducks(tmp_path):
    texts = {"cloud": "Mhm.", "cloud drum": "Mhm."}
    async with live_call(tmp_path, ScriptedModel(STORY), texts=texts) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        await live.people.say(spoken("cloud", "drum", seconds=0.2))
        await live.comes(Unducked)
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert not live.of(Interrupted)
        assert len(live.of(AnswerBegun)) == 1


async def test_a_hard_word_ends_the_answer_and_is_not_answered(tmp_path):
    texts = {"cloud": "Stop.", "cloud drum": "Stop."}
    model = ScriptedModel(STORY)
    async with live_call(tmp_path, model, texts=texts) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        await live.people.say(spoken("cloud", "drum", seconds=0.25))
        ended = await live.comes(AnswerEnded)
        assert not ended.whole
        assert [one.hard for one in live.of(Interrupted)] == [True]
        await live.comes(TurnTaken, count=2)
        await live.app.conversations.drain(2.0)
        assert len(live.of(AnswerBegun)) == 1
        assert len(model.requests) == 1


async def test_somebody_who_goes_on_before_anything_was_heard_is_answered_once(tmp_path):
    model = ScriptedModel(lambda _: Script(text="Good idea.", first_token_seconds=1.0))
    async with live_call(tmp_path, model) as live:
        await live.people.say(spoken("apple", "boat") + hush(0.5) + spoken("cloud", "drum"))
        await live.comes(AnswerEnded)
        await live.app.conversations.drain(2.0)
        assert await live.history() == [
            ("ann", "apple boat cloud drum"),
            ("mira", "Good idea."),
        ]
        assert len(live.of(AnswerBegun)) == 1


async def test_a_pause_in_mid_sentence_leads_to_one_answer_to_all_of_it(tmp_path):
    async with live_call(tmp_path, ScriptedModel("One answer."), complete=0.3) as live:
        await live.people.say(spoken("apple", "boat") + hush(0.35) + spoken("cloud", "drum"))
        await live.comes(AnswerEnded)
        await live.app.conversations.drain(2.0)
        assert await live.history() == [("ann", "apple boat cloud drum"), ("mira", "One answer.")]
        assert len(live.of(TurnTaken)) == len(live.of(AnswerBegun)) == 1


async def test_nothing_is_heard_and_no_tool_runs_before_the_turn_is_over(tmp_path):
    ran: list[float] = []

    async def light(_: Nothing, __: ToolContext) -> str:
        ran.append(time.monotonic())
        return "It is lit."

    lamp = ToolSpec(
        name="light_lamp",
        description="Lights it.",
        parameters=Nothing,
        handler=light,
        keywords=("apple",),
    )
    call = Script(calls=[ToolCall(id="1", name="light_lamp", arguments={})])
    asked: list[float] = []

    def answer(_: ChatRequest) -> Scripted:
        asked.append(time.monotonic())
        return call if len(asked) == 1 else "Lit."

    model = ScriptedModel(answer)
    async with live_call(tmp_path, model, complete=0.3, tools=[lamp]) as live:
        await live.people.say(spoken("apple", "boat"))
        taken = await live.comes(TurnTaken)
        assert taken.ending is Ending.TIMEOUT
        begun = await live.comes(AnswerBegun)
        assert len(model.requests) == 2
        assert ran[0] >= taken.at
        assert begun.at >= taken.at
        heard = next(one for one in live.of(WordsHeard) if one.stage is Stage.SPECULATIVE)
        assert heard.at <= asked[0] < taken.at - 0.1


async def test_what_was_presumed_of_somebody_who_left_is_not_kept(tmp_path):
    model = ScriptedModel("Hello.")
    async with live_call(tmp_path, model, complete=0.3) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: model.requests)
        live.call.left(ANN.id)
        await live.comes(TurnLost)
        await live.until(lambda: not live.call.busy)
        await live.app.conversations.drain(2.0)
        assert await live.history() == []
        assert not live.of(AnswerBegun)


async def test_two_people_who_ask_at_once_are_answered_one_after_the_other(tmp_path):
    first, second = "First answer for you.", "Second answer for you."
    model = ScriptedModel(lambda request: first if _asks(request, "apple") else second)
    async with live_call(tmp_path, model) as live:
        async with asyncio.TaskGroup() as group:
            group.create_task(live.people.say(spoken("apple", "boat"), by=ANN))
            group.create_task(live.people.say(spoken("cloud", "drum", "engine"), by=BOB))
        await live.comes(AnswerEnded, count=2)
        assert all(ended.whole for ended in live.of(AnswerEnded))
        await live.app.conversations.drain(2.0)
        history = await live.history()
        assert [who for who, _ in history] == ["ann", "mira", "bob", "mira"]
        assert [text for _, text in history[1::2]] == [first, second]


async def test_by_name_others_are_overheard_and_told_of_with_their_names(tmp_path):
    texts = {"apple boat": "I had soup today.", "cloud drum": "Mira, what did I eat?"}
    model = ScriptedModel("Soup.")
    async with live_call(tmp_path, model, texts=texts, wake=WakeRule.BY_NAME) as live:
        await live.people.say(spoken("apple", "boat"), by=BOB)
        await live.comes(TurnTaken)
        await live.people.say(spoken("cloud", "drum"), by=ANN)
        await live.comes(AnswerEnded)
        assert [turn.addressed for turn in live.of(TurnTaken)] == [False, True]
        asked = " ".join(message.content for message in model.requests[0].messages)
        assert "Bob: I had soup today." in asked
        assert "read aloud" in asked


async def test_a_typed_message_is_answered_aloud_and_so_is_what_is_said_unasked(tmp_path):
    model = ScriptedModel("Spoken too.")
    async with live_call(tmp_path, model) as live:
        shown = RecordingDelivery()
        aloud = live.service.aloud(HERE, shown)
        outcome, _ = await live.app.say("hi", aloud, place=HERE)
        assert outcome.terminals
        assert live.of(AnswerEnded)[0].whole
        assert shown.sink.events[-1].kind == "turn_finished"
        live.app.factory.deliveries().register("test", _reaching(aloud))
        mira = live.app.factory.library().default().id
        receipt = await live.app.conversations.initiate(
            Initiative(conversation=HERE, persona=mira, instruction="Say something.")
        )
        await receipt.outcome()
        assert len(live.of(AnswerEnded)) == 2


async def test_what_is_said_unasked_waits_until_people_are_quiet(tmp_path):
    async with live_call(tmp_path, ScriptedModel("By the way."), wake=WakeRule.BY_NAME) as live:
        aloud = live.service.aloud(HERE, None)
        live.app.factory.deliveries().register("test", _reaching(aloud))
        mira = live.app.factory.library().default().id
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(live.people.say(spoken(*["apple"] * 8)))
            await asyncio.sleep(0.4)
            receipt = await live.app.conversations.initiate(
                Initiative(conversation=HERE, persona=mira, instruction="Say something.")
            )
        quiet_since = talking.result() + 8 * 0.24
        await receipt.outcome()
        assert live.of(AnswerBegun)[0].at > quiet_since + 0.5


async def test_a_voice_that_fails_is_told_of_once_and_the_call_goes_on(tmp_path):
    speech = FakeSpeech(seconds_per_character=0.03, fails_after=0)
    async with live_call(tmp_path, ScriptedModel(STORY), speech=speech) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(speech.said) >= 3, what="three clauses")
        await live.until(lambda: not live.call.busy, what="the end of the answer")
        assert [one.trouble for one in live.of(Troubled)] == [Trouble.VOICE]
        speech.fails_after = None
        await live.people.say(spoken("cloud", "drum"))
        await live.comes(AnswerEnded)
        assert [one.over for one in live.of(Troubled)] == [False, True]


async def test_ears_that_fail_are_told_of_once_and_work_again(tmp_path):
    async with live_call(tmp_path, ScriptedModel("Hello.")) as live:
        live.ears.failing = ProviderError("tones", ProviderFault.UNREACHABLE, "No ears.")
        for _ in range(2):
            await live.people.say(spoken("apple", "boat") + hush(1.0))
        await live.comes(TurnLost, count=2)
        assert [one.trouble for one in live.of(Troubled)] == [Trouble.EARS]
        await live.until(lambda: not live.call.busy)
        live.ears.failing = None
        await live.people.say(spoken("cloud", "drum"))
        await live.until(lambda: live.of(Troubled)[-1].over)


async def test_a_model_that_fails_is_told_of_and_the_next_turn_is_answered(tmp_path):
    broken = Script(error=ProviderError("model", ProviderFault.UNREACHABLE, "The model is away."))

    def answer(request: ChatRequest) -> Scripted:
        return broken if _asks(request, "apple") else "Here again."

    async with live_call(tmp_path, ScriptedModel(answer)) as live:
        await live.people.say(spoken("apple", "boat"))
        trouble = await live.comes(Troubled)
        assert trouble.trouble is Trouble.MODEL
        told = await live.comes(AnswerEnded)
        assert told.whole
        assert [text for text, _ in live.speech.said] == ["The model is away."]
        await live.people.say(spoken("cloud", "drum"))
        await live.until(lambda: live.of(Troubled)[-1].over)


async def test_a_text_is_read_aloud_as_it_is_and_can_be_hushed(tmp_path):
    speech = FakeSpeech(seconds_per_character=0.03)
    async with live_call(tmp_path, ScriptedModel("unused"), speech=speech) as live:
        await live.call.say("**Dinner** is ready.")
        assert [text for text, _ in speech.said] == ["Dinner is ready."]
        assert live.of(AnswerEnded)[0].whole
        async with asyncio.TaskGroup() as group:
            group.create_task(live.call.say(STORY))
            await live.comes(AnswerBegun, count=2)
            assert live.call.hush()
        assert not live.of(AnswerEnded)[1].whole
        assert not live.call.hush()


async def test_nobody_is_listened_to_before_listening_is_on(tmp_path):
    async with live_call(tmp_path, ScriptedModel("Hello."), listening=False) as live:
        await live.people.say(spoken("apple", "boat") + hush(0.8))
        assert live.events == []
        live.call.listen()
        await live.people.say(spoken("apple", "boat"))
        await live.comes(AnswerEnded)


async def test_a_call_left_in_mid_answer_keeps_what_was_heard(tmp_path):
    async with live_call(tmp_path, ScriptedModel(STORY)) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 40)
        await live.leave()
        assert [one.whole for one in live.of(AnswerEnded)] == [False]
        assert live.service.find(HERE) is None
        async with asyncio.timeout(10):
            outcome, _ = await live.app.say("hi", place=HERE)
        assert outcome.terminals, "what was spoken holds nobody up"
        await live.app.conversations.drain(2.0)
        said = [text for who, text in await live.history() if who == "mira"]
        assert said[0].endswith("—")
        assert STORY.startswith(said[0][:-1])


async def test_speech_slower_than_real_time_is_still_said_whole(tmp_path):
    speech = FakeSpeech(seconds_per_character=0.03, frame_seconds=0.16)
    async with live_call(
        tmp_path, ScriptedModel("Slow it goes. Yet it ends."), speech=speech
    ) as live:
        await live.people.say(spoken("apple", "boat"))
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert len(live.of(AnswerBegun)) == 1


class _Wordless(dict[str, str]):
    """Whatever is heard has no words."""

    def get(self, heard: str, default: str = "", /) -> str:  # type: ignore[override]
        return ""


def _asks(request: ChatRequest, word: str) -> bool:
    return word in request.messages[-1].content


def _reaching(delivery: Delivery):
    async def reach(conversation: ConversationId) -> Delivery:
        return delivery

    return reach
