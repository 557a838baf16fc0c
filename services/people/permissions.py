"""Who may do what where: the only place that resolves a role."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Role
from services.people.scopes import Scope, ScopeKind, scopes_of
from services.storage.cache import RecentCache
from services.storage.database import Database
from services.storage.tables import roles

_BLOCKED = -1
_CACHED_ACCOUNTS = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account may do in a place; ``blocked`` ones get no answer and use nothing."""

    role: Role
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored for an account in a scope: a role, or with ``None`` a block."""

    account: AuthorId
    scope: Scope
    role: Role | None


class Permissions:
    """Resolves what frontends, stored grants, blocks and the owner list say together.

    ``owners`` and ``blocked`` come from the settings and hold everywhere. Owners cannot be blocked.
    """

    def __init__(
        self,
        database: Database,
        *,
        owners: Collection[AuthorId] = (),
        blocked: Collection[AuthorId] = (),
    ) -> None:
        self._database = database
        self._owners = frozenset(owners)
        self._blocked = frozenset(blocked)
        self._cache: RecentCache[AuthorId, Mapping[Scope, int]] = RecentCache(_CACHED_ACCOUNTS)

    async def standing(
        self, account: AuthorId, conversation: ConversationId, *, given: Role
    ) -> Standing:
        """Return an account's standing: the highest of ``given`` by the platform and its grants.

        A block in the channel, its guild or everywhere outweighs both.
        """
        if account in self._owners or given is Role.OWNER:
            return Standing(Role.OWNER)
        grants = await self._grants(account)
        here = [grants[scope] for scope in scopes_of(conversation) if scope in grants]
        if account in self._blocked or _BLOCKED in here:
            return Standing(Role.GUEST, blocked=True)
        return Standing(Role(max([given, *here])))

    async def grant(self, account: AuthorId, scope: Scope, role: Role, *, by: Role) -> None:
        """Give an account a role in a scope, replacing a block or an earlier one there.

        Only admins grant, only what is below their own role; ``NotAllowed`` otherwise.
        """
        if by < Role.ADMIN or role >= by:
            raise NotAllowed("role_permission", "You may only give roles below your own.")
        await self._store(account, scope, role)

    async def block(self, account: AuthorId, scope: Scope, *, by: Role) -> None:
        """Keep an account out of a scope; takes a moderator, an owner to do it everywhere."""
        self._check_block(account, scope, by)
        await self._store(account, scope, _BLOCKED)

    async def unblock(self, account: AuthorId, scope: Scope, *, by: Role) -> bool:
        """Lift a block in a scope; False when there was none. ``NotAllowed`` as for ``block``."""
        self._check_block(account, scope, by)
        if (await self._grants(account)).get(scope) != _BLOCKED:
            return False
        await self.revoke(account, scope, by=by)
        return True

    async def revoke(self, account: AuthorId, scope: Scope, *, by: Role) -> None:
        """Take back what was stored for an account in a scope, grant or block."""
        found = (await self._grants(account)).get(scope)
        if found is None:
            return
        if found == _BLOCKED:
            self._check_block(account, scope, by)
        elif by < Role.ADMIN or found >= by:
            raise NotAllowed("role_permission", "You may only take roles below your own.")

        def work(connection: Connection) -> None:
            connection.execute(
                delete(roles).where(
                    roles.c.scope == scope.kind.value,
                    roles.c.scope_id == scope.id,
                    roles.c.account == str(account),
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
            tx.on_commit(lambda: self._cache.drop(account))

    async def stored(self, conversation: ConversationId) -> Sequence[Stored]:
        """Return the grants and blocks that hold in a place, the widest scope last.

        Owners and blocks of the settings are not among them.
        """
        scopes = scopes_of(conversation)

        def work(connection: Connection) -> Sequence[Stored]:
            found = []
            for scope in scopes:
                query = select(roles).where(
                    roles.c.scope == scope.kind.value, roles.c.scope_id == scope.id
                )
                for row in connection.execute(query.order_by(roles.c.account)).mappings():
                    role = None if row["role"] == _BLOCKED else Role(row["role"])
                    account = AuthorId.parse(row["account"])
                    found.append(Stored(account=account, scope=scope, role=role))
            return found

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    def refresh(self) -> None:
        """Read everything anew from now on; for changes made past this service."""
        self._cache.clear()

    def _check_block(self, account: AuthorId, scope: Scope, by: Role) -> None:
        needed = Role.OWNER if scope.kind is ScopeKind.GLOBAL else Role.MODERATOR
        if by < needed or account in self._owners:
            raise NotAllowed("block_permission", "You may not block or unblock that account here.")

    async def _store(self, account: AuthorId, scope: Scope, role: int) -> None:
        if scope.kind is ScopeKind.USER:
            raise InvalidRequest("role_scope", "A role holds in a channel, a guild or everywhere.")

        def work(connection: Connection) -> None:
            connection.execute(
                insert(roles)
                .values(
                    scope=scope.kind.value, scope_id=scope.id, account=str(account), role=int(role)
                )
                .on_conflict_do_update(
                    index_elements=["scope", "scope_id", "account"], set_={"role": int(role)}
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
            tx.on_commit(lambda: self._cache.drop(account))

    async def _grants(self, account: AuthorId) -> Mapping[Scope, int]:
        known = self._cache.get(account)
        if known is not None:
            return known
        epoch = self._cache.epoch

        def work(connection: Connection) -> Mapping[Scope, int]:
            query = select(roles).where(roles.c.account == str(account))
            return {
                Scope(ScopeKind(row["scope"]), row["scope_id"]): row["role"]
                for row in connection.execute(query).mappings()
            }

        async with self._database.reader() as snapshot:
            grants = await snapshot.run(work)
        self._cache.keep(account, grants, epoch=epoch)
        return grants
