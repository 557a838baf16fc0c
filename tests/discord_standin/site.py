"""One stand-in's parts, as its routes and actions need them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.discord_standin.changes import Changes
from tests.discord_standin.faults import Faults
from tests.discord_standin.gateway import Gateway
from tests.discord_standin.limits import Limits
from tests.discord_standin.payloads.view import View
from tests.discord_standin.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What exists, who is told, what goes wrong and how much is too much."""

    world: World
    gateway: Gateway
    changes: Changes
    faults: Faults
    limits: Limits

    def view(self, viewer_id: int) -> View:
        """Return the world as a user sees it."""
        return View(self.world, self.gateway.cdn, viewer_id)
