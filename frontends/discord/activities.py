"""What Discord says people are doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import discord

from frontends.discord.places import User
from services.persona.activity import Activity

_KINDS: Mapping[discord.ActivityType, Literal["game", "stream", "listen", "watch"]] = {
    discord.ActivityType.playing: "game",
    discord.ActivityType.streaming: "stream",
    discord.ActivityType.listening: "listen",
    discord.ActivityType.watching: "watch",
}


def activity_of(user: User, *, enabled: bool) -> Activity | None:
    """Return what somebody is doing, where the presence intent tells."""
    if not enabled or not isinstance(user, discord.Member):
        return None
    for one in user.activities:
        if one.type not in _KINDS:
            continue
        kind = _KINDS[one.type]
        if isinstance(one, discord.Spotify):
            return Activity(kind="listen", title=one.title, about=tuple(one.artists))
        if one.name:
            return Activity(kind=kind, title=one.name)
    return None
