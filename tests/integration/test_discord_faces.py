"""Characters speak in Discord with faces of their own."""

import io
import logging

import pytest
from PIL import Image

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.people.scopes import ScopeKind
from tests.discord_standin.actions import messages
from tests.discord_standin.entities import ChannelType, Webhook
from tests.discord_standin.faults import RestFault
from tests.discord_standin.founding import add_channel
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import discord_app
from tests.fakes.discord_commands import eventually
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.troupe import write_cards

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

ADMIN = Author(id=AuthorId("discord", "1"), display_name="Admin")
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


@pytest.fixture
def faces(town):
    """Let the bot manage webhooks."""
    return grant(town)


def grant(town, permissions=Permission.MANAGE_WEBHOOKS):
    role = town.alice.makes_role(town.guild, "faces", permissions=permissions)
    town.alice.gives_role(town.guild, town.bot.user, role)
    return role


async def until(town, condition):
    await town.standin.changes.until(condition, seconds=PATIENCE)


def finished(message):
    labels = [part["label"] for row in message.components for part in row["components"]]
    return "🔁" in labels


def of_bots(channel):
    return [one for one in channel.messages.values() if one.author.bot]


async def answers(town, channel=None, *, count=1):
    """Return what was answered, once there is so much of it and all of it is complete."""
    channel = channel or town.general

    def done():
        return len(of_bots(channel)) >= count and all(map(finished, of_bots(channel)))

    await until(town, done)
    return of_bots(channel)


async def asked(town, channel=None, text="hello", *, by=None, count=1):
    (by or town.alice).mentions(channel or town.general, town.bot.user, text)
    return (await answers(town, channel, count=count))[-1]


def hooks(town, channel=None):
    return town.standin.world.webhooks_of((channel or town.general).id)


def requests(town, method, ending):
    exchanges = town.standin.api.exchanges
    return [one for one in exchanges if one.method == method and one.path.endswith(ending)]


def foreign_webhook(town, name, *, application=None):
    world = town.standin.world
    number = world.ids.next()
    world.webhooks[number] = Webhook(
        id=number,
        channel_id=town.general.id,
        guild_id=town.guild.id,
        name=name,
        token=f"foreign{number}",
        creator_id=town.bob.user.id,
        application_id=application,
    )
    return world.webhooks[number]


def posts_as(town, webhook, name, text):
    return messages.post(
        town.standin.site,
        town.general,
        messages.webhook_author(webhook.id, name, None),
        messages.Draft(content=text, webhook_id=webhook.id, application_id=webhook.application_id),
    )


def cards(tmp_path, **changes):
    return {"persona": {"characters": write_cards(tmp_path / "cards", **changes), "default": "ann"}}


async def choose(home, channel, **choices):
    for name, value in choices.items():
        await home.app.factory.places().change(
            ConversationId("discord", str(channel.guild_id), str(channel.id)),
            name,
            value,
            width=ScopeKind.CHANNEL,
            by=ADMIN,
            role=Role.ADMIN,
        )


async def quiet(home, town):
    """Let everything that is going on come to its end."""
    probe = town.alice.writes_to(town.bot, "still there?")
    channel = town.standin.world.channels[probe.channel_id]
    await until(town, lambda: any(one.id > probe.id and finished(one) for one in of_bots(channel)))


# -- who speaks


async def test_a_face_has_its_name_and_a_picture_that_the_application_keeps(town, faces, tmp_path):
    async with discord_app(town, ScriptedModel("Good evening."), tmp_path):
        said = await asked(town)
    [webhook] = hooks(town)
    assert said.webhook_id == webhook.id
    assert said.author.username == "Mira"
    picture = town.standin.world.avatars[said.author.avatar]
    assert any(f"/emojis/{emoji}.png" in picture for emoji in town.standin.world.emojis)
    assert said.content == "Good evening.", "a face needs no lead"


async def test_pictures_and_the_webhook_are_found_again_after_a_restart(town, faces, tmp_path):
    for _ in range(2):
        async with discord_app(town, ScriptedModel("Good evening."), tmp_path) as home:
            count = len(of_bots(town.general)) + 1
            said = await asked(town, count=count)
            await home.bot.portraits.warm(list(home.app.factory.library().all()))
    names = [emoji.name for emoji in town.standin.world.emojis.values()]
    assert len(names) == len(set(names)) == 10
    assert len(requests(town, "POST", "/emojis")) == 10
    assert len(hooks(town)) == 1
    assert {one.webhook_id for one in of_bots(town.general)} == {hooks(town)[0].id}
    assert said.author.avatar is not None


async def test_threads_and_forum_posts_share_the_webhook_of_their_channel(town, faces, tmp_path):
    forum = add_channel(town.standin.world, town.guild, "tales", kind=ChannelType.FORUM)
    voice = add_channel(town.standin.world, town.guild, "lounge", kind=ChannelType.VOICE)
    async with discord_app(town, ScriptedModel("Here."), tmp_path):
        await asked(town)
        thread = town.alice.opens_thread(town.general, "aside")
        in_thread = await asked(town, thread)
        post = town.alice.posts(forum, "Once", f"<@{town.bot.user.id}> begin")
        [in_post] = await answers(town, post)
        in_voice = await asked(town, voice)
    assert in_thread.webhook_id == hooks(town)[0].id
    assert len(hooks(town)) == 1
    assert in_post.webhook_id == hooks(town, forum)[0].id
    assert in_post.author.username == "Mira"
    assert in_voice.webhook_id == hooks(town, voice)[0].id


async def test_stage_channels_have_a_text_chat_with_faces(town, faces, tmp_path):
    stage = add_channel(town.standin.world, town.guild, "stage", kind=ChannelType.STAGE)
    async with discord_app(town, ScriptedModel("Here."), tmp_path):
        said = await asked(town, stage)
    assert said.webhook_id == hooks(town, stage)[0].id


async def test_in_direct_messages_the_bot_speaks_itself_and_says_as_whom(town, faces, tmp_path):
    async with discord_app(town, ScriptedModel("Just us."), tmp_path):
        wrote = town.bob.writes_to(town.bot, "hello")
        channel = town.standin.world.channels[wrote.channel_id]
        [said] = await answers(town, channel)
    assert said.webhook_id is None
    assert said.author is town.bot.user
    assert said.content == "**Mira:** Just us."


# -- when there is no webhook


async def test_with_all_webhooks_taken_the_bot_speaks_and_looks_again_when_one_goes(
    town, faces, tmp_path
):
    taken = [foreign_webhook(town, f"other {number}") for number in range(15)]
    async with discord_app(town, ScriptedModel("Still here."), tmp_path):
        said = await asked(town)
        assert said.webhook_id is None
        assert said.content == "**Mira:** Still here."
        await asked(town, count=2)
        assert len(requests(town, "POST", f"/channels/{town.general.id}/webhooks")) == 1
        town.alice.deletes_webhook(taken[0])
        said = await asked(town, count=3)
        assert said.webhook_id is not None
        assert said.author.username == "Mira"


async def test_a_permission_given_later_gives_the_next_answer_a_face(town, tmp_path):
    async with discord_app(town, ScriptedModel("Now."), tmp_path):
        said = await asked(town)
        assert said.webhook_id is None
        assert said.content == "**Mira:** Now."
        role = grant(town, permissions=0)
        said = await asked(town, count=2)
        assert said.webhook_id is None
        town.alice.changes_role(town.guild, role, permissions=Permission.MANAGE_WEBHOOKS)
        said = await asked(town, count=3)
        assert said.webhook_id is not None
        assert said.content == "Now."
        other = town.alice.opens_channel(town.guild, "other")
        town.alice.overwrites(other, town.bot.user, deny=Permission.MANAGE_WEBHOOKS)
        said = await asked(town, other)
        assert said.webhook_id is None
        town.alice.overwrites(other, town.bot.user)
        said = await asked(town, other, count=2)
        assert said.webhook_id is not None


async def test_a_webhook_refused_by_discord_is_asked_for_anew_after_a_change_of_the_channel(
    town, faces, tmp_path
):
    path = f"/channels/{town.general.id}/webhooks"
    town.standin.faults.rest.append(RestFault(path=path, method="GET", status=403))
    async with discord_app(town, ScriptedModel("Well."), tmp_path):
        assert (await asked(town)).webhook_id is None
        assert (await asked(town, count=2)).webhook_id is None
        town.alice.changes_channel(town.general, topic="changed")
        assert (await asked(town, count=3)).webhook_id is not None


async def test_webhooks_that_cannot_be_reached_cost_no_answer(town, faces, tmp_path, monkeypatch):
    monkeypatch.setattr("frontends.discord.faces._PATIENCE", 0.2)
    path = f"/channels/{town.general.id}/webhooks"
    town.standin.faults.rest.append(RestFault(path=path, delay=1.0))
    async with discord_app(town, ScriptedModel("Well."), tmp_path):
        said = await asked(town)
        assert said.webhook_id is None
        assert "Well." in said.content
        await until(town, lambda: requests(town, "GET", path))


async def test_a_webhook_deleted_between_answers_is_made_anew(town, faces, tmp_path):
    async with discord_app(town, ScriptedModel("Again."), tmp_path):
        first = await asked(town)
        town.alice.deletes_webhook(hooks(town)[0])
        second = await asked(town, count=2)
    assert second.webhook_id == hooks(town)[0].id != first.webhook_id
    assert len(requests(town, "POST", f"/channels/{town.general.id}/webhooks")) == 2


@pytest.mark.parametrize("told", [True, False])
async def test_a_webhook_deleted_while_an_answer_is_written_leaves_one_whole_answer(
    town, tmp_path, told
):
    grant(town, Permission.MANAGE_WEBHOOKS | Permission.MANAGE_MESSAGES)
    words = " ".join(f"word{n}" for n in range(60))
    model = ScriptedModel(Script(text=words, token_seconds=0.03))
    async with discord_app(town, model, tmp_path) as home:
        question = town.alice.mentions(town.general, town.bot.user, "slowly")
        await until(town, lambda: any("word3" in one.content for one in of_bots(town.general)))
        if told:
            town.alice.deletes_webhook(hooks(town)[0])
        else:
            del town.standin.world.webhooks[hooks(town)[0].id]
        await until(town, lambda: any(map(finished, of_bots(town.general))))
        await until(town, lambda: len(of_bots(town.general)) == 1)
        [said] = of_bots(town.general)
        assert said.content == words
        place = ConversationId("discord", str(town.guild.id), str(town.general.id))
        kept = await home.app.conversations.recent(place, 10)
        assert [one.text for one in kept][-1] == words
        assert len(kept) == 2
        assert question.id in town.general.messages
        found = await home.app.conversations.found(place, str(said.id))
        assert found is not None
        assert found.text == words


# -- whom faces are taken for


async def test_a_strangers_webhook_called_like_ours_or_a_persona_is_not_used(town, faces, tmp_path):
    foreign_webhook(town, "acore")
    foreign_webhook(town, "Mira", application=4711)
    async with discord_app(town, ScriptedModel("It is me."), tmp_path):
        said = await asked(town)
    ours = [one for one in hooks(town) if one.creator_id == town.bot.user.id]
    assert len(ours) == 1
    assert said.webhook_id == ours[0].id


async def test_a_strangers_webhook_is_not_heard_and_replies_to_it_call_nobody(
    town, faces, tmp_path
):
    stranger = foreign_webhook(town, "Mira")
    model = ScriptedModel("Yes?")
    async with discord_app(town, model, tmp_path) as home:
        posts_as(town, stranger, "Mira", f"<@{town.bot.user.id}> say hello")
        forged = posts_as(town, stranger, "Mira", "I am Mira, answer me")
        town.bob.says(town.general, "are you?", replying_to=forged)
        await quiet(home, town)
        assert [one.webhook_id for one in of_bots(town.general)] == [stranger.id] * 2
        await choose(home, town.general, answer_bots="on")
        posts_as(town, stranger, "Mira", f"<@{town.bot.user.id}> say hello")
        await until(town, lambda: any(map(finished, of_bots(town.general))))


async def test_a_reply_to_a_face_reaches_that_character_also_after_a_restart(town, faces, tmp_path):
    sections = cards(tmp_path)
    model = ScriptedModel("I hear you.")
    async with discord_app(town, model, tmp_path, **sections):
        said = await asked(town, text="Cleo, are you there?")
        assert said.author.username == "Cleo"
        town.bob.says(town.general, "and you?", replying_to=said, pings=False)
        assert (await answers(town, count=2))[-1].author.username == "Cleo"
    async with discord_app(town, model, tmp_path, **sections):
        town.bob.says(town.general, "still?", replying_to=said, pings=False)
        assert (await answers(town, count=3))[-1].author.username == "Cleo"


async def test_a_reply_to_an_answer_that_is_being_written_is_for_who_writes_it(
    town, faces, tmp_path
):
    slow = Script(text="one two three", token_seconds=0.5)
    model = ScriptedModel([slow, "And more."])
    async with discord_app(town, model, tmp_path, **cards(tmp_path)):
        town.alice.mentions(town.general, town.bot.user, "Cleo, count")
        await until(town, lambda: of_bots(town.general))
        [begun] = of_bots(town.general)
        town.bob.says(town.general, "and then?", replying_to=begun, pings=False)
        assert [one.author.username for one in await answers(town, count=2)] == ["Cleo", "Cleo"]


async def test_two_who_are_named_answer_in_order_with_their_faces_and_see_each_other(
    town, faces, tmp_path
):
    model = ScriptedModel(["Ben speaks of rivers.", "Dov heard of rivers."])
    async with discord_app(town, model, tmp_path, **cards(tmp_path)):
        await asked(town, text="Ben and Dov, what do you think?", count=2)
        first, second = of_bots(town.general)
    assert [first.author.username, second.author.username] == ["Ben", "Dov"]
    assert (first.content, second.content) == ("Ben speaks of rivers.", "Dov heard of rivers.")
    assert "Ben speaks of rivers." in str(model.requests[-1].messages)
    assert first.webhook_id == second.webhook_id


@pytest.mark.parametrize(
    "name", ["Bob", "B0B", "Moderator", "Discord", "Clyde", "everyone", "ᗪiscord support", "x" * 90]
)
async def test_no_character_is_taken_for_somebody_else_and_discord_takes_every_name(
    town, faces, tmp_path, name
):
    sections = cards(tmp_path, ann={"name": name})
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **sections):
        said = await asked(town, by=town.bob)
    shown = said.author.username
    assert said.webhook_id is not None, "the name was refused"
    assert len(shown) <= 80
    if len(name) < 80:
        assert shown.casefold() != name.casefold()
        assert shown.endswith("(character)")


async def test_without_webhooks_the_lead_cannot_be_taken_for_a_member(town, tmp_path):
    sections = cards(tmp_path, ann={"name": "Bob"})
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **sections):
        said = await asked(town, by=town.bob)
    assert said.content == "**Bob (character):** Hello."


async def test_tokens_and_addresses_of_webhooks_are_told_to_nobody(town, faces, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = r"/webhooks/\d+/"
    async with discord_app(town, ScriptedModel("Hello."), tmp_path) as home:
        await asked(town)
        for fault in (RestFault(path=path, status=400), RestFault(path=path, status=403)):
            town.standin.faults.rest.append(fault)
            town.alice.mentions(town.general, town.bot.user, "again")
            await until(town, lambda: not town.standin.faults.rest)
        town.alice.deletes_webhook(hooks(town)[0])
        await quiet(home, town)
        token = next(iter(town.standin.world.webhooks.values()), None)
        assert token is None or token.token not in caplog.text
    said = "\n".join(
        one.content
        for place in town.standin.world.channels.values()
        for one in place.messages.values()
    )
    for text in (caplog.text, said):
        assert "wwwwwwww" not in text
        assert "/webhooks/" not in text


# -- pictures


@pytest.mark.parametrize("broken", [b"not a picture", b"\x89PNG\r\n\x1a\n" + b"x" * 64, b""])
async def test_a_broken_picture_stops_no_answer(town, faces, tmp_path, broken):
    sections = cards(tmp_path)
    (tmp_path / "cards" / "ann" / "avatar.png").write_bytes(broken)
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **sections):
        said = await asked(town)
    assert said.author.username == "Ann"
    assert said.author.avatar is None


async def test_pictures_that_cannot_be_read_or_decoded_stop_no_answer(
    town, faces, tmp_path, monkeypatch
):
    async def unreadable(_persona):
        raise OSError("disk")

    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **cards(tmp_path)) as home:
        monkeypatch.setattr(home.bot.portraits, "_read", unreadable)
        said = await asked(town)
        assert said.author.username == "Ann"
        assert said.author.avatar is None


async def test_a_picture_that_discord_takes_slowly_holds_back_words_for_two_seconds_once(
    town, faces, tmp_path
):
    town.standin.faults.rest.append(RestFault(path="/emojis$", method="POST", delay=6.0))
    async with discord_app(town, ScriptedModel("Hello."), tmp_path) as home:
        mira = home.app.factory.library().find("mira")
        await asked(town)
        assert await home.bot.portraits.url(mira) is None, "a second wait, longer than the first"
        posted = of_bots(town.general)[0]
        assert posted.author.username == "Mira"
        assert posted.author.avatar is None
        assert not town.standin.world.emojis, "the answer waited for the picture"
        await until(town, lambda: len(town.standin.world.emojis) == 10)
        assert (await asked(town, count=2)).author.avatar is not None


async def test_an_upload_that_took_effect_unheard_is_found_again(
    town, faces, tmp_path, monkeypatch
):
    monkeypatch.setattr("frontends.discord.portraits._AGAIN", 0.0)
    town.standin.faults.rest.append(RestFault(path="/emojis$", method="GET", status=403))
    async with discord_app(town, ScriptedModel("Hello."), tmp_path) as home:
        assert (await asked(town)).author.avatar is None
        assert (await asked(town, count=2)).author.avatar is not None
        assert home.bot.is_ready()


async def test_a_changed_picture_of_the_same_version_is_seen(town, faces, tmp_path, monkeypatch):
    monkeypatch.setattr("frontends.discord.portraits._AGAIN", 0.0)
    sections = cards(tmp_path)
    avatar = tmp_path / "cards" / "ann" / "avatar.png"
    avatar.write_bytes(picture("red"))
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **sections) as home:
        ann = home.app.factory.library().find("ann")
        before = await home.bot.portraits.url(ann)

        async def another():
            url = await home.bot.portraits.url(ann)
            return url if url != before else None

        avatar.write_bytes(picture("blue"))
        assert await another() is None, "nobody waits for another picture"
        after = await eventually(another)
        said = await asked(town)
        assert town.standin.world.avatars[said.author.avatar] == after


async def test_a_picture_that_stays_is_kept_once(town, faces, tmp_path, monkeypatch):
    monkeypatch.setattr("frontends.discord.portraits._AGAIN", 0.0)
    sections = cards(tmp_path)
    (tmp_path / "cards" / "ann" / "avatar.png").write_bytes(picture("red"))
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, **sections):
        for count in (1, 2, 3):
            await asked(town, count=count)
    assert len(requests(town, "POST", "/emojis")) == 1
    assert len({one.author.avatar for one in of_bots(town.general)}) == 1


async def test_leaving_while_pictures_are_kept_is_no_failure(town, faces, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="frontends.discord.portraits")
    async with discord_app(town, ScriptedModel("Hello."), tmp_path) as home:
        await home.bot.close()
        await home.bot.portraits.warm(list(home.app.factory.library().all()))
    told = [one for one in caplog.records if getattr(one, "task_name", None) == "portrait"]
    assert not told
    assert "because the bot leaves" in caplog.text


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()
