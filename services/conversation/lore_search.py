"""Which lorebooks hold in a turn, and what of them belongs in its prompt."""

from __future__ import annotations

import random
from collections.abc import Sequence

from services.conversation.lore_meaning import MeantEntries
from services.conversation.scenes import Cast
from services.conversation.surroundings import GENERATIONS
from services.domain.errors import InvalidRequest, NotFound
from services.domain.replies import TurnBrief
from services.llm.model import TokenCounter
from services.people.scopes import ScopedSetting, ScopedSettings, ScopeKind
from services.persona.assembly.filling import FilledCard
from services.persona.assembly.lore import sources_of
from services.persona.character import Persona
from services.persona.lore.effects import TimedEffects
from services.persona.lore.entry import Lorebook, Scope
from services.persona.lore.request import ChatLine as LoreLine
from services.persona.lore.request import ScanRequest, ScanSettings, Strategy
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.shelf import LoreShelf
from services.persona.macros.engine import expand
from services.persona.macros.environment import ChatLine
from services.settings import LoreSettings

LOREBOOKS = ScopedSetting("conversation.lorebooks", str, default="")
"""Names of books that hold in a place, separated by commas."""

USER_LOREBOOKS = ScopedSetting(
    "user.lorebooks", str, default="", scopes=frozenset({ScopeKind.USER})
)
"""Names of books that hold wherever a person is answered, separated by commas."""

_STRATEGIES = {
    "evenly": Strategy.EVENLY,
    "character_first": Strategy.CHARACTER_FIRST,
    "global_first": Strategy.GLOBAL_FIRST,
}


def book_names(listed: str) -> list[str]:
    """Return the names in a setting that lists lorebooks."""
    return [name.strip() for name in listed.split(",") if name.strip()]


class LoreSearch:
    """Searches the lorebooks that hold where a turn takes place."""

    def __init__(
        self,
        *,
        shelf: LoreShelf,
        scanner: LoreScanner,
        scopes: ScopedSettings,
        tokens: TokenCounter,
        rng: random.Random,
        settings: LoreSettings,
        meant: MeantEntries,
    ) -> None:
        self._meant = meant
        self._shelf = shelf
        self._scanner = scanner
        self._scopes = scopes
        self._tokens = tokens
        self._rng = rng
        self._settings = settings

    def reconfigure(self, settings: LoreSettings) -> None:
        """Take over ``settings`` from the next turn on."""
        self._settings = settings

    async def books(
        self, brief: TurnBrief, persona: Persona, cast: Cast
    ) -> tuple[list[Lorebook], list[str]]:
        """Return the books that hold here, and the names of those that cannot be read.

        Where a scene joins the cards of its members, it joins their books, the speaker's first.
        """
        chosen = await self._scopes.resolve(LOREBOOKS, conversation=brief.conversation)
        person = brief.trigger.author.person if brief.trigger else None
        own_books = await self._scopes.resolve(
            USER_LOREBOOKS, conversation=brief.conversation, person=person
        )
        wanted = [
            *((name, Scope.CHAT) for name in book_names(chosen)),
            *((name, Scope.USER) for name in book_names(own_books)),
            *((name, Scope.GLOBAL) for name in self._settings.books),
        ]
        books: list[Lorebook] = []
        missing: list[str] = []
        others = [one for one in cast.members if one.id != persona.id] if cast.joined else []
        for one in (persona, *others):
            own, absent = await self._shelf.of_persona(one)
            books += [book for book in own if not any(book is known for known in books)]
            missing += absent
        for name, scope in dict.fromkeys(wanted):
            try:
                books.append(await self._shelf.book(name, scope))
            except (NotFound, InvalidRequest):
                missing.append(name)
        return books, list(dict.fromkeys(missing))

    async def find(
        self,
        books: Sequence[Lorebook],
        brief: TurnBrief,
        persona: Persona,
        card: FilledCard,
        *,
        chat: Sequence[ChatLine],
        context_tokens: int,
        effects: TimedEffects,
    ) -> ScanResult:
        """Return what of ``books`` belongs in the prompt; macros of theirs change variables."""
        environment, user = card.environment, card.user
        return await self._scanner.scan_aside(
            ScanRequest(
                books=books,
                chat=[
                    LoreLine(
                        name=line.name,
                        content=line.text,
                        role="user" if line.is_user else "assistant",
                    )
                    for line in chat
                ],
                count_tokens=self._tokens.count,
                rng=self._rng,
                settings=self._scan_settings(context_tokens),
                expand=lambda text: expand(text, environment),
                sources=sources_of(card.character, user=user.text if user else ""),
                character_names=frozenset({card.character.name, persona.slug}),
                character_tags=frozenset(card.character.tags),
                trigger=GENERATIONS[brief.kind],
                vectorized=await self._meant.find(books, chat),
                timed=effects,
            )
        )

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
