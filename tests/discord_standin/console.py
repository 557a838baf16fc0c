"""A line console on a stand-in: people speak, click and use commands by typed lines.

======================  ======================================================================
``alice: hello``        Alice posts in the channel she last wrote in, at first #general
``alice> #other: hi``   she posts in another channel or thread; ``> @acore: hi`` to one person
``alice! 2``            she clicks the second button of the newest message that has any
``alice! 1 a b``        she chooses a and b from its first menu
``alice/ ping n=3``     she uses a slash command; words before the options are subcommands
``alice? why=because``  she fills in the form she was last answered with
``alice+ x``            she reacts to the newest message with x; ``alice- x`` takes it back
``alice~ new text``     she edits her newest message; without a text she deletes it
``alice...``            she types
``quit``                the stand-in ends
======================  ======================================================================

Whoever is not there yet joins with the first line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.discord_standin.bulletin import Bulletin, controls_of
from tests.discord_standin.command_options import NotOffered, offered_command
from tests.discord_standin.entities import Bot, Channel, Guild, Interaction, Message
from tests.discord_standin.founding import add_user
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.people import CannotDoThat, Person
from tests.discord_standin.server import Standin

_LINE: Final = re.compile(r"\s*(\w+)(\.\.\.|[:>!/?+~-])\s*(.*)", re.DOTALL)
_NAME: Final = re.compile(r"(?<!\w)@(\w+)")
_ELSEWHERE: Final = re.compile(r"([#@])([^:]+):\s*(.*)", re.DOTALL)
_INTEGER, _BOOLEAN, _USER, _CHANNEL, _NUMBER = 4, 5, 6, 7, 10
_BUTTON, _FIELD = 2, 4
_MODAL: Final = 9


class NotUnderstood(Exception):  # noqa: N818  a slip of the typing hand
    """The line says nothing that can be done."""


class Console:
    """Takes typed lines; ``write`` gets what happens, line by line."""

    def __init__(
        self,
        standin: Standin,
        bot: Bot,
        guild: Guild,
        channel: Channel,
        write: Callable[[str], None],
    ) -> None:
        self._standin = standin
        self._world = standin.world
        self._bot = bot
        self._guild = guild
        self._first = channel
        self._write = write
        self._places: dict[int, Channel] = {}
        self._used: dict[int, Interaction] = {}
        self._told_forms: set[int] = set()
        self._bulletin = Bulletin(self._world, write)
        standin.changes.watch(self._look)
        self._deeds: Mapping[str, Callable[[Person, Channel, str], object]] = {
            ":": lambda who, where, text: who.says(where, self._marked(text)),
            ">": self._elsewhere,
            "!": self._click,
            "/": self._command,
            "?": self._submit,
            "+": lambda who, where, emoji: who.reacts(self._newest(who, where), emoji),
            "-": lambda who, where, emoji: who.takes_back(self._newest(who, where), emoji),
            "~": self._edit,
            "...": lambda who, where, _: who.types(where),
        }

    def take(self, line: str) -> bool:
        """Do what a line says; False ends the console."""
        if line.strip() in ("quit", "exit"):
            return False
        try:
            if line.strip():
                self._do(line)
        except (CannotDoThat, NotOffered, NotUnderstood, ValueError) as refusal:
            self._write(f"! {refusal}")
        return True

    def _do(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise NotUnderstood("a line is like `alice: hello`")
        person = self._person(found[1])
        channel = self._places.get(person.user.id, self._first)
        self._deeds[found[2]](person, channel, found[3].strip())

    def _elsewhere(self, person: Person, _channel: Channel, rest: str) -> None:
        found = _ELSEWHERE.fullmatch(rest)
        if found is None:
            raise NotUnderstood("say where: `alice> #other: text`")
        if found[1] == "#":
            where = self._named(found[2])
        else:
            other = self._person(found[2]).user
            where = self._world.direct_channel(person.user.id, other.id)
        self._places[person.user.id] = where
        if found[3]:
            person.says(where, self._marked(found[3]))

    def _click(self, person: Person, channel: Channel, rest: str) -> None:
        number, *values = rest.split() or ["1"]
        messages = self._visible(person, channel)
        message = next((each for each in messages if controls_of(each)), None)
        if message is None:
            raise NotUnderstood("no message here has buttons")
        found = controls_of(message)
        if not number.isdecimal() or not 1 <= int(number) <= len(found):
            raise NotUnderstood(f"it has the buttons 1 to {len(found)}")
        control = found[int(number) - 1]
        if control["type"] == _BUTTON:
            self._follow(person.clicks(message, control["custom_id"]))
        else:
            self._follow(person.selects(message, control["custom_id"], *values))

    def _command(self, person: Person, channel: Channel, rest: str) -> None:
        words = shlex.split(rest)
        path = [word for word in words if "=" not in word]
        if not path:
            raise NotUnderstood("name a command: `alice/ ping`")
        command = offered_command(self._world, self._bot, channel, person.user, path[0])
        types = {each["name"]: each["type"] for each in _options_of(command.data, path[1:])}
        options = {
            name: self._value(types.get(name), text) for name, text in _assignments(words).items()
        }
        self._follow(person.uses(channel, self._bot, " ".join(path), **options))

    def _submit(self, person: Person, _channel: Channel, rest: str) -> None:
        asked = self._used.get(person.user.id)
        if asked is None:
            raise NotUnderstood("there is no form")
        self._follow(person.submits(asked, **_assignments(shlex.split(rest))))

    def _edit(self, person: Person, channel: Channel, text: str) -> None:
        own = (each for each in self._visible(person, channel) if each.author is person.user)
        message = next(own, None)
        if message is None:
            raise NotUnderstood("there is no message of theirs")
        if text:
            person.edits(message, self._marked(text))
        else:
            person.deletes(message)

    def _marked(self, text: str) -> str:
        """Return ``text`` with known names after @ as mentions, as Discord's own apps send them."""
        names = {user.username: user.id for user in self._world.users.values()}

        def mention(found: re.Match[str]) -> str:
            user = names.get(found[1].casefold())
            return found[0] if user is None else f"<@{user}>"

        return _NAME.sub(mention, text)

    def _value(self, kind: int | None, text: str) -> Any:
        if kind == _INTEGER:
            return int(text)
        if kind == _NUMBER:
            return float(text)
        if kind == _BOOLEAN:
            return text.casefold() in ("true", "yes", "1", "on")
        if kind == _USER:
            return self._person(text.lstrip("@")).user
        if kind == _CHANNEL:
            return self._named(text.lstrip("#"))
        return text

    def _person(self, name: str) -> Person:
        wanted = name.strip().casefold()
        known = (user for user in self._world.users.values() if user.username == wanted)
        person = self._standin.person(next(known, None) or add_user(self._world, wanted.title()))
        if person.user.id not in self._guild.members:
            person.joins(self._guild)
        return person

    def _named(self, name: str) -> Channel:
        for channel in self._world.channels.values():
            if channel.guild_id == self._guild.id and channel.name == name.strip():
                return channel
        raise NotUnderstood(f"there is no channel #{name}")

    def _visible(self, person: Person, channel: Channel) -> Iterator[Message]:
        return (each for each in reversed(channel.messages.values()) if person.sees(each))

    def _newest(self, person: Person, channel: Channel) -> Message:
        found = next(self._visible(person, channel), None)
        if found is None:
            raise NotUnderstood("there is no message")
        return found

    def _follow(self, interaction: Interaction) -> None:
        self._used[interaction.user_id] = interaction

    def _look(self) -> None:
        self._bulletin.look()
        for interaction in self._used.values():
            if interaction.answer_type == _MODAL and interaction.id not in self._told_forms:
                self._told_forms.add(interaction.id)
                name = self._world.users[interaction.user_id].username
                form = interaction.answer_data
                fields = [each for each in walk(form["components"]) if each["type"] == _FIELD]
                asked = " ".join(f"{each['custom_id']}=..." for each in fields)
                self._write(f"{name} is asked {form['title']!r}: {name}? {asked}")


def _assignments(words: Sequence[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words if "=" in word)
    return {name: value for name, _, value in pairs}


def _options_of(data: Mapping[str, Any], path: Sequence[str]) -> list[Mapping[str, Any]]:
    options = list(data.get("options") or ())
    for step in path:
        level: Mapping[str, Any] = next((each for each in options if each["name"] == step), {})
        options = list(level.get("options") or ())
    return options
