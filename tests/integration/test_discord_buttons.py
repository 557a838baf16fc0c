"""The buttons under answers in Discord."""

import asyncio

import pytest
from pydantic import BaseModel

from frontends.discord.buttons import stop_row
from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.domain.ids import ConversationId, TurnId
from services.llm.model import PromptRole
from services.toolbox.spec import Effect, ToolSpec
from tests.discord_standin.faults import RestFault
from tests.discord_standin.founding import add_member, add_user
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import discord_app
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.troupe import cast_settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

PATIENCE = 20.0
AGAIN, BACK, ON, MORE, EDIT, WHY, DELETE, STOP = "🔁", "◀", "▶", "⏩", "✏️", "❔", "🗑️", "⏹"


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture
async def town():
    async with scene() as place:
        yield place
        assert place.standin.limits.refusals == 0


@pytest.fixture
def sections(tmp_path):
    return cast_settings(tmp_path, ann={"extensions": {"acore": {"tools": ["weather"]}}})


@pytest.fixture(params=["bot", "webhook"])
def face(request, town):
    """Who speaks: the bot itself, or a webhook."""
    if request.param == "webhook":
        grant(town, Permission.MANAGE_WEBHOOKS)
    return request.param


def grant(town, permissions, *, to=None):
    role = town.alice.makes_role(town.guild, "role", permissions=permissions)
    town.alice.gives_role(town.guild, to or town.bot.user, role)
    return role


def newcomer(town, name):
    user = add_user(town.standin.world, name)
    add_member(town.standin.world, town.guild, user)
    return town.standin.person(user)


async def until(town, condition):
    await town.standin.changes.until(condition, seconds=PATIENCE)


def labels(message):
    return [part["label"] for row in message.components for part in row["components"]]


def count_of(message):
    """Return what the arrow says of the versions, ``2/3`` for example."""
    return next(one for one in labels(message) if one.startswith(ON)).removeprefix(ON).strip()


def of_bot(town, channel=None):
    channel = channel or town.general
    return [
        one for one in channel.messages.values() if one.author.bot and one.shown_only_to is None
    ]


def whole(message):
    return AGAIN in labels(message)


async def answered(town, words, channel=None):
    """Return the last message of an answer that ends with ``words``, once it has its buttons."""

    def found():
        return [one for one in of_bot(town, channel) if whole(one) and one.content.endswith(words)]

    await until(town, found)
    return found()[-1]


async def ask(town, words, text="hello", *, by=None, channel=None):
    (by or town.bob).mentions(channel or town.general, town.bot.user, text)
    return await answered(town, words, channel)


async def press(town, person, message, label):
    """Press a button and wait for the first response."""
    label = next((one for one in labels(message) if one.startswith(label)), label)
    click = person.clicks(message, label)
    await until(town, lambda: click.answer_type is not None)
    return click


async def told(town, person, click):
    """Return what only the person who clicked is told."""

    def seen():
        return [one for one in person.answers_to(click) if one.shown_only_to is not None]

    await until(town, seen)
    return seen()[0].content


def place_of(channel):
    if channel.guild_id is None:
        return ConversationId("discord", "dm", str(channel.id))
    here = f"{channel.parent_id}:{channel.id}" if channel.thread else str(channel.id)
    return ConversationId("discord", str(channel.guild_id), here)


async def history(home, channel):
    return [one.text for one in await home.app.conversations.recent(place_of(channel), 50)]


def asked_of(model):
    return "\n".join(one.content for one in model.requests[-1].messages)


async def quiet(home, town):
    """Wait until no answer is written and no click at work in #general any more."""
    async with asyncio.timeout(PATIENCE):
        here = place_of(town.general)
        while home.bot.desk.writing or home.bot.acting.busy(here):  # noqa: ASYNC110  no bell rings
            await asyncio.sleep(0.02)


LONG = " ".join(["A sentence that tells a story."] * 100)


# -- other versions


async def test_an_answer_is_made_anew_where_it_stands_and_all_versions_stay(
    town, face, tmp_path, sections
):
    model = ScriptedModel(["First.", "Second.", "Third."])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "First.")
        await press(town, town.bob, said, AGAIN)
        assert await answered(town, "Second.") is said
        assert count_of(said) == "2/2"
        await press(town, town.bob, said, ON)
        await answered(town, "Third.")
        assert count_of(said) == "3/3"
        for words, count in (("Second.", "2/3"), ("First.", "1/3")):
            await press(town, town.bob, said, BACK)
            await answered(town, words)
            assert count_of(said) == count
        back = next(p for row in said.components for p in row["components"] if p["label"] == BACK)
        assert back["disabled"]
        assert len(of_bot(town)) == 1
        assert (await history(home, town.general))[1:] == ["First."]
        town.bob.says(town.general, "what was that?", replying_to=said)
        await until(town, lambda: len(model.requests) == 4)
        assert "First." in asked_of(model)
        assert "Third." not in asked_of(model)


@pytest.mark.parametrize("where", ["channel", "thread", "direct"])
async def test_every_button_works_after_a_restart(town, face, tmp_path, sections, where):
    channel = town.general
    if where == "thread":
        channel = town.alice.opens_thread(town.general, "aside")
    async with discord_app(town, ScriptedModel("First."), tmp_path, **sections):
        if where == "direct":
            channel = town.standin.world.channels[town.bob.writes_to(town.bot, "hello").channel_id]
            said = await answered(town, "First.", channel)
        else:
            said = await ask(town, "First.", channel=channel)
    model = ScriptedModel(["Second.", "And more."])
    async with discord_app(town, model, tmp_path, **sections) as home:
        await press(town, town.bob, said, AGAIN)
        assert await answered(town, "Second.", channel) is said
        await press(town, town.bob, said, BACK)
        await answered(town, "First.", channel)
        await press(town, town.bob, said, ON)
        await answered(town, "Second.", channel)
        await press(town, town.bob, said, MORE)
        await answered(town, "Second. And more.", channel)
        assert count_of(said) == "2/2"
        form = await press(town, town.bob, said, EDIT)
        town.bob.submits(form, **{field_of(form): "Edited."})
        await answered(town, "Edited.", channel)
        assert count_of(said) == "2/2"
        assert "turn" in await told(town, town.bob, await press(town, town.bob, said, WHY))
        await press(town, town.bob, said, DELETE)
        await until(town, lambda: said.id not in channel.messages)
        assert await history(home, channel) == ["hello"]


def field_of(form, number=0):
    rows = form.answer_data["components"]
    return rows[number]["components"][0]["custom_id"]


async def test_versions_of_different_lengths_keep_their_messages_in_step(
    town, face, tmp_path, sections
):
    tales = [f"{LONG} {LONG} one end", "short end", f"{LONG} three end"]
    async with discord_app(town, ScriptedModel(tales), tmp_path, **sections) as home:
        await ask(town, "one end")
        first = of_bot(town)
        assert len(first) == 4
        await press(town, town.bob, first[-1], AGAIN)
        said = await answered(town, "short end")
        await quiet(home, town)
        assert of_bot(town) == [said] == first[:1]
        await press(town, town.bob, said, AGAIN)
        said = await answered(town, "three end")
        await quiet(home, town)
        assert len(of_bot(town)) == 2
        await press(town, town.bob, said, BACK)
        said = await answered(town, "short end")
        await quiet(home, town)
        assert of_bot(town) == [said]
        await press(town, town.bob, said, BACK)
        said = await answered(town, "one end")
        await quiet(home, town)
        pages = of_bot(town)
        assert len(pages) == 4
        assert [bool(labels(one)) for one in pages] == [False, False, False, True]
        assert count_of(said) == "1/3"
        for page in pages:
            found = await home.app.conversations.found(place_of(town.general), str(page.id))
            assert found is not None
            assert found.text == tales[0]


async def test_a_page_that_somebody_deleted_is_done_without(town, face, tmp_path, sections):
    model = ScriptedModel([f"{LONG} end", f"{LONG} new end"])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, " end")
        first, _ = of_bot(town)
        del town.general.messages[first.id]
        await press(town, town.bob, said, AGAIN)
        last = await answered(town, "new end")
        assert [bool(labels(one)) for one in of_bot(town)] == [False, True]
        await press(town, town.bob, last, BACK)
        await until(town, lambda: whole(last) and count_of(last) == "1/2")
        await quiet(home, town)
        assert "".join(one.content for one in of_bot(town)).endswith("story. end")


# -- who may


async def test_buttons_are_for_whoever_asked_and_moderators(town, face, tmp_path, sections):
    model = ScriptedModel(["First.", "Second.", "Third."])
    carol, maud = newcomer(town, "Carol"), newcomer(town, "Maud")
    grant(town, Permission.MANAGE_MESSAGES, to=maud.user)
    async with discord_app(town, model, tmp_path, **sections):
        said = await ask(town, "First.")
        for label in (AGAIN, ON, MORE, EDIT, WHY, DELETE):
            click = await press(town, carol, said, label)
            assert "Only the person who asked" in await told(town, carol, click)
        assert len(model.requests) == 1
        await press(town, maud, said, AGAIN)
        await answered(town, "Second.")
        await press(town, town.bob, said, AGAIN)
        await answered(town, "Third.")
        click = await press(town, carol, said, AGAIN)
        assert "Only the person who asked" in await told(town, carol, click)
        await press(town, maud, said, BACK)
        await answered(town, "Second.")
        await press(town, town.bob, said, DELETE)
        await until(town, lambda: not of_bot(town))


async def test_the_buttons_of_an_older_answer_say_that_only_the_newest_changes(
    town, face, tmp_path, sections
):
    model = ScriptedModel(["First.", "Second."])
    async with discord_app(town, model, tmp_path, **sections):
        older = await ask(town, "First.")
        await ask(town, "Second.", "and now?")
        for label in (AGAIN, ON, MORE):
            click = await press(town, town.bob, older, label)
            assert "Only the newest answer" in await told(town, town.bob, click)
        assert older.content.endswith("First.")
        assert len(model.requests) == 2


# -- at once, twice, too late


async def test_a_click_is_answered_at_once_however_slow_the_model_is(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold)])
    async with discord_app(town, model, tmp_path, **sections):
        said = await ask(town, "First.")
        click = await press(town, town.bob, said, AGAIN)
        await until(town, lambda: len(model.requests) == 2)
        assert click.answer_type == 6
        assert not hold.is_set()
        hold.set()
        await answered(town, "Second.")


async def test_a_second_click_while_an_answer_is_written_starts_nothing(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold)])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "First.")
        first, second = town.bob.clicks(said, AGAIN), town.bob.clicks(said, AGAIN)
        assert "being written" in await told(town, town.bob, second)
        for label in (ON, MORE, AGAIN):
            click = await press(town, town.bob, said, label)
            assert "being written" in await told(town, town.bob, click)
        hold.set()
        await answered(town, "Second.")
        await quiet(home, town)
        assert first.answer_type == 6
        assert len(model.requests) == 2
        assert len(of_bot(town)) == 1


async def test_clicks_while_somebody_elses_answer_is_written_change_nothing_of_it(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="For Alice.", hold=hold)])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "First.")
        town.alice.mentions(town.general, town.bot.user, "and me?")
        await until(town, lambda: len(model.requests) == 2)
        click = await press(town, town.bob, said, AGAIN)
        hold.set()
        assert "Only the newest answer" in await told(town, town.bob, click)
        await answered(town, "For Alice.")
        assert (await history(home, town.general))[-1] == "For Alice."
        assert said.content.endswith("First.")


async def test_thirty_quick_swipes_end_at_the_right_version_and_meet_no_limit(
    town, face, tmp_path, sections
):
    model = ScriptedModel([f"Version {n}." for n in range(3)])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "Version 0.")
        for number in (1, 2):
            await press(town, town.bob, said, AGAIN)
            await answered(town, f"Version {number}.")
        for _ in range(15):
            for button in (BACK, f"{ON} {count_of(said)}"):
                if not (button == BACK and count_of(said).startswith("1")):
                    town.bob.clicks(said, button)
            await asyncio.sleep(0.02)
        await quiet(home, town)
        await asyncio.sleep(0.3)
        await quiet(home, town)
        stands = (await history(home, town.general))[-1]
        await until(town, lambda: said.content.endswith(stands))
        assert count_of(said).startswith(str(int(stands[8]) + 1))
    assert town.standin.limits.refusals == 0


async def test_buttons_of_an_answer_that_is_being_deleted_do_no_harm(
    town, face, tmp_path, sections
):
    async with discord_app(
        town, ScriptedModel(["First.", "Second."]), tmp_path, **sections
    ) as home:
        said = await ask(town, "First.")
        town.bob.clicks(said, DELETE)
        late = [town.bob.clicks(said, label) for label in (AGAIN, DELETE, WHY, EDIT, ON)]
        await until(town, lambda: said.id not in town.general.messages)
        await until(town, lambda: all(one.answer_type is not None for one in late))
        await quiet(home, town)
        assert await history(home, town.general) == ["hello"]
        assert not of_bot(town)
        await ask(town, "Second.", "still there?")


async def test_an_answer_that_a_moderator_deletes_while_it_is_made_anew_stays_away(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold), "Third."])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "First.")
        await press(town, town.bob, said, AGAIN)
        await until(town, lambda: len(model.requests) == 2)
        town.alice.deletes(said)
        await asyncio.sleep(0.2)
        hold.set()
        await quiet(home, town)
        assert not of_bot(town)
        await ask(town, "Third.", "still there?")
        assert "Second." not in asked_of(model)
        assert "First." not in asked_of(model)


async def test_a_version_that_fails_leaves_the_one_before_and_says_why(
    town, face, tmp_path, sections
):
    error = ProviderError("scripted", ProviderFault.UNREACHABLE, "The model cannot be reached.")
    model = ScriptedModel([f"{LONG} end", Script(error=error), Script(error=error), "Third."])
    async with discord_app(town, model, tmp_path, llm={"fallback_texts": []}, **sections) as home:
        said = await ask(town, " end")
        for label in (AGAIN, MORE):
            click = await press(town, town.bob, said, label)
            assert "cannot be reached" in await told(town, town.bob, click)
            await quiet(home, town)
            said = await answered(town, "story. end")
            assert "".join(one.content for one in of_bot(town)).endswith(" end")
            assert len(of_bot(town)) == 2
            assert count_of(said) == ""
        await press(town, town.bob, said, AGAIN)
        await answered(town, "Third.")


# -- faces that come and go


async def test_an_answer_of_a_webhook_that_is_gone_is_posted_anew(town, tmp_path, sections):
    grant(town, Permission.MANAGE_WEBHOOKS | Permission.MANAGE_MESSAGES)
    model = ScriptedModel([f"{LONG} end", "Second."])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, " end")
        old = {one.id for one in of_bot(town)}
        [webhook] = town.standin.world.webhooks_of(town.general.id)
        town.alice.deletes_webhook(webhook)
        await press(town, town.bob, said, AGAIN)
        said = await answered(town, "Second.")
        await until(town, lambda: old.isdisjoint(town.general.messages))
        await quiet(home, town)
        assert (await history(home, town.general))[-1] == "Second."
        await press(town, town.bob, said, BACK)
        await answered(town, "story. end")
        await quiet(home, town)
        assert len(of_bot(town)) == 2


async def test_an_answer_of_the_bot_itself_stays_so_when_faces_become_possible(
    town, tmp_path, sections
):
    async with discord_app(town, ScriptedModel(["First.", "Second."]), tmp_path, **sections):
        said = await ask(town, "First.")
        grant(town, Permission.MANAGE_WEBHOOKS)
        await press(town, town.bob, said, AGAIN)
        assert await answered(town, "Second.") is said
        assert said.content == "**Ann:** Second."


# -- words


async def test_what_was_edited_is_what_the_model_reads_next(town, face, tmp_path, sections):
    model = ScriptedModel(["The sky is green.", "Indeed."])
    async with discord_app(town, model, tmp_path, **sections):
        said = await ask(town, "The sky is green.")
        form = await press(town, town.bob, said, EDIT)
        assert form.answer_type == 9
        assert "The sky is green." in str(form.answer_data)
        town.bob.submits(form, **{field_of(form): "The sky is blue."})
        await answered(town, "The sky is blue.")
        await ask(town, "Indeed.", "is it?")
        assert "The sky is blue." in asked_of(model)
        assert "green" not in asked_of(model)


async def test_an_edit_of_an_answer_longer_than_a_field_loses_nothing(town, tmp_path, sections):
    lines = "\n".join(f"line {number} {'x' * 60}" for number in range(100))
    async with discord_app(town, ScriptedModel(lines), tmp_path, **sections) as home:
        said = await ask(town, "x")
        form = await press(town, town.bob, said, EDIT)
        values = [row["components"][0]["value"] for row in form.answer_data["components"]]
        assert len(values) == 2
        town.bob.submits(form, **{field_of(form): values[0].replace("line 0 ", "LINE 0 ")})
        await until(town, lambda: any("LINE 0" in one.content for one in of_bot(town)))
        await quiet(home, town)
        assert (await history(home, town.general))[-1] == lines.replace("line 0 ", "LINE 0 ")


async def test_going_on_puts_a_space_between_and_keeps_the_count(town, face, tmp_path, sections):
    model = ScriptedModel(["Once", "Once upon", "a time"])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "Once")
        await press(town, town.bob, said, AGAIN)
        await answered(town, "Once upon")
        await press(town, town.bob, said, MORE)
        await answered(town, "Once upon a time")
        assert count_of(said) == "2/2"
        assert (await history(home, town.general))[-1] == "Once upon a time"


async def test_why_is_for_one_person_alone_and_shows_the_prompt(town, face, tmp_path, sections):
    async with discord_app(town, ScriptedModel("First."), tmp_path, **sections):
        said = await ask(town, "First.", "why is the sky blue?")
        click = await press(town, town.bob, said, WHY)
        await told(town, town.bob, click)
        shown = town.bob.answers_to(click)
        await until(town, lambda: len(town.bob.answers_to(click)) >= 1)
        everything = "\n".join(
            one.content + "".join(file.content.decode() for file in one.attachments)
            for one in shown
        )
        assert "why is the sky blue?" in everything
        assert "ann-keeper" in everything
        assert town.bot.token not in everything
        assert all(one.shown_only_to == town.bob.user.id for one in shown)
        assert town.alice.answers_to(click) == []


async def test_a_long_why_is_a_file(town, tmp_path, sections):
    model = ScriptedModel([f"Answer {number}." for number in range(7)])
    async with discord_app(town, model, tmp_path, **sections):
        for number in range(7):
            said = await ask(town, f"Answer {number}.", f"{number} " + "word " * 380)
        click = await press(town, town.bob, said, WHY)
        await told(town, town.bob, click)
        [shown] = town.bob.answers_to(click)
        assert "5 word word" in shown.attachments[0].content.decode()
        assert shown.shown_only_to == town.bob.user.id


# -- stopping


async def test_stopping_keeps_what_was_shown_and_no_page_keeps_the_button(
    town, face, tmp_path, sections
):
    pieces = [f"word{number} " for number in range(2000)]
    carol = newcomer(town, "Carol")
    model = ScriptedModel(Script(pieces=pieces, token_seconds=0.003))
    async with discord_app(town, model, tmp_path, **sections) as home:
        town.bob.mentions(town.general, town.bot.user, "tell me everything")
        await until(town, lambda: len(of_bot(town)) == 2 and STOP in labels(of_bot(town)[-1]))
        click = await press(town, carol, of_bot(town)[-1], STOP)
        assert "Only the person who asked" in await told(town, carol, click)
        await until(town, lambda: STOP in labels(of_bot(town)[-1]))
        await press(town, town.bob, of_bot(town)[-1], STOP)
        await until(town, lambda: whole(of_bot(town)[-1]))
        await quiet(home, town)
        pages = of_bot(town)
        assert not any(STOP in labels(one) for one in pages)
        assert [whole(one) for one in pages] == [False] * (len(pages) - 1) + [True]
        assert "word1999" not in pages[-1].content
        kept = (await history(home, town.general))[-1]
        assert kept.rstrip().endswith(pages[-1].content.split()[-1])


async def test_a_stop_button_left_over_from_a_crash_goes_and_stops_nobody_else(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="For Alice.", hold=hold)])
    async with discord_app(town, model, tmp_path, **sections):
        said = await ask(town, "First.")
        old = stop_row(TurnId("0" * 26), town.bob.user.id).to_components()
        part = {**old[0]["components"][0], "id": 2}
        said.components = [{"type": 1, "id": 1, "components": [part]}]
        town.alice.mentions(town.general, town.bot.user, "and me?")
        await until(town, lambda: len(model.requests) == 2)
        await press(town, town.bob, said, STOP)
        await until(town, lambda: not said.components)
        hold.set()
        await answered(town, "For Alice.")


async def test_a_stopped_version_that_showed_nothing_leaves_the_one_before(
    town, face, tmp_path, sections
):
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold)])
    async with discord_app(town, model, tmp_path, **sections) as home:
        said = await ask(town, "First.")
        await press(town, town.bob, said, AGAIN)
        await until(town, lambda: len(model.requests) == 2)
        assert home.app.conversations.stop(place_of(town.general))
        await quiet(home, town)
        await answered(town, "First.")
        assert count_of(said) == ""


# -- questions of tools


class City(BaseModel):
    city: str


def weather():
    async def look(_arguments, _context):
        return "Sunny."

    return ToolSpec(
        name="weather",
        description="Looks the weather up.",
        parameters=City,
        handler=look,
        effect=Effect.OTHERS,
        untrusted=False,
    )


def asking_model():
    def play(request):
        if any(one.role is PromptRole.TOOL for one in request.messages):
            declined = "said no" in request.messages[-1].content
            return "As you like." if declined else "It is sunny."
        call = ToolCall(id="c1", name="weather", arguments={"city": "Oslo"})
        return Script(calls=[call], finish="tool_calls")

    return ScriptedModel(play)


@pytest.mark.parametrize(("label", "words"), [("Yes", "It is sunny."), ("No", "As you like.")])
async def test_a_question_is_decided_by_whoever_asked_also_after_a_restart(
    town, face, tmp_path, sections, label, words
):
    carol = newcomer(town, "Carol")
    options = {"tools": [weather()], **sections}
    async with discord_app(town, asking_model(), tmp_path, **options):
        town.bob.mentions(town.general, town.bot.user, "how is the weather?")
        await until(town, lambda: of_bot(town) and "Yes" in labels(of_bot(town)[-1]))
        [question] = of_bot(town)
        for person in (carol, town.alice):
            click = await press(town, person, question, "Yes")
            assert "Only the person who asked" in await told(town, person, click)
        assert labels(question) == ["Yes", "No"]
    async with discord_app(town, asking_model(), tmp_path, **options):
        await press(town, town.bob, question, label)
        await answered(town, words)
        assert not question.components


async def test_a_question_is_decided_once(town, tmp_path, sections):
    model = asking_model()
    async with discord_app(town, model, tmp_path, tools=[weather()], **sections) as home:
        town.bob.mentions(town.general, town.bot.user, "how is the weather?")
        await until(town, lambda: of_bot(town) and "Yes" in labels(of_bot(town)[-1]))
        [question] = of_bot(town)
        town.bob.clicks(question, "Yes")
        second = town.bob.clicks(question, "Yes")
        await answered(town, "It is sunny.")
        await told(town, town.bob, second)
        await quiet(home, town)
        assert len(of_bot(town)) == 2


async def test_what_goes_wrong_inside_is_told_to_whoever_clicked(
    town, tmp_path, sections, monkeypatch
):
    async def broken(_click):
        raise RuntimeError("inside")

    async with discord_app(town, ScriptedModel("First."), tmp_path, **sections) as home:
        said = await ask(town, "First.")
        monkeypatch.setattr(home.bot.acting, "why", broken)
        click = await press(town, town.bob, said, WHY)
        assert "Something went wrong" in await told(town, town.bob, click)


async def test_an_edit_that_discord_refuses_is_told_and_leaves_the_buttons_working(
    town, tmp_path, sections
):
    async with discord_app(town, ScriptedModel(["First.", "Second."]), tmp_path, **sections):
        said = await ask(town, "First.")
        await press(town, town.bob, said, AGAIN)
        await answered(town, "Second.")
        town.standin.faults.rest.append(RestFault(method="PATCH", path="/messages/", status=400))
        click = await press(town, town.bob, said, BACK)
        assert "refused" in await told(town, town.bob, click)
        await press(town, town.bob, said, ON)
        await until(town, lambda: count_of(said) == "2/2")
