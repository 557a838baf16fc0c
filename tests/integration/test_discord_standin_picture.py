"""Pictures of channels: what is in the world is on them, and the same world looks the same."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.discord_standin.actions.messages import Draft, post, webhook_author
from tests.discord_standin.entities import Channel, Emoji, Message, User
from tests.discord_standin.founding import add_bot, add_channel, add_guild, add_user
from tests.discord_standin.lettering import width_of, wrapped
from tests.discord_standin.payloads.components import shown_components, shown_embeds
from tests.discord_standin.picture import draw
from tests.discord_standin.server import Standin
from tests.fakes.clock import ManualClock

GREEN = (36, 128, 70)
PURPLE = (120, 30, 160)


class Stage:
    """A channel that messages are put into without a client."""

    def __init__(self) -> None:
        self.standin = Standin(clock=ManualClock())
        self.world = self.standin.world
        self.bot = add_bot(self.world, "Eos")
        self.alice, self.bob = add_user(self.world, "Alice"), add_user(self.world, "Bob")
        guild = add_guild(
            self.world, "Playground", owner=self.alice, members=(self.bob, self.bot.user)
        )
        self.general: Channel = add_channel(self.world, guild, "general")

    def post(self, author: User, draft: Draft) -> Message:
        return post(self.standin.site, self.general, author, draft)

    def picture(self, viewer: User | None = None) -> Image.Image:
        opened = Image.open(io.BytesIO(draw(self.general, self.world, viewer=viewer)))
        opened.load()
        return opened


@pytest.fixture
def stage() -> Stage:
    return Stage()


def colors_of(picture: Image.Image) -> set[object]:
    found = picture.getcolors(1 << 20)
    assert found
    return {color for _, color in found}


def test_same_world_gives_the_same_bytes():
    def made() -> bytes:
        stage = Stage()
        stage.post(stage.alice, Draft(content="café — **naïve** 👍 漢字"))
        stage.post(stage.bot.user, Draft(embeds=shown_embeds([{"title": "t", "color": 0x123456}])))
        return draw(stage.general, stage.world)

    assert made() == made()


def test_more_is_said_more_is_drawn(stage: Stage):
    empty = stage.picture().height
    stage.post(stage.alice, Draft(content="one"))
    one = stage.picture().height
    stage.post(stage.alice, Draft(content="word " * 200))
    assert empty < one < stage.picture().height


def test_button_shows_its_style_and_a_disabled_one_is_paler(stage: Stage):
    def button(**more: object) -> list[dict[str, object]]:
        one = {"type": 2, "style": 3, "label": "Go", "custom_id": "go"} | more
        return shown_components([{"type": 1, "components": [one]}])

    stage.post(stage.bot.user, Draft(content="x", components=button(disabled=True)))
    assert GREEN not in colors_of(stage.picture())
    stage.post(stage.bot.user, Draft(content="x", components=button()))
    assert GREEN in colors_of(stage.picture())


def test_ephemeral_message_is_seen_by_whom_it_is_for(stage: Stage):
    nothing = stage.picture(stage.bob).height
    stage.post(stage.bot.user, Draft(content="psst", shown_only_to=stage.alice.id))
    assert stage.picture(stage.bob).height == nothing
    assert stage.picture(stage.alice).height == stage.picture().height > nothing


@pytest.mark.parametrize("hosted", [False, True])
def test_face_of_a_webhook_is_its_avatar_or_the_emoji_it_links_to(stage: Stage, hosted: bool):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), PURPLE).save(out, "PNG")
    source: bytes | str = out.getvalue()
    if hosted:
        emoji = Emoji(
            id=stage.world.ids.next(),
            application_id=stage.bot.application_id,
            name="face",
            image=out.getvalue(),
            content_type="image/png",
            creator_id=stage.bot.user.id,
        )
        stage.world.emojis[emoji.id] = emoji
        source = f"http://cdn/emojis/{emoji.id}.png?size=128"
    avatar = stage.world.add_avatar(source)
    stage.post(webhook_author(5, "Mira", avatar), Draft(content="hi", webhook_id=5))
    assert PURPLE in colors_of(stage.picture())


@pytest.mark.parametrize("text", ["", "word", "many words " * 40, "x" * 400, "a\n\nb", "👍" * 90])
def test_wrapped_lines_fit_and_keep_every_letter(text: str):
    lines = wrapped(text, 16, 300)
    assert all(width_of(line, 16) <= 300 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
