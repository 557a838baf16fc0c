"""What cards, lorebooks and the user's persona add to one turn's prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from services.conversation.scene_state import SceneState, SceneStates
from services.conversation.scenes import NO_CAST, Cast
from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId, ConversationId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo, PromptRole, TokenCounter
from services.people.scopes import ScopedSetting, ScopedSettings, ScopeKind
from services.persona.assembly.material import DepthText, LoreTexts, UserDescription
from services.persona.character import Persona
from services.persona.lore.entry import Lorebook, Scope, Source
from services.persona.lore.request import ChatLine as LoreLine
from services.persona.lore.request import ScanRequest, ScanSettings, Strategy
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.shelf import LoreShelf
from services.persona.macros.engine import expand
from services.persona.macros.environment import ChatLine, MacroEnvironment, Value
from services.settings import LoreSettings

LOREBOOKS = ScopedSetting("conversation.lorebooks", str, default="")
"""Names of books that hold in a place, separated by commas."""

USER_LOREBOOKS = ScopedSetting(
    "user.lorebooks", str, default="", scopes=frozenset({ScopeKind.USER})
)
"""Names of books that hold wherever a person is answered, separated by commas."""

_MOST_PEOPLE = 20
_ROLES = {0: PromptRole.SYSTEM, 1: PromptRole.USER, 2: PromptRole.ASSISTANT}
_STRATEGIES = {
    "evenly": Strategy.EVENLY,
    "character_first": Strategy.CHARACTER_FIRST,
    "global_first": Strategy.GLOBAL_FIRST,
}
_TRIGGERS = {
    TurnKind.REPLY: "normal",
    TurnKind.REGENERATE: "regenerate",
    TurnKind.CONTINUE: "continue",
    TurnKind.INITIATIVE: "quiet",
}


class UserPersonas(Protocol):
    """Who people are to the characters they talk to."""

    async def of(
        self, account: AuthorId, conversation: ConversationId, persona: Persona
    ) -> tuple[str, UserDescription] | None:
        """Return the name and description that hold here, ``None`` for the account's own name."""
        ...


@dataclass(slots=True, kw_only=True)
class Scenery:
    """What there is beside card and history; ``environment`` fills in macros.

    ``names`` are what people in the history are called, where that is not their account's name.
    """

    environment: MacroEnvironment
    lore: LoreTexts = field(default_factory=LoreTexts)
    user: UserDescription | None = None
    names: Mapping[AuthorId, str] = field(default_factory=dict)
    report: Mapping[str, object] = field(default_factory=dict)
    result: ScanResult | None = None
    stored: SceneState = field(default_factory=SceneState)

    def fill(self, text: str) -> str:
        """Return ``text`` with its macros filled in."""
        return expand(text, self.environment).strip()


class SceneryPainter:
    """Prepares the scenery of turns and keeps what lasts beyond them."""

    def __init__(
        self,
        *,
        shelf: LoreShelf,
        scanner: LoreScanner,
        states: SceneStates,
        scopes: ScopedSettings,
        tokens: TokenCounter,
        clock: Clock,
        rng: random.Random,
        settings: LoreSettings,
        user_personas: UserPersonas,
    ) -> None:
        self._shelf = shelf
        self._scanner = scanner
        self._states = states
        self._scopes = scopes
        self._tokens = tokens
        self._clock = clock
        self._rng = rng
        self._settings = settings
        self._user_personas = user_personas

    def reconfigure(self, settings: LoreSettings) -> None:
        """Take over ``settings`` from the next turn on."""
        self._settings = settings

    def bare(self, persona: Persona, user: str, *, group: Sequence[str] = ()) -> MacroEnvironment:
        """Return the environment of prompts that no conversation is part of."""
        now = self._clock.now().astimezone()
        return self._environment(persona, user, now=now, group=group)

    async def paint(
        self,
        brief: TurnBrief,
        persona: Persona,
        history: Sequence[HistoryEntry],
        *,
        info: ModelInfo,
        user: str,
        cast: Cast = NO_CAST,
    ) -> Scenery:
        """Return the scenery of a turn; ``history`` is oldest first, ``user`` the default name."""
        known = await self._people(brief, persona, history)
        author = brief.trigger.author.id if brief.trigger else None
        described = known.get(author) if author else None
        if described is not None:
            user = described[0]
        names = {account: name for account, (name, _) in known.items()}
        stored = await self._states.of(brief.conversation, persona.id)
        environment = self._environment(
            persona,
            user,
            now=self._clock.now().astimezone(),
            chat=_lines(history, persona, names=names, group=bool(cast.group)),
            group=cast.group,
            described=described[1].text if described else "",
            last_user_at=_last_user_at(history, brief),
            chat_id=str(brief.conversation),
            local=dict(stored.variables),
            shared=dict(await self._states.shared()),
            model=info.name,
        )
        scenery = Scenery(
            environment=environment,
            user=described[1] if described else None,
            names=names,
            stored=stored,
        )
        books, missing = await self._books(brief, persona)
        if books:
            await self._scan(scenery, brief, persona, history, books, info)
        if missing:
            scenery.report = {**scenery.report, "lorebooks_missing": missing}
        return scenery

    async def keep(self, brief: TurnBrief, scenery: Scenery) -> None:
        """Store the variables and lasting effects of a turn whose answer is being shown."""
        effects = scenery.result.timed if scenery.result else scenery.stored.effects
        await self._states.keep(
            brief.conversation,
            brief.persona,
            SceneState(variables=dict(scenery.environment.local), effects=effects),
        )
        if scenery.environment.shared != await self._states.shared():
            await self._states.keep_shared(dict(scenery.environment.shared))

    def as_other(self, environment: MacroEnvironment, persona: Persona) -> MacroEnvironment:
        """Return ``environment`` as it is when ``persona`` speaks."""
        values = dict(environment.values) | _card_texts(persona)
        return replace(environment, char=persona.name, values=values)

    async def _people(
        self, brief: TurnBrief, persona: Persona, history: Sequence[HistoryEntry]
    ) -> dict[AuthorId, tuple[str, UserDescription]]:
        """Return the personas of the last people who spoke, where they have one here."""
        authors = dict.fromkeys(
            author.id
            for author in (
                *([brief.trigger.author] if brief.trigger else []),
                *(entry.message.author for entry in reversed(history)),
            )
            if author.kind is AuthorKind.HUMAN
        )
        found = {}
        for account in list(authors)[:_MOST_PEOPLE]:
            described = await self._user_personas.of(account, brief.conversation, persona)
            if described is not None:
                found[account] = described
        return found

    async def _scan(
        self,
        scenery: Scenery,
        brief: TurnBrief,
        persona: Persona,
        history: Sequence[HistoryEntry],
        books: Sequence[Lorebook],
        info: ModelInfo,
    ) -> None:
        environment = scenery.environment
        card = persona.character
        described = scenery.user.text if scenery.user else ""
        request = ScanRequest(
            books=books,
            chat=[
                LoreLine(name=line.name, content=line.text, role=_role(line))
                for line in environment.chat
            ],
            count_tokens=self._tokens.count,
            rng=self._rng,
            settings=self._scan_settings(info.context_tokens),
            expand=lambda text: expand(text, environment),
            sources={
                Source.PERSONA_DESCRIPTION: described,
                Source.CHARACTER_DESCRIPTION: scenery.fill(card.description),
                Source.PERSONALITY: scenery.fill(card.personality),
                Source.DEPTH_PROMPT: scenery.fill(card.depth_prompt.prompt)
                if card.depth_prompt
                else "",
                Source.SCENARIO: scenery.fill(card.scenario),
                Source.CREATOR_NOTES: card.creator_notes,
            },
            character_names=frozenset({card.name, persona.slug}),
            character_tags=frozenset(card.tags),
            trigger=_TRIGGERS[brief.kind],
            timed=scenery.stored.effects,
        )
        result = await self._scanner.scan_aside(request)
        texts = result.texts()
        scenery.result = result
        environment.outlets = texts.outlets
        scenery.lore = LoreTexts(
            before=_one(texts.before),
            after=_one(texts.after),
            note_top=_one(texts.note_top),
            note_bottom=_one(texts.note_bottom),
            examples_top=texts.examples_top,
            examples_bottom=texts.examples_bottom,
            at_depth=[
                DepthText(depth=depth, role=_ROLES[role], text=text)
                for depth, role, text in texts.at_depth
            ],
        )
        scenery.report = {
            "lore": [
                {"book": each.book, "uid": each.uid, "reason": each.reason}
                for each in result.activated
            ],
            "lore_skipped": [
                {"book": each.book, "uid": each.uid, "reason": each.reason}
                for each in result.skipped
            ],
            "lore_tokens": result.tokens,
        }

    def _scan_settings(self, context_tokens: int) -> ScanSettings:
        settings = self._settings
        budget = max(1, round(context_tokens * settings.budget_share))
        if settings.budget_cap:
            budget = min(budget, settings.budget_cap)
        return ScanSettings(
            scan_depth=settings.scan_depth,
            budget=budget,
            recursive=settings.recursive,
            case_sensitive=settings.case_sensitive,
            match_whole_words=settings.match_whole_words,
            include_names=settings.include_names,
            max_recursion_steps=settings.max_recursion_steps,
            min_activations=settings.min_activations,
            min_activations_depth_max=settings.min_activations_depth_max,
            use_group_scoring=settings.use_group_scoring,
            strategy=_STRATEGIES[settings.strategy],
            decorators="v3",
        )

    async def _books(self, brief: TurnBrief, persona: Persona) -> tuple[list[Lorebook], list[str]]:
        """Return the books that hold here, and the names of those that cannot be read."""
        chosen = await self._scopes.resolve(LOREBOOKS, conversation=brief.conversation)
        person = brief.trigger.author.person if brief.trigger else None
        own_books = await self._scopes.resolve(
            USER_LOREBOOKS, conversation=brief.conversation, person=person
        )
        wanted = [
            *((name, Scope.CHAT) for name in book_names(chosen)),
            *((name, Scope.USER) for name in book_names(own_books)),
            *([(persona.character.world, Scope.CHARACTER)] if persona.character.world else []),
            *((name, Scope.GLOBAL) for name in self._settings.books),
        ]
        books: list[Lorebook] = []
        missing: list[str] = []
        if (own := self._shelf.of_card(persona)) is not None:
            books.append(own)
        for name, scope in dict.fromkeys(wanted):
            try:
                books.append(await self._shelf.book(name, scope))
            except (NotFound, InvalidRequest):
                # A card often names a world its owner never had.
                missing.append(name)
        return books, missing

    def _environment(
        self,
        persona: Persona,
        user: str,
        *,
        now: datetime,
        chat: Sequence[ChatLine] = (),
        last_user_at: datetime | None = None,
        chat_id: str = "",
        local: dict[str, Value] | None = None,
        shared: dict[str, Value] | None = None,
        model: str = "",
        group: Sequence[str] = (),
        described: str = "",
    ) -> MacroEnvironment:
        return MacroEnvironment(
            user=user,
            char=persona.name,
            now=now,
            rng=self._rng,
            values={**_card_texts(persona), "persona": described},
            group=group,
            local={} if local is None else local,
            shared={} if shared is None else shared,
            chat=chat,
            last_user_at=last_user_at,
            chat_id=chat_id,
            model=model,
        )


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def book_names(listed: str) -> list[str]:
    """Return the names in a setting that lists lorebooks."""
    return [name.strip() for name in listed.split(",") if name.strip()]


def _card_texts(persona: Persona) -> dict[str, str]:
    card = persona.character
    return {
        "description": card.description,
        "personality": card.personality,
        "scenario": card.scenario,
        "mesexamples": card.mes_example,
        "charversion": card.character_version,
        "charcreatornotes": card.creator_notes,
        "charfirstmessage": card.first_mes,
    }


def _lines(
    history: Sequence[HistoryEntry],
    persona: Persona,
    *,
    names: Mapping[AuthorId, str],
    group: bool,
) -> list[ChatLine]:
    return [
        ChatLine(
            name=names.get(author.id, author.display_name),
            text=entry.text,
            is_user=author.kind is not AuthorKind.PERSONA
            if group
            else author.persona != persona.id,
        )
        for entry in history
        if entry.text.strip()
        for author in [entry.message.author]
    ]


def _role(line: ChatLine) -> str:
    return "user" if line.is_user else "assistant"


def _last_user_at(history: Sequence[HistoryEntry], brief: TurnBrief) -> datetime | None:
    """Return when a person last spoke before what is being answered."""
    answered = {message.id for message in brief.burst}
    for entry in reversed(history):
        if entry.message.author.kind is AuthorKind.HUMAN and entry.message.id not in answered:
            return entry.message.created_at
    return None
