"""What the commands of stories do."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import Asked, answer, arrived, asked
from frontends.discord.memory_text import shown
from frontends.discord.paging import answer_pages
from services.conversation.service import ConversationService
from services.games.stories import Stories
from services.games.story import Story
from services.games.storyteller import Speaker

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a story is written: after how many parts a character goes on, and how long turns last."""

    every: int
    minutes: int


class StoryActing:
    """Does what commands ask for."""

    def __init__(self, stories: Stories, conversations: ConversationService) -> None:
        self._stories = stories
        self._conversations = conversations

    async def start(self, interaction: Interaction, title: str, rules: Rules) -> None:
        """Start a story."""
        who = await arrived(interaction)
        story = await self._stories.start(
            title, by=who.author, where=who.conversation, every=rules.every, minutes=rules.minutes
        )
        hint = "/story join lets others take turns; /story add writes."
        await answer(interaction, f"{_headed(story)}\n{_turn(story)}\n-# {hint}", private=False)

    async def join(self, interaction: Interaction) -> None:
        """Take turns."""
        who = await arrived(interaction)
        story = await self._stories.join(by=who.author, where=who.conversation)
        names = ", ".join(shown(one.name, longest=40) for one in story.writers)
        await answer(interaction, f"They take turns now: {names}.", private=False)

    async def add(self, interaction: Interaction, text: str) -> None:
        """Write a part, and let the character go on where that is its turn."""
        who = await arrived(interaction)
        story, due = await self._stories.add(text, by=who.author, where=who.conversation)
        await answer(interaction, f"{_newest(story)}\n{_turn(story)}", private=False)
        if due:
            await self._go_on(interaction, who)

    async def skip(self, interaction: Interaction) -> None:
        """Pass the turn on."""
        who = await asked(interaction)
        story = await self._stories.skip(by=who.author, role=who.role, where=who.conversation)
        await answer(interaction, _turn(story), private=False)

    async def end(self, interaction: Interaction) -> None:
        """End the story."""
        who = await asked(interaction)
        story = await self._stories.end(by=who.author, role=who.role, where=who.conversation)
        text = f"{_headed(story)} has ended with {story.written} parts."
        await answer(interaction, f"{text}\n-# /story export {story.number}", private=False)

    async def show(self, interaction: Interaction, number: int | None) -> None:
        """Show the newest parts."""
        who = await asked(interaction)
        story = await self._stories.show(where=who.conversation, number=number)
        parts = [f"**{shown(one.name, longest=40)}:** {_plain(one.text)}" for one in story.parts]
        lines = [_headed(story), *parts, "" if story.ended else _turn(story)]
        await answer_pages(interaction, (line for line in lines if line), private=False)

    async def listed(self, interaction: Interaction) -> None:
        """List stories."""
        who = await asked(interaction)
        found = await self._stories.listed(where=who.conversation)
        await answer_pages(interaction, (f"{_headed(one)}, {one.written} parts" for one in found))

    async def export(self, interaction: Interaction, number: int | None) -> None:
        """Give a story as a file."""
        who = await asked(interaction)
        text = await self._stories.export(where=who.conversation, number=number)
        file = discord.File(io.BytesIO(text.encode("utf-8", "replace")), filename="story.md")
        await answer(interaction, "Here it is.", files=[file])

    async def _go_on(self, interaction: Interaction, who: Asked) -> None:
        persona = await self._conversations.persona_of(who.conversation)
        card = persona.character
        speaker = Speaker(name=persona.name, manner=card.personality or card.description)
        story = await self._stories.go_on(speaker, where=who.conversation)
        if story is not None:
            await answer(interaction, f"{_newest(story)}\n{_turn(story)}", private=False)


def _headed(story: Story) -> str:
    ended = " (ended)" if story.ended else ""
    return f"**{story.number}. {shown(story.title)}**{ended}"


def _turn(story: Story) -> str:
    if story.turn is None:
        return "Anybody who writes may go on."
    until = discord.utils.format_dt(story.turn_until, "f")
    name = shown(story.turn.name, longest=40)
    return f"-# It is the turn of {name} until {until}; then any writer may go on."


def _newest(story: Story) -> str:
    part = story.parts[-1]
    return f"**{shown(part.name, longest=40)}:** {_plain(part.text)}"


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
