"""Talking with a character in Discord."""

import asyncio
from datetime import timedelta

import pytest

from frontends.discord.pages import LIMIT
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.domain.ids import ConversationId
from services.llm.model import ModelInfo, PromptRole
from tests.discord_standin.founding import add_bot, add_member
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import discord_app
from tests.fakes.discord_talk import choose, finished, whole
from tests.fakes.picture_files import picture
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

PICTURE = picture("PNG", (1, 1))


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


async def quiet(home, town):
    """Let everything that is going on come to its end, and show that nothing was posted."""
    probe = town.alice.writes_to(town.bot, "still there?")
    channel = town.standin.world.channels[probe.channel_id]
    await town.until(
        lambda: any(
            one.author.bot and one.id > probe.id and finished(one)
            for one in channel.messages.values()
        )
    )


async def test_a_mention_is_answered_as_a_reply_that_pings_nobody(town, tmp_path):
    async with discord_app(town, ScriptedModel("Good evening to you."), tmp_path):
        asked = town.alice.mentions(town.general, town.bot.user, "hello there")
        [said] = await whole(town)
    assert "Good evening to you." in said.content
    assert said.reference == (town.general.id, asked.id)
    assert said.mentions == []


async def test_what_the_model_says_about_everyone_pings_nobody(town, tmp_path):
    words = f"Hey @everyone and @here, <@{town.bob.user.id}> <@&{town.guild.id}>!"
    async with discord_app(town, ScriptedModel(words), tmp_path):
        town.alice.mentions(town.general, town.bot.user, "call them all")
        [said] = await whole(town)
    assert (said.mentions, said.mention_roles, said.mention_everyone) == ([], [], False)


async def test_a_direct_message_and_a_reply_to_the_bot_are_answered(town, tmp_path):
    async with discord_app(town, ScriptedModel(["One.", "Two."]), tmp_path):
        first = town.bob.writes_to(town.bot, "are you awake?")
        channel = town.standin.world.channels[first.channel_id]
        [said] = await whole(town, channel)
        assert "One." in said.content
    async with discord_app(town, ScriptedModel(["One.", "Two."]), tmp_path):
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await whole(town)
        town.bob.says(town.general, "and me?", replying_to=said, pings=False)
        _, again = await whole(town, count=2)
        assert "Two." in again.content


async def test_names_and_keywords_wake_it_only_where_it_was_asked_to_listen(town, tmp_path):
    model = ScriptedModel("Here I am.")
    async with discord_app(
        town, model, tmp_path, gate={"keywords": ["brrr"], "keyword_cooldown_seconds": 0.0}
    ) as home:
        town.alice.says(town.general, "Mira, are you here?")
        town.alice.says(town.general, "brrrrr")
        await quiet(home, town)
        assert not [one for one in town.general.messages.values() if one.author.bot]
        await choose(home, town.general, listen="on")
        town.alice.says(town.general, "Mira, are you here?")
        await whole(town)
        town.alice.says(town.general, "so cold, brrrrr")
        await whole(town, count=2)
        town.alice.says(town.general, "what an admirable miracle")
        await quiet(home, town)
        assert len(await town.sent()) == 2


async def test_other_bots_are_answered_only_where_allowed_and_not_for_ever(town, tmp_path):
    robot = add_bot(town.standin.world, "Robot")
    add_member(town.standin.world, town.guild, robot.user)
    person = town.standin.person(robot.user)
    async with discord_app(town, ScriptedModel("Beep."), tmp_path) as home:
        person.mentions(town.general, town.bot.user, "beep?")
        await quiet(home, town)
        await choose(home, town.general, answer_bots="on")

        def ours():
            return [one for one in town.general.messages.values() if one.author is town.bot.user]

        assert not ours()
        for number in range(8):
            person.mentions(town.general, town.bot.user, f"beep {number}?")
            await quiet(home, town)
        answered = len(ours())
        assert 0 < answered < 8
        town.alice.says(town.general, "stop that")
        person.mentions(town.general, town.bot.user, "beep again?")
        await town.until(lambda: len(ours()) > answered)


async def test_long_answers_are_cut_where_they_may_be_and_code_stays_code(town, tmp_path):
    story = "A sentence that tells a story. " * 80
    code = "```py\n" + "print('hello')\n" * 150 + "```"
    async with discord_app(town, ScriptedModel(f"{story}\n\n{code}\n\nDone."), tmp_path):
        town.alice.mentions(town.general, town.bot.user, "tell me everything")
        await town.until(
            lambda: any("Done." in one.content for one in town.general.messages.values())
        )
        said = await whole(town)
    assert len(said) == 3
    assert all(len(one.content) <= LIMIT for one in said)
    assert all(one.content.count("```") % 2 == 0 for one in said)
    assert [bool(one.components) for one in said] == [False] * (len(said) - 1) + [True]


async def test_an_answer_grows_while_it_is_written_without_meeting_a_limit(town, tmp_path):
    model = ScriptedModel(Script(text="word " * 60 + "end", token_seconds=0.04))
    async with discord_app(town, model, tmp_path):
        town.alice.mentions(town.general, town.bot.user, "slowly please")
        seen = set()
        [said] = await town.sent()

        def over():
            seen.add(said.content)
            return finished(said)

        await town.until(over)
    assert len(seen) >= 3
    assert said.content.endswith("end")
    assert town.standin.limits.refusals == 0


async def test_somebody_waiting_sees_that_an_answer_is_being_written(town, tmp_path):
    hold = asyncio.Event()
    async with discord_app(town, ScriptedModel(Script(text="Now.", hold=hold)), tmp_path):
        town.alice.mentions(town.general, town.bot.user, "think hard")
        await town.until(
            lambda: any(one.path.endswith("/typing") for one in town.standin.api.exchanges)
        )
        hold.set()
        await whole(town)


async def test_mentions_reach_the_model_as_names_with_ids(town, tmp_path):
    model = ScriptedModel("Noted.")
    async with discord_app(town, model, tmp_path):
        bob = town.bob.user
        town.alice.mentions(
            town.general, town.bot.user, f"tell <@{bob.id}> to look at <#{town.general.id}>"
        )
        await whole(town)
    [asked] = [one for one in model.requests[-1].messages if one.role is PromptRole.USER][-1:]
    assert asked.content.endswith(f"tell @Bob (id {bob.id}) to look at #general")


async def test_a_bare_mention_is_a_greeting(town, tmp_path):
    model = ScriptedModel("Hi.")
    async with discord_app(town, model, tmp_path):
        town.alice.mentions(town.general, town.bot.user, "")
        await whole(town)
    assert "Hello!" in model.requests[-1].messages[-1].content


async def test_what_a_message_replies_to_is_told_to_the_model(town, tmp_path):
    model = ScriptedModel("I see.")
    async with discord_app(town, model, tmp_path):
        said = town.bob.says(town.general, "cats are better than dogs")
        town.alice.says(town.general, f"<@{town.bot.user.id}> do you agree?", replying_to=said)
        await whole(town)
    assert "> Bob:\n> cats are better than dogs" in model.requests[-1].messages[-1].content


async def test_a_picture_reaches_a_model_that_can_see(town, tmp_path):
    model = ScriptedModel(
        "A dot.",
        info=ModelInfo(
            provider="scripted", name="scripted", context_tokens=8192, tools=True, vision=True
        ),
    )
    async with discord_app(town, model, tmp_path):
        town.alice.says(
            town.general,
            f"<@{town.bot.user.id}> what is this?",
            files=[("dot.png", PICTURE, "image/png")],
        )
        await whole(town)
    assert PICTURE in [image for one in model.requests[-1].messages for image in one.images]


async def test_an_attached_text_is_read(town, tmp_path):
    model = ScriptedModel("A recipe.")
    async with discord_app(town, model, tmp_path):
        town.alice.says(
            town.general,
            f"<@{town.bot.user.id}> what is this?",
            files=[("cake.txt", b"Take three eggs and some flour.", "text/plain; charset=utf-8")],
        )
        await whole(town)
    assert "three eggs" in "\n".join(one.content for one in model.requests[-1].messages)


async def test_a_file_that_is_too_large_is_refused_in_a_sentence(town, tmp_path):
    async with discord_app(
        town, ScriptedModel("Never."), tmp_path, storage={"data": tmp_path, "max_attachment_mb": 1}
    ):
        town.alice.says(
            town.general,
            f"<@{town.bot.user.id}> keep this",
            files=[("big.bin", bytes(2**21), "application/octet-stream")],
        )
        [said] = await town.sent()
        assert "1 MB" in said.content


async def test_a_thread_is_a_conversation_of_its_own(town, tmp_path):
    model = ScriptedModel(["In the channel.", "In the thread."])
    async with discord_app(town, model, tmp_path) as home:
        asked = town.alice.mentions(town.general, town.bot.user, "hello")
        await whole(town)
        thread = town.alice.opens_thread(town.general, "aside", on=asked)
        town.alice.mentions(thread, town.bot.user, "and here?")
        [said] = await whole(town, thread)
        assert "In the thread." in said.content
        place = ConversationId("discord", str(town.guild.id), f"{town.general.id}:{thread.id}")
        assert len(await home.app.conversations.recent(place, 10)) == 2


async def test_too_many_questions_get_one_polite_notice(town, tmp_path):
    async with discord_app(
        town, ScriptedModel("Yes."), tmp_path, gate={"user_limit": 2, "limit_window_seconds": 300}
    ) as home:
        for number in range(6):
            town.alice.mentions(town.general, town.bot.user, f"question {number}")
            await asyncio.sleep(0.2)
        said = await town.sent(count=3)
        await town.until(lambda: sum(finished(one) for one in town.general.messages.values()) >= 1)
        town.bob.mentions(town.general, town.bot.user, "and me?")
        await town.until(
            lambda: any(
                one.reference and town.general.messages[one.reference[1]].author is town.bob.user
                for one in town.general.messages.values()
                if one.author.bot and one.reference
            )
        )
        notices = [one for one in town.general.messages.values() if "quick" in one.content]
        assert len(notices) == 1, said
        assert home.bot.is_ready()


async def test_a_model_that_fails_says_so_in_one_sentence(town, tmp_path):
    error = ProviderError(
        "scripted", ProviderFault.UNREACHABLE, "The model server cannot be reached; start it."
    )
    async with discord_app(
        town, ScriptedModel(Script(text="", error=error)), tmp_path, llm={"fallback_texts": []}
    ):
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await town.sent()
        await town.until(lambda: said.content)
        assert "cannot be reached" in said.content


class WrongClock(SystemClock):
    """A clock that somebody set an hour too late."""

    def now(self):
        return super().now() + timedelta(hours=1)


async def test_a_machine_whose_clock_is_wrong_still_hears(town, tmp_path):
    async with discord_app(town, ScriptedModel("I hear you."), tmp_path, clock=WrongClock()):
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await whole(town)
    assert "I hear you." in said.content
