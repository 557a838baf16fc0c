"""What a conversation keeps for a character between turns: variables, lasting lore effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import Insert, insert

from services.domain.clock import Clock
from services.domain.ids import ConversationId, PersonaId
from services.persona.lore.effects import NO_EFFECTS, TimedEffects
from services.persona.macros.environment import Value
from services.storage.cache import RecentCache
from services.storage.database import Database
from services.storage.tables import conversation_states

_CACHED = 2_000
_EVERYWHERE = ("*", "*")

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneState:
    """``variables`` are what macros have set, ``effects`` the lore that lasts or rests."""

    variables: Mapping[str, Value] = field(default_factory=dict)
    effects: TimedEffects = NO_EFFECTS


class SceneStates:
    """Reads and writes states; the 2,000 last used are cached."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cache: RecentCache[Key, SceneState] = RecentCache(_CACHED)

    async def of(self, conversation: ConversationId, persona: PersonaId) -> SceneState:
        """Return the state of ``persona`` in ``conversation``."""
        return await self._load((str(conversation), persona))

    async def shared(self) -> Mapping[str, Value]:
        """Return the variables of all conversations together."""
        return (await self._load(_EVERYWHERE)).variables

    async def keep(
        self, conversation: ConversationId, persona: PersonaId, state: SceneState
    ) -> None:
        """Store the state of ``persona`` in ``conversation``; an unchanged one costs nothing."""
        await self._store((str(conversation), persona), state)

    async def keep_shared(self, variables: Mapping[str, Value]) -> None:
        """Store the variables of all conversations together."""
        await self._store(_EVERYWHERE, SceneState(variables=variables))

    async def _load(self, key: Key) -> SceneState:
        kept = self._cache.get(key)
        if kept is None:
            async with self._database.reader() as reader:
                kept = await reader.run(_read, key)
            self._cache.keep(key, kept)
        return kept

    async def _store(self, key: Key, state: SceneState) -> None:
        if self._cache.get(key) == state:
            return
        moment = self._clock.now()
        value = {"variables": dict(state.variables), "effects": state.effects.as_json()}
        statement = (
            insert(conversation_states)
            .values(conversation_id=key[0], persona_id=key[1], state=value, updated_at=moment)
            .on_conflict_do_update(
                index_elements=["conversation_id", "persona_id"],
                set_={"state": value, "updated_at": moment},
            )
        )
        async with self._database.steps() as steps:
            await steps.run(_write, statement)
        self._cache.keep(key, state)


def _write(connection: Connection, statement: Insert) -> None:
    connection.execute(statement)


def _read(connection: Connection, key: Key) -> SceneState:
    table = conversation_states.c
    value = connection.execute(
        select(table.state).where(table.conversation_id == key[0], table.persona_id == key[1])
    ).scalar()
    if not isinstance(value, Mapping):
        return SceneState()
    variables = value.get("variables")
    return SceneState(
        variables={
            str(name): each
            for name, each in (variables if isinstance(variables, Mapping) else {}).items()
            if isinstance(each, str | int | float)
        },
        effects=TimedEffects.from_json(value.get("effects")),
    )
