"""The bot: what Discord tells it, and who deals with that."""

from __future__ import annotations

import asyncio
import logging
import pkgutil
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.acting import Acting
from frontends.discord.activities import activity_of
from frontends.discord.answer_buttons import AnswerButton, ConfirmButton, StopButton
from frontends.discord.attachments import Attachments
from frontends.discord.catching_up import CatchUp
from frontends.discord.chains import Chains
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.desk import Desk
from frontends.discord.discord_time import ahead
from frontends.discord.ears import Ears, Hearing
from frontends.discord.faces import Faces
from frontends.discord.failures import tell
from frontends.discord.following import Following
from frontends.discord.library_parts import (
    check_client,
    end_awaiting_guilds,
    end_buttons,
    parsers_of,
)
from frontends.discord.lines import Lines
from frontends.discord.listening import Listening
from frontends.discord.pacing import Pacing
from frontends.discord.places import (
    DIRECT,
    PLATFORM,
    Place,
    channel_in,
    in_thread,
    may_write,
    place_of,
)
from frontends.discord.portraits import Portraits
from frontends.discord.syncing import sync
from frontends.discord.tolerance import tolerate
from frontends.discord.translating import Translations
from frontends.discord.voice.calls import Calls
from services.domain.errors import AcoreError
from services.domain.ids import ConversationId
from services.domain.replies import Delivery
from services.lifecycle import Supervisor
from services.settings import DiscordSettings

if TYPE_CHECKING:
    from services.factory import ServiceFactory

logger = logging.getLogger(__name__)

_FOLDER = Path(__file__).parents[2] / "cogs"

_SETTLING_SECONDS = 0.5

COGS = tuple(sorted(one.name for one in pkgutil.iter_modules([str(_FOLDER)])))
"""The modules of ``cogs``, each with commands of its own."""


class AcoreTree(app_commands.CommandTree["AcoreBot"]):
    """Commands whose failures are all told in one place."""

    async def on_error(
        self, interaction: discord.Interaction[AcoreBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell whoever asked."""
        await tell(interaction, error)


class AcoreBot(commands.Bot):
    """Hears messages and hands them to the conversation core; cogs bring the commands.

    ``services`` is where a cog's ``setup`` finds what it needs.
    """

    user: discord.ClientUser

    def __init__(
        self,
        services: ServiceFactory,
        settings: DiscordSettings,
        *,
        supervisor: Supervisor,
        intents: discord.Intents,
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=AcoreTree,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            guild_ready_timeout=0.2,
            enable_debug_events=False,
        )
        check_client(self)
        tolerate(parsers_of(self))
        self.services = services
        self.settings = settings
        self.supervisor = supervisor
        self.chains = Chains()
        self.lines = Lines(supervisor)
        self.pacing = Pacing(services.clock())
        self.portraits = Portraits(self, read=services.portraits().of, supervisor=supervisor)
        self.faces = Faces(
            self,
            self.portraits,
            enabled=settings.webhooks,
            taken=self._names_in,
            monotonic=services.clock().monotonic,
        )
        self.desk = Desk(
            settings=settings,
            faces=self.faces,
            pacing=self.pacing,
            conversations=services.conversations(),
            persona=services.library().get,
            read_blob=services.blobs().read,
            supervisor=supervisor,
        )
        self.acting = Acting(self.desk, self.faces)
        self.calls = Calls(self)
        self.first_ready: datetime | None = None
        self._ahead = timedelta()
        self._owners: frozenset[int] = frozenset()
        self._web: aiohttp.ClientSession | None = None
        self._listening: Listening | None = None
        self._following = Following(self)
        self.catching_up = CatchUp(self, most=settings.catch_up)

    # -- starting

    async def setup_hook(self) -> None:
        """Make ready before the gateway is entered; needs nothing of it."""
        self._web = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60.0))
        self.attachments = Attachments(self._web, self.services.blobs())
        self._ahead = await ahead(self.settings.api_url, self._web, self.services.clock())
        self._owners = _owners_of(self.application)
        self.ears = Ears(
            Hearing(
                desk=self.desk,
                library=self.services.library(),
                places=self.services.places(),
                attachments=self.attachments,
                chains=self.chains,
                ids=self.services.ids(),
                me=self.user,
                activity=partial(activity_of, enabled=self.settings.presences),
                owns=self.owns,
                typed=self.calls.typed,
            )
        )
        self._listening = Listening(self)
        self.add_dynamic_items(AnswerButton, StopButton, ConfirmButton)
        await self.tree.set_translator(Translations())
        for name in COGS:
            await self._load(name)
        self.services.deliveries().register(PLATFORM, self.reach)
        self.supervisor.start("model", self._open_model)

    async def _load(self, name: str) -> None:
        """Load a cog; one that is broken is told of and left out."""
        try:
            await self.load_extension(f"cogs.{name}")
        except commands.ExtensionError:
            logger.exception("a cog could not be loaded", extra={"cog": name})
            self.services.announce()("cog", f"The commands in cogs/{name}.py could not be loaded.")

    async def close(self) -> None:
        """Leave Discord."""
        if self._web is not None:
            await self._web.close()
        end_buttons(self)
        await super().close()
        end_awaiting_guilds(self)

    async def _open_model(self) -> None:
        """Have the model's server known before the first message; without it others will try."""
        try:
            await self.services.models().get()
        except AcoreError as error:
            logger.info("the model was not ready", extra={"code": error.code})

    async def _settle(self) -> None:
        """Do what can wait until the first people have been heard."""
        await asyncio.sleep(_SETTLING_SECONDS)
        await self.services.departures().present(PLATFORM, [str(one.id) for one in self.guilds])
        try:
            await sync(self.tree, self.settings.guilds)
            if self.settings.webhooks:
                await self.portraits.warm(list(self.services.library().all()))
        except RuntimeError:  # aiohttp's, of a session that is closed
            if not self.is_closed():
                raise
            logger.info("commands were not registered, because the bot leaves")

    # -- hearing

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Hear messages without a task of their own each; everything else goes the usual way.

        What still comes in while the bot leaves is dropped: discord.py has no loop for it any more.
        """
        if self.is_closed():
            return
        if event_name == "connect":
            self.catching_up.begin()
        if event_name == "message":
            if self._listening is not None:
                self._listening.hear(args[0])
            return
        super().dispatch(event_name, *args, **kwargs)

    async def on_ready(self) -> None:
        """Note the first time; catch up with what was missed before a later one."""
        if self.first_ready is None:
            self.first_ready = self.services.clock().now() + self._ahead
            logger.info("Discord is ready", extra={"guilds": len(self.guilds)})
            self.supervisor.start("settling", self._settle)
        else:
            self.supervisor.start("catching up", self.catching_up.run)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Let the conversation follow."""
        await self._following.edited(payload)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Let the conversation follow."""
        await self._following.deleted(payload.channel_id, payload.guild_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Let the conversation follow."""
        await self._following.deleted(
            payload.channel_id, payload.guild_id, list(payload.message_ids)
        )

    async def on_webhooks_update(self, channel: discord.abc.GuildChannel) -> None:
        """Look for our webhook anew."""
        self.faces.forget_channel(channel.id)

    async def on_guild_channel_update(
        self, _before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Ask anew for a webhook that was refused."""
        self.faces.forget_refusals(after.id)

    async def on_guild_role_update(self, _before: discord.Role, _after: discord.Role) -> None:
        """Ask anew for webhooks that were refused."""
        self.faces.forget_refusals()

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Stop what is being said there."""
        self.faces.forget_channel(channel.id)
        place = place_of(channel, channel.guild)
        if place is not None:
            self.services.conversations().stop(place.conversation)

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """Stop what is being said there."""
        thread = in_thread(payload.guild_id, payload.parent_id, payload.thread_id)
        self.services.conversations().stop(thread)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Keep what is known of a server that has us back."""
        await self._following.joined(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Stop talking there, and forget it after a while."""
        await self._following.left(guild.id)

    # -- knowing

    def owns(self, user: int) -> bool:
        """Tell whether somebody owns the application."""
        return user in self._owners

    def is_old(self, moment: datetime) -> bool:
        """Tell whether something was said before the first ready; clocks differ by seconds."""
        ready = self.first_ready
        return ready is not None and moment < ready - timedelta(seconds=10)

    async def reach(self, conversation: ConversationId) -> Delivery | None:
        """Return a delivery to a conversation whose channel is there, to speak unasked."""
        place = self.place(conversation)
        if place is None:
            return None
        await self.services.places().note_adults(conversation, adults=place.adults)
        writes = may_write(place, webhooks=self.settings.webhooks)
        delivery = DiscordDelivery(self.desk, place, asker=None) if writes else None
        return await self.calls.unasked(conversation, delivery)

    def place(self, conversation: ConversationId) -> Place | None:
        """Return the place of a conversation, as far as it is known."""
        channel = channel_in(conversation)
        if channel is None:
            return None
        found: object = self.get_channel(channel)
        if found is None and conversation.scope == DIRECT:
            found = self.get_partial_messageable(channel)
        place = place_of(found, None)
        return place if place is not None and place.conversation == conversation else None

    def _names_in(self, place: Place) -> Collection[str]:
        if self._listening is None:
            return ()
        return self._listening.names_in(place.conversation)


def _owners_of(application: discord.AppInfo | None) -> frozenset[int]:
    if application is None:
        return frozenset()
    if application.team is not None:
        team = application.team
        working = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
        accepted = discord.TeamMembershipState.accepted
        return frozenset(
            one.id
            for one in team.members
            if one.id == team.owner_id or (one.role in working and one.membership_state is accepted)
        )
    return frozenset({application.owner.id})
