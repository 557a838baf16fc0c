"""What people read about calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import discord

from services.conversation.place_rules import PlaceRules
from services.voice.listening.wake import WakeRule

if TYPE_CHECKING:
    from frontends.discord.voice.held_call import HeldCall
    from services.voice.service import VoiceStatus

OFF = "Calls are switched off here: set voice.enabled to true and start again."
NO_EARS = "Nothing listens here: choose voice.ears in the settings and start again."
NOWHERE = "I am in no voice channel here; /voice join calls me."
PUSH_TO_LISTEN = (
    "Press **Talk** and speak: I listen to nobody else, and to you until you have said it."
)

DEAFENED = "A moderator deafened me, so I hear nobody."
MUTED = "A moderator muted me, so nobody hears me."

_MEANT = {
    WakeRule.ALWAYS: "What you say is answered.",
    WakeRule.BY_NAME: "What you say is answered when you call a character by name.",
    WakeRule.PUSH_TO_LISTEN: "Only those who press **Talk** are listened to.",
}

WAKES: Mapping[str, str] = {
    WakeRule.ALWAYS: "Whatever is said is answered.",
    WakeRule.BY_NAME: "I answer when I am called by name, and what is said right after that.",
    WakeRule.PUSH_TO_LISTEN: "I listen to nobody but those who press Talk.",
}

ENDINGS: Mapping[str, str] = {
    "gave_up": "I lost the connection to this channel and could not get back; call me again.",
    "refused": "Discord ended this call and does not let me back in; call me again later.",
}
"""What is said in the chat when a connection is over for other reasons than being sent away."""


def notice(rule: WakeRule) -> str:
    """Return what everybody is told when listening begins."""
    return (
        f"🎙️ **I listen in this call.** {_MEANT[rule]} Speech is turned into text, and no sound is "
        "kept; what is said to a character is remembered like a written message.\n"
        "-# `/voice ignore-me` keeps me from listening to you, here and in every call; "
        "`/voice unlisten` makes me deaf, `/voice leave` sends me away."
    )


def over_notice() -> str:
    """Return what stands in its place once nobody is listened to any more."""
    return "-# 🎙️ I listened in this call; I do not any more."


def joined_line(held: HeldCall) -> str:
    """Return what whoever called the bot is told."""
    where = held.channel.mention
    if not held.channel.permissions_for(held.channel.guild.me).speak:
        return f"I am in {where}, but nobody hears me: give me the permission Speak there."
    if held.call is not None and held.call.listening:
        return f"I am in {where} and listen."
    return f"I am in {where} and can be heard, but listen to nobody; /voice listen says why."


def settings_text(rules: PlaceRules, channel: str) -> str:
    """Return what holds for calls in a channel."""
    alone = "never" if not rules.autoleave else f"after {rules.autoleave} min alone"
    lines = [
        f"Calls in {channel}",
        f"**Answering** {WAKES[rules.wake]}",
        f"**Joining by itself** {_shown(rules.autojoin)}",
        f"**Leaving by itself** {alone}",
        f"**Captions** {_shown(rules.captions)}",
        f"**Typed messages answered aloud** {_shown(rules.aloud)}",
    ]
    return "\n".join(lines)


def status_text(status: VoiceStatus, held: HeldCall | None) -> str:
    """Return how speaking and listening are doing."""
    lines = [
        f"**Speaks with** {_plain(status.speech)}",
        f"**Listens with** {_plain(status.ears) if status.ears else 'nothing'}",
        f"**Engines** {'ready' if status.ready else 'made ready when a call begins'}",
        f"**Calls** {status.calls}",
    ]
    if status.bypassed:
        lines.append(
            "**⚠ conversion** Voices are not converted just now: it is too slow or broken."
        )
    return "\n".join([*lines, *(call_lines(held) if held is not None else [])])


def call_lines(held: HeldCall) -> Sequence[str]:
    """Return how the call of a server is doing."""
    call, health = held.talk, held.link.health()
    counts = health.counts
    lost = counts.lost + counts.late + counts.locked + counts.overflowed
    listening = "on" if call.listening else "off"
    delay = (
        "not measured yet" if held.record.delay is None else f"{held.record.delay * 1000:.0f} ms"
    )
    lines = [
        "",
        f"**In** {held.channel.mention}, listening {listening}, "
        f"{WAKES[call.wake.rule].rstrip('.').lower()}"
        f"{', floor locked' if call.locked else ''}",
        f"**From the end of speech to the first sound** {delay}",
        f"**Voice server** {'connected' if health.connected else 'reconnecting'}"
        f"{_latency(health.latency)}, "
        f"{'end-to-end encrypted' if health.encrypted else 'not end-to-end encrypted'}",
        f"**Sound** {counts.heard} frames heard, {counts.guessed} repaired, {lost} lost",
        f"**Comebacks** {health.resumptions + max(0, health.sessions - 1)}",
    ]
    if health.deafened:
        lines.append("**Deafened** by a moderator, so I hear nobody.")
    if health.muted:
        lines.append("**Muted** by a moderator, so nobody hears me.")
    if unheard := held.presence.names():
        lines.append(f"**Not listened to** {_plain(', '.join(unheard))}")
    lines += [f"**⚠ {name}** {text}" for name, text in held.record.troubles.items()]
    return lines


def _latency(seconds: float | None) -> str:
    return "" if seconds is None else f" {seconds * 1000:.0f} ms away"


def _shown(value: bool) -> str:  # noqa: FBT001  a value, shown
    return "on" if value else "off"


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
