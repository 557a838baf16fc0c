"""What a person's client makes of a command: which are offered, and the data it sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.discord_standin.entities import Attachment, Bot, Channel, Command, Message, Role, User
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.messages import attachment_json, message_json
from tests.discord_standin.payloads.users import member_json, role_json, user_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.site import Site
from tests.discord_standin.world import World

_SUBCOMMAND, _GROUP = 1, 2
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER, _FILE = range(3, 12)
_TYPES: Mapping[int, tuple[type, ...]] = {
    _STRING: (str,),
    _INTEGER: (int,),
    _BOOLEAN: (bool,),
    _USER: (User,),
    _CHANNEL: (Channel,),
    _ROLE: (Role,),
    _MENTIONABLE: (User, Role),
    _NUMBER: (int, float),
    _FILE: (Attachment,),
}


class NotOffered(Exception):  # noqa: N818
    """The person's client does not show such a command or option."""


def offered_command(
    world: World, bot: Bot, channel: Channel, person: User, name: str, *, kind: int = 1
) -> Command:
    """Return the command of this name that the person may use here; a guild's own go first.

    Raises:
        NotOffered: there is none, or the person lacks its default permissions.
    """
    scopes = (channel.guild_id, None) if channel.guild_id else (None,)
    for scope in scopes:
        for command in world.commands_of(bot.application_id, scope):
            if command.name == name and command.type == kind:
                _demand_permission(world, command, channel, person)
                return command
    raise NotOffered(f"no command {name!r} here")


def command_data(
    site: Site,
    command: Command,
    channel: Channel,
    path: Sequence[str],
    values: Mapping[str, Any],
    *,
    focused: str | None = None,
    target: Message | None = None,
) -> Json:
    """Return the data of an interaction: options typed as declared, what they name resolved.

    Raises:
        NotOffered: an option is unknown, missing, of the wrong type or not among the choices.
    """
    declared: Sequence[Json] = command.data.get("options") or ()
    levels: list[Json] = []
    for step in path:
        level = _named(declared, step)
        levels.append(level)
        declared = level.get("options") or ()
    view = site.view(0)
    resolved: dict[str, Json] = {}
    options = _leaves(declared, values, focused)
    for value in values.values():
        _resolve(view, channel, value, resolved)
    for level in reversed(levels):
        options = [{"type": level["type"], "name": level["name"], "options": options}]
    data: Json = {"id": str(command.id), "name": command.name, "type": command.type}
    if command.guild_id:
        data["guild_id"] = str(command.guild_id)
    if options:
        data["options"] = options
    if target:
        data["target_id"] = str(target.id)
        resolved["messages"] = {str(target.id): message_json(view, target)}
    if resolved:
        data["resolved"] = resolved
    return data


def _demand_permission(world: World, command: Command, channel: Channel, person: User) -> None:
    needed = command.data.get("default_member_permissions")
    if needed is None or channel.guild_id is None:
        return
    has = granted(world, person.id, channel)
    if not has & Permission.ADMINISTRATOR and has & int(needed) != int(needed):
        raise NotOffered(f"{command.name!r} needs permissions the person lacks")


def _named(declared: Sequence[Json], name: str) -> Json:
    found = next((each for each in declared if each["name"] == name), None)
    if found is None:
        raise NotOffered(f"no option or subcommand {name!r}")
    return found


def _leaves(declared: Sequence[Json], values: Mapping[str, Any], focused: str | None) -> list[Json]:
    options = []
    for name, value in values.items():
        option = _named(declared, name)
        if name != focused:
            _check(option, value)
        elif not option.get("autocomplete"):
            raise NotOffered(f"{name!r} does not complete itself")
        sent = value if isinstance(value, str | int | float) else str(value.id)
        options.append({"type": option["type"], "name": name, "value": sent})
        if name == focused:
            options[-1]["focused"] = True
    if focused is None:
        for option in declared:
            if option.get("required") and option["name"] not in values:
                raise NotOffered(f"{option['name']!r} is required")
    return options


def _check(option: Json, value: Any) -> None:
    wanted = _TYPES[option["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise NotOffered(f"{option['name']!r} takes no {type(value).__name__}")
    choices = [each["value"] for each in option.get("choices") or ()]
    if choices and value not in choices:
        raise NotOffered(f"{value!r} is no choice of {option['name']!r}")
    bounds = (option.get("min_value"), option.get("max_value"))
    size = value
    if isinstance(value, str):
        bounds, size = (option.get("min_length"), option.get("max_length")), len(value)
    low, high = bounds
    if (low is not None and size < low) or (high is not None and size > high):
        raise NotOffered(f"{option['name']!r} is out of bounds")


def _resolve(view: View, channel: Channel, value: Any, resolved: dict[str, Json]) -> None:
    def put(group: str, shown: Json) -> None:
        resolved.setdefault(group, {})[str(value.id)] = shown

    if isinstance(value, User):
        put("users", user_json(value))
        guild = view.world.guilds.get(channel.guild_id or 0)
        if guild and value.id in guild.members:
            member = member_json(view, guild.members[value.id], with_user=False)
            put("members", member | {"permissions": str(granted(view.world, value.id, channel))})
    elif isinstance(value, Role):
        put("roles", role_json(value))
    elif isinstance(value, Channel):
        put("channels", channel_json(view, value) | {"permissions": "0"})
    elif isinstance(value, Attachment):
        holder = Message(id=0, channel_id=channel.id, author=User(id=0, username=""))
        put("attachments", attachment_json(view, holder, value))
