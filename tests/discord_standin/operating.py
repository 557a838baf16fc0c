"""Fake people use commands, click and fill in forms."""

from __future__ import annotations

from typing import Any

from tests.discord_standin.acting import Actor, CannotDoThat
from tests.discord_standin.actions.interactions import Kind, begin
from tests.discord_standin.command_options import command_data, offered_command
from tests.discord_standin.entities import Bot, Channel, Interaction, Message
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission


class Operator(Actor):
    """Deeds that a bot has to answer within three seconds."""

    def uses(self, channel: Channel, bot: Bot, name: str, /, **options: Any) -> Interaction:
        """Use a slash command; ``name`` may go on with a group and a subcommand."""
        self._needs(channel, Permission.USE_APPLICATION_COMMANDS)
        command = offered_command(self._world, bot, channel, self.user, name.split()[0])
        data = command_data(self._site, command, channel, name.split()[1:], options)
        return self._begin(bot, channel, Kind.COMMAND, data)

    def fills_in(
        self, channel: Channel, bot: Bot, name: str, focused: str, /, **options: Any
    ) -> Interaction:
        """Type into an option that completes itself; the answer carries the choices."""
        command = offered_command(self._world, bot, channel, self.user, name.split()[0])
        data = command_data(
            self._site, command, channel, name.split()[1:], options, focused=focused
        )
        return self._begin(bot, channel, Kind.AUTOCOMPLETE, data)

    def uses_on(self, message: Message, bot: Bot, name: str) -> Interaction:
        """Use a command out of a message's menu."""
        channel = self._world.channels[message.channel_id]
        command = offered_command(self._world, bot, channel, self.user, name, kind=3)
        data = command_data(self._site, command, channel, [], {}, target=message)
        return self._begin(bot, channel, Kind.COMMAND, data)

    def clicks(self, message: Message, label: str) -> Interaction:
        """Press the button with this label, emoji or custom id."""
        for component in walk(message.components):
            emoji = (component.get("emoji") or {}).get("name")
            names = (component.get("label"), component.get("custom_id"), emoji)
            if component["type"] == 2 and label in names:
                return self._act_on(message, component, {})
        raise CannotDoThat(f"no button {label!r}")

    def selects(self, message: Message, custom_id: str, *values: str) -> Interaction:
        """Choose from a menu."""
        for component in walk(message.components):
            if component["type"] in (3, 5, 6, 7, 8) and component["custom_id"] == custom_id:
                return self._act_on(message, component, {"values": list(values)})
        raise CannotDoThat(f"no menu {custom_id!r}")

    def submits(self, asked: Interaction, **values: str) -> Interaction:
        """Fill in the form an interaction was answered with; ``values`` by custom id."""
        if asked.answer_type != 9:
            raise CannotDoThat("there is no form")
        form = asked.answer_data
        known = {each["custom_id"] for each in walk(form["components"]) if each["type"] == 4}
        if unknown := set(values) - known:
            raise CannotDoThat(f"no such fields: {unknown}")
        world = self._world
        channel = world.channels[asked.channel_id]
        data = {
            "custom_id": form["custom_id"],
            "components": [_filled(each, values) for each in form["components"]],
            "resolved": {},
        }
        return begin(
            self._site,
            asked.application_id,
            self.user,
            channel,
            kind=Kind.MODAL,
            data=data,
            message=channel.messages.get(asked.message_id or 0),
        )

    def answers_to(self, interaction: Interaction) -> list[Message]:
        """Return what an interaction was answered with, the first answer first."""
        kept = self._world.channels[interaction.channel_id].messages
        ids = [interaction.original_id, *interaction.followups]
        found = [kept[each] for each in ids if each in kept]
        return [message for message in found if self.sees(message)]

    def _act_on(self, message: Message, component: Any, more: Json) -> Interaction:
        if component.get("disabled"):
            raise CannotDoThat("it is disabled")
        if not self.sees(message):
            raise CannotDoThat("the message is not shown to this person")
        data = {
            "component_type": component["type"],
            "custom_id": component["custom_id"],
            "id": component["id"],
        } | more
        assert message.application_id or message.author.bot
        application_id = message.application_id or message.author.id
        channel = self._world.channels[message.channel_id]
        return begin(
            self._site,
            application_id,
            self.user,
            channel,
            kind=Kind.COMPONENT,
            data=data,
            message=message,
        )

    def _begin(self, bot: Bot, channel: Channel, kind: Kind, data: Json) -> Interaction:
        return begin(self._site, bot.application_id, self.user, channel, kind=kind, data=data)


def _filled(component: Json, values: dict[str, str]) -> Json:
    """Return a form's component as its submission carries it."""
    filled: Json = {"type": component["type"], "id": component.get("id") or 1}
    if component["type"] == 4:
        name = component["custom_id"]
        filled |= {"custom_id": name, "value": values.get(name, component.get("value") or "")}
    if component.get("components"):
        filled["components"] = [_filled(each, values) for each in component["components"]]
    if component.get("component"):
        filled["component"] = _filled(component["component"], values)
    return filled
