"""The text replacements of cards outside prompts: what is kept, and what people see."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from services.conversation.dressing import DressedSink
from services.conversation.history_rows import Witnesses
from services.conversation.inbound import Inbound
from services.conversation.scenery import Scenery, SceneryPainter
from services.conversation.user_personas import UserPersonas
from services.conversation.witnesses import personas_among
from services.domain.ids import ConversationId, PersonaId
from services.domain.messages import HistoryEntry, TextPart
from services.domain.people import Author, AuthorKind
from services.domain.replies import ReplySink, TurnBrief
from services.persona.card_scripts import CardScripts
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.macros.engine import expand
from services.persona.regex_scripts import (
    Applied,
    ExpandMacros,
    Placement,
    ScriptedText,
    Stage,
    apply_aside,
)

logger = logging.getLogger(__name__)


class Scripting:
    """Applies the scripts that a card carries to what is said to and by its character.

    A card has a say in its character's own messages, and in those of people that no other
    character hears; what is said in the open or to several belongs to none. Scripts for what the
    model sees are applied where prompts are made.
    """

    def __init__(
        self,
        *,
        scripts: CardScripts,
        library: CharacterLibrary,
        painter: SceneryPainter,
        user_personas: UserPersonas,
    ) -> None:
        self._scripts = scripts
        self._library = library
        self._painter = painter
        self._user_personas = user_personas

    async def heard(self, inbound: Inbound) -> Inbound:
        """Return a message as it is to be kept."""
        message = inbound.message
        persona = self._listener(message.author, inbound.witnesses)
        if persona is None or not self._scripts.alter(persona, Placement.USER_INPUT, Stage.STORED):
            return inbound
        macros = await self._macros(message.conversation, persona, message.author)
        words = [part for part in message.parts if isinstance(part, TextPart)]
        texts = [ScriptedText(text=part.text, placement=Placement.USER_INPUT) for part in words]
        changed = iter(await self._apply(persona, texts, Stage.STORED, macros))
        parts = tuple(
            TextPart(text=next(changed)) if isinstance(part, TextPart) else part
            for part in message.parts
        )
        return replace(inbound, message=replace(message, parts=parts))

    def rewrites(self, persona: Persona) -> bool:
        """Say whether a reply can only be shown when it is complete: ``said`` may change it."""
        return self._scripts.alter(persona, Placement.AI_OUTPUT, Stage.STORED)

    async def said(self, persona: Persona, text: str, scenery: Scenery) -> str:
        """Return a reply as it is to be kept; variables that scripts change belong to the turn."""
        texts = [ScriptedText(text=text, placement=Placement.AI_OUTPUT)]
        return (await self._apply(persona, texts, Stage.STORED, scenery.expand))[0]

    async def greeted(
        self, conversation: ConversationId, persona: Persona, texts: Sequence[str], *, to: Author
    ) -> list[str]:
        """Return greetings as they are to be kept."""
        if not self.rewrites(persona):
            return list(texts)
        macros = await self._macros(conversation, persona, to)
        scripted = [ScriptedText(text=text, placement=Placement.AI_OUTPUT) for text in texts]
        return await self._apply(persona, scripted, Stage.STORED, macros)

    async def edited(
        self, entry: HistoryEntry, text: str, *, by: Author, stage: Stage = Stage.EDIT
    ) -> str:
        """Return the new ``text`` of a message as it is to be kept.

        ``Stage.STORED`` treats it as if it had been said so.
        """
        message = entry.message
        persona = self._concerned(entry)
        placement = _placement(entry)
        if persona is None or not self._scripts.alter(persona, placement, stage):
            return text
        macros = await self._macros(message.conversation, persona, by)
        texts = [ScriptedText(text=text, placement=placement)]
        return (await self._apply(persona, texts, stage, macros))[0]

    def dressed(self, turn: TurnBrief, sink: ReplySink, *, viewer: Author) -> ReplySink:
        """Return a sink that shows a turn's reply on ``sink`` as ``viewer`` is to see it.

        Where the card has scripts for that, the text comes once it is complete.
        """
        persona = self._library.get(turn.persona)
        if persona is None or not self._scripts.alter(persona, Placement.AI_OUTPUT, Stage.DISPLAY):
            return sink

        async def dress(text: str) -> str:
            macros = await self._macros(turn.conversation, persona, viewer)
            texts = [ScriptedText(text=text, placement=Placement.AI_OUTPUT, depth=0)]
            return (await self._apply(persona, texts, Stage.DISPLAY, macros))[0]

        return DressedSink(sink, dress)

    async def shown(
        self, entries: Sequence[HistoryEntry], *, viewer: Author, newer: int = 0
    ) -> list[str]:
        """Return the texts of messages as ``viewer`` is to see them.

        ``entries`` are of one conversation, oldest first, and ``newer`` messages follow the last.
        Macros do not change what is kept.
        """
        texts = [entry.text for entry in entries]
        concerned: dict[PersonaId, tuple[Persona, list[int]]] = {}
        for n, entry in enumerate(entries):
            persona = self._concerned(entry)
            if persona is not None and self._scripts.alter(
                persona, _placement(entry), Stage.DISPLAY
            ):
                concerned.setdefault(persona.id, (persona, []))[1].append(n)
        for persona, places in concerned.values():
            macros = await self._macros(entries[0].message.conversation, persona, viewer)
            scripted = [
                ScriptedText(
                    text=texts[n],
                    placement=_placement(entries[n]),
                    depth=len(entries) - 1 - n + newer,
                )
                for n in places
            ]
            changed = await self._apply(persona, scripted, Stage.DISPLAY, macros)
            for n, text in zip(places, changed, strict=True):
                texts[n] = text
        return texts

    def _concerned(self, entry: HistoryEntry) -> Persona | None:
        """Return the character whose card has a say in a message."""
        author = entry.message.author
        if author.kind is AuthorKind.PERSONA:
            return None if author.persona is None else self._library.get(author.persona)
        return self._listener(author, entry.witnesses)

    def _listener(self, author: Author, witnesses: Witnesses) -> Persona | None:
        """Return the one character that hears what a person says, if it is only one."""
        heard = personas_among(witnesses)
        if author.kind is AuthorKind.PERSONA or len(heard) != 1:
            return None
        return self._library.get(next(iter(heard)))

    async def _macros(
        self, conversation: ConversationId, persona: Persona, author: Author
    ) -> ExpandMacros:
        described = await self._user_personas.of(author.id, conversation, persona)
        user = described[0] if described else author.display_name
        environment = await self._painter.beside(conversation, persona, user=user)
        return lambda text: expand(text, environment)

    async def _apply(
        self,
        persona: Persona,
        texts: Sequence[ScriptedText],
        stage: Stage,
        macros: ExpandMacros,
    ) -> list[str]:
        applied: list[Applied] = await apply_aside(
            texts, self._scripts.of(persona), stage=stage, macros=macros
        )
        skipped = dict.fromkeys(skip for each in applied for skip in each.skipped)
        for skip in skipped:
            logger.info(
                "script of a card left out",
                extra={"persona": persona.id, "script": skip.script, "reason": skip.reason},
            )
        return [each.text for each in applied]


def _placement(entry: HistoryEntry) -> Placement:
    by_persona = entry.message.author.kind is AuthorKind.PERSONA
    return Placement.AI_OUTPUT if by_persona else Placement.USER_INPUT
