"""Nobody is reminded of what they, or the character, were not there for: a thousand probes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import insert

from services.domain.ids import AuthorId, ConversationId, PersonaId, PersonId
from services.domain.messages import Visibility
from services.domain.people import Author
from services.memory.index.exact import ExactIndex
from services.memory.index.turn_rows import index_messages
from services.memory.index.vectors import VectorRecord
from services.memory.recall.retrieval import TurnRetrieval
from services.memory.scope import PLACE_REACH, Reach, Viewer
from services.storage.tables import recollections, scoped_settings, turns
from tests.fakes.hash_embedder import HashEmbedder
from tests.unit.storage.samples import Said, database_in

WORLDS = 12
MESSAGES = 30
VIEWERS = 12

PEOPLE = [Author(id=AuthorId("discord", name), display_name=name) for name in ("ada", "ben", "cy")]
PERSONAS = [PersonaId(name) for name in ("mira", "orin")]
CONVERSATIONS = [
    ConversationId("discord", "1", "general"),
    ConversationId("discord", "1", "crew"),
    ConversationId("discord", "2", "general"),
    ConversationId("discord", "dm", "ada"),
    ConversationId("discord", "dm", "ben"),
    ConversationId("web", "room", "blue"),
    ConversationId("web", "room", "red"),
]


@dataclass(frozen=True)
class Spoken:
    """A message with a word of its own, and everything that decides who may be reminded."""

    word: str
    place: ConversationId
    accounts: frozenset[AuthorId]
    personas: frozenset[PersonaId]
    private: bool


class Place:
    """A database of things said by anyone anywhere."""

    def __init__(self, database, said, rng):
        self.database = database
        self.said = said
        self.rng = rng
        self.closed = set()
        self.spoke = set()
        self.spoken = []
        self.embedder = HashEmbedder()
        self.index = ExactIndex()
        self.retrieval = TurnRetrieval(database=database, index=self.index, embedder=self.embedder)

    async def fill(self, history):
        async with self.database.transaction() as tx:
            for number in range(MESSAGES):
                author = self.rng.choice(PEOPLE)
                others = {one.id for one in PEOPLE if self.rng.random() < 0.4}
                spoken = Spoken(
                    word=f"word{number}x{self.rng.randrange(10**6)}",
                    place=self.rng.choice(CONVERSATIONS),
                    accounts=frozenset({author.id, *others}),
                    personas=frozenset(one for one in PERSONAS if self.rng.random() < 0.5),
                    private=self.rng.random() < 0.2,
                )
                message = replace(
                    self.said(f"Nobody else says {spoken.word} today", author, place=spoken.place),
                    visibility=Visibility.PRIVATE if spoken.private else Visibility.SHARED,
                )
                recorded = await history.record(
                    tx, message, witnesses=spoken.accounts | spoken.personas
                )
                await tx.run(index_messages, [recorded.entry.message.id])
                self.spoken.append(spoken)
        for conversation in {one.place for one in self.spoken}:
            if self.rng.random() < 0.5:
                await self.answer(conversation, self.rng.choice(PERSONAS))
        if self.rng.random() < 0.5:
            await self.close(self.rng.choice(CONVERSATIONS))
        await self.embed()

    async def answer(self, conversation, persona):
        async with self.database.transaction() as tx:
            await tx.run(
                lambda c: c.execute(
                    insert(turns).values(
                        id=f"{conversation}/{persona}",
                        conversation_id=str(conversation),
                        persona_id=persona,
                        persona_name=persona,
                        kind="reply",
                        modality="text",
                        state="finished",
                        hop=0,
                        started_at=self.said("x").created_at,
                        delivered="",
                        sentences=0,
                    )
                )
            )
        self.spoke.add((conversation, persona))

    async def close(self, conversation):
        async with self.database.transaction() as tx:
            await tx.run(
                lambda c: c.execute(
                    insert(scoped_settings).values(
                        scope="channel",
                        scope_id=str(conversation),
                        key=PLACE_REACH,
                        value=Reach.HERE.value,
                        updated_at=self.said("x").created_at,
                    )
                )
            )
        self.closed.add(conversation)

    async def embed(self):
        async with self.database.reader() as snapshot:
            rows = await snapshot.run(
                lambda c: c.execute(recollections.select().order_by(recollections.c.id)).all()
            )
        texts = [f"Nobody else says {one.word} today" for one in self.spoken]
        vectors = await self.embedder.passages(texts)
        await self.index.upsert([VectorRecord(row.id, row.audience_id) for row in rows], vectors)

    def viewer(self):
        person = self.rng.choice(PEOPLE)
        return Viewer(
            persona=self.rng.choice(PERSONAS),
            conversation=self.rng.choice(CONVERSATIONS),
            person=PersonId(person.display_name),
            accounts=(person.id,),
            reach=self.rng.choice(list(Reach)),
            shared=self.rng.random() < 0.2,
        )

    def may(self, viewer: Viewer, spoken: Spoken) -> bool:
        """Say it in words of one syllable, apart from the SQL that is tested."""
        here = spoken.place == viewer.conversation
        was_there = bool(spoken.accounts & set(viewer.accounts))
        takes_part = here or (spoken.place, viewer.persona) in self.spoke
        heard = viewer.persona in spoken.personas or (takes_part and not spoken.personas)
        if not (heard or viewer.shared):
            return False
        if here:
            return was_there or not spoken.private
        if spoken.private or not was_there or spoken.place in self.closed:
            return False
        if viewer.reach is Reach.EVERYWHERE:
            return True
        guild = (spoken.place.platform, spoken.place.scope)
        same = guild == (viewer.conversation.platform, viewer.conversation.scope)
        return viewer.reach is Reach.GUILD and same and guild[1] not in {"dm", "room"}


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_what_is_recalled_is_exactly_what_may_be(tmp_path, clock, ids, seed):
    from services.conversation.history import History

    async with database_in(tmp_path, clock) as database:
        world = Place(database, Said(ids, clock), random.Random(seed))
        await world.fill(History())
        seen = 0
        for _ in range(VIEWERS):
            viewer = world.viewer()
            for spoken in world.rng.sample(world.spoken, 10):
                found = await world.retrieval.search(
                    f"Who says {spoken.word} today?", viewer, now=clock.now(), limit=MESSAGES
                )
                words = {one.text.split()[3] for one in found}
                allowed = {one.word for one in world.spoken if world.may(viewer, one)}
                assert words <= allowed, json.dumps(sorted(words - allowed))
                assert (spoken.word in words) == (spoken.word in allowed)
                seen += spoken.word in allowed
        assert seen  # a world in which nothing is recalled would prove nothing


async def test_talk_of_nobody_in_particular_recalls_only_what_was_said_here(tmp_path, clock, ids):
    from services.conversation.history import History

    async with database_in(tmp_path, clock) as database:
        world = Place(database, Said(ids, clock), random.Random(1))
        await world.fill(History())
        for conversation in CONVERSATIONS:
            viewer = Viewer(
                persona=PERSONAS[0], conversation=conversation, reach=Reach.EVERYWHERE, shared=True
            )
            found = await world.retrieval.search(
                "nobody says today", viewer, now=clock.now(), limit=MESSAGES
            )
            places = {
                one.place
                for one in world.spoken
                if one.word in {each.text.split()[3] for each in found}
            }
            assert places <= {conversation}
