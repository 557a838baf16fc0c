"""The stand-in as a whole: REST, gateway and CDN on one loopback port."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from services.domain.clock import Clock, SystemClock
from tests.discord_standin.changes import Changes
from tests.discord_standin.entities import Bot, User
from tests.discord_standin.faults import Faults
from tests.discord_standin.gateway import Gateway
from tests.discord_standin.limits import Limits
from tests.discord_standin.people import Person
from tests.discord_standin.rest.api import ROOT, Api
from tests.discord_standin.rest.cdn import Cdn
from tests.discord_standin.site import Site
from tests.discord_standin.validation import Contract
from tests.discord_standin.voice.certificate import own_certificate
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.world import World


class Standin:
    """A Discord of one's own; listens while its context is open.

    Args:
        clock: Where ids, limits and deadlines take the time from.
        contract: Judges every exchange; what it finds is in ``api.problems``.
        limits: Whether rate limits are enforced.
        heartbeat_seconds: How often clients must beat.
        replay_limit: How many events a session keeps for a resume.
        port: 0 takes a free one.
        voice: Opens a voice server too; without, people and bots only seem to join.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        contract: Contract | None = None,
        limits: bool = True,
        heartbeat_seconds: float = 41.25,
        replay_limit: int = 10_000,
        port: int = 0,
        voice: VoiceSettings | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.world = World(clock)
        self.changes = Changes()
        self.faults = Faults()
        self.limits = Limits(clock, enforced=limits)
        self.gateway = Gateway(
            self.world,
            self.changes,
            self.faults,
            heartbeat_seconds=heartbeat_seconds,
            replay_limit=replay_limit,
            voice=voice,
        )
        self.site = Site(
            world=self.world,
            gateway=self.gateway,
            changes=self.changes,
            faults=self.faults,
            limits=self.limits,
        )
        self.api = Api(self.site, contract)
        self.api_url = ""
        self._port = port
        self._runner: web.AppRunner | None = None

    def environment(self, bot: Bot) -> dict[str, str]:
        """Return what points acore, or another client, here and lets it in as this bot."""
        trust = str(own_certificate().path) if self.gateway.voice.servers else ""
        return {
            **({"SSL_CERT_FILE": trust, "NODE_EXTRA_CA_CERTS": trust} if trust else {}),
            "DISCORD_TOKEN": bot.token,
            "ACORE_DISCORD__API_URL": self.api_url,
            "ACORE_DISCORD__GATEWAY_URL": self.gateway.url,
            "ACORE_DISCORD__CDN_URL": self.gateway.cdn,
        }

    def person(self, user: User) -> Person:
        """Return hands for a user of the world."""
        return Person(self.site, user)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(list(self.api.routes()))
        app.add_routes(Cdn(self.world).routes())
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.api_url = f"http://127.0.0.1:{port}{ROOT}"
        self.gateway.url = f"ws://127.0.0.1:{port}/gateway"
        self.gateway.cdn = f"http://127.0.0.1:{port}/cdn"
        await self.gateway.voice.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.gateway.disconnect(1001)
        await self.gateway.voice.close()
        assert self._runner
        await self._runner.cleanup()
