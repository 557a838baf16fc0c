"""Application commands: everywhere, and in one guild."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.discord_standin import errors
from tests.discord_standin.entities import Command
from tests.discord_standin.payloads.commands import command_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.rest.routing import Answer, Call, Route

_MOST_COMMANDS: Final = 100


def registered(call: Call) -> Answer:
    """Return the commands; without being asked for, translations are not among them."""
    found = [command_json(command) for command in _scope(call)]
    if call.query.get("with_localizations", "").lower() in ("true", "1"):
        return found
    return [_untranslated(command) for command in found]


def overwrite(call: Call) -> Answer:
    old = {(command.type, command.name): command for command in _scope(call)}
    given: Sequence[Json] = call.body or []
    if len(given) > _MOST_COMMANDS:
        raise errors.DiscordError(
            400, 30032, "Maximum number of application commands reached (100)."
        )
    names = [(int(data.get("type") or 1), data["name"]) for data in given]
    if len(names) != len(set(names)):
        raise errors.invalid_form(
            str(len(names) - 1),
            "APPLICATION_COMMANDS_DUPLICATE_NAME",
            "Application command names must be unique",
        )
    for command in old.values():
        del call.site.world.commands[command.id]
    kept = [_register(call, data, old.get(name)) for name, data in zip(names, given, strict=True)]
    return [command_json(command) for command in kept]


def create(call: Call) -> Answer:
    data = call.fields
    name = (int(data.get("type") or 1), data["name"])
    old = {(command.type, command.name): command for command in _scope(call)}
    return command_json(_register(call, data, old.get(name)))


def fetch(call: Call) -> Answer:
    return command_json(_command(call))


def change(call: Call) -> Answer:
    command = _command(call)
    return command_json(_register(call, command.data | call.fields, command))


def delete(call: Call) -> Answer:
    del call.site.world.commands[_command(call).id]
    return None


def _scope(call: Call) -> list[Command]:
    if call.id("application_id") != call.caller.application_id:
        raise errors.not_yours()
    guild_id = call.guild().id if "guild_id" in call.path else None
    return call.site.world.commands_of(call.caller.application_id, guild_id)


def _command(call: Call) -> Command:
    wanted = call.id("command_id")
    found = next((command for command in _scope(call) if command.id == wanted), None)
    if found is None:
        raise errors.unknown_command()
    return found


def _register(call: Call, data: Json, old: Command | None) -> Command:
    ids = call.site.world.ids
    command = Command(
        id=old.id if old else ids.next(),
        version=old.version if old and old.data == data else ids.next(),
        application_id=call.caller.application_id,
        guild_id=call.id("guild_id") if "guild_id" in call.path else None,
        data=data,
    )
    call.site.world.commands[command.id] = command
    return command


def _untranslated(value: Json) -> Json:
    left = {key: one for key, one in value.items() if not key.endswith("_localizations")}
    for key in ("options", "choices"):
        if key in left:
            left[key] = [_untranslated(one) for one in left[key]]
    return left


def _routes(root: str) -> tuple[Route, ...]:
    one = root + "/{command_id}"
    return (
        Route("GET", root, registered),
        Route("PUT", root, overwrite),
        Route("POST", root, create, status=201),
        Route("GET", one, fetch),
        Route("PATCH", one, change),
        Route("DELETE", one, delete),
    )


ROUTES = (
    *_routes("/applications/{application_id}/commands"),
    *_routes("/applications/{application_id}/guilds/{guild_id}/commands"),
)
