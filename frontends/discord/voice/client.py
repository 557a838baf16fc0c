"""discord.py's voice client on a connection that holds."""

from __future__ import annotations

import discord

from frontends.discord.voice.connection import VoiceConnection
from frontends.discord.voice.packets import MODE


class CallClient(discord.VoiceClient):
    """What ``channel.connect(cls=CallClient)`` makes; ``connection`` tells more of it."""

    supported_modes = (MODE,)

    connection: VoiceConnection

    def create_connection_state(self) -> VoiceConnection:
        """Return what keeps the connection up; discord.py calls it."""
        self.connection = VoiceConnection(self)
        return self.connection
