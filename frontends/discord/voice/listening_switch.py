"""Switching on and off that a call is listened to, in plain sight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from frontends.discord.voice.call_chat import CallChat
from frontends.discord.voice.presence import CallChannel
from frontends.discord.voice.talk_button import talk_row
from frontends.discord.voice.voice_text import NO_EARS, PUSH_TO_LISTEN, notice, over_notice
from services.domain.errors import InvalidRequest, NotAllowed
from services.voice.call import VoiceCall
from services.voice.listening.wake import WakeRule


class ListeningSwitch:
    """Belongs to one call in one channel; nobody is heard before all could read of it.

    ``rule`` returns the wake rule that the channel has chosen, ``has_ears`` whether anything could
    listen.
    """

    def __init__(
        self,
        call: VoiceCall,
        chat: CallChat,
        channel: CallChannel,
        *,
        rule: Callable[[], Awaitable[WakeRule]],
        has_ears: Callable[[], bool],
    ) -> None:
        self._call = call
        self._chat = chat
        self._channel = channel
        self._rule = rule
        self._has_ears = has_ears
        self._notice: int | None = None
        self._turning = asyncio.Lock()
        self._over = asyncio.Event()

    async def on(self) -> None:
        """Listen, after everybody could read that.

        Raises ``InvalidRequest`` without ears, ``NotAllowed`` where that cannot be written.
        """
        if not self._has_ears():
            raise InvalidRequest("voice_ears", NO_EARS)
        async with self._turning:
            if self._notice is not None or self._over.is_set():
                return
            self._notice = await self._chat.post(notice(await self._rule()))
            if self._notice is None:
                raise NotAllowed(
                    "voice_notice",
                    "I listen to nobody before I may say so: let me write in "
                    f"{self._channel.mention}.",
                )
            if self._over.is_set():
                await self._take_back()
                return
            self._call.listen()
            await self._offer_key()

    async def off(self) -> None:
        """Listen no more."""
        self._call.deafen()
        async with self._turning:
            await self._take_back()

    async def end(self) -> None:
        """Say that the call is over."""
        self._over.set()
        async with self._turning:
            await self._take_back()

    async def heed_rule(self) -> None:
        """Follow the rule that the channel has chosen by now."""
        rule = await self._rule()
        if self._call.wake.rule is not rule:
            self._call.wake.rule = rule
            if self._call.listening:
                await self._offer_key()

    async def _offer_key(self) -> None:
        """Post the button that is held to be listened to, where that is the rule."""
        if self._call.wake.rule is WakeRule.PUSH_TO_LISTEN:
            await self._chat.post(PUSH_TO_LISTEN, view=talk_row(self._channel.id))

    async def _take_back(self) -> None:
        message, self._notice = self._notice, None
        if message is not None:
            await self._chat.edit(message, over_notice())
