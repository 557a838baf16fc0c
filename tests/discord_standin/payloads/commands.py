"""JSON of application commands as Discord answers their registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.discord_standin.entities import Command
from tests.discord_standin.payloads.view import Json


def command_json(command: Command) -> Json:
    data = command.data
    permissions = data.get("default_member_permissions")
    found: Json = {
        "id": str(command.id),
        "application_id": str(command.application_id),
        "version": str(command.version),
        "default_member_permissions": None if permissions is None else str(permissions),
        "type": command.type,
        "name": command.name,
        "name_localizations": data.get("name_localizations"),
        "description": data.get("description") or "",
        "description_localizations": data.get("description_localizations"),
        "nsfw": bool(data.get("nsfw", False)),
        "integration_types": data.get("integration_types") or [0],
    }
    if command.guild_id is not None:
        found["guild_id"] = str(command.guild_id)
    else:
        found["dm_permission"] = data.get("dm_permission") is not False
        found["contexts"] = data.get("contexts") or [0, 1]
    if data.get("options"):
        found["options"] = [_option_json(option) for option in data["options"]]
    return found


def _option_json(option: Mapping[str, Any]) -> Json:
    found = {key: value for key, value in option.items() if value is not None}
    if "options" in found:
        found["options"] = [_option_json(each) for each in found["options"]]
    return found
