"""Fake people: all that real ones do on Discord and a bot gets to know."""

from __future__ import annotations

from tests.discord_standin.acting import CannotDoThat
from tests.discord_standin.keeping import Keeper
from tests.discord_standin.operating import Operator
from tests.discord_standin.speaking import Speaker
from tests.discord_standin.voice.calling import Caller

__all__ = ["CannotDoThat", "Person"]


class Person(Speaker, Operator, Keeper, Caller):
    """What somebody does; each deed takes effect at once and is told to the bots."""
