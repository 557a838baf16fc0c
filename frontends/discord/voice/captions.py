"""What is said in a call, written into the chat of its channel while it is said."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import discord

from frontends.discord.voice.call_chat import CallChat
from services.domain.people import Author
from services.voice.call_events import AnswerBegun, CallEvent, TurnLost, TurnTaken, WordsHeard

MOST_LINES = 12
LONGEST_LINE = 600
"""Characters of what one turn shows; the rest is cut."""

_LONGEST_NAME = 64
_LONGEST_BLOCK = 1_800
_MOST_BLOCKS = 4


@dataclass(slots=True)
class _Line:
    name: str
    text: str
    done: bool = False

    def shown(self) -> str:
        name = discord.utils.escape_markdown(" ".join(self.name.split())[:_LONGEST_NAME])
        words = discord.utils.escape_markdown(" ".join(self.text.split()))
        cut = words if len(words) <= LONGEST_LINE else f"{words[:LONGEST_LINE]}…"
        return f"-# **{name}:** {cut}{'' if self.done else ' …'}"


@dataclass(slots=True)
class _Block:
    """One message: lines of turns by their numbers."""

    lines: dict[int, _Line] = field(default_factory=dict)
    message: int | None = None
    shown: str = ""
    sealed: bool = False

    def text(self) -> str:
        return "\n".join(line.shown() for line in self.lines.values())

    @property
    def full(self) -> bool:
        return len(self.lines) >= MOST_LINES or len(self.text()) + LONGEST_LINE > _LONGEST_BLOCK


class Captions:
    """Shows what people say as a message that grows, and begins another after each answer.

    ``take`` is quick; ``run`` posts, at the pace Discord allows, while ``wanted`` says so.
    """

    def __init__(self, chat: CallChat, *, wanted: Callable[[], Awaitable[bool]]) -> None:
        self._chat = chat
        self._wanted = wanted
        self._blocks: deque[_Block] = deque(maxlen=_MOST_BLOCKS)
        self._changed = asyncio.Event()

    def take(self, event: CallEvent, /) -> None:
        """Take what happened in the call."""
        match event:
            case WordsHeard():
                self._write(event.speaker, event.turn, event.text, done=False)
            case TurnTaken():
                if event.continues is not None:
                    self._strike(event.continues, finished=True)
                self._write(event.speaker, event.turn, event.text, done=True)
            case TurnLost():
                self._strike(event.turn, finished=False)
            case AnswerBegun() if self._blocks:
                self._blocks[-1].sealed = True
            case _:
                return
        self._changed.set()

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._chat.until_step)
            self._changed.clear()
            if not await self._wanted():
                self._blocks.clear()
            for block in tuple(self._blocks):
                await self._show(block)

    async def _show(self, block: _Block) -> None:
        text = block.text()
        if text == block.shown:
            return
        if not text:
            if block.message is not None:
                await self._chat.delete(block.message)
            block.message, block.shown = None, ""
            return
        if block.message is None:
            block.message = await self._chat.post(text)
        elif not await self._chat.edit(block.message, text):
            block.sealed = True
        block.shown = text

    def _write(self, speaker: Author, turn: int, text: str, *, done: bool) -> None:
        if not text.strip():
            return
        for block in self._blocks:
            line = block.lines.get(turn)
            if line is not None:
                if done or not line.done:
                    line.text, line.done = text, done
                return
        if not self._blocks or self._blocks[-1].sealed or self._blocks[-1].full:
            self._blocks.append(_Block())
        self._blocks[-1].lines[turn] = _Line(speaker.display_name, text, done)

    def _strike(self, turn: int, *, finished: bool) -> None:
        for block in self._blocks:
            line = block.lines.get(turn)
            if line is not None and line.done == finished:
                del block.lines[turn]
