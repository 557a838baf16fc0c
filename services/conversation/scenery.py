"""What cards, lorebooks and the user's persona add to one turn's prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.conversation.lore_search import LoreSearch
from services.conversation.prompt_history import NOTHING_TOLD, Retold, retell
from services.conversation.scene_state import SceneState, SceneStates
from services.conversation.scenes import NO_CAST, Cast
from services.conversation.surroundings import GENERATIONS, last_user_at
from services.conversation.turn_variables import TurnVariables, variables_of
from services.conversation.user_personas import UserPersonas, people_in
from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo
from services.people.timezones import zone
from services.persona.assembly.filling import FilledCard, fill_card, filled, with_card
from services.persona.assembly.lore import lore_texts
from services.persona.assembly.material import LoreTexts
from services.persona.assembly.scripting import scripted_chat, scripted_lore, with_scripted
from services.persona.card_scripts import CardScripts
from services.persona.character import Character, Persona
from services.persona.lore.entry import Lorebook
from services.persona.lore.result import ScanResult
from services.persona.macros.engine import expand
from services.persona.macros.environment import ChatLine, MacroEnvironment
from services.persona.regex_scripts import Applied, ScriptedText, Stage, apply_aside
from services.settings import LoreSettings


@dataclass(slots=True, kw_only=True)
class Scenery:
    """What a prompt is made of, macros filled in; variables change as a prompt is made.

    ``members`` are the cards of all members where the scene joins them, ``told`` is the history as
    the model sees it. ``names`` are what people in it are called, where that is not their account's
    name.
    """

    card: FilledCard
    variables: TurnVariables
    members: Sequence[Character] = ()
    names: Mapping[AuthorId, str] = field(default_factory=dict)
    told: Retold = NOTHING_TOLD
    lore: LoreTexts = field(default_factory=LoreTexts)
    result: ScanResult | None = None
    report: dict[str, object] = field(default_factory=dict)

    @property
    def environment(self) -> MacroEnvironment:
        """What macros know."""
        return self.card.environment

    def expand(self, text: str) -> str:
        """Return ``text`` with its macros filled in."""
        return expand(text, self.environment)


class SceneryPainter:
    """Prepares the scenery of turns and keeps what lasts beyond them."""

    def __init__(
        self,
        *,
        lore: LoreSearch,
        scripts: CardScripts,
        states: SceneStates,
        clock: Clock,
        rng: random.Random,
        user_personas: UserPersonas,
    ) -> None:
        self._lore = lore
        self._scripts = scripts
        self._states = states
        self._clock = clock
        self._rng = rng
        self._user_personas = user_personas

    def reconfigure(self, settings: LoreSettings) -> None:
        """Take over ``settings`` from the next turn on."""
        self._lore.reconfigure(settings)

    def bare(self, persona: Persona, user: str, *, cast: Cast = NO_CAST) -> Scenery:
        """Return the scenery of prompts that no conversation is part of."""
        variables = TurnVariables(stored=SceneState(), seen="", local={}, shared={})
        environment = self._environment(persona, user, variables, cast=cast)
        card = fill_card(persona.character, environment)
        return Scenery(card=card, variables=variables, members=_members(persona, card, cast))

    async def beside(
        self, conversation: ConversationId, persona: Persona, *, user: str
    ) -> MacroEnvironment:
        """Return what macros know in a conversation; what they change there is not kept."""
        stored = await self._states.of(conversation, persona.id)
        variables = TurnVariables(
            stored=stored,
            seen="",
            local=dict(stored.variables),
            shared=dict(await self._states.shared()),
        )
        environment = self._environment(persona, user, variables, chat_id=str(conversation))
        return with_card(environment, persona.character)

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
        """Return the scenery of a turn; ``history`` is oldest first, ``user`` the default name.

        Each text of a card is filled in once, here. Raises ``StorageError``.
        """
        known = await people_in(self._user_personas, brief, persona, history)
        author = brief.trigger.author.id if brief.trigger else None
        described = known.get(author) if author else None
        names = {account: name for account, (name, _) in known.items()}
        variables = await variables_of(self._states, brief, persona, history)
        told = retell(history, persona, group=bool(cast.group), names=names)
        environment = self._environment(
            persona,
            described[0] if described else user,
            variables,
            cast=cast,
            chat_id=str(brief.conversation),
            chat=told.lines,
        )
        environment.now = environment.now.astimezone(zone(brief.timezone))
        environment.last_user_at = last_user_at(history, brief)
        environment.model, environment.generation = info.name, GENERATIONS[brief.kind]
        card = fill_card(persona.character, environment, user=described[1] if described else None)
        scenery = Scenery(
            card=card,
            variables=variables,
            members=_members(persona, card, cast),
            names=names,
            told=told,
        )
        texts = await self._scripted_chat(scenery, brief, persona, history)
        if texts:
            scenery.told = retell(
                history, persona, group=bool(cast.group), names=names, texts=texts
            )
        books, missing = await self._lore.books(brief, persona, cast)
        if books:
            await self._search(scenery, brief, persona, books, info)
        if missing:
            scenery.report["lorebooks_missing"] = missing
        return scenery

    async def keep(self, brief: TurnBrief, scenery: Scenery) -> None:
        """Store the variables and lasting effects of a turn whose answer is being shown."""
        variables = scenery.variables
        effects = scenery.result.timed if scenery.result else variables.stored.effects
        await variables.keep(self._states, brief, effects)

    async def _scripted_chat(
        self,
        scenery: Scenery,
        brief: TurnBrief,
        persona: Persona,
        history: Sequence[HistoryEntry],
    ) -> dict[MessageId, str]:
        """Return what the card's scripts make of messages before the model sees them."""
        if not self._scripts.of(persona):
            return {}
        texts = scripted_chat(
            [entry.text for entry in history],
            [entry.message.author.kind is not AuthorKind.PERSONA for entry in history],
            continued=brief.kind is TurnKind.CONTINUE,
        )
        applied = await self._scripted(scenery, persona, texts)
        return {
            entry.message.id: each.text
            for entry, each in zip(history, applied, strict=True)
            if each.text != entry.text
        }

    async def _search(
        self,
        scenery: Scenery,
        brief: TurnBrief,
        persona: Persona,
        books: Sequence[Lorebook],
        info: ModelInfo,
    ) -> None:
        result = await self._lore.find(
            books,
            brief,
            persona,
            scenery.card,
            chat=scenery.told.lines,
            context_tokens=info.context_tokens,
            effects=scenery.variables.stored.effects,
        )
        lore = scripted_lore(result, self._scripts.of(persona))
        result = with_scripted(result, await self._scripted(scenery, persona, lore))
        texts = result.texts()
        scenery.result = result
        scenery.environment.outlets = texts.outlets
        scenery.lore = lore_texts(texts)
        scenery.report |= {
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

    async def _scripted(
        self, scenery: Scenery, persona: Persona, texts: Sequence[ScriptedText]
    ) -> list[Applied]:
        """Apply the card's scripts for prompts; those that could not be run are reported."""
        applied = await apply_aside(
            texts, self._scripts.of(persona), stage=Stage.PROMPT, macros=scenery.expand
        )
        skipped = dict.fromkeys(skip for each in applied for skip in each.skipped)
        if skipped:
            listed = [{"script": skip.script, "reason": skip.reason} for skip in skipped]
            scenery.report.setdefault("scripts_skipped", listed)
        return applied

    def _environment(
        self,
        persona: Persona,
        user: str,
        variables: TurnVariables,
        *,
        cast: Cast = NO_CAST,
        chat_id: str = "",
        chat: Sequence[ChatLine] = (),
    ) -> MacroEnvironment:
        return MacroEnvironment(
            user=user,
            char=persona.name,
            now=self._clock.now().astimezone(),
            rng=self._rng,
            group=cast.group,
            local=variables.local,
            shared=variables.shared,
            chat=chat,
            chat_id=chat_id,
        )


def _members(persona: Persona, card: FilledCard, cast: Cast) -> list[Character]:
    """Return the cards of all members, where the scene joins them, each filled in as its own."""
    if not cast.joined:
        return []
    user = card.user.text if card.user else ""
    cards = []
    for one in cast.members:
        own = replace(card.environment, char=one.name, values={})
        own = with_card(own, one.character, persona=user)
        same = one.id == persona.id
        cards.append(card.character if same else filled(one.character, own))
    return cards
