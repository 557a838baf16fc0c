"""Keeping the personas of people."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, IdSource, PersonaId
from services.people.profiles import (
    Binding,
    BindingKind,
    PersonaChange,
    PersonaPlace,
    PersonaRole,
    Profile,
    UserPersona,
)
from services.storage.cache import RecentCache
from services.storage.database import Database
from services.storage.tables import user_persona_bindings, user_personas

_CACHED_ACCOUNTS = 2_000


class UserPersonaBook:
    """Keeps the personas of each account: 50 at most, of 10,000 characters each.

    Every method acts on the account of whoever asks, so nobody can change another's. The 2,000
    accounts last used are cached. What ``Profile`` raises, these methods raise.
    """

    def __init__(self, *, database: Database, clock: Clock, ids: IdSource) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._cache: RecentCache[AuthorId, Profile] = RecentCache(_CACHED_ACCOUNTS)

    async def profile(self, account: AuthorId) -> Profile:
        """Return everything an account has noted about itself."""
        known = self._cache.get(account)
        if known is not None:
            return known
        epoch = self._cache.epoch
        async with self._database.reader() as snapshot:
            profile = await snapshot.run(_read, account)
        self._cache.keep(account, profile, epoch=epoch)
        return profile

    async def holding(
        self, account: AuthorId, *, conversation: ConversationId, persona: PersonaId
    ) -> UserPersona | None:
        """Return who the account is to ``persona`` in ``conversation``; see ``Profile``."""
        return (await self.profile(account)).holding(conversation, persona)

    async def add(self, account: AuthorId, name: str, description: str = "") -> UserPersona:
        """Add a persona and return it."""
        persona = UserPersona(
            id=self._ids.new(),
            name=name.strip(),
            description=description.strip(),
            created_at=self._clock.now(),
        )
        await self._change(account, lambda profile: profile.added(persona))
        return persona

    async def edit(self, account: AuthorId, name: str, change: PersonaChange) -> UserPersona:
        """Change a persona and return it."""
        changed = await self._change(account, lambda profile: profile.edited(name, change))
        return changed.find(change.name or name)

    async def use(
        self, account: AuthorId, name: str, binding: Binding | None = None
    ) -> UserPersona:
        """Let a persona hold where ``binding`` says, or by default without one."""
        changed = await self._change(account, lambda profile: profile.used(name, binding))
        return changed.find(name)

    async def release(self, account: AuthorId, binding: Binding | None = None) -> None:
        """Let no persona hold where ``binding`` says, or by default without one."""
        await self._change(account, lambda profile: profile.released(binding))

    async def remove(self, account: AuthorId, name: str) -> None:
        """Remove a persona and what binds it."""
        await self._change(account, lambda profile: profile.removed(name))

    async def forget(self, account: AuthorId) -> None:
        """Erase everything an account has noted about itself."""
        await self._change(account, lambda _profile: Profile())

    async def export(self, account: AuthorId) -> dict[str, object]:
        """Return everything an account has noted about itself, as JSON values."""
        profile = await self.profile(account)
        return {"account": str(account), "personas": profile.as_json()}

    def refresh(self) -> None:
        """Read everything anew from now on; for changes made past this service."""
        self._cache.clear()

    async def _change(self, account: AuthorId, change: Callable[[Profile], Profile]) -> Profile:
        async with self._database.transaction() as tx:
            changed = change(await tx.run(_read, account))
            await tx.run(_write, account, changed)
            tx.on_commit(lambda: self._cache.drop(account))
        return changed


def _read(connection: Connection, account: AuthorId) -> Profile:
    table, bound = user_personas.c, user_persona_bindings.c
    rows = connection.execute(
        select(user_personas)
        .where(table.account == str(account))
        .order_by(table.created_at, table.id)
    ).mappings()
    personas = tuple(
        UserPersona(
            id=row["id"],
            name=row["name"],
            description=row["description"],
            place=PersonaPlace(row["place"]),
            depth=row["depth"],
            role=PersonaRole(row["role"]),
            is_default=row["is_default"],
            created_at=row["created_at"],
        )
        for row in rows
    )
    bindings = connection.execute(
        select(bound.kind, bound.target, bound.user_persona_id).where(bound.account == str(account))
    )
    return Profile(
        personas=personas,
        bindings={Binding(BindingKind(kind), target): one for kind, target, one in bindings},
    )


def _write(connection: Connection, account: AuthorId, profile: Profile) -> None:
    """Put ``profile`` in place of what is stored; fifty short rows are not worth comparing."""
    owner = str(account)
    connection.execute(
        delete(user_persona_bindings).where(user_persona_bindings.c.account == owner)
    )
    connection.execute(delete(user_personas).where(user_personas.c.account == owner))
    if profile.personas:
        connection.execute(
            insert(user_personas),
            [
                {
                    "id": one.id,
                    "account": owner,
                    "name": one.name,
                    "description": one.description,
                    "place": one.place.value,
                    "depth": one.depth,
                    "role": one.role.value,
                    "is_default": one.is_default,
                    "created_at": one.created_at,
                }
                for one in profile.personas
            ],
        )
    if profile.bindings:
        connection.execute(
            insert(user_persona_bindings),
            [
                {
                    "account": owner,
                    "kind": binding.kind.value,
                    "target": binding.target,
                    "user_persona_id": identity,
                }
                for binding, identity in profile.bindings.items()
            ],
        )
