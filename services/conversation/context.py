"""From a turn to a prompt: card, lore, sources and history, packed into the model's context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.conversation.attached import AttachedFiles
from services.conversation.collecting import Collected, Collecting
from services.conversation.pictures import Pictures, Seen
from services.conversation.prompt_cards import PromptCards
from services.conversation.prompt_history import retell
from services.conversation.prompt_report import prompt_report
from services.conversation.scenery import Scenery, SceneryPainter
from services.conversation.scenes import NO_CAST, Cast
from services.conversation.sources import ContextSource
from services.domain.ids import MessageId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo, PromptMessage, PromptRole, TokenCounter
from services.observability.metrics import Metrics
from services.persona.assembly.cache_layout import Shares
from services.persona.assembly.gathering import gather
from services.persona.assembly.layouts import OVERHEADS, Layout, arrange
from services.persona.assembly.material import Injection, InjectionOrder, Material
from services.persona.assembly.measuring import Arranged
from services.persona.character import Persona
from services.persona.prompts import PromptLibrary
from services.settings import ConversationSettings

_HOSTED = frozenset({"openai", "openrouter", "requesty"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A packed prompt. ``report`` says, as JSON values, what went in, what not, and why."""

    messages: tuple[PromptMessage, ...]
    tokens: int
    report: dict[str, object]
    scenery: Scenery


class ContextAssembler:
    """Builds prompts in the layouts of ``persona.assembly.layouts``, as ``prompt show`` does.

    The sum of all parts and the reserved answer never exceeds ``ModelInfo.context_tokens``.
    """

    def __init__(
        self,
        *,
        sources: Sequence[ContextSource],
        prompts: PromptLibrary,
        tokens: TokenCounter,
        settings: ConversationSettings,
        pictures: Pictures,
        attached: AttachedFiles,
        metrics: Metrics,
        painter: SceneryPainter,
        default_user: str,
    ) -> None:
        self._collecting = Collecting(sources, metrics=metrics)
        self._painter = painter
        self._prompts = prompts
        self._cards = PromptCards(prompts)
        self._tokens = tokens
        self._settings = settings
        self._pictures = pictures
        self._attached = attached
        self._default_user = default_user

    @property
    def settings(self) -> ConversationSettings:
        """What holds for the next turn."""
        return self._settings

    def reconfigure(self, settings: ConversationSettings, *, default_user: str) -> None:
        """Take over ``settings``, and what people without a name are called, from the next turn."""
        self._settings = settings
        self._default_user = default_user

    def beginning(
        self,
        persona: Persona,
        info: ModelInfo,
        *,
        reserve: int,
        history: Sequence[HistoryEntry] = (),
        cast: Cast = NO_CAST,
    ) -> Sequence[PromptMessage]:
        """Return what the next prompt of ``persona`` begins with, ``history`` included.

        Where a scene joins its cards all but the history is the same for all members. Nothing is
        stored. What lore or sources would add is not known here.
        """
        user = next(
            (
                entry.message.author.display_name
                for entry in reversed(history)
                if entry.message.author.kind is AuthorKind.HUMAN
            ),
            self._default_user,
        )
        layout = self._layout(self._settings, info)
        scenery = self._painter.bare(persona, user, cast=cast)
        request = self._cards.request(scenery, persona, cast, layout)
        request = replace(request, told=retell(history, persona, group=bool(cast.group)).pieces)
        budget = info.context_tokens - reserve
        material = self._housed(gather(request), persona)
        arranged = self._arranged(material, layout, info, budget, self._settings)
        ends = [n for n, piece in enumerate(arranged.messages, 1) if piece.ordinal > 0]
        told = ends[-1] if ends else arranged.opening
        return arranged.messages[:told]

    def foresee(self, text: str, /) -> None:
        """Begin to look for what bears on ``text``, which a turn will answer; returns at once."""
        self._collecting.foresee(text)

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
        turn began with. ``Prompt.scenery`` is to be kept once the answer is shown. Where not even
        the newest message has room in SillyTavern's order, the order is that of ``cache``.
        """
        user = brief.trigger.author.display_name if brief.trigger else self._default_user
        scenery = await self._painter.paint(
            brief, persona, history, info=info, user=user, cast=cast
        )
        layout = self._layout(settings, info)
        answered = {message.id for message in brief.burst}
        request = replace(
            self._cards.request(scenery, persona, cast, layout),
            told=scenery.told.pieces,
            kind="continue" if brief.kind is TurnKind.CONTINUE else "normal",
            quiet=self._initiative(brief),
            answered=frozenset(e.ordinal for e in history if e.message.id in answered)
            if brief.kind is not TurnKind.CONTINUE
            else frozenset(),
            cut=len(history) >= settings.history_messages,
        )
        seen = await self._pictures.look(brief, history, info=info)
        taken = reserve + tools_tokens + seen.tokens
        budget = max(info.context_tokens - taken, info.context_tokens // 4)
        room = int(info.context_tokens * settings.memory_share)
        material = self._housed(gather(request), persona)
        bare = self._arranged(material, layout, info, budget - room, settings)
        collected = await self._collecting.collect(
            replace(brief, in_view=_in_view(bare, history)), settings.context_deadline_seconds
        )
        await self._add_attached(collected, brief, history, seen=seen, room=room)
        notes = self._notes(collected, room)
        material = replace(material, injections=[*material.injections, *notes])
        arranged = self._arranged(material, layout, info, budget, settings)
        if layout == "sillytavern" and 0 < len(material.history) <= arranged.dropped_history:
            layout = "cache"
            arranged = self._arranged(material, layout, info, budget, settings)
        report = prompt_report(layout, arranged, collected) | scenery.report
        return Prompt(
            messages=_illustrated(arranged, seen),
            tokens=sum(arranged.costs),
            report=report,
            scenery=scenery,
        )

    async def keep(self, brief: TurnBrief, scenery: Scenery) -> None:
        """Store what lasts of a turn whose answer is being shown. Raises ``StorageError``."""
        await self._painter.keep(brief, scenery)

    def _layout(self, settings: ConversationSettings, info: ModelInfo) -> Layout:
        if settings.layout != "auto":
            return settings.layout
        return "sillytavern" if info.provider in _HOSTED else "cache"

    def _arranged(
        self,
        material: Material,
        layout: Layout,
        info: ModelInfo,
        budget: int,
        settings: ConversationSettings,
    ) -> Arranged:
        return arrange(
            material,
            layout,
            budget=budget,
            count=self._tokens.count,
            shares=Shares.of(info.context_tokens, examples=settings.examples_share),
            overhead=None if info.provider in _HOSTED else OVERHEADS["cache"],
        )

    def _housed(self, material: Material, persona: Persona) -> Material:
        """Return ``material`` with the rules of the place among what never changes.

        Who writes them is no author of the card: macros in them stay as they are.
        """
        if not persona.house_rules:
            return material
        rules = self._prompts.render("conversation/house_rules", rules=persona.house_rules)
        return replace(material, enhance="\n\n".join(filter(None, (material.enhance, rules))))

    def _notes(self, collected: Collected, budget: int) -> list[Injection]:
        """Return what the sources gave, as far as it fits, before the message to answer."""
        text = collected.fitted(
            budget - OVERHEADS["cache"],
            render=lambda blocks: self._prompts.render("conversation/late", blocks=blocks),
            count=self._tokens.count,
        )
        if not text:
            return []
        return [
            Injection(
                depth=1,
                role=PromptRole.SYSTEM,
                content=text,
                source=collected.names,
                order=InjectionOrder.OTHER,
            )
        ]

    def _initiative(self, brief: TurnBrief) -> str:
        if brief.kind is not TurnKind.INITIATIVE or not brief.instruction:
            return ""
        return self._prompts.render("conversation/initiative", instruction=brief.instruction)

    async def _add_attached(
        self,
        collected: Collected,
        brief: TurnBrief,
        history: Sequence[HistoryEntry],
        *,
        seen: Seen,
        room: int,
    ) -> None:
        told = await self._attached.tell(brief, history, room=room)
        collected.blocks += [(self._pictures, note) for note in seen.notes]
        collected.blocks += [(self._attached, block) for block in told]
        if seen.images or seen.notes:
            collected.asked[self._pictures.name] = "pictures are attached"
        if told:
            collected.asked[self._attached.name] = "files are attached"


def _illustrated(arranged: Arranged, seen: Seen) -> tuple[PromptMessage, ...]:
    """Return the prompt with the pictures at the messages they came with."""
    return tuple(
        replace(piece, images=seen.images[piece.ordinal]) if piece.ordinal in seen.images else piece
        for piece in arranged.messages
    )


def _in_view(arranged: Arranged, history: Sequence[HistoryEntry]) -> frozenset[MessageId]:
    """Return the messages that are shown however much is added to the prompt."""
    shown = {piece.ordinal for piece in arranged.messages}
    return frozenset(entry.message.id for entry in history if entry.ordinal in shown)
