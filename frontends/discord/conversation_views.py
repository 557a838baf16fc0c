"""Conversations as people read and open them in Discord."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import Asked
from frontends.discord.buttons import Versions
from frontends.discord.character_views import check_admitted
from frontends.discord.followups import desk_for
from frontends.discord.posting import PostingFailed
from frontends.discord.standing import StandingAnswer
from services.conversation.history import Leaf
from services.conversation.scenes import Cast
from services.conversation.transcripts.importer import ImportReport
from services.domain.errors import InvalidRequest, NotFound
from services.domain.messages import HistoryEntry, Visibility

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]

_LINE = 300


async def post_greeting(interaction: Used, who: Asked) -> str:
    """Let the character that answers here open the conversation, and return what it is called.

    The greeting gets the buttons of an answer; the arrows show the card's other greetings. Raises
    ``InvalidRequest`` once something has been said, ``NotFound`` without a greeting, ``NotAllowed``
    for a character that may not speak here and ``PostingFailed``; nothing is kept then.
    """
    services = interaction.client.services
    conversations = services.conversations()
    rules = await services.places().note_adults(who.conversation, adults=who.place.adults)
    persona = await conversations.persona_of(who.conversation)
    check_admitted(persona, rules)
    if rules.muted:
        raise InvalidRequest("muted", "Characters are muted here.")
    entry = await conversations.greet(who.conversation, persona, author=who.author)
    if entry is None:
        if await conversations.recent(who.conversation, 1):
            raise InvalidRequest(
                "greeting_late",
                "Something has been said here already; /conversation reset starts anew.",
            )
        raise NotFound("greeting_missing", f"The card of {persona.name} has no greeting.")
    asker = int(who.author.id.user)
    standing = StandingAnswer(desk_for(interaction), who.place, entry, posted=(), asker=asker)
    [text] = await conversations.shown([entry], viewer=who.author)
    try:
        await standing.show(text, Versions())
    except PostingFailed:
        await conversations.reset(who.conversation, by=who.author)
        raise
    return entry.message.author.display_name


async def history_lines(
    interaction: Used, who: Asked, entries: Sequence[HistoryEntry]
) -> list[str]:
    """Return messages with their numbers as somebody is to see them, one a line."""
    seen = [one for one in entries if one.message.visibility is not Visibility.HIDDEN]
    conversations = interaction.client.services.conversations()
    texts = await conversations.shown(seen, viewer=who.author) if seen else []
    return [
        f"`#{one.ordinal}` **{discord.utils.escape_markdown(one.message.author.display_name)}:** "
        f"{one_line(text)}"
        for one, text in zip(seen, texts, strict=True)
    ] or ["Nothing has been said here yet."]


def branch_lines(leaves: Sequence[Leaf]) -> list[str]:
    """Return where branches end, one a line."""
    return [
        f"`#{one.ordinal}` {discord.utils.format_dt(one.created_at, 'R')} {one_line(one.opening)}"
        f"{' **(here)**' * one.current}"
        for one in leaves
    ] or ["Nothing has been said here yet."]


def scene_lines(cast: Cast) -> str:
    """Say who takes part in a scene, and how."""
    scene = cast.scene
    names = ", ".join(one.name for one in cast.members)
    first = f"Taking part: {names}." if names else "No scene is open here."
    switch = "on" if scene.self_reply else "off"
    return (
        f"{first}\n-# Turns: {scene.mode}; cards: {scene.cards}; self-reply: {switch}; "
        f"memory: {scene.memory}."
    )


def import_lines(report: ImportReport) -> str:
    """Say what became of a chat that was taken in."""
    lines = [f"{report.added} messages were taken in."]
    if report.known:
        lines.append(f"{report.known} were here already.")
    lines += [f"{count} {kind} left out." for kind, count in report.left_out.items()]
    if report.added and not report.standing:
        lines.append(f"They lie beside what was said here, from #{report.first} on.")
    return "\n".join(lines)


def one_line(text: str) -> str:
    """Return the beginning of a text without its line breaks."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
