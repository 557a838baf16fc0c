"""Who uses which prompt cache, and how an evaluated system prompt gets into it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from itertools import takewhile

from services.llm.embedded.llama import Chunk, LlamaRefusal, LlamaServer, Timings
from services.llm.embedded.prefixes import PrefixFiles
from services.llm.embedded.tool_answers import answer_or_call
from services.llm.embedded.tool_choice import told
from services.llm.embedded.wire import ChatBody, JsonObject, Message, sampling, templated

logger = logging.getLogger(__name__)

CONVERSATION, BACKGROUND = 0, 1


class Slots:
    """Two caches that never evict each other: one for conversations, one for background work.

    Requests for one cache run one after the other. Before a conversation whose system prompt is
    not in the cache, its snapshot is read when there is one. Closing a generator stops the work.

    With ``chooses`` tools are told late in the prompt and bound by a grammar; else they are left to
    the model's own chat format.
    """

    def __init__(self, llama: LlamaServer, prefixes: PrefixFiles, *, chooses: bool) -> None:
        self._llama = llama
        self._chooses = chooses
        self._prefixes = prefixes
        self._locks = (asyncio.Lock(), asyncio.Lock())
        self._warm: str | None = None

    async def chat(self, body: ChatBody, *, background: bool) -> AsyncGenerator[Chunk, None]:
        """Answer ``body``; raises ``LlamaRefusal``."""
        slot = BACKGROUND if background else CONVERSATION
        async with self._locks[slot]:
            system = None if background else self._system_part(body)
            if not background:
                await self._prepare(system)
            async with aclosing(self._answer(slot, body)) as chunks:
                async for chunk in chunks:
                    if not background and _is_answer(chunk):
                        self._warm = _signature(system)
                    yield chunk

    def _answer(self, slot: int, body: ChatBody) -> AsyncGenerator[Chunk, None]:
        ask = partial(self._llama.chat, slot)
        if not self._chooses:
            return ask({**templated(body), **sampling(body)})
        if body.tools and not body.format:
            return answer_or_call(body, ask)
        return ask({**templated(told(body, ())), **sampling(body)})

    async def complete(
        self, prompt: str, request: JsonObject, *, background: bool
    ) -> AsyncGenerator[Chunk, None]:
        """Continue the raw text ``prompt``; raises ``LlamaRefusal``."""
        slot = BACKGROUND if background else CONVERSATION
        async with self._locks[slot]:
            if not background:
                self._warm = None
            async with aclosing(
                self._llama.complete(slot, {**request, "prompt": prompt})
            ) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def prefill(self, body: ChatBody) -> Timings:
        """Get the prompt of ``body`` into the conversation cache; return what that cost.

        A prompt of system messages alone is taken from its snapshot, or evaluated and saved as
        one: no person's words ever reach the disk. Raises ``LlamaRefusal``.
        """
        system = self._system_part(body)
        if system is None or len(system.messages) != len(body.messages):
            return await self._evaluate_chat(body)
        async with self._locks[CONVERSATION]:
            prompt = await self._prompt(system)
            if self._warm == _signature(system):
                return Timings(cache_n=await self._llama.count(prompt))
            if tokens := await self._restore(prompt):
                self._warm = _signature(system)
                return Timings(cache_n=tokens)
            self._warm = None
            timings = await self._evaluate(prompt)
            self._warm = _signature(system)
            await self._save(prompt)
            return timings

    async def _evaluate_chat(self, body: ChatBody) -> Timings:
        request = body.model_copy(update={"format": None, "options": None})
        timings = Timings()
        async with aclosing(self.chat(request, background=False)) as chunks:
            async for chunk in chunks:
                timings = chunk.timings or timings
                if _is_answer(chunk):
                    break
        return timings

    async def _evaluate(self, prompt: str) -> Timings:
        request: JsonObject = {"prompt": prompt, "max_tokens": 0}
        timings = Timings()
        async with aclosing(self._llama.complete(CONVERSATION, request)) as chunks:
            async for chunk in chunks:
                timings = chunk.timings or timings
        return timings

    async def _prepare(self, system: ChatBody | None) -> None:
        if self._warm is not None and self._warm == _signature(system):
            return
        self._warm = None
        if system is None:
            return
        try:
            if await self._restore(await self._prompt(system)):
                self._warm = _signature(system)
        except LlamaRefusal:
            return  # a chat format that cannot say this: the request itself tells the client

    def _system_part(self, body: ChatBody) -> ChatBody | None:
        """Return ``body`` with its leading system messages alone, ``None`` when it has none.

        Tools stay where the chat format writes them into the beginning.
        """
        leading = list(takewhile(lambda message: message.role == "system", body.messages))
        tools = None if self._chooses else body.tools
        return body.model_copy(update={"messages": leading, "tools": tools}) if leading else None

    async def _prompt(self, system: ChatBody) -> str:
        """Return the text every chat with this system part begins with."""
        one, other = [
            await self._llama.render(
                templated(
                    system.model_copy(
                        update={"messages": [*system.messages, Message(role="user", content=word)]}
                    )
                )
            )
            for word in ("a", "b")
        ]
        return "".join(
            a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
        )

    async def _restore(self, prompt: str) -> int:
        key = self._prefixes.key(prompt)
        name = await asyncio.to_thread(self._prefixes.find, key)
        if name is None:
            return 0
        try:
            return await self._llama.restore(CONVERSATION, name)
        except LlamaRefusal:
            logger.warning("a prompt snapshot was refused", extra={"file": name})
            await asyncio.to_thread(self._prefixes.drop, name)
            return 0

    async def _save(self, prompt: str) -> None:
        key = self._prefixes.key(prompt)
        temporary = self._prefixes.temporary(key)
        try:
            await self._llama.save(CONVERSATION, temporary)
            await asyncio.to_thread(self._prefixes.adopt, key, temporary)
        except (LlamaRefusal, OSError) as error:
            logger.warning("a prompt snapshot was not saved", extra={"reason": str(error)})


def _signature(system: ChatBody | None) -> str | None:
    return None if system is None else json.dumps(templated(system))


def _is_answer(chunk: Chunk) -> bool:
    """Say whether the prompt is evaluated by now."""
    if chunk.timings is not None:
        return True
    return any(
        choice.text
        or choice.delta.content
        or choice.delta.reasoning_content
        or choice.delta.tool_calls
        for choice in chunk.choices
    )
