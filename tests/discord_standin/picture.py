"""A channel as a picture: who wrote what, with which buttons, plain and readable.

The same world gives the same bytes: nothing is drawn that depends on the machine or the hour.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageDraw

from tests.discord_standin.entities import THREAD_STARTER, Channel, Message, User
from tests.discord_standin.lettering import Color, Draw, width_of, wrapped, write
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.world import World

_WIDTH: Final = 760
_LEFT, _INDENT, _EDGE = 16, 72, 24
_TEXT, _SMALL, _LINE = 16, 12, 22
_FACE: Final = 40
_BUTTON_HEIGHT: Final = 32
_PAPER: Final = (49, 51, 56)
_INK: Final = (219, 222, 225)
_LOUD: Final = (242, 243, 245)
_DIM: Final = (148, 155, 164)
_PANEL: Final = (43, 45, 49)
_LINK: Final = (0, 168, 252)
_BLURPLE: Final = (88, 101, 242)
_STYLES: Final = {1: _BLURPLE, 2: (78, 80, 88), 3: (36, 128, 70), 4: (218, 55, 60)}
_FACES: Final = (_BLURPLE, (117, 126, 138), (59, 165, 92), (250, 166, 26), (237, 66, 69))
_EMOJI_PATH: Final = re.compile(r"/emojis/(\d+)")
_MENTION: Final = re.compile(r"<@!?(\d+)>|<#(\d+)>|<a?:(\w+):\d+>")
_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_ROW, _BUTTON, _TEXT_DISPLAY = 1, 2, 10
_MENUS: Final = (3, 5, 6, 7, 8)


def draw(channel: Channel, world: World, *, viewer: User | None = None) -> bytes:
    """Return a PNG of the channel's messages, oldest first.

    Args:
        channel: What is shown; whole, so that a scene for a picture is kept short.
        world: Where its people, emojis and channels are found.
        viewer: Who looks. Without one, messages shown to somebody alone are drawn too.
    """
    messages = [
        message
        for message in channel.messages.values()
        if message.type != THREAD_STARTER
        and (viewer is None or message.shown_only_to in (None, viewer.id))
    ]
    height = _Page(world, None).fill(channel, messages)
    image = Image.new("RGB", (_WIDTH, height), _PAPER)
    _Page(world, image).fill(channel, messages)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Style:
    size: int
    color: Color
    bold: bool = False
    bar: bool = False


class _Page:
    """Draws from top to bottom; without an image it only measures."""

    def __init__(self, world: World, image: Image.Image | None) -> None:
        self._world = world
        self._image = image or Image.new("RGB", (_WIDTH, 1))
        self._draw: Draw = ImageDraw.Draw(self._image)
        self._y = 0

    def fill(self, channel: Channel, messages: list[Message]) -> int:
        """Draw everything, and return the height it took."""
        title = f"# {channel.name}" if channel.name else "Direct messages"
        write(self._draw, (_LEFT, 14), title, _TEXT, _LOUD, bold=True)
        self._draw.line((0, 46, _WIDTH, 46), fill=_PANEL, width=2)
        self._y = 58
        before: Message | None = None
        for message in messages:
            self._message(message, before)
            before = message
        return self._y + 12

    def _message(self, message: Message, before: Message | None) -> None:
        if message.reference:
            self._quoted(message)
        if _begins_anew(message, before):
            self._head(message.author)
        self._body(message.content, _INDENT, _WIDTH - _EDGE)
        for embed in message.embeds:
            self._embed(embed)
        for attachment in message.attachments:
            self._plate(f"{attachment.filename}  ({len(attachment.content)} bytes)", _LINK)
        self._components(message.components)
        if message.reactions:
            self._reactions(message)
        if message.shown_only_to is not None:
            write(self._draw, (_INDENT, self._y + 2), "Only you can see this", _SMALL, _DIM)
            self._y += 18
        if message.edited_at is not None and message.content:
            write(self._draw, (_INDENT, self._y), "(edited)", _SMALL, _DIM)
            self._y += 16
        self._y += 8

    def _quoted(self, message: Message) -> None:
        assert message.reference
        channel = self._world.channels.get(message.reference[0])
        target = channel.messages.get(message.reference[1]) if channel else None
        if target is None:
            return
        top = self._y + 8
        self._draw.line([(36, top + 10), (36, top), (_INDENT - 6, top)], fill=_DIM, width=2)
        said = _BOLD.sub(r"\1", self._plain(target.content))
        text = f"{_name(target.author)}  {said}"
        line = wrapped(text, _SMALL, _WIDTH - _INDENT - _EDGE)[0]
        write(self._draw, (_INDENT, self._y), line, _SMALL, _DIM)
        self._y += 20

    def _head(self, author: User) -> None:
        self._face(author, (_LEFT, self._y))
        x = write(self._draw, (_INDENT, self._y), _name(author), _TEXT, _LOUD, bold=True) + 8
        if author.bot:
            box = (x, self._y + 2, x + width_of("APP", _SMALL) + 10, self._y + 19)
            self._draw.rounded_rectangle(box, 4, fill=_BLURPLE)
            write(self._draw, (x + 5, self._y + 3), "APP", _SMALL, (255, 255, 255))
        self._y += _LINE

    def _face(self, author: User, at: tuple[int, int]) -> None:
        found = self._picture_of(author)
        if found is None:
            color = _FACES[sum(_name(author).encode()) % len(_FACES)]
            self._draw.ellipse((*at, at[0] + _FACE, at[1] + _FACE), fill=color)
            letter = _name(author)[:1].upper()
            x = at[0] + (_FACE - width_of(letter, 20)) // 2
            write(self._draw, (x, at[1] + 8), letter, 20, (255, 255, 255))
            return
        with Image.open(io.BytesIO(found)) as opened:
            face = opened.convert("RGBA").resize((_FACE, _FACE))
        round_one = Image.new("L", (_FACE * 4, _FACE * 4))
        ImageDraw.Draw(round_one).ellipse((0, 0, _FACE * 4 - 1, _FACE * 4 - 1), fill=255)
        shape = round_one.resize((_FACE, _FACE))
        background = Image.new("RGBA", face.size, (*_PAPER, 255))
        self._image.paste(Image.alpha_composite(background, face).convert("RGB"), at, shape)

    def _picture_of(self, author: User) -> bytes | None:
        source = self._world.avatars.get(author.avatar or "")
        if isinstance(source, str):
            found = _EMOJI_PATH.search(source)
            emoji = self._world.emojis.get(int(found[1])) if found else None
            return emoji.image if emoji else None
        return source

    def _body(self, text: str, left: int, right: int) -> None:
        for paragraph in self._plain(text).split("\n") if text else ():
            style, shown = _styled(paragraph)
            indent = left + 14 if style.bar else left
            for line in wrapped(shown, style.size, right - indent):
                if style.bar:
                    self._draw.rectangle((left, self._y, left + 3, self._y + _LINE), fill=_DIM)
                self._line(line, indent, style)

    def _line(self, line: str, x: int, style: _Style) -> None:
        for number, part in enumerate(_BOLD.split(line)):
            bold = style.bold or number % 2 == 1
            x = write(self._draw, (x, self._y), part, style.size, style.color, bold=bold)
        self._y += style.size + 6

    def _plain(self, text: str) -> str:
        def named(found: re.Match[str]) -> str:
            user = self._world.users.get(int(found[1] or 0))
            channel = self._world.channels.get(int(found[2] or 0))
            if user:
                return f"@{_name(user)}"
            return f"#{channel.name}" if channel else f":{found[3]}:" if found[3] else found[0]

        return _MENTION.sub(named, text)

    def _embed(self, embed: dict[str, Any]) -> None:
        top, left = self._y, _INDENT
        height = self._embed_text(embed, measuring=True) - top
        self._y = top
        box = (left, top, left + 520, top + height)
        self._draw.rounded_rectangle(box, 4, fill=_PANEL)
        color = int(embed.get("color") or 0x4F545C)
        bar = (color >> 16 & 255, color >> 8 & 255, color & 255)
        self._draw.rectangle((left, top, left + 3, top + height), fill=bar)
        self._embed_text(embed, measuring=False)
        self._y += 6

    def _embed_text(self, embed: dict[str, Any], *, measuring: bool) -> int:
        kept = self._draw
        if measuring:
            self._draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self._y += 10
        left, right = _INDENT + 16, _INDENT + 508
        fields = embed.get("fields") or ()
        texts = [
            (embed.get("author") or {}).get("name"),
            f"**{embed['title']}**" if embed.get("title") else None,
            embed.get("description"),
            *(f"**{each['name']}**\n{each['value']}" for each in fields),
        ]
        for text in filter(None, texts):
            self._body(text, left, right)
        footer = (embed.get("footer") or {}).get("text")
        if footer:
            self._body(f"-# {footer}", left, right)
        self._y += 8
        self._draw = kept
        return self._y

    def _plate(self, text: str, color: Color) -> None:
        box = (_INDENT, self._y, _INDENT + width_of(text, _TEXT) + 24, self._y + 36)
        self._draw.rounded_rectangle(box, 6, fill=_PANEL)
        write(self._draw, (_INDENT + 12, self._y + 9), text, _TEXT, color)
        self._y += 42

    def _components(self, components: list[dict[str, Any]]) -> None:
        for component in components:
            if component["type"] == _ROW:
                self._row(component["components"])
            elif component["type"] == _TEXT_DISPLAY:
                self._body(component["content"], _INDENT, _WIDTH - _EDGE)
            else:
                inner = component.get("components") or ()
                controls = [each for each in walk([component]) if each["type"] == _BUTTON]
                self._components([dict(each) for each in inner])
                if not inner and controls:
                    self._row([dict(each) for each in controls])

    def _row(self, controls: list[dict[str, Any]]) -> None:
        x = _INDENT
        self._y += 2
        for control in controls:
            if control["type"] in _MENUS:
                self._plate(f"{control.get('placeholder') or 'Choose'}  \u25b6", _DIM)
                return
            label = _label(control)
            color = _STYLES.get(control.get("style", 2), _STYLES[2])
            ink = (255, 255, 255)
            if control.get("disabled"):
                color, ink = _blend(color), _blend(ink)
            width = max(_BUTTON_HEIGHT + 12, width_of(label, 14) + 28)
            box = (x, self._y, x + width, self._y + _BUTTON_HEIGHT)
            self._draw.rounded_rectangle(box, 6, fill=color)
            start = x + (width - width_of(label, 14)) // 2
            write(self._draw, (start, self._y + 8), label, 14, ink)
            x += width + 8
        self._y += _BUTTON_HEIGHT + 6

    def _reactions(self, message: Message) -> None:
        x = _INDENT
        for emoji, users in message.reactions.items():
            text = f"{emoji.partition(':')[0]} {len(users)}"
            width = width_of(text, 14) + 16
            self._draw.rounded_rectangle((x, self._y, x + width, self._y + 24), 8, fill=_PANEL)
            write(self._draw, (x + 8, self._y + 4), text, 14, _INK)
            x += width + 6
        self._y += 30


def _begins_anew(message: Message, before: Message | None) -> bool:
    """Say whether the author is shown again; Discord groups what one of them says in a row."""
    if before is None or message.reference or before.shown_only_to != message.shown_only_to:
        return True
    return (before.author.id, _name(before.author)) != (message.author.id, _name(message.author))


def _styled(paragraph: str) -> tuple[_Style, str]:
    for mark, style in (
        ("-# ", _Style(_SMALL, _DIM)),
        ("### ", _Style(18, _LOUD, bold=True)),
        ("## ", _Style(20, _LOUD, bold=True)),
        ("# ", _Style(24, _LOUD, bold=True)),
        ("> ", _Style(_TEXT, _INK, bar=True)),
    ):
        if paragraph.startswith(mark):
            return style, paragraph.removeprefix(mark)
    return _Style(_TEXT, _INK), paragraph


def _label(control: dict[str, Any]) -> str:
    emoji = (control.get("emoji") or {}).get("name") or ""
    return " ".join(part for part in (emoji, control.get("label")) if part) or "..."


def _blend(color: Color) -> Color:
    red, green, blue = ((own + paper) // 2 for own, paper in zip(color, _PAPER, strict=True))
    return red, green, blue


def _name(user: User) -> str:
    return user.global_name or user.username
