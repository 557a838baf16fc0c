"""Commands for pictures and files: attaching, making, and asking about a screenshot."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.images.service import PictureWish

if TYPE_CHECKING:
    from frontends.console.talk import Talk


async def _attach(talk: Talk, argument: str) -> None:
    path, text = _path_and_text(argument)
    part = await talk.files.attach(path)
    await talk.say(text, [part])


async def _imagine(talk: Talk, prompt: str) -> None:
    wish = PictureWish(prompt=prompt, by=talk.author.id, place=talk.conversation)
    made = await talk.images.make(wish)
    mark = hashlib.sha256(made.content).hexdigest()[:8]
    path = await talk.files.write(made.name, made.content, mark=mark)
    report = Report(kind="picture", lines=[f"Saved as {path}"], fields={"path": str(path)})
    talk.view.report(report)


async def _gamehelp(talk: Talk, argument: str) -> None:
    path, asked = _path_and_text(argument)
    content = await talk.files.read(path)
    said = await talk.game_help.question(content, asked, place=talk.conversation)
    await talk.say(said, [await talk.files.attach(path)])


def _path_and_text(argument: str) -> tuple[str, str]:
    """Return a path, in quotes where it has spaces, and the words after it."""
    if argument[:1] in ("'", '"'):
        path, closed, text = argument[1:].partition(argument[0])
        if closed and path:
            return path, text.strip()
        raise InvalidRequest("path_quotes", "The path's closing quotation mark is missing.")
    path, _, text = argument.partition(" ")
    return path, text.strip()


IMAGE_COMMANDS = (
    SlashCommand(
        name="attach",
        argument="PATH [MESSAGE]",
        summary="Show the character a picture or other file, with a message if you like.",
        perform=_attach,
    ),
    SlashCommand(
        name="imagine",
        argument="PROMPT",
        summary="Have a picture made and saved.",
        perform=_imagine,
    ),
    SlashCommand(
        name="gamehelp",
        argument="PATH [QUESTION]",
        summary="Ask for help with a game by a screenshot.",
        perform=_gamehelp,
    ),
)
