"""Fake people: they write, react, click, use commands and fill in forms as real ones do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.discord_standin.actions import guilds, messages
from tests.discord_standin.actions.interactions import Kind, begin
from tests.discord_standin.actions.messages import Draft, Revision
from tests.discord_standin.command_options import command_data, offered_command
from tests.discord_standin.entities import (
    Attachment,
    Bot,
    Channel,
    Guild,
    Interaction,
    Message,
    User,
)
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.site import Site


class CannotDoThat(Exception):  # noqa: N818
    """A real client would not have offered this."""


class Person:
    """What somebody does; each deed takes effect at once and is told to the bots."""

    def __init__(self, site: Site, user: User) -> None:
        self._site = site
        self.user = user

    def says(
        self,
        channel: Channel,
        text: str = "",
        *,
        replying_to: Message | None = None,
        files: Sequence[tuple[str, bytes, str]] = (),
        pings: bool = True,
    ) -> Message:
        """Post a message; ``files`` are name, content and content type.

        Args:
            channel: Where; the person must be able to write there.
            text: What.
            replying_to: The message answered.
            files: What is attached.
            pings: Whether a reply mentions whom it answers.
        """
        self._needs(channel, self._speech(channel))
        attachments = [
            Attachment(id=self._site.world.ids.next(), filename=n, content=c, content_type=t)
            for n, c, t in files
        ]
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": pings}
        draft = Draft(
            content=text,
            attachments=attachments,
            reference=(channel.id, replying_to.id) if replying_to else None,
            allowed_mentions=allowed,
        )
        return messages.post(self._site, channel, self.user, draft)

    def mentions(self, channel: Channel, whom: User, text: str) -> Message:
        """Post a message that begins with a mention."""
        return self.says(channel, f"<@{whom.id}> {text}")

    def writes_to(self, bot: Bot, text: str) -> Message:
        """Send a direct message."""
        return self.says(self._site.world.direct_channel(self.user.id, bot.user.id), text)

    def edits(self, message: Message, text: str) -> None:
        """Change an own message."""
        if message.author is not self.user:
            raise CannotDoThat("only own messages can be edited")
        messages.edit(self._site, message, Revision(content=text))

    def deletes(self, message: Message) -> None:
        """Delete an own message, or another's with the permission to."""
        if message.author is not self.user:
            channel = self._site.world.channels[message.channel_id]
            self._needs(channel, Permission.MANAGE_MESSAGES)
        messages.delete(self._site, message)

    def reacts(self, message: Message, emoji: str) -> None:
        messages.react(self._site, message, self.user, emoji)

    def takes_back(self, message: Message, emoji: str) -> None:
        messages.unreact(self._site, message, self.user, emoji)

    def types(self, channel: Channel) -> None:
        messages.show_typing(self._site, channel, self.user)

    def joins(self, guild: Guild) -> None:
        guilds.join(self._site, guild, self.user)

    def leaves(self, guild: Guild) -> None:
        guilds.leave(self._site, guild, self.user)

    def uses(self, channel: Channel, bot: Bot, name: str, /, **options: Any) -> Interaction:
        """Use a slash command; ``name`` may go on with a group and a subcommand."""
        self._needs(channel, Permission.USE_APPLICATION_COMMANDS)
        command = offered_command(self._site.world, bot, channel, self.user, name.split()[0])
        data = command_data(self._site, command, channel, name.split()[1:], options)
        return self._begin(bot, channel, Kind.COMMAND, data)

    def fills_in(
        self, channel: Channel, bot: Bot, name: str, focused: str, /, **options: Any
    ) -> Interaction:
        """Type into an option that completes itself; the answer carries the choices."""
        command = offered_command(self._site.world, bot, channel, self.user, name.split()[0])
        data = command_data(
            self._site, command, channel, name.split()[1:], options, focused=focused
        )
        return self._begin(bot, channel, Kind.AUTOCOMPLETE, data)

    def uses_on(self, message: Message, bot: Bot, name: str) -> Interaction:
        """Use a command out of a message's menu."""
        channel = self._site.world.channels[message.channel_id]
        command = offered_command(self._site.world, bot, channel, self.user, name, kind=3)
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
        world = self._site.world
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

    def sees(self, message: Message) -> bool:
        """Say whether a message is there for this person."""
        channel = self._site.world.channels.get(message.channel_id)
        if channel is None or message.id not in channel.messages:
            return False
        visible = granted(self._site.world, self.user.id, channel) & Permission.VIEW_CHANNEL
        return bool(visible) and message.shown_only_to in (None, self.user.id)

    def answers_to(self, interaction: Interaction) -> list[Message]:
        """Return what an interaction was answered with, the first answer first."""
        kept = self._site.world.channels[interaction.channel_id].messages
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
        channel = self._site.world.channels[message.channel_id]
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

    def _needs(self, channel: Channel, permission: Permission) -> None:
        if not granted(self._site.world, self.user.id, channel) & permission:
            raise CannotDoThat(f"{permission.name} is missing")

    def _speech(self, channel: Channel) -> Permission:
        if channel.thread:
            return Permission.SEND_MESSAGES_IN_THREADS
        return Permission.SEND_MESSAGES


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
