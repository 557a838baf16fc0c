"""What is said and heard in calls, and how people choose that."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import discord
import pytest

from services.conversation.jobs import Initiative
from services.domain.audio import AudioFrame
from services.voice.call_events import (
    AnswerBegun,
    CallEvent,
    TurnLost,
    TurnTaken,
    WordsHeard,
)
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import DropReason, Stage
from services.voice.synthesis import Voice
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import newcomer, told
from tests.fakes.discord_talk import choose, finished
from tests.fakes.discord_talk import here as conversation_in
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.voice import Callers, asks, callers, enters
from tests.fakes.voice_engines import FakeSpeech

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@pytest.fixture
async def here(tmp_path, monkeypatch) -> AsyncIterator[Callers]:
    """The bot in a town, ready to be called."""
    async with (
        scene(limits=False) as town,
        callers(town, ScriptedModel("Good evening."), tmp_path, monkeypatch) as found,
    ):
        yield found


async def says(here: Callers, who, text: str) -> bool:
    """Let somebody say something that is understood as ``text``."""
    here.ears.default = text
    return await here.link.hears(who)


# -- being listened to


async def test_nobody_is_listened_to_where_that_cannot_be_written(here):
    town, alice = here.town, here.town.alice
    everyone = town.guild.roles[town.guild.id]
    alice.overwrites(here.lounge, everyone, deny=int(Permission.SEND_MESSAGES))
    await enters(here, alice)
    assert "listen to nobody" in await asks(here, alice, "voice join")
    assert "let me write in" in await asks(here, alice, "voice listen")
    assert not here.held.talk.listening
    alice.overwrites(here.lounge, everyone)
    await here.until(lambda: _may_write(here))
    assert await asks(here, alice, "voice listen") == "I listen."
    assert here.wrote("I listen in this call")


async def test_unlistened_it_hears_nothing_until_it_listens_again(here):
    alice = here.town.alice
    held = await here.calls(alice)
    assert "listen to nobody" in await asks(here, alice, "voice unlisten")
    assert here.wrote("I do not any more")
    await says(here, alice, "Are you there?")
    assert here.ears.heard == []
    assert await asks(here, alice, "voice listen") == "I listen."
    assert held.talk.listening
    await says(here, alice, "Are you there?")
    await here.until(lambda: "Good evening." in here.said())


async def test_who_asks_to_be_ignored_is_heard_in_no_call(here):
    alice, bob = here.town.alice, here.town.bob
    await here.calls(alice)
    await enters(here, bob)
    assert await says(here, bob, "Hello.")
    assert "I listen to you in no call" in await asks(here, bob, "voice ignore-me")
    assert not await says(here, bob, "Hello.")
    assert "**Not listened to** Bob" in await asks(here, alice, "voice status")
    assert await says(here, alice, "Hello.")
    await asks(here, alice, "voice leave")
    await here.calls(alice)
    assert not await says(here, bob, "Hello."), "it is remembered"
    heeded = len(here.link.heeded)
    assert "I listen to you again" in await asks(here, bob, "voice ignore-me", ignore="off")
    assert here.link.heeded[heeded:] == [bob.user.id], "the connection ignores him no more"
    assert await says(here, bob, "Hello.")


async def test_blocked_people_and_machines_are_not_heard(here):
    bob = here.town.bob
    await asks(here, here.town.alice, "block", user=bob.user)
    await here.calls(here.town.alice)
    await enters(here, bob)
    assert not await says(here, bob, "Hello.")
    assert await asks(here, bob, "voice join") == "You are not answered here."


async def test_by_name_others_are_overheard(here):
    alice = here.town.alice
    answer = await asks(here, alice, "voice wake", rule="by_name", channel=here.lounge)
    assert "when I am called by name" in answer
    await here.calls(alice)
    assert here.wrote("when you call a character by name")
    events = _watch(here)
    await says(here, alice, "Lovely weather.")
    await here.until(lambda: [one for one in events if isinstance(one, TurnTaken)])
    await says(here, alice, "Mira, are you there?")
    await here.until(lambda: "Good evening." in here.said())
    await here.until(lambda: [one.addressed for one in events if isinstance(one, TurnTaken)][1:])
    assert [one.addressed for one in events if isinstance(one, TurnTaken)] == [False, True]


async def test_push_to_listen_hears_who_holds_the_button(here):
    alice, bob = here.town.alice, here.town.bob
    held = await here.calls(alice)
    await enters(here, bob)
    assert "You may not change" in await asks(here, bob, "voice wake", rule="push_to_listen")
    await asks(here, alice, "voice wake", rule="push_to_listen")
    await here.until(lambda: here.wrote("Press **Talk**"))
    [button] = [one for one in here.chat() if "Press **Talk**" in one.content]
    await says(here, bob, "Hello there.")
    assert here.ears.heard == []
    asked = bob.clicks(button, "Talk")
    assert "I listen to you until" in (await told(here.town, bob, asked))[0]
    await says(here, bob, "Hello Mira.")
    await here.until(lambda: "Good evening." in here.said())
    speaker = held.presence.author_of(bob.user.id)
    await here.until(lambda: not held.talk.wake.hears(speaker.id))
    first = await told(here.town, bob, bob.clicks(button, "Talk"))
    again = await told(here.town, bob, bob.clicks(button, "Talk"))
    assert (first[0][:6], again[0]) == ("I list", "I do not listen to you now.")
    stranger = newcomer(here.town, "Carol")
    asked = stranger.clicks(button, "Talk")
    assert "Join the voice channel first" in (await told(here.town, stranger, asked))[0]


# -- what is said


async def test_a_text_is_read_aloud_and_hushed(here):
    alice = here.town.alice
    await here.calls(alice)
    assert await asks(here, alice, "voice hush") == "I am not speaking."
    assert await asks(here, alice, "voice speak", text="The tide is turning.") == "Said."
    assert "The tide is turning" in here.said()
    here.speech.seconds_per_character = 0.5
    asked = alice.uses(here.town.general, here.town.bot, "voice speak", text="On and on and on.")
    await here.until(lambda: here.held.talk.speaking)
    assert await asks(here, alice, "voice hush") == "I am silent."
    await here.until(lambda: not here.held.talk.speaking)
    assert await told(here.town, alice, asked) == ["Said."]


async def test_what_may_not_be_said_in_a_place_is_not_read_aloud(here):
    alice = here.town.alice
    await here.calls(alice)
    await choose(here.live, here.lounge, blocked_words="herring")
    answer = await asks(here, alice, "voice speak", text="A red herring!")
    assert "may not be said" in answer
    await choose(here.live, here.lounge, muted="on")
    assert "/unmute" in await asks(here, alice, "voice speak", text="Hello.")
    assert here.said() == ""


async def test_moderators_lock_the_floor(here):
    alice, bob = here.town.alice, here.town.bob
    held = await here.calls(alice)
    await enters(here, bob)
    assert "Only moderators" in await asks(here, bob, "voice lock", locked="on")
    assert not held.talk.locked
    assert "Only moderators can" in await asks(here, alice, "voice lock", locked="on")
    assert held.talk.locked
    assert "floor locked" in await asks(here, bob, "voice status")
    assert "Everybody" in await asks(here, alice, "voice lock", locked="off")
    assert not held.talk.locked


async def test_typed_messages_are_answered_aloud_where_that_is_chosen(here):
    alice = here.town.alice
    await here.calls(alice)
    alice.mentions(here.lounge, here.town.bot.user, "hello")
    await here.until(lambda: any(finished(one) for one in here.chat()))
    assert here.said() == ""
    answer = await asks(here, alice, "voice settings", aloud="on")
    assert "**Typed messages answered aloud** on" in answer
    alice.mentions(here.lounge, here.town.bot.user, "hello again")
    await here.until(lambda: "Good evening." in here.said())
    await here.until(lambda: sum(finished(one) for one in here.chat()) == 2)


async def test_what_is_said_unasked_in_a_call_is_spoken(here):
    await here.calls(here.town.alice)
    conversations = here.live.app.conversations
    conversation = conversation_in(here.lounge)
    delivery = await here.live.bot.reach(conversation)
    persona = await conversations.persona_of(conversation)
    receipt = await conversations.initiate(
        Initiative(conversation=conversation, persona=persona.id, instruction="Say good evening.")
    )
    await receipt.outcome()
    assert delivery is not None
    assert "Good evening." in here.said()


# -- captions


async def test_captions_show_what_is_said_and_answered(here):
    alice = here.town.alice
    assert "**Captions** on" in await asks(
        here, alice, "voice settings", captions="on", channel=here.lounge
    )
    await here.calls(alice)
    await says(here, alice, "Hello Mira!")
    await here.until(lambda: here.wrote("**Alice:** Hello"))
    await here.until(lambda: any("Good evening." in one.content for one in here.chat()))
    await here.until(lambda: any(finished(one) for one in here.chat()))
    [caption] = [one for one in here.chat() if "**Alice:**" in one.content]
    assert caption.content == "-# **Alice:** Hello Mira!"


async def test_a_caption_is_one_message_that_grows(here):
    alice = here.town.alice
    await choose(here.live, here.lounge, captions="on")
    held = await here.calls(alice)
    on_event = here.held.talk._is.on_event
    speaker = held.presence.author_of(alice.user.id)

    def heard(turn: int, text: str) -> None:
        on_event(WordsHeard(speaker=speaker, turn=turn, at=1.0, text=text, stage=Stage.PARTIAL))

    def taken(turn: int, text: str) -> None:
        on_event(
            TurnTaken(
                speaker=speaker,
                turn=turn,
                at=1.0,
                text=text,
                ending=Ending.COMPLETE,
                addressed=False,
                started_at=0.0,
                ended_at=1.0,
            )
        )

    heard(901, "the tide")
    await here.until(lambda: here.wrote("the tide …"))
    heard(902, "cough")
    on_event(TurnLost(speaker=speaker, turn=902, at=1.0, reason=DropReason.EMPTY))
    taken(901, "The *tide* is turning.")
    taken(903, "Is it?")
    await here.until(lambda: here.wrote("Is it?"))
    [caption] = [one for one in here.chat() if "**Alice:**" in one.content]
    assert caption.content.splitlines() == [
        r"-# **Alice:** The \*tide\* is turning.",
        "-# **Alice:** Is it?",
    ]
    on_event(AnswerBegun(persona=None, persona_name="Mira", at=2.0))
    taken(904, "It is.")
    await here.until(lambda: here.wrote("It is."))
    assert "It is." not in caption.content


FIRST, SECOND = "The tide is turning now.", "Come and see it with your own eyes."


@pytest.fixture
async def talker(tmp_path, monkeypatch) -> AsyncIterator[Callers]:
    """The bot with two sentences to say, slowly, and captions on."""
    async with (
        scene(limits=False) as town,
        callers(town, ScriptedModel(f"{FIRST} {SECOND}"), tmp_path, monkeypatch) as found,
    ):
        found.speech.seconds_per_character = 0.03
        await choose(found.live, found.lounge, captions="on")
        yield found


def _shown(here: Callers) -> list[str]:
    found = [one.content for one in here.chat() if "tide" in one.content]
    return [one.removeprefix("**Mira:** ") for one in found]


async def test_an_answer_is_shown_as_it_is_heard(talker, monkeypatch):
    here, goes_on = talker, asyncio.Event()
    synthesize = here.speech.synthesize

    async def halting(
        _: FakeSpeech, text: str, /, *, voice: Voice
    ) -> AsyncGenerator[AudioFrame, None]:
        if text in SECOND:
            await goes_on.wait()
        async with aclosing(synthesize(text, voice=voice)) as frames:
            async for frame in frames:
                yield frame

    monkeypatch.setattr(FakeSpeech, "synthesize", halting)
    await here.calls(here.town.alice)
    await says(here, here.town.alice, "Hello Mira!")
    await here.until(lambda: _shown(here) == [FIRST])
    goes_on.set()
    await here.until(lambda: any(finished(one) for one in here.chat()))
    assert _shown(here) == [f"{FIRST} {SECOND}"]


async def test_of_an_answer_that_is_cut_what_was_heard_stays_shown(talker):
    here = talker
    here.speech.seconds_per_character = 0.2
    await here.calls(here.town.alice)
    await says(here, here.town.alice, "Hello Mira!")
    await here.until(lambda: SECOND in "".join(_shown(here)))
    assert await asks(here, here.town.alice, "voice hush") == "I am silent."
    await here.until(lambda: any(finished(one) for one in here.chat()))
    [shown] = _shown(here)
    assert shown.startswith(FIRST)
    assert not shown.endswith(SECOND), "all of it was not heard"
    kept = await here.live.app.history(conversation_in(here.lounge))
    assert kept[-1][1].removesuffix("—") == shown


async def test_an_answer_nothing_was_heard_of_is_shown_nowhere(talker):
    here = talker
    here.speech.first_seconds = 30.0
    await here.calls(here.town.alice)
    await says(here, here.town.alice, "Hello Mira!")
    await here.until(lambda: here.speech.active)
    assert await asks(here, here.town.alice, "voice hush") == "I am silent."
    await here.until(lambda: not here.held.talk.busy)
    assert _shown(here) == []


async def test_without_a_voice_an_answer_is_shown_all_the_same(talker):
    here = talker
    here.speech.fails_after = 0
    await here.calls(here.town.alice)
    await says(here, here.town.alice, "Hello Mira!")
    await here.until(lambda: any(finished(one) for one in here.chat()))
    assert _shown(here) == [f"{FIRST} {SECOND}"]


async def test_without_captions_nothing_said_is_written(here):
    await here.calls(here.town.alice)
    await says(here, here.town.alice, "Hello.")
    await here.until(lambda: "Good evening." in here.said())
    await asks(here, here.town.alice, "voice status")
    assert len(here.chat()) == 1, "the notice alone"


# -- voices


async def test_voices_are_listed_and_heard_as_files_and_in_the_call(here):
    alice = here.town.alice
    asked = alice.uses(here.town.general, here.town.bot, "voices")
    await told(here.town, alice, asked)
    [shown] = alice.answers_to(asked)
    assert "one (en-US)" in shown.content
    menu = shown.components[0]["components"][0]
    heard = alice.selects(shown, menu["custom_id"], "0")
    await here.until(lambda: any(one.attachments for one in alice.answers_to(heard)))
    [answer] = alice.answers_to(heard)
    with wave.open(io.BytesIO(answer.attachments[0].content)) as sound:
        assert sound.getnframes() > 1_000
    await here.calls(alice)
    before = here.link.blocks
    heard = alice.selects(shown, menu["custom_id"], "0")
    assert await told(here.town, alice, heard) == ["That was one."]
    assert here.link.blocks > before
    assert here.speech.said[-1][1].name == "one"
    assert "No voice fits" in await asks(here, alice, "voices", search="klingon")


async def test_a_character_gets_a_voice_of_its_own(here):
    alice, bob = here.town.alice, here.town.bob
    await here.calls(alice)
    options = {"character": "mira", "voice": "One", "speed": 1.5, "pitch": -2.0}
    assert "You may not change" in await asks(here, bob, "set_voice", **options)
    answer = await asks(here, alice, "set_voice", **options)
    assert "one, 1.5 times as fast, -2 semitones" in answer
    assert here.lounge.name in answer or f"<#{here.lounge.id}>" in answer
    await asks(here, alice, "voice speak", text="Hello.")
    _, voice = here.speech.said[-1]
    assert (voice.name, voice.speed, voice.pitch) == ("one", 1.5, -2.0)
    assert "no voice two" in await asks(here, alice, "set_voice", character="mira", voice="two")
    await asks(here, alice, "set_voice", character="mira")
    await asks(here, alice, "voice speak", text="Hello again.")
    assert here.speech.said[-1][1].speed == 1.0


async def test_characters_and_voices_are_offered(here):
    town, alice = here.town, here.town.alice
    for focused, typed, wanted in (("voice", "on", "one"), ("character", "mi", "mira")):
        options = {"character": "mira", "voice": "x"} | {focused: typed}
        asked = alice.fills_in(town.general, town.bot, "set_voice", focused, **options)
        await town.until(lambda asked=asked: asked.answer_type == 8)
        assert [one["value"] for one in asked.answer_data["choices"]] == [wanted]


async def test_status_tells_of_engines_and_packets(here):
    alice = here.town.alice
    answer = await asks(here, alice, "voice status")
    assert "**Speaks with** fake" in answer
    assert "**Calls** 0" in answer
    await here.calls(alice)
    here.link.counts.heard = 250
    answer = await asks(here, here.town.bob, "voice status")
    assert "250 frames heard" in answer
    assert "20 ms away, end-to-end encrypted" in answer
    assert "listening on" in answer


async def test_settings_show_what_holds_and_nobody_else_changes_it(here):
    assert "Say which voice channel" in await asks(here, here.town.bob, "voice settings")
    await enters(here, here.town.bob)
    answer = await asks(here, here.town.bob, "voice settings")
    assert "**Captions** off" in answer
    assert "You may not change" in await asks(here, here.town.bob, "voice settings", captions="on")


def _may_write(here: Callers) -> bool:
    channel = here.live.bot.get_channel(here.lounge.id)
    assert isinstance(channel, discord.VoiceChannel)
    return channel.permissions_for(channel.guild.me).send_messages


def _watch(here: Callers) -> list[CallEvent]:
    """Return a list that what happens in the call is added to."""
    assert here.held is not None
    call = here.held.talk
    seen: list[CallEvent] = []
    parts = call._is

    def both(event: CallEvent) -> None:
        seen.append(event)
        parts.on_event(event)

    call.assemble(replace(parts, on_event=both))
    return seen
