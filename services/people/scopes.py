"""Settings of people and places: user over thread, channel, guild, global."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.ids import AuthorId, ConversationId, PersonId
from services.domain.people import Role
from services.storage.cache import RecentCache
from services.storage.database import Database
from services.storage.tables import scoped_settings

T = TypeVar("T")

_CACHED_SCOPES = 5_000


class ScopeKind(StrEnum):
    """How wide a choice reaches."""

    USER = "user"
    CHANNEL = "channel"
    GUILD = "guild"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a choice applies."""

    kind: ScopeKind
    id: str = ""

    @classmethod
    def user(cls, person: PersonId) -> Scope:
        """Everything one person does."""
        return cls(ScopeKind.USER, person)

    @classmethod
    def channel(cls, conversation: ConversationId) -> Scope:
        """One channel, room or thread."""
        return cls(ScopeKind.CHANNEL, str(conversation))

    @classmethod
    def guild(cls, conversation: ConversationId) -> Scope:
        """All channels beside this one."""
        return cls(ScopeKind.GUILD, f"{conversation.platform}:{conversation.scope}")

    @classmethod
    def everywhere(cls) -> Scope:
        """This whole installation."""
        return cls(ScopeKind.GLOBAL)


def parent_of(conversation: ConversationId) -> ConversationId | None:
    """Return the channel a thread hangs on, ``None`` for what is no thread.

    The channel of a thread's id is the parent's, a colon, and the thread's own name.
    """
    channel, colon, thread = conversation.channel.partition(":")
    if not (channel and colon and thread):
        return None
    return ConversationId(conversation.platform, conversation.scope, channel)


def scopes_of(conversation: ConversationId, person: PersonId | None = None) -> tuple[Scope, ...]:
    """Return the scopes that hold for someone somewhere, the narrowest first.

    What holds in a channel holds in its threads, unless they chose otherwise.
    """
    parent = parent_of(conversation)
    above = () if parent is None else (Scope.channel(parent),)
    places = (
        Scope.channel(conversation),
        *above,
        Scope.guild(conversation),
        Scope.everywhere(),
    )
    return places if person is None else (Scope.user(person), *places)


class ScopedSetting(Generic[T]):
    """A setting with a stable key; values are checked against ``type`` whenever read or set.

    ``scopes`` are those it may be chosen in.
    """

    def __init__(
        self,
        key: str,
        type: Any,  # noqa: A002, ANN401
        *,
        default: T,
        scopes: frozenset[ScopeKind] = frozenset(ScopeKind),
    ) -> None:
        self.key = key
        self.default = default
        self.scopes = scopes
        self._adapter: TypeAdapter[T] = TypeAdapter(type)

    def read(self, stored: object) -> T:
        """Return a stored value; raises ``ValidationError`` when it no longer fits."""
        return self._adapter.validate_python(stored)

    def check(self, value: object) -> object:
        """Return the value as it is stored; raises ``InvalidRequest`` when it does not fit."""
        try:
            return self._adapter.dump_python(self._adapter.validate_python(value), mode="json")
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise InvalidRequest(
                "setting_value", f"{self.key} cannot be that: {reason}."
            ) from error


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen in one scope, by the settings' keys, as it is stored."""

    scope: Scope
    values: Mapping[str, object]


def narrowest(setting: ScopedSetting[T], chosen: Sequence[Chosen]) -> tuple[T, Scope | None]:
    """Return the first choice that is still valid and its scope; else the default and ``None``."""
    for one in chosen:
        if setting.key in one.values:
            try:
                return setting.read(one.values[setting.key]), one.scope
            except ValidationError:
                continue
    return setting.default, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants to change a setting, and what they may do there."""

    account: AuthorId
    role: Role
    person: PersonId | None = None


_ROLE_NEEDED = {
    ScopeKind.CHANNEL: Role.MODERATOR,
    ScopeKind.GUILD: Role.ADMIN,
    ScopeKind.GLOBAL: Role.OWNER,
}


class ScopedSettings:
    """Resolves and keeps such settings; the only place that does."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cache: RecentCache[Scope, Mapping[str, object]] = RecentCache(_CACHED_SCOPES)

    async def resolve(
        self,
        setting: ScopedSetting[T],
        *,
        conversation: ConversationId,
        person: PersonId | None = None,
    ) -> T:
        """Return the narrowest choice that is still valid, or the default."""
        for scope in scopes_of(conversation, person):
            chosen = await self._choices(scope)
            if setting.key in chosen:
                try:
                    return setting.read(chosen[setting.key])
                except ValidationError:
                    continue
        return setting.default

    @property
    def changes(self) -> int:
        """A number that grows whenever something may have been chosen anew."""
        return self._cache.epoch

    async def chosen(self, conversation: ConversationId) -> Sequence[Chosen]:
        """Return what each scope of a place has chosen, the narrowest first."""
        scopes = scopes_of(conversation)
        return [Chosen(scope, await self._choices(scope)) for scope in scopes]

    async def own(self, setting: ScopedSetting[T], person: PersonId) -> T:
        """Return what a person has chosen for themselves, or the default."""
        return await self.of_scope(setting, Scope.user(person))

    async def of_scope(self, setting: ScopedSetting[T], scope: Scope) -> T:
        """Return what was chosen in just this scope, or the default."""
        return narrowest(setting, [Chosen(scope, await self._choices(scope))])[0]

    async def set(self, setting: ScopedSetting[T], scope: Scope, value: T, *, asker: Asker) -> None:
        """Store a choice; raises ``InvalidRequest`` for the value, ``NotAllowed`` for the asker."""
        self.check(setting, scope, asker=asker)
        stored = setting.check(value)

        def work(connection: Connection) -> None:
            values = {
                "value": stored,
                "updated_at": self._clock.now(),
                "updated_by": str(asker.account),
            }
            connection.execute(
                insert(scoped_settings)
                .values(scope=scope.kind.value, scope_id=scope.id, key=setting.key, **values)
                .on_conflict_do_update(index_elements=["scope", "scope_id", "key"], set_=values)
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
            tx.on_commit(lambda: self._cache.drop(scope))

    async def unset(self, setting: ScopedSetting[T], scope: Scope, *, asker: Asker) -> None:
        """Forget a choice, so that wider ones hold again; raises ``NotAllowed``."""
        self.check(setting, scope, asker=asker)

        def work(connection: Connection) -> None:
            connection.execute(
                delete(scoped_settings).where(
                    scoped_settings.c.scope == scope.kind.value,
                    scoped_settings.c.scope_id == scope.id,
                    scoped_settings.c.key == setting.key,
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
            tx.on_commit(lambda: self._cache.drop(scope))

    def refresh(self) -> None:
        """Read everything anew from now on; for changes made past this service."""
        self._cache.clear()

    def check(self, setting: ScopedSetting[T], scope: Scope, *, asker: Asker) -> None:
        """Raise what ``set`` and ``unset`` would, whatever the value."""
        if scope.kind not in setting.scopes:
            raise InvalidRequest("setting_scope", f"{setting.key} cannot be set per {scope.kind}.")
        if scope.kind is ScopeKind.USER:
            allowed = asker.role is Role.OWNER or asker.person == scope.id
        else:
            allowed = asker.role >= _ROLE_NEEDED[scope.kind]
        if not allowed:
            raise NotAllowed("setting_permission", "You may not change that setting here.")

    async def _choices(self, scope: Scope) -> Mapping[str, object]:
        known = self._cache.get(scope)
        if known is not None:
            return known
        epoch = self._cache.epoch

        def work(connection: Connection) -> Mapping[str, object]:
            rows = connection.execute(
                select(scoped_settings.c.key, scoped_settings.c.value).where(
                    scoped_settings.c.scope == scope.kind.value,
                    scoped_settings.c.scope_id == scope.id,
                )
            )
            return {row[0]: row[1] for row in rows}

        async with self._database.reader() as snapshot:
            chosen = await snapshot.run(work)
        self._cache.keep(scope, chosen, epoch=epoch)
        return chosen
