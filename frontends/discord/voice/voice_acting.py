"""What the commands for calls do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import Asked, answer, arrived, asked
from frontends.discord.posting import translated
from frontends.discord.voice.calls import Calls
from frontends.discord.voice.presence import CallChannel
from frontends.discord.voice.voice_text import joined_line, settings_text, status_text
from services.conversation.places import PlaceSettings
from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.people import Role
from services.people.scopes import ScopeKind

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot
    from frontends.discord.voice.held_call import HeldCall

Interaction = discord.Interaction[Any]

_OPTED_OUT = (
    "I listen to you in no call any more; /voice ignore-me with off changes that. "
    "It takes effect within a few seconds."
)
_OPTED_IN = "I listen to you again in calls; it takes effect within a few seconds."


class VoiceActing:
    """Checks who asks, lets the calls do it, and answers."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    @property
    def _calls(self) -> Calls:
        return self._bot.calls

    @property
    def _places(self) -> PlaceSettings:
        return self._bot.services.places()

    # -- coming and going

    async def join(self, interaction: Interaction, channel: discord.VoiceChannel | None) -> None:
        """Join the asker's channel, or another one that a moderator names."""
        await asked(interaction)
        target = channel or _own_channel(interaction)
        who = await self._asked_in(interaction, target)
        inside = _in(interaction, target)
        if not inside:
            who.need(Role.MODERATOR)
        await self._may_take_away(interaction, target)
        await _defer(interaction)
        held = await self._calls.join(target)
        await answer(interaction, joined_line(held))

    async def leave(self, interaction: Interaction) -> None:
        """Leave the call."""
        held = await self._mine(interaction)
        await _defer(interaction)
        where = held.channel.mention
        await self._calls.dismiss(held)
        await answer(interaction, f"I left {where}.")

    async def follow(self, interaction: Interaction) -> None:
        """Go along with whoever asks, or no longer."""
        await asked(interaction)
        target = _own_channel(interaction)
        await self._asked_in(interaction, target)
        await self._may_take_away(interaction, target)
        await _defer(interaction)
        held = await self._calls.join(target)
        user = interaction.user.id
        held.followed = None if held.followed == user else user
        follows = held.followed is not None
        text = "I go wherever you go; /voice follow ends that." if follows else "I stay here."
        await answer(interaction, text)

    # -- listening

    async def listen(self, interaction: Interaction) -> None:
        """Listen to the call."""
        held = await self._mine(interaction)
        await _defer(interaction)
        await held.switch.on()
        await answer(interaction, "I listen.")

    async def unlisten(self, interaction: Interaction) -> None:
        """Listen no more."""
        held = await self._mine(interaction)
        await _defer(interaction)
        await held.switch.off()
        await answer(interaction, "I listen to nobody any more; /voice listen begins again.")

    async def ignore(self, interaction: Interaction, *, ignored: bool) -> None:
        """Listen to whoever asks in no call any more, or again."""
        who = await arrived(interaction)
        consent = self._calls.admission.consent
        await (consent.refuse if ignored else consent.give)(who.author.id)
        for guild in self._bot.guilds:
            held = self._calls.find(guild.id)
            if held is not None and held.presence.holds(interaction.user.id):
                await held.review(await _member_in(guild, interaction))
        await answer(interaction, _OPTED_OUT if ignored else _OPTED_IN)

    # -- speaking

    async def speak(self, interaction: Interaction, text: str) -> None:
        """Read a text aloud."""
        held = await self._mine(interaction)
        who = await self._asked_in(interaction, held.channel)
        rules = await self._places.of(who.conversation)
        if rules.muted:
            raise NotAllowed("muted", "All characters keep silent there; /unmute ends it.")
        if await rules.blocked.found_in(text):
            raise NotAllowed("blocked_words", "There is a word in that which may not be said here.")
        await _defer(interaction)
        await held.talk.say(text)
        await answer(interaction, "Said.")

    async def hush(self, interaction: Interaction) -> None:
        """Fall silent."""
        held = await self._mine(interaction)
        stopped = held.talk.hush()
        await answer(interaction, "I am silent." if stopped else "I am not speaking.")

    async def lock(self, interaction: Interaction, *, locked: bool) -> None:
        """Let nobody but moderators interrupt, or everybody again."""
        await asked(interaction)
        held = self._here(interaction)
        (await self._asked_in(interaction, held.channel)).need(Role.MODERATOR)
        held.talk.locked = locked
        text = "Only moderators can interrupt now." if locked else "Everybody can interrupt again."
        await answer(interaction, text)

    # -- rules

    async def change(
        self,
        interaction: Interaction,
        changes: Mapping[str, str | None],
        channel: discord.VoiceChannel | None,
    ) -> None:
        """Choose settings of a voice channel, those that are not ``None``, and show all."""
        await asked(interaction)
        target = channel or self._nearest(interaction)
        who = await self._asked_in(interaction, target)
        for name, value in changes.items():
            if value is not None:
                await self._places.change(
                    who.conversation,
                    name,
                    value,
                    width=ScopeKind.CHANNEL,
                    by=who.author,
                    role=who.role,
                )
        held = self._calls.find(target.guild.id)
        if held is not None and held.call is not None and held.channel.id == target.id:
            await held.switch.heed_rule()
        rules = await self._places.of(who.conversation)
        await answer(interaction, settings_text(rules, target.mention))

    async def status(self, interaction: Interaction) -> None:
        """Show how calls are doing."""
        await asked(interaction)
        await _defer(interaction)
        status = (await self._calls.service()).status()
        held = self._calls.find(interaction.guild_id or 0)
        if held is not None and held.call is None:
            held = None
        await answer(interaction, status_text(status, held))

    # -- who may what

    def _here(self, interaction: Interaction) -> HeldCall:
        return self._calls.here(interaction.guild_id or 0)

    async def _mine(self, interaction: Interaction) -> HeldCall:
        """Return the call that the asker is in, or may moderate."""
        await asked(interaction)
        held = self._here(interaction)
        who = await self._asked_in(interaction, held.channel)
        if not _in(interaction, held.channel) and who.role < Role.MODERATOR:
            raise NotAllowed(
                "voice_outside", f"Join {held.channel.mention} first; those in the call decide."
            )
        return held

    async def _may_take_away(self, interaction: Interaction, target: CallChannel) -> None:
        """Raise ``NotAllowed`` where others would lose the bot to another channel."""
        held = self._calls.find(target.guild.id)
        if held is None or held.channel.id == target.id or held.presence.empty.is_set():
            return
        if _in(interaction, held.channel):
            return
        who = await self._asked_in(interaction, held.channel)
        if who.role < Role.MODERATOR:
            raise NotAllowed(
                "voice_taken",
                f"I am in {held.channel.mention} with others, who alone may call me away.",
            )

    async def _asked_in(self, interaction: Interaction, channel: CallChannel) -> Asked:
        """Return what the asker may do in a voice channel. Raises ``NotAllowed``."""
        self._calls.check()
        member = interaction.user
        if isinstance(member, discord.User) or not channel.permissions_for(member).view_channel:
            raise NotAllowed("voice_hidden", "You may not see that channel.")
        return await self._calls.admission.asked(member, channel)

    def _nearest(self, interaction: Interaction) -> CallChannel:
        """Return the voice channel that is meant when none is named."""
        state = _state_of(interaction)
        for each in (state and state.channel, interaction.channel):
            if isinstance(each, discord.VoiceChannel):
                return each
        held = self._calls.find(interaction.guild_id or 0)
        if held is not None:
            return held.channel
        raise InvalidRequest("voice_which", "Say which voice channel, or join it first.")


def voice_channel_of(interaction: Interaction) -> CallChannel | None:
    """Return the voice channel that whoever asks is in."""
    state = _state_of(interaction)
    return None if state is None else state.channel


def _own_channel(interaction: Interaction) -> discord.VoiceChannel:
    found = voice_channel_of(interaction)
    if found is None:
        raise InvalidRequest("voice_which", "Join a voice channel first, or say which one.")
    if isinstance(found, discord.StageChannel):
        raise InvalidRequest("voice_stage", "I cannot talk on stages; use a voice channel.")
    return found


def _state_of(interaction: Interaction) -> discord.VoiceState | None:
    member = interaction.user
    return member.voice if isinstance(member, discord.Member) else None


def _in(interaction: Interaction, channel: CallChannel) -> bool:
    return interaction.user.id in channel.voice_states


async def _defer(interaction: Interaction) -> None:
    async with translated():
        await interaction.response.defer(ephemeral=True)


async def _member_in(guild: discord.Guild, interaction: Interaction) -> discord.Member:
    member = interaction.user
    if isinstance(member, discord.Member) and member.guild.id == guild.id:
        return member
    async with translated():
        return await guild.fetch_member(member.id)
