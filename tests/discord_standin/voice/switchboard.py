"""Voice as a whole: who joins which channel, on which server, and what moderators do to them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tests.discord_standin.entities import Bot, Channel, ChannelType, Guild, User, VoiceState
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.dialogue import describe
from tests.discord_standin.voice.handset import Handset
from tests.discord_standin.voice.opcodes import Close
from tests.discord_standin.voice.server import VoiceServer
from tests.discord_standin.voice.sessions import VoiceSession
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.states import tell_voice_state

if TYPE_CHECKING:
    from tests.discord_standin.gateway import Gateway
    from tests.discord_standin.sessions import Session

_NEWS_SECONDS: Final = 0.05
"""How long the gateway's news of a new server take after the old one closed."""


class Switchboard:
    """Keeps the voice states, and the servers where there are settings to open them with."""

    def __init__(self, gateway: Gateway, settings: VoiceSettings | None) -> None:
        self.settings = settings
        self.servers: list[VoiceServer] = []
        self.handsets: dict[int, Handset] = {}
        self._gateway = gateway
        self._homes: dict[int, VoiceServer] = {}

    async def open(self) -> None:
        """Open the first server."""
        if self.settings is not None:
            await self.open_server()

    async def close(self) -> None:
        """Close every server."""
        for server in self.servers:
            await server.close()

    async def open_server(self) -> VoiceServer:
        """Open one more server, as of another region."""
        assert self.settings is not None, "the stand-in was made without voice"
        server = VoiceServer(self.settings, changed=self._gateway.changes.notify)
        await server.open()
        self.servers.append(server)
        return server

    @property
    def problems(self) -> list[str]:
        """Every breach of the voice protocol that was seen."""
        return [each for server in self.servers for each in server.all_problems()]

    def server_of(self, channel_id: int) -> VoiceServer:
        """Return the server that has a channel's call."""
        assert self.servers, "the stand-in was made without voice"
        return self._homes.setdefault(channel_id, self.servers[0])

    def call_in(self, channel: Channel) -> Call:
        """Return a channel's call."""
        return self.server_of(channel.id).call_in(channel.id)

    def client_of(self, bot: Bot) -> VoiceSession:
        """Return a bot's session with its voice server."""
        return next(
            server.sessions[bot.user.id]
            for server in self.servers
            if bot.user.id in server.sessions
        )

    def take_request(self, session: Session, data: Json) -> None:
        """Take op 4 of a bot; one that may not connect gets no answer, as on Discord."""
        guild = self._gateway.world.guilds[int(data["guild_id"])]
        user_id = session.bot.user.id
        before = guild.voice.get(user_id)
        if data.get("channel_id") is None:
            if before is not None:
                self._tell_gone(guild, before)
                self._forget(user_id)
            return
        channel = self._gateway.world.channels.get(int(data["channel_id"]))
        if channel is None or not granted(self._gateway.world, user_id, channel) & (
            Permission.CONNECT
        ):
            return
        state = VoiceState(
            user_id=user_id,
            channel_id=channel.id,
            session_id=session.id,
            self_mute=bool(data.get("self_mute")),
            self_deaf=bool(data.get("self_deaf")),
            mute=before.mute if before else False,
            deaf=before.deaf if before else False,
        )
        if before is not None and before.channel_id != channel.id:
            self._forget(user_id)
        tell_voice_state(self._gateway, guild, state)
        if before is None or not _only_mutes(before, state):
            self.send_to_server(session.bot, guild, channel)

    def send_to_server(self, bot: Bot, guild: Guild, channel: Channel) -> None:
        """Tell a bot where its call is; the token is a new one."""
        if not self.servers:
            return
        server = self.server_of(channel.id)
        state = guild.voice[bot.user.id]
        ticket = server.expect(bot.user.id, guild.id, channel.id, state.session_id)
        self._tell_server(bot, guild, token=ticket.token, endpoint=server.endpoint)

    def put(self, user: User, channel: Channel | None, guild: Guild) -> Handset | None:
        """Let a person into a channel, or out; return what they speak and hear with."""
        before = guild.voice.get(user.id)
        if before is not None:
            handset = self.handsets.pop(user.id, None)
            if handset is not None:
                handset.hang_up()
        if channel is None:
            if before is not None:
                self._tell_gone(guild, before)
            return None
        state = VoiceState(
            user_id=user.id,
            channel_id=channel.id,
            session_id=f"{self._gateway.world.ids.next():032x}",
        )
        tell_voice_state(self._gateway, guild, state)
        if not self.servers:
            return None
        server = self.server_of(channel.id)
        handset = Handset(
            server.call_in(channel.id),
            user.id,
            server.next_ssrc(),
            changed=self._gateway.changes.notify,
        )
        self.handsets[user.id] = handset
        handset.enter()
        return handset

    def hang_up(self, session: Session) -> None:
        """Let a bot leave whose gateway session ended."""
        for guild in self._gateway.world.guilds_of(session.bot.user.id):
            state = guild.voice.get(session.bot.user.id)
            if state is not None and state.session_id == session.id:
                self._tell_gone(guild, state)
                self._forget(session.bot.user.id)

    def disconnect(self, user: User, guild: Guild) -> None:
        """Throw somebody out of their call, as a moderator may."""
        before = guild.voice.get(user.id)
        if before is None:
            return
        if not user.bot:
            self.put(user, None, guild)
            return
        self._tell_gone(guild, before)
        for server in self.servers:
            server.dismiss(user.id, Close.DISCONNECTED)

    async def move(self, bot: Bot, channel: Channel) -> None:
        """Move a bot into another channel, as a moderator may."""
        guild = self._guild_of(channel)
        state = dataclasses.replace(guild.voice[bot.user.id], channel_id=channel.id)
        for server in self.servers:
            server.dismiss(bot.user.id, Close.DISCONNECTED)
        await asyncio.sleep(_NEWS_SECONDS)
        tell_voice_state(self._gateway, guild, state)
        self.send_to_server(bot, guild, channel)

    def silence(self, user: User, guild: Guild, *, mute: bool = False, deaf: bool = False) -> None:
        """Mute or deafen somebody for all, as a moderator may; by default, neither any more."""
        state = dataclasses.replace(guild.voice[user.id], mute=mute, deaf=deaf)
        tell_voice_state(self._gateway, guild, state)
        assert state.channel_id is not None
        call = self.server_of(state.channel_id).call_in(state.channel_id)
        for wanted, those in ((mute, call.muted), (deaf, call.deafened)):
            (those.add if wanted else those.discard)(user.id)

    def close_channel(self, channel: Channel) -> None:
        """Throw everybody out of a channel that is being deleted; call before it is gone."""
        if channel.type != ChannelType.VOICE:
            return
        guild = self._guild_of(channel)
        inside = [each for each in guild.voice.values() if each.channel_id == channel.id]
        for state in inside:
            self.disconnect(self._gateway.world.users[state.user_id], guild)

    def end_call(self, channel: Channel) -> None:
        """End a call for all its bots with 4022; nobody is told why."""
        for bot in self._bots_in(channel):
            for server in self.servers:
                server.dismiss(bot.user.id, Close.CALL_TERMINATED)

    async def move_region(
        self, channel: Channel, *, gap: bool = False, old_server_closes: bool = True
    ) -> VoiceServer:
        """Move a call to a new server.

        Args:
            channel: Whose call it is.
            gap: Whether bots are first told that there is no server at all.
            old_server_closes: Whether the old server closes with 4014 before bots hear of the new
                one, or leaves that to them; on the network, either may come first.
        """
        guild = self._guild_of(channel)
        old = self.server_of(channel.id)
        new = self._homes[channel.id] = await self.open_server()
        bots = list(self._bots_in(channel))
        if gap:
            for bot in bots:
                self._tell_server(bot, guild, token="", endpoint=None)
        for bot in bots:
            if old_server_closes:
                old.dismiss(bot.user.id)
            else:
                old.forget(bot.user.id)
        await asyncio.sleep(_NEWS_SECONDS)
        for user_id, handset in list(self.handsets.items()):
            if handset.call.channel_id == channel.id:
                self._rehome(user_id, handset, new)
        for bot in bots:
            self.send_to_server(bot, guild, channel)
        return new

    def give_new_key(self, bot: Bot) -> None:
        """Send a bot another transport key over its open connection."""
        session = self.client_of(bot)
        assert session.sealing is not None
        channel_id = next(
            each.channel_id
            for guild in self._gateway.world.guilds_of(bot.user.id)
            for each in guild.voice.values()
            if each.user_id == bot.user.id
        )
        assert channel_id is not None
        call = self.server_of(channel_id).call_in(channel_id)
        describe(session, session.sealing.mode, version=call.group.version)

    def _rehome(self, user_id: int, handset: Handset, server: VoiceServer) -> None:
        handset.hang_up()
        moved = Handset(
            server.call_in(handset.call.channel_id),
            user_id,
            server.next_ssrc(),
            changed=self._gateway.changes.notify,
        )
        moved.recorder = handset.recorder
        self.handsets[user_id] = moved
        moved.enter()

    def _forget(self, user_id: int) -> None:
        for server in self.servers:
            server.forget(user_id)
            server.tickets.pop(user_id, None)

    def _tell_gone(self, guild: Guild, state: VoiceState) -> None:
        tell_voice_state(self._gateway, guild, dataclasses.replace(state, channel_id=None))

    def _tell_server(self, bot: Bot, guild: Guild, *, token: str, endpoint: str | None) -> None:
        told = {"token": token, "guild_id": str(guild.id), "endpoint": endpoint}
        state = guild.voice[bot.user.id]
        self._gateway.tell(
            "VOICE_SERVER_UPDATE",
            lambda _: told,
            guild_id=guild.id,
            only=bot.application_id,
            to=lambda session: session.id == state.session_id,
        )

    def _bots_in(self, channel: Channel) -> Iterator[Bot]:
        guild = self._guild_of(channel)
        for bot in self._gateway.world.bots.values():
            state = guild.voice.get(bot.user.id)
            if state is not None and state.channel_id == channel.id:
                yield bot

    def _guild_of(self, channel: Channel) -> Guild:
        if channel.type != ChannelType.VOICE or channel.guild_id is None:
            raise ValueError(f"{channel.name} is no voice channel")
        return self._gateway.world.guilds[channel.guild_id]


def _only_mutes(before: VoiceState, after: VoiceState) -> bool:
    """Say whether a bot asked for nothing but to be muted or deafened, or no longer to be."""
    place = (before.channel_id, before.session_id) == (after.channel_id, after.session_id)
    return place and (before.self_mute, before.self_deaf) != (after.self_mute, after.self_deaf)
