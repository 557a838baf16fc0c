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
Changes = Mapping[str, tuple[Value | None, Value | None]]
"""Variables by name, each with its value before and after; ``None`` is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTurn:
    """What the last turn did to variables; ``seen`` is the newest message that it saw."""

    seen: str
    local: Changes = field(default_factory=dict)
    shared: Changes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneState:
    """``variables`` are what macros have set, ``effects`` the lore that lasts or rests."""

    variables: Mapping[str, Value] = field(default_factory=dict)
    effects: TimedEffects = NO_EFFECTS
    last: LastTurn | None = None


def changes(before: Mapping[str, Value], after: Mapping[str, Value]) -> Changes:
    """Return how ``after`` differs from ``before``."""
    return {
        name: (before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }


def changed(variables: Mapping[str, Value], made: Changes) -> dict[str, Value]:
    """Return ``variables`` with the changes that were ``made`` to others."""
    found = dict(variables)
    for name, (_, value) in made.items():
        _assign(found, name, value)
    return found


def taken_back(variables: Mapping[str, Value], made: Changes) -> dict[str, Value]:
    """Return ``variables`` without the changes ``made``; what has changed since stays."""
    found = dict(variables)
    for name, (before, after) in made.items():
        if found.get(name) == after:
            _assign(found, name, before)
    return found


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

    async def keep_shared(self, made: Changes) -> None:
        """Change variables of all conversations together."""
        if made:
            variables = changed(await self.shared(), made)
            await self._store(_EVERYWHERE, SceneState(variables=variables))

    def refresh(self) -> None:
        """Read everything anew from now on; for changes made past this class."""
        self._cache.clear()

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
        value: dict[str, object] = {
            "variables": dict(state.variables),
            "effects": state.effects.as_json(),
        }
        if state.last is not None:
            value["last"] = _last_as_json(state.last)
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


def _assign(variables: dict[str, Value], name: str, value: Value | None) -> None:
    if value is None:
        variables.pop(name, None)
    else:
        variables[name] = value


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
        last=_last_from_json(value.get("last")),
    )


def _last_as_json(last: LastTurn) -> dict[str, object]:
    return {
        "seen": last.seen,
        "local": {name: list(pair) for name, pair in last.local.items()},
        "shared": {name: list(pair) for name, pair in last.shared.items()},
    }


def _last_from_json(value: object) -> LastTurn | None:
    if not isinstance(value, Mapping):
        return None
    return LastTurn(
        seen=str(value.get("seen", "")),
        local=_changes_from_json(value.get("local")),
        shared=_changes_from_json(value.get("shared")),
    )


def _changes_from_json(value: object) -> Changes:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {
        str(name): (pair[0], pair[1])
        for name, pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    }
