"""What a character is reminded of before it answers: people, earlier talk, documents."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from services.conversation.sources import ContextBlock, Need
from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId, PersonaId, PersonId
from services.domain.people import Author, AuthorKind
from services.domain.replies import TurnBrief
from services.memory.acquaintance import Acquaintances
from services.memory.documents.repository import Quotable
from services.memory.documents.search import PassageSearch
from services.memory.learning.affection import Stage
from services.memory.recall.retrieval import TurnRetrieval
from services.memory.scope import PLACE_REACH, Reach, Viewer
from services.memory.summaries.service import Summaries
from services.people.privacy import Privacy
from services.people.repository import PeopleRepository
from services.people.scopes import ScopedSetting, ScopedSettings, ScopeKind
from services.persona.library import CharacterLibrary
from services.persona.prompts import PromptLibrary
from services.settings import MemorySettings
from services.storage.database import Database

PLACE = ScopedSetting[Reach | None](
    PLACE_REACH,
    Reach | None,
    default=None,
    scopes=frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD, ScopeKind.GLOBAL}),
)
"""How far talk of a place may be recalled; ``HERE`` also keeps other places' talk out."""

_WIDTH = {Reach.HERE: 0, Reach.GUILD: 1, Reach.EVERYWHERE: 2}
_SUMMARIES = 4
_TURNS_KEPT = 128
_QUOTE_CHARACTERS = 600
_QUESTION_CHARACTERS = 2000


@dataclass(slots=True)
class _Asked:
    """The viewer of a turn, which all sources of the turn ask for at the same time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    viewer: Viewer | None = None


class Viewers:
    """Says who would be reminded in a turn, and how far that may reach."""

    def __init__(
        self,
        settings: MemorySettings,
        *,
        database: Database,
        people: PeopleRepository,
        scopes: ScopedSettings,
        privacy: Privacy,
        library: CharacterLibrary,
    ) -> None:
        self._settings = settings
        self._database = database
        self._people = people
        self._scopes = scopes
        self._privacy = privacy
        self._library = library
        self._asked: OrderedDict[Hashable, _Asked] = OrderedDict()

    @property
    def settings(self) -> MemorySettings:
        """What holds for the next turn."""
        return self._settings

    def apply(self, settings: MemorySettings) -> None:
        """Use ``settings`` from now on."""
        self._settings = settings
        self.refresh()

    def refresh(self) -> None:
        """Keep nobody in memory who was asked for; for changes made past this class."""
        self._asked.clear()

    async def of(self, brief: TurnBrief) -> Viewer:
        """Return the viewer of a turn: who is answered, or nobody for talk of its own accord."""
        author = brief.trigger.author if brief.trigger else None
        key = (brief.turn, brief.persona, brief.conversation, author, self._scopes.changes)
        asked = self._asked.setdefault(key, _Asked())
        while len(self._asked) > _TURNS_KEPT:
            self._asked.popitem(last=False)
        async with asked.lock:
            if asked.viewer is None:
                asked.viewer = await self.asked_by(author, brief.persona, brief.conversation)
            return asked.viewer

    async def asked_by(
        self, author: Author | None, persona_id: PersonaId, conversation: ConversationId
    ) -> Viewer:
        """Return who is reminded when ``author`` asks a character somewhere."""
        person, accounts = await self._person(author)
        place = await self._scopes.resolve(PLACE, conversation=conversation)
        reach = Reach(self._settings.reach)
        if person is not None:
            chosen = await self._privacy.choices(person)
            reach = Reach(chosen.reach or reach)
            if not chosen.recall:
                person, accounts = None, ()
        persona = self._library.get(persona_id)
        return Viewer(
            persona=persona_id,
            conversation=conversation,
            person=person,
            accounts=accounts,
            reach=min(reach, place or reach, key=_WIDTH.__getitem__),
            shared=self._settings.shared_between_personas,
            categories=() if persona is None else persona.knowledge,
        )

    async def _person(self, author: Author | None) -> tuple[PersonId | None, tuple[AuthorId, ...]]:
        """Return whose account it is now; a message knows whose it was when it was recorded."""
        if author is None or author.kind is not AuthorKind.HUMAN:
            return None, ()
        async with self._database.reader() as snapshot:
            try:
                person = await self._people.owner(snapshot, author.id)
            except NotFound:
                return None, (author.id,)
            linked = await self._people.accounts(snapshot, person)
        return person, tuple(account.id for account in linked)


def question_of(brief: TurnBrief) -> str:
    """Return what the turn is about: what was said, or what it was told to do."""
    said = "\n".join(message.text for message in brief.burst) or brief.instruction or ""
    return said[-_QUESTION_CHARACTERS:]


class PersonSource:
    """Who is being answered: what the character knows of them, and how close they are."""

    name = "person"
    priority = 70
    serves = Need.PRESENT

    def __init__(
        self, acquaintances: Acquaintances, *, viewers: Viewers, prompts: PromptLibrary
    ) -> None:
        self._acquaintances = acquaintances
        self._viewers = viewers
        self._prompts = prompts

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return how close they are, and one block per fact, the most fitting first.

        Of a stranger of whom nothing is known there is nothing to say.
        """
        viewer = await self._viewers.of(turn)
        if viewer.person is None or turn.trigger is None:
            return []
        known = await self._acquaintances.recall(
            viewer, question_of(turn), limit=self._viewers.settings.recalled_facts
        )
        if not known.facts and known.stage is Stage.STRANGER:
            return []
        name = turn.trigger.author.display_name
        closeness = self._prompts.render(
            "memory/closeness", char=turn.persona_name, user=name, stage=known.stage.value
        )
        return [
            ContextBlock(text=closeness, refs=(f"affection:{known.stage.value}",)),
            *(
                ContextBlock(
                    text=self._prompts.render("memory/fact", fact=" ".join(fact.text.split())),
                    refs=tuple(ref for ref in (f"fact:{fact.id}", fact.message) if ref),
                )
                for fact in known.facts
            ),
        ]


class RecallSource:
    """What was said earlier that bears on what is said now."""

    name = "memory"
    priority = 60
    serves = Need.RECALL

    def __init__(
        self, retrieval: TurnRetrieval, *, viewers: Viewers, prompts: PromptLibrary
    ) -> None:
        self._retrieval = retrieval
        self._viewers = viewers
        self._prompts = prompts

    def foresee(self, text: str, /) -> None:
        """Begin with the vector of what will be asked; returns at once."""
        if self._viewers.settings.recalled_turns:
            self._retrieval.foresee(text[-_QUESTION_CHARACTERS:])

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block per message recalled, the best first, with who said it and when."""
        limit = self._viewers.settings.recalled_turns
        if not limit:
            return []
        viewer = await self._viewers.of(turn)
        found = await self._retrieval.search(
            question_of(turn),
            viewer,
            now=turn.started_at.astimezone(),
            limit=limit,
            without=turn.in_view,
        )
        return [
            ContextBlock(
                text=self._prompts.render(
                    "memory/turn",
                    when=f"{one.said_at.astimezone():%d %B %Y}",
                    speaker=one.speaker,
                    text=" ".join(one.text.split())[:_QUOTE_CHARACTERS],
                ),
                refs=(str(one.message),),
            )
            for one in found
        ]


class SummarySource:
    """What happened earlier in this conversation, as summed up."""

    name = "summary"
    priority = 50
    serves = Need.PRESENT

    def __init__(self, summaries: Summaries, *, viewers: Viewers, prompts: PromptLibrary) -> None:
        self._summaries = summaries
        self._viewers = viewers
        self._prompts = prompts

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block per summary, the newest first."""
        if not self._viewers.settings.summaries:
            return []
        found = await self._summaries.recall(turn.conversation, turn.persona, newest=_SUMMARIES)
        return [
            ContextBlock(
                text=self._prompts.render("memory/earlier", summary=one.text),
                refs=(f"summary:{one.id}",),
            )
            for one in reversed(found)
            if not {one.first_message, one.last_message} <= turn.in_view
        ]


class DocumentSource:
    """What the documents of the character's categories say about the question."""

    name = "documents"
    priority = 65
    serves = Need.KNOWLEDGE

    def __init__(self, search: PassageSearch, *, viewers: Viewers, prompts: PromptLibrary) -> None:
        self._search = search
        self._viewers = viewers
        self._prompts = prompts

    async def collect(self, turn: TurnBrief, /) -> Sequence[ContextBlock]:
        """Return one block per passage, the best first, each saying where it stands."""
        viewer = await self._viewers.of(turn)
        found = await self._search.search(
            question_of(turn), viewer, limit=self._viewers.settings.recalled_passages
        )
        return [
            ContextBlock(
                text=self._prompts.render(
                    "memory/passage", where=where(one), text=" ".join(one.text.split())
                ),
                refs=(f"document:{where(one)}",),
            )
            for one in found.found
        ]


def where(passage: Quotable) -> str:
    """Return where a passage stands: its category, file, page and heading."""
    page = f", page {passage.page}" if passage.page else ""
    heading = f", {passage.heading}" if passage.heading else ""
    return f"{passage.category}/{passage.path}{page}{heading}"
