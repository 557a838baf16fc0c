"""Turns the embeds and components a bot sends into the shape Discord shows them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from tests.discord_standin.payloads.view import Json

_DEFAULTS: Mapping[int, Json] = {
    3: {"min_values": 1, "max_values": 1},
    4: {"label": None, "min_length": None, "max_length": None},
    5: {"min_values": 1, "max_values": 1},
    6: {"min_values": 1, "max_values": 1},
    7: {"min_values": 1, "max_values": 1},
    8: {"min_values": 1, "max_values": 1},
    11: {"description": None, "spoiler": False},
    13: {"name": None, "size": None, "spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}


def shown_components(sent: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Number the components and fill in what was left out."""
    numbers = count(1)
    return [_shown(component, numbers) for component in sent]


def shown_embeds(sent: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return the embeds with what Discord adds to them."""
    return [_shown_embed(embed) for embed in sent]


def walk(components: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield every component, containers before their content."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        for key in ("accessory", "component"):
            if key in component:
                yield from walk([component[key]])


def _shown(component: Mapping[str, Any], numbers: Iterator[int]) -> Json:
    given = {key: value for key, value in component.items() if value is not None}
    shown: Json = {"id": next(numbers)} | _DEFAULTS.get(given["type"], {}) | given
    if "components" in shown:
        shown["components"] = [_shown(child, numbers) for child in shown["components"]]
    for key in ("accessory", "component"):
        if key in shown:
            shown[key] = _shown(shown[key], numbers)
    if "emoji" in shown:
        shown["emoji"] = _shown_emoji(shown["emoji"])
    if "options" in shown:
        shown["options"] = [_shown_option(option) for option in shown["options"]]
    if given["type"] == 3:
        shown.pop("required", None)
    return shown


def _shown_option(option: Mapping[str, Any]) -> Json:
    shown = {key: value for key, value in option.items() if value is not None}
    if "emoji" in shown:
        shown["emoji"] = _shown_emoji(shown["emoji"])
    return shown


def _shown_emoji(emoji: Mapping[str, Any]) -> Json:
    return {key: value for key, value in emoji.items() if value is not None}


def _shown_embed(embed: Mapping[str, Any]) -> Json:
    shown = {key: value for key, value in embed.items() if value is not None and key != "flags"}
    shown["type"] = "rich"
    if "fields" in shown:
        shown["fields"] = [{"inline": False} | dict(each) for each in shown["fields"]]
    return shown
