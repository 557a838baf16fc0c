"""From a turn to a prompt: sources under one deadline, packed into the model's context."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.conversation.layout import (
    MESSAGE_OVERHEAD,
    Fitted,
    HistoryTurn,
    clip,
    last_answered,
    newest_that_fit,
    prompt_history,
)
from services.conversation.sources import ContextBlock, ContextSource, needs_of
from services.domain.messages import HistoryEntry
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo, PromptMessage, PromptRole, TokenCounter
from services.observability.metrics import Metrics
from services.persona.character import Persona
from services.persona.macros.names import fill
from services.persona.prompts import PromptLibrary
from services.settings import ConversationSettings

logger = logging.getLogger(__name__)

_KEPT_OPENINGS = 256
_START = re.compile(r"<START>", re.IGNORECASE)

ReadBlob = Callable[[str], Awaitable[bytes]]
"""Returns the bytes of a blob by its sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A packed prompt. ``report`` says, as JSON values, what went in, what not, and why."""

    messages: tuple[PromptMessage, ...]
    tokens: int
    report: dict[str, object]


@dataclass(slots=True)
class _Collected:
    blocks: list[tuple[ContextSource, ContextBlock]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class ContextAssembler:
    """Builds prompts in the ``cache`` layout.

    Order: system and example dialogue, byte-stable per persona; history; what the sources say; the
    message to answer; the card's post-history instructions. What changes comes late, so that a
    local server evaluates only the end of a prompt again. The sum of all parts and the reserved
    answer never exceeds ``ModelInfo.context_tokens``.
    """

    def __init__(
        self,
        *,
        sources: Sequence[ContextSource],
        prompts: PromptLibrary,
        tokens: TokenCounter,
        settings: ConversationSettings,
        read_blob: ReadBlob,
        metrics: Metrics,
        default_user: str,
    ) -> None:
        self._sources = tuple(sources)
        self._prompts = prompts
        self._tokens = tokens
        self._settings = settings
        self._read_blob = read_blob
        self._metrics = metrics
        self._default_user = default_user
        self._openings: dict[tuple[str, str, str, int, float], list[PromptMessage]] = {}

    @property
    def settings(self) -> ConversationSettings:
        """What holds for the next turn."""
        return self._settings

    def reconfigure(self, settings: ConversationSettings, *, default_user: str) -> None:
        """Take over ``settings``, and what people without a name are called, from the next turn."""
        self._settings = settings
        self._default_user = default_user

    def opening(
        self,
        persona: Persona,
        info: ModelInfo,
        *,
        user: str | None = None,
        settings: ConversationSettings | None = None,
    ) -> list[PromptMessage]:
        """Return the part of a prompt that is the same in every turn of ``persona``.

        A persona too long for half the context is clipped in the middle; example dialogue is left
        out block by block, from its end, beyond its share.
        """
        user = user or self._default_user
        share = (settings or self._settings).examples_share
        key = (persona.id, persona.version, user, info.context_tokens, share)
        if key not in self._openings:
            if len(self._openings) >= _KEPT_OPENINGS:
                self._openings.clear()
            self._openings[key] = self._build_opening(persona, info.context_tokens, user, share)
        return self._openings[key]

    async def assemble(
        self,
        brief: TurnBrief,
        persona: Persona,
        history: Sequence[HistoryEntry],
        *,
        info: ModelInfo,
        reserve: int,
        settings: ConversationSettings,
        tools_tokens: int = 0,
    ) -> Prompt:
        """Return the prompt for one turn, leaving ``reserve`` tokens for the answer.

        ``history`` is oldest first and ends with what is to be answered; ``settings`` are those the
        turn began with.
        """
        user = self._user_name(brief)
        budget = max(info.context_tokens - reserve - tools_tokens, info.context_tokens // 4)
        opening = self.opening(persona, info, user=user, settings=settings)
        collected = await self._collect(brief, settings.context_deadline_seconds)
        late = self._late(collected, int(info.context_tokens * settings.memory_share))
        closing = self._closing(brief, persona, user)
        fixed = self._cost([*opening, *late, *closing])
        turns = prompt_history(history, persona)
        answered = {str(message.id) for message in brief.burst}
        fitted = newest_that_fit(turns, budget - fixed, count=self._tokens.count, keep=answered)
        kept = fitted.turns
        if info.vision:
            kept = [await self._with_images(turn, brief) for turn in kept]
        split = len(kept) if brief.kind is TurnKind.CONTINUE else last_answered(kept, answered)
        messages = (
            *opening,
            *[turn.prompt for turn in kept[:split]],
            *late,
            *[turn.prompt for turn in kept[split:]],
            *closing,
        )
        parts = self._parts([*opening, *late, *closing], fitted)
        report = _report(parts, collected, fitted.dropped)
        return Prompt(messages=messages, tokens=fixed + sum(fitted.costs), report=report)

    def _build_opening(
        self, persona: Persona, context: int, user: str, examples_share: float
    ) -> list[PromptMessage]:
        content = self._render_system(persona, user)
        room = context // 2
        if self._tokens.count(content) > room:
            logger.warning("character too long for the context", extra={"persona": persona.id})
            content = clip(content, room, self._tokens.count)
        opening = [PromptMessage(role=PromptRole.SYSTEM, content=content, source="persona")]
        if examples := self._examples(persona, int(context * examples_share), user):
            opening.append(
                PromptMessage(role=PromptRole.SYSTEM, content=examples, source="examples")
            )
        return opening

    def _examples(self, persona: Persona, room: int, user: str) -> str:
        text = fill(persona.character.mes_example, char=persona.name, user=user)
        blocks = [block.strip() for block in _START.split(text) if block.strip()]
        while blocks:
            examples = self._prompts.render("persona/examples", char=persona.name, blocks=blocks)
            if self._tokens.count(examples) <= room:
                return examples
            blocks.pop()
        return ""

    def _render_system(self, persona: Persona, user: str) -> str:
        card = persona.character
        main = self._prompts.render("persona/main", char=persona.name)
        if card.system_prompt:
            main = card.system_prompt.replace("{{original}}", main)
        text = self._prompts.render(
            "persona/system",
            main=main,
            char=persona.name,
            description=card.description,
            personality=card.personality,
            scenario=card.scenario,
        )
        return fill(text, char=persona.name, user=user)

    async def _collect(self, brief: TurnBrief, deadline: float) -> _Collected:
        needs = needs_of(brief)
        collected = _Collected()
        chosen = []
        for source in self._sources:
            if (reason := needs.get(source.serves)) is None:
                collected.left_out[source.name] = "not needed for this message"
            else:
                collected.asked[source.name] = reason
                chosen.append(source)
        if not chosen:
            return collected
        async with asyncio.TaskGroup() as group:
            tasks = {group.create_task(self._ask(source, brief)): source for source in chosen}
            _, late = await asyncio.wait(tasks, timeout=deadline)
            for task in late:
                task.cancel()
        for task, source in tasks.items():
            blocks = None if task in late else task.result()
            if blocks is None:
                collected.left_out[source.name] = "too slow" if task in late else "failed"
                self._metrics.count("context_source_dropped", source=source.name)
            else:
                collected.blocks.extend((source, block) for block in blocks if block.text.strip())
        return collected

    async def _ask(self, source: ContextSource, brief: TurnBrief) -> Sequence[ContextBlock] | None:
        try:
            return await source.collect(brief)
        except Exception:
            logger.exception("context source failed", extra={"source": source.name})
            return None

    def _late(self, collected: _Collected, budget: int) -> list[PromptMessage]:
        ranked = sorted(collected.blocks, key=lambda pair: -pair[0].priority)
        chosen: list[tuple[ContextSource, ContextBlock]] = []
        for source, block in ranked:
            text = self._render_late([*chosen, (source, block)])
            if self._tokens.count(text) + MESSAGE_OVERHEAD <= budget:
                chosen.append((source, block))
            else:
                collected.left_out[source.name] = "no room"
        collected.blocks = chosen
        if not chosen:
            return []
        return [
            PromptMessage(
                role=PromptRole.SYSTEM,
                content=self._render_late(chosen),
                source="+".join(dict.fromkeys(source.name for source, _ in chosen)),
            )
        ]

    def _render_late(self, chosen: Sequence[tuple[ContextSource, ContextBlock]]) -> str:
        return self._prompts.render(
            "conversation/late", blocks=[block.text.strip() for _, block in chosen]
        )

    def _closing(self, brief: TurnBrief, persona: Persona, user: str) -> list[PromptMessage]:
        closing = []
        if text := persona.character.post_history_instructions.replace("{{original}}", "").strip():
            content = fill(text, char=persona.name, user=user)
            closing.append(
                PromptMessage(role=PromptRole.SYSTEM, content=content, source="post_history")
            )
        if brief.kind is TurnKind.CONTINUE:
            content = self._prompts.render("conversation/continue")
            closing.append(
                PromptMessage(role=PromptRole.SYSTEM, content=content, source="continue")
            )
        if brief.kind is TurnKind.INITIATIVE and brief.instruction:
            content = self._prompts.render("conversation/initiative", instruction=brief.instruction)
            closing.append(
                PromptMessage(role=PromptRole.SYSTEM, content=content, source="initiative")
            )
        return closing

    async def _with_images(self, turn: HistoryTurn, brief: TurnBrief) -> HistoryTurn:
        parts = [
            part
            for message in brief.burst
            if str(message.id) == turn.ref
            for part in message.attachments
            if part.kind == "image"
        ]
        if not parts:
            return turn
        images = tuple([await self._read_blob(part.sha256) for part in parts])
        return turn.with_images(images)

    def _user_name(self, brief: TurnBrief) -> str:
        return brief.trigger.author.display_name if brief.trigger else self._default_user

    def _cost(self, messages: Sequence[PromptMessage]) -> int:
        return sum(self._tokens.count(message.content) + MESSAGE_OVERHEAD for message in messages)

    def _parts(self, fixed: Sequence[PromptMessage], fitted: Fitted) -> list[dict[str, object]]:
        """Say what the prompt is made of: by role and source, how much of each."""
        parts: dict[tuple[str, str], list[int]] = {}
        for message in fixed:
            cost = self._tokens.count(message.content) + MESSAGE_OVERHEAD
            parts.setdefault((str(message.role), message.source), []).append(cost)
        for turn, cost in zip(fitted.turns, fitted.costs, strict=True):
            parts.setdefault((str(turn.prompt.role), turn.prompt.source), []).append(cost)
        return [
            {"role": role, "source": source, "messages": len(costs), "tokens": sum(costs)}
            for (role, source), costs in parts.items()
        ]


def _report(
    parts: list[dict[str, object]], collected: _Collected, dropped: int
) -> dict[str, object]:
    return {
        "prompt": parts,
        "sources_asked": dict(collected.asked),
        "sources_left_out": dict(collected.left_out),
        "refs": [ref for _, block in collected.blocks for ref in block.refs],
        "history_dropped": dropped,
    }
