"""Commands about who takes part in a conversation."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.conversation.scenes import CardMode, Cast, SceneChange, SceneMemory
from services.domain.errors import InvalidRequest
from services.persona.activation import Activation

if TYPE_CHECKING:
    from frontends.console.talk import Talk

C = TypeVar("C", bound=StrEnum)

_USAGE = (
    "Write /scene list, join NAME, leave NAME, mode natural|list|pooled|manual, card swap|join, "
    "self-reply on|off or memory witness|shared."
)
_SWITCHES = {"on": True, "off": False}


async def _scene(talk: Talk, argument: str) -> None:
    word, _, value = argument.partition(" ")
    word, value = word.lower() or "list", value.strip()
    if word == "list" and not value:
        _show(talk, await talk.conversations.scene(talk.conversation))
        return
    cast = await talk.conversations.change_scene(
        talk.conversation, _change(word, value), by=talk.author, role=talk.role, private=True
    )
    _show(talk, cast)
    if word == "join":
        await talk.greet()


def _change(word: str, value: str) -> SceneChange:
    if not value:
        raise InvalidRequest("scene_usage", _USAGE)
    match word:
        case "join":
            return SceneChange(join=value)
        case "leave":
            return SceneChange(leave=value)
        case "mode":
            return SceneChange(mode=_one_of(Activation, value))
        case "card":
            return SceneChange(cards=_one_of(CardMode, value))
        case "memory":
            return SceneChange(memory=_one_of(SceneMemory, value))
        case "self-reply" if value.lower() in _SWITCHES:
            return SceneChange(self_reply=_SWITCHES[value.lower()])
        case _:
            raise InvalidRequest("scene_usage", _USAGE)


def _one_of(kind: type[C], value: str) -> C:
    try:
        return kind(value.lower())
    except ValueError:
        raise InvalidRequest("scene_usage", _USAGE) from None


def _show(talk: Talk, cast: Cast) -> None:
    scene = cast.scene
    names = [one.name for one in cast.members]
    switch = "on" if scene.self_reply else "off"
    lines = [
        f"Taking part: {', '.join(names)}." if names else "No scene is open here.",
        f"Turns: {scene.mode}; cards: {scene.cards}; self-reply: {switch}; memory: {scene.memory}.",
    ]
    fields = {
        "members": [one.slug for one in cast.members],
        "mode": scene.mode,
        "cards": scene.cards,
        "self_reply": scene.self_reply,
        "memory": scene.memory,
    }
    talk.view.report(Report(kind="scene", lines=lines, fields=fields))


async def _speak(talk: Talk, name: str) -> None:
    await talk.conclude(
        await talk.conversations.speak(
            talk.conversation, name, talk.delivery(), by=talk.author, role=talk.role
        )
    )


SCENE_COMMANDS = (
    SlashCommand(
        name="scene",
        argument="[list|join NAME|leave NAME|mode|card|self-reply|memory VALUE]",
        summary="Show or change who takes part here, and how they take turns.",
        perform=_scene,
    ),
    SlashCommand(
        name="speak",
        argument="[NAME]",
        choices="personas",
        summary="Have a character of the scene say something.",
        perform=_speak,
    ),
)
