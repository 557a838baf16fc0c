"""From a turn to a prompt: card, lore, sources and history, packed into the model's context."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.conversation.collecting import Collected, Collecting
from services.conversation.layout import (
    MESSAGE_OVERHEAD,
    Fitted,
    HistoryTurn,
    clip,
    last_answered,
    newest_that_fit,
    prompt_history,
)
from services.conversation.scenery import Scenery, SceneryPainter
from services.conversation.scenes import NO_CAST, Cast
from services.conversation.sources import ContextBlock, ContextSource
from services.domain.messages import HistoryEntry
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo, PromptMessage, PromptRole, TokenCounter
from services.observability.metrics import Metrics
from services.persona.assembly.examples import example_blocks
from services.persona.assembly.gathering import AssemblyRequest, gather
from services.persona.assembly.layouts import OVERHEAD, arrange
from services.persona.assembly.material import (
    ChatMessage,
    DescriptionPlace,
    Injection,
    InjectionOrder,
    LayoutTexts,
)
from services.persona.character import Character, Persona
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment
from services.persona.prompts import PromptLibrary
from services.settings import ConversationSettings

logger = logging.getLogger(__name__)

_KEPT_OPENINGS = 256
_HOSTED = frozenset({"openai", "openrouter", "requesty"})
_STABLE = re.compile(
    r"\{\{\s*(?:char|user|original|trim|newline|noop|//[^{}]*|comment:[^{}]*)\s*\}\}", re.IGNORECASE
)

_OpeningKey = tuple[tuple[tuple[str, str], ...], tuple[str, ...], str, int, float]

ReadBlob = Callable[[str], Awaitable[bytes]]
"""Returns the bytes of a blob by its sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A packed prompt. ``report`` says, as JSON values, what went in, what not, and why."""

    messages: tuple[PromptMessage, ...]
    tokens: int
    report: dict[str, object]
    scenery: Scenery


class ContextAssembler:
    """Builds prompts in one of two layouts.

    ``cache``: system and example dialogue, byte-stable per persona; history; lore and what the
    sources say; the message to answer; the card's post-history instructions. What changes comes
    late, so that a local server evaluates only the end of a prompt again. ``sillytavern``: that
    program's order, see ``persona.assembly.layouts``. The sum of all parts and the reserved answer
    never exceeds ``ModelInfo.context_tokens``.
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
        painter: SceneryPainter,
        default_user: str,
    ) -> None:
        self._collecting = Collecting(sources, metrics=metrics)
        self._painter = painter
        self._prompts = prompts
        self._tokens = tokens
        self._settings = settings
        self._read_blob = read_blob
        self._default_user = default_user
        self._openings: dict[_OpeningKey, list[PromptMessage]] = {}

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
        environment: MacroEnvironment | None = None,
        cast: Cast = NO_CAST,
    ) -> list[PromptMessage]:
        """Return the part of a prompt that is the same in every turn of ``persona``.

        Where a scene joins its cards it is the same for all members.

        A persona too long for half the context is clipped in the middle; example dialogue is left
        out block by block, from its end, beyond its share. A card whose text changes from turn to
        turn, by chance, time or variables, is filled in anew from ``environment``.
        """
        user = user or self._default_user
        share = (settings or self._settings).examples_share
        shown = cast.members if cast.joined else (persona,)
        if environment is not None and not all(_is_stable(one) for one in shown):
            return self._build_opening(shown, info.context_tokens, share, environment, cast)
        versions = tuple((one.id, one.version) for one in shown)
        key = (versions, cast.group, user, info.context_tokens, share)
        if key not in self._openings:
            if len(self._openings) >= _KEPT_OPENINGS:
                self._openings.clear()
            bare = self._painter.bare(persona, user, group=cast.group)
            self._openings[key] = self._build_opening(shown, info.context_tokens, share, bare, cast)
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
        cast: Cast = NO_CAST,
    ) -> Prompt:
        """Return the prompt for one turn, leaving ``reserve`` tokens for the answer.

        ``history`` is oldest first and ends with what is to be answered; ``settings`` are those the
        turn began with. ``Prompt.scenery`` is to be kept once the answer is shown.
        """
        budget = max(info.context_tokens - reserve - tools_tokens, info.context_tokens // 4)
        scenery = await self._painter.paint(
            brief, persona, history, info=info, user=self._user_name(brief), cast=cast
        )
        collected = await self._collecting.collect(brief, settings.context_deadline_seconds)
        late = self._late(collected, int(info.context_tokens * settings.memory_share))
        turns = prompt_history(history, persona, group=bool(cast.group), names=scenery.names)
        answered = {str(message.id) for message in brief.burst}
        work = _Work(
            brief=brief,
            persona=persona,
            info=info,
            budget=budget,
            settings=settings,
            scenery=scenery,
            collected=collected,
            late=late,
            turns=turns,
            answered=answered,
            cast=cast,
        )
        prompt = None
        if self._layout(settings, info) == "sillytavern":
            prompt = await self._as_sillytavern(work)
        return prompt or await self._cache_friendly(work)

    async def keep(self, brief: TurnBrief, scenery: Scenery) -> None:
        """Store what lasts of a turn whose answer is being shown. Raises ``StorageError``."""
        await self._painter.keep(brief, scenery)

    async def _cache_friendly(self, work: _Work) -> Prompt:
        """Return the prompt with everything that changes behind the history."""
        scenery, brief = work.scenery, work.brief
        opening = self.opening(
            work.persona,
            work.info,
            user=scenery.environment.user,
            settings=work.settings,
            environment=scenery.environment,
            cast=work.cast,
        )
        late = [*self._lore(work.persona, scenery), *work.late]
        closing = self._closing(brief, work.persona, scenery, work.cast)
        fixed = self._cost([*opening, *late, *closing])
        fitted = newest_that_fit(
            work.turns, work.budget - fixed, count=self._tokens.count, keep=work.answered
        )
        kept = await self._pictured(fitted.turns, work)
        continues = brief.kind is TurnKind.CONTINUE
        split = len(kept) if continues else last_answered(kept, work.answered)
        messages = (
            *opening,
            *[turn.prompt for turn in kept[:split]],
            *late,
            *[turn.prompt for turn in kept[split:]],
            *closing,
        )
        parts = self._parts([*opening, *late, *closing], fitted)
        return Prompt(
            messages=messages,
            tokens=fixed + sum(fitted.costs),
            report=_report("cache", parts, work.collected, fitted.dropped, scenery),
            scenery=scenery,
        )

    async def _as_sillytavern(self, work: _Work) -> Prompt | None:
        """Return the prompt in SillyTavern's order; ``None`` when no message would fit."""
        scenery, brief = work.scenery, work.brief
        turns = await self._pictured(work.turns, work)
        extra = [
            Injection(
                depth=1,
                role=message.role,
                content=message.content,
                source=message.source,
                order=InjectionOrder.OTHER,
            )
            for message in work.late
        ]
        character = self._character(work)
        request = AssemblyRequest(
            character=character,
            group=work.cast.group,
            environment=_with_texts(scenery.environment, character),
            texts=self._texts(),
            chat=[
                ChatMessage(
                    name="",
                    role="assistant" if turn.prompt.role is PromptRole.ASSISTANT else "user",
                    content=turn.prompt.content,
                )
                for turn in turns
            ],
            lore=scenery.lore,
            user_description=scenery.user,
            kind="continue" if brief.kind is TurnKind.CONTINUE else "normal",
            quiet=self._initiative(brief),
            extra=extra,
        )
        arranged = arrange(
            gather(request), "sillytavern", budget=work.budget, count=self._tokens.count
        )
        if turns and arranged.dropped_history >= len(turns):
            return None
        images = deque(turn.prompt.images for turn in turns[arranged.dropped_history :])
        messages = tuple(
            PromptMessage(
                role=piece.role,
                content=piece.content,
                source="history" if piece.source == "chatHistory" else piece.source,
                name=piece.name,
                images=images.popleft() if piece.source == "chatHistory" else (),
            )
            for piece in arranged.messages
        )
        counted: dict[tuple[str, str], list[int]] = {}
        for message, piece in zip(messages, arranged.messages, strict=True):
            cost = self._tokens.count(piece.content) + OVERHEAD
            counted.setdefault((str(message.role), message.source), []).append(cost)
        parts = _summed(counted)
        return Prompt(
            messages=messages,
            tokens=sum(arranged.tokens.values()),
            report=_report("sillytavern", parts, work.collected, arranged.dropped_history, scenery),
            scenery=scenery,
        )

    def _layout(self, settings: ConversationSettings, info: ModelInfo) -> str:
        if settings.layout != "auto":
            return settings.layout
        return "sillytavern" if info.provider in _HOSTED else "cache"

    def _texts(self) -> LayoutTexts:
        render = self._prompts.render
        char, user = "{{char}}", "{{user}}"
        return LayoutTexts(
            main=render("persona/main", char=char),
            personality=render("layout/personality", char=char, personality="{{personality}}"),
            scenario=render("layout/scenario", char=char, scenario="{{scenario}}"),
            new_chat=render("layout/new_chat"),
            new_group_chat=render("layout/new_group_chat", group="{{group}}"),
            new_example=render("layout/new_example"),
            group_nudge=render("layout/group_nudge", char=char),
            continue_nudge=render("conversation/continue"),
            impersonate=render("layout/impersonate", char=char, user=user),
        )

    def _build_opening(
        self,
        shown: Sequence[Persona],
        context: int,
        examples_share: float,
        environment: MacroEnvironment,
        cast: Cast,
    ) -> list[PromptMessage]:
        render = self._render_joined if cast.joined else self._render_system
        pairs = [(one, self._painter.as_other(environment, one)) for one in shown]
        content = render(pairs)
        room = context // 2
        if self._tokens.count(content) > room:
            logger.warning("character too long for the context", extra={"persona": shown[0].id})
            content = clip(content, room, self._tokens.count)
        opening = [PromptMessage(role=PromptRole.SYSTEM, content=content, source="persona")]
        for one, own in pairs:
            if examples := self._examples(one, int(context * examples_share) // len(pairs), own):
                opening.append(
                    PromptMessage(role=PromptRole.SYSTEM, content=examples, source="examples")
                )
        if cast.group:
            separator = self._prompts.render("layout/new_group_chat", group=", ".join(cast.group))
            opening.append(
                PromptMessage(role=PromptRole.SYSTEM, content=separator, source="newChat")
            )
        return opening

    def _render_joined(self, shown: Sequence[tuple[Persona, MacroEnvironment]]) -> str:
        """Return the cards of all members, in words that do not depend on who speaks."""
        return self._prompts.render(
            "persona/group",
            main=self._prompts.render(
                "persona/group_main", group=", ".join(one.name for one, _ in shown)
            ),
            members=[
                {
                    "char": one.name,
                    "description": expand(one.character.description, own).strip(),
                    "personality": expand(one.character.personality, own).strip(),
                    "scenario": expand(one.character.scenario, own).strip(),
                }
                for one, own in shown
            ],
        )

    def _character(self, work: _Work) -> Character:
        """Return the card of the speaker, with those of all members in it where they are joined."""
        card = work.persona.character
        if not work.cast.joined:
            return card
        environment = work.scenery.environment
        shown = [
            (one.character, self._painter.as_other(environment, one)) for one in work.cast.members
        ]
        return replace(
            card,
            description=_together(expand(one.description, own) for one, own in shown),
            personality=_together(expand(one.personality, own) for one, own in shown),
            scenario=_together(expand(one.scenario, own) for one, own in shown),
            mes_example=_together(
                f"<START>\n{expand(one.mes_example, own)}" if one.mes_example.strip() else ""
                for one, own in shown
            ),
        )

    def _examples(self, persona: Persona, room: int, environment: MacroEnvironment) -> str:
        blocks = example_blocks(expand(persona.character.mes_example, environment))
        while blocks:
            examples = self._prompts.render("persona/examples", char=persona.name, blocks=blocks)
            if self._tokens.count(examples) <= room:
                return examples
            blocks.pop()
        return ""

    def _render_system(self, shown: Sequence[tuple[Persona, MacroEnvironment]]) -> str:
        [(persona, environment)] = shown
        card = persona.character
        main = self._prompts.render("persona/main", char=persona.name)
        if card.system_prompt.strip():
            original = replace(environment, original=main)
            main = expand(card.system_prompt, original)
        return self._prompts.render(
            "persona/system",
            main=main,
            char=persona.name,
            description=expand(card.description, environment),
            personality=expand(card.personality, environment),
            scenario=expand(card.scenario, environment),
        )

    def _lore(self, persona: Persona, scenery: Scenery) -> list[PromptMessage]:
        """Return what lorebooks, the card's deep note and the user's persona add."""
        lore, card = scenery.lore, persona.character
        user, role = _described(scenery)
        system = [
            ("personaDescription", user if role is PromptRole.SYSTEM else ""),
            *(("lore", text) for text in (*lore.before, *lore.after)),
            *(("lore", text) for text in (*lore.note_top, *lore.note_bottom)),
            *(("lore", text) for text in (*lore.examples_top, *lore.examples_bottom)),
            *(("lore", each.text) for each in lore.at_depth if each.role is PromptRole.SYSTEM),
            ("depthPrompt", scenery.fill(card.depth_prompt.prompt) if card.depth_prompt else ""),
        ]
        said = [(source, text) for source, text in system if text.strip()]
        messages = [
            PromptMessage(role=each.role, content=each.text, source="lore")
            for each in lore.at_depth
            if each.role is not PromptRole.SYSTEM
        ]
        if user and role is not PromptRole.SYSTEM:
            messages.append(PromptMessage(role=role, content=user, source="personaDescription"))
        if said:
            messages.insert(
                0,
                PromptMessage(
                    role=PromptRole.SYSTEM,
                    content="\n".join(text for _, text in said),
                    source="+".join(dict.fromkeys(source for source, _ in said)),
                ),
            )
        return messages

    def _late(self, collected: Collected, budget: int) -> list[PromptMessage]:
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

    def _closing(
        self, brief: TurnBrief, persona: Persona, scenery: Scenery, cast: Cast
    ) -> list[PromptMessage]:
        card = persona.character.post_history_instructions
        original = replace(scenery.environment, original="")
        nudge = self._prompts.render("layout/group_nudge", char=persona.name) if cast.group else ""
        closing = [
            ("system_prompt", self._own_main(persona, scenery) if cast.joined else ""),
            ("post_history", expand(card, original).strip()),
            ("groupNudge", nudge),
            ("continue", self._prompts.render("conversation/continue"))
            if brief.kind is TurnKind.CONTINUE
            else ("continue", ""),
            ("initiative", self._initiative(brief)),
        ]
        return [
            PromptMessage(role=PromptRole.SYSTEM, content=content, source=source)
            for source, content in closing
            if content
        ]

    def _own_main(self, persona: Persona, scenery: Scenery) -> str:
        """Return a card's own instructions, for where the prompt's beginning belongs to all."""
        card = persona.character.system_prompt
        return expand(card, replace(scenery.environment, original="")).strip()

    def _initiative(self, brief: TurnBrief) -> str:
        if brief.kind is not TurnKind.INITIATIVE or not brief.instruction:
            return ""
        return self._prompts.render("conversation/initiative", instruction=brief.instruction)

    async def _pictured(self, turns: Sequence[HistoryTurn], work: _Work) -> list[HistoryTurn]:
        if not work.info.vision:
            return list(turns)
        return [await self._with_images(turn, work.brief) for turn in turns]

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
        return _summed(parts)


def _summed(parts: Mapping[tuple[str, str], Sequence[int]]) -> list[dict[str, object]]:
    return [
        {"role": role, "source": source, "messages": len(costs), "tokens": sum(costs)}
        for (role, source), costs in parts.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One prompt in the making."""

    brief: TurnBrief
    persona: Persona
    info: ModelInfo
    budget: int
    settings: ConversationSettings
    scenery: Scenery
    collected: Collected
    late: Sequence[PromptMessage]
    turns: Sequence[HistoryTurn]
    answered: set[str]
    cast: Cast


def _with_texts(environment: MacroEnvironment, card: Character) -> MacroEnvironment:
    """Return ``environment`` with the texts of ``card``, which may be of several characters."""
    texts = {
        "description": card.description,
        "personality": card.personality,
        "scenario": card.scenario,
        "mesexamples": card.mes_example,
    }
    return replace(environment, values=dict(environment.values) | texts)


def _together(texts: Iterable[str]) -> str:
    return "\n".join(text.strip() for text in texts if text.strip())


def _described(scenery: Scenery) -> tuple[str, PromptRole]:
    """Return how the user is described, and in whose voice; nothing where it is kept out."""
    user = scenery.user
    if user is None or user.place is DescriptionPlace.NOWHERE:
        return "", PromptRole.SYSTEM
    role = user.role if user.place is DescriptionPlace.AT_DEPTH else PromptRole.SYSTEM
    return scenery.fill(user.text), role


def _is_stable(persona: Persona) -> bool:
    """Say whether the card's text comes out the same whenever it is filled in."""
    card = persona.character
    texts = (
        card.system_prompt, card.description, card.personality, card.scenario, card.mes_example,
    )  # fmt: skip
    return not any("{{" in _STABLE.sub("", text) for text in texts)


def _report(
    layout: str,
    parts: list[dict[str, object]],
    collected: Collected,
    dropped: int,
    scenery: Scenery,
) -> dict[str, object]:
    return {
        "layout": layout,
        "prompt": parts,
        "sources_asked": dict(collected.asked),
        "sources_left_out": dict(collected.left_out),
        "refs": [ref for _, block in collected.blocks for ref in block.refs],
        "history_dropped": dropped,
        **scenery.report,
    }
