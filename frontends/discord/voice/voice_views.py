"""The voices there are: lists with samples, and choosing one for a character."""

from __future__ import annotations

import asyncio
import difflib
import io
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands

from frontends.discord.asking import answer, asked
from frontends.discord.choosing import ranked
from frontends.discord.confirming import Interaction, OwnView
from frontends.discord.posting import translated
from frontends.discord.voice.calls import Calls
from frontends.discord.voice.voice_acting import voice_channel_of
from services.domain.clock import Clock
from services.domain.errors import AcoreError, NotFound
from services.lifecycle import Supervisor
from services.people.scopes import Asker, Scope
from services.persona.library import CharacterLibrary
from services.voice.synthesis import Voice, VoiceListing
from services.voice.voices import ChosenVoice, Voices

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot
    from frontends.discord.voice.held_call import HeldCall
    from services.voice.service import VoiceService

logger = logging.getLogger(__name__)

SAMPLE = "Hello. This is how I sound."

_PER_PAGE = 20
_LONGEST = 100
_FRESH_SECONDS = 300.0
_PATIENCE_SECONDS = 2.0
_NONE = "No voice fits; /voices alone lists all of them."


class VoiceList:
    """The voices of the engines, asked for every five minutes at most."""

    def __init__(
        self, voice: Callable[[], Awaitable[VoiceService]], *, clock: Clock, supervisor: Supervisor
    ) -> None:
        self._voice = voice
        self._clock = clock
        self._supervisor = supervisor
        self._known: Sequence[VoiceListing] = ()
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def all(self) -> Sequence[VoiceListing]:
        """Return every voice. Raises ``ProviderError``."""
        if not self._fresh:
            self._known = await (await self._voice()).voices()
            self._asked_at = self._clock.monotonic()
        return self._known

    async def offered(self) -> Sequence[VoiceListing]:
        """Return what is known after 2 s; never raises for engines that do not answer."""
        if not self._fresh and (self._asking is None or self._asking.done()):
            self._asking = self._supervisor.start("voices", self._ask)
        if self._asking is not None and not self._asking.done():
            await asyncio.wait({self._asking}, timeout=_PATIENCE_SECONDS)
        return self._known

    async def find(self, name: str) -> VoiceListing:
        """Return the voice of that name. Raises ``NotFound`` with close ones."""
        known = {each.name.casefold(): each for each in await self.all()}
        found = known.get(name.strip().casefold())
        if found is not None:
            return found
        close = difflib.get_close_matches(name.strip().casefold(), known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(known[one].name for one in close)}?" if close else ""
        raise NotFound(
            "voice_name", f"There is no voice {name[:60]}; {hint or '/voices lists them.'}"
        )

    @property
    def _fresh(self) -> bool:
        return (
            self._asked_at is not None and self._clock.monotonic() - self._asked_at < _FRESH_SECONDS
        )

    async def _ask(self) -> None:
        try:
            await self.all()
        except AcoreError as error:
            logger.info("voices could not be listed", extra={"code": error.code})


class VoiceChoosing:
    """What the commands for voices do; ``voices`` keeps who sounds how."""

    def __init__(self, bot: AcoreBot, *, voices: Voices, library: CharacterLibrary) -> None:
        services = bot.services
        self._bot = bot
        self._voices = voices
        self._library = library
        self.list = VoiceList(bot.calls.service, clock=services.clock(), supervisor=bot.supervisor)

    async def show(self, interaction: Interaction, search: str | None) -> None:
        """List the voices that fit, with samples."""
        await asked(interaction)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        wanted = (search or "").casefold()
        found = [one for one in await self.list.all() if wanted in _line(one).casefold()]
        if not found:
            await answer(interaction, _NONE)
            return
        view = VoicesView(interaction, found, calls=self._bot.calls)
        await answer(interaction, view.text, view=view)

    async def choose(
        self, interaction: Interaction, character: str, choice: ChosenVoice, *, everywhere: bool
    ) -> None:
        """Let a character sound otherwise in a channel, or in the whole server."""
        who = await asked(interaction)
        channel = voice_channel_of(interaction)
        if channel is not None and isinstance(interaction.user, discord.Member):
            who = await self._bot.calls.admission.asked(interaction.user, channel)
        persona = self._library.find(character)
        if choice == ChosenVoice():
            chosen = None
        else:
            async with translated():
                await interaction.response.defer(ephemeral=True)
            name = choice.name and (await self.list.find(choice.name)).name
            chosen = replace(choice, name=name)
        width = Scope.guild if everywhere else Scope.channel
        await self._voices.choose(
            persona.id,
            chosen,
            scope=width(who.conversation),
            asker=Asker(account=who.author.id, role=who.here, person=who.author.person),
        )
        voice = await self._voices.of(persona, who.conversation)
        where = "in this server" if everywhere else (channel.mention if channel else "here")
        await answer(interaction, f"{_plain(persona.name)}, {where}: {described(voice)}.")

    async def suggestions(self, typed: str) -> list[app_commands.Choice[str]]:
        """Offer voices by what is typed."""
        return ranked(typed, [(_line(one), one.name) for one in await self.list.offered()])


class VoicesView(OwnView):
    """Pages of voices; the one that is chosen is heard."""

    def __init__(self, asked: Interaction, voices: Sequence[VoiceListing], *, calls: Calls) -> None:
        super().__init__(asked)
        self._voices = voices
        self._calls = calls
        self._index = 0
        self._fill()

    @property
    def text(self) -> str:
        """The page that is open."""
        lines = [f"- {_plain(_line(one))}" for one in self._page]
        count = f"-# {self._index + 1} / {self._pages} · choose one to hear it"
        return "\n".join([*lines, count])

    @property
    def _pages(self) -> int:
        return -(-len(self._voices) // _PER_PAGE)

    @property
    def _page(self) -> Sequence[VoiceListing]:
        return self._voices[self._index * _PER_PAGE : (self._index + 1) * _PER_PAGE]

    @discord.ui.select(placeholder="Hear a voice", row=0)
    async def hear(self, interaction: Interaction, menu: discord.ui.Select[Self]) -> None:
        """Play a sample in the call, or give it as a file."""
        async with translated():
            await interaction.response.defer(ephemeral=True, thinking=True)
        await play_sample(interaction, self._calls, self._voices[int(menu.values[0])])

    @discord.ui.button(label="◀", row=1)
    async def back(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Open the page before."""
        await self._turn(interaction, -1)

    @discord.ui.button(label="▶", row=1)
    async def onward(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Open the next page."""
        await self._turn(interaction, 1)

    async def _turn(self, interaction: Interaction, step: int) -> None:
        self._index = max(0, min(self._pages - 1, self._index + step))
        self._fill()
        async with translated():
            await interaction.response.edit_message(content=self.text, view=self)

    def _fill(self) -> None:
        first = self._index * _PER_PAGE
        menu: discord.ui.Select[Self] = self.hear
        menu.options = [
            discord.SelectOption(label=_line(one)[:_LONGEST], value=str(first + place))
            for place, one in enumerate(self._page)
        ]
        self.back.disabled = self._index == 0
        self.onward.disabled = self._index == self._pages - 1


async def play_sample(interaction: Interaction, calls: Calls, listing: VoiceListing) -> None:
    """Answer a deferred click with a sample: in the asker's call, else as a file."""
    voice = Voice(name=listing.name, language=listing.language or None)
    held = calls.find(interaction.guild_id or 0)
    if held is not None and held.call is not None and _takes_part(interaction, held):
        await held.call.say(SAMPLE, voice=voice)
        await answer(interaction, f"That was {_plain(listing.name)}.")
        return
    clip = await (await calls.service()).sample(voice)
    from services.voice.engines.wav import wav_of  # noqa: PLC0415  loaded for callers alone

    file = discord.File(io.BytesIO(wav_of(clip)), filename="voice.wav")
    await answer(interaction, f"{_plain(listing.name)}:", files=[file])


def described(voice: Voice) -> str:
    """Return how somebody sounds."""
    name = _plain(voice.name) if voice.name else "the voice of the settings"
    speed = "" if voice.speed == 1.0 else f", {voice.speed:g} times as fast"
    pitch = "" if voice.pitch == 0.0 else f", {voice.pitch:+g} semitones"
    return f"{name}{speed}{pitch}"


def _takes_part(interaction: Interaction, held: HeldCall) -> bool:
    return held.presence.holds(interaction.user.id)


def _line(voice: VoiceListing) -> str:
    about: list[Any] = [voice.language, voice.description]
    more = ", ".join(filter(None, about))
    return f"{voice.name} ({more})" if more else voice.name


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
