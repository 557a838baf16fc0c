"""Which lorebooks hold in a place and for a person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.conversation.lore_search import LOREBOOKS, USER_LOREBOOKS, book_names
from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId, PersonId
from services.domain.people import Author, Role
from services.people.permissions import Permissions
from services.people.repository import PeopleRepository
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings
from services.persona.lore.entry import Lorebook
from services.persona.lore.entry import Scope as BookScope
from services.persona.lore.shelf import LoreShelf
from services.persona.lore.shelving import Offered
from services.storage.database import Database

MOST_BOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmarks:
    """Names of lorebooks: those of a place, those of a person, and all there are."""

    here: tuple[str, ...]
    always: tuple[str, ...]
    known: tuple[str, ...]


class Lorebooks:
    """Adds lorebooks to places and people, 20 at most each, and takes them away."""

    def __init__(
        self,
        *,
        scopes: ScopedSettings,
        shelf: LoreShelf,
        people: PeopleRepository,
        permissions: Permissions,
        database: Database,
        clock: Clock,
    ) -> None:
        self._scopes = scopes
        self._shelf = shelf
        self._people = people
        self._permissions = permissions
        self._database = database
        self._clock = clock

    async def names(self) -> list[str]:
        """Return the names of all books there are."""
        return await asyncio.to_thread(self._shelf.names)

    async def book(self, name: str) -> Lorebook:
        """Return a book to look at. Raises ``NotFound``, ``InvalidRequest`` for a broken one."""
        return await self._shelf.book(name, BookScope.CHAT)

    async def take(self, offered: Offered, *, role: Role) -> Lorebook:
        """Add a book for everybody, for admins; only owners replace one, as others may use it.

        ``role`` is the true one: being in private with somebody makes nobody an admin. Raises
        ``NotAllowed``, ``LorebookTaken``, ``InvalidRequest`` and ``StorageError``.
        """
        self.check_taking(role, replace=offered.replace)
        return await self._shelf.put(offered)

    def check_taking(self, role: Role, *, replace: bool = False) -> None:
        """Raise the ``NotAllowed`` that ``take`` would, before a file is fetched."""
        if role < (Role.OWNER if replace else Role.ADMIN):
            who = "owners may replace" if replace else "admins may add"
            raise NotAllowed("lorebook_permission", f"Only {who} lorebooks.")

    async def overview(self, conversation: ConversationId, *, by: Author) -> Bookmarks:
        """Return what holds for ``by`` in ``conversation``, and what there is."""
        person = await self._person(by)
        known = await asyncio.to_thread(self._shelf.names)
        return Bookmarks(
            here=tuple(await self._named(LOREBOOKS, conversation, None)),
            always=tuple(await self._named(USER_LOREBOOKS, conversation, person)),
            known=tuple(known),
        )

    async def add(
        self,
        conversation: ConversationId,
        name: str,
        *,
        by: Author,
        role: Role,
        always: bool = False,
        private: bool = False,
    ) -> None:
        """Let a book hold in ``conversation``, or ``always`` where ``by`` is answered.

        For a place it takes a moderator, or in ``private`` the person there. Raises ``NotFound``
        for an unknown book, ``InvalidRequest`` for a broken or the 21st one, ``NotAllowed``.
        """
        await self._shelf.book(name, BookScope.CHAT)
        if "," in name:
            raise InvalidRequest(
                "lorebook_name", "A book with a comma in its name cannot be added; rename its file."
            )
        setting, scope, asker = await self._target(
            conversation, by=by, role=role, always=always, private=private
        )
        names = await self._named(setting, conversation, asker.person)
        if name in names:
            return
        if len(names) >= MOST_BOOKS:
            raise InvalidRequest(
                "lorebook_limit", f"{MOST_BOOKS} lorebooks hold there; remove one first."
            )
        await self._scopes.set(setting, scope, ",".join([*names, name]), asker=asker)

    async def remove(
        self,
        conversation: ConversationId,
        name: str,
        *,
        by: Author,
        role: Role,
        private: bool = False,
    ) -> None:
        """Let a book hold no longer, for ``by`` or else in ``conversation``.

        Raises ``NotFound`` when it does not hold, ``NotAllowed``.
        """
        for always in (True, False):
            setting = USER_LOREBOOKS if always else LOREBOOKS
            person = await self._person(by) if always else None
            names = await self._named(setting, conversation, person)
            if name in names:
                _, scope, asker = await self._target(
                    conversation, by=by, role=role, always=always, private=private
                )
                kept = ",".join(one for one in names if one != name)
                await self._scopes.set(setting, scope, kept, asker=asker)
                return
        raise NotFound(
            "lorebook_unused", f"No lorebook called {name[:60]} holds here; /lore list shows them."
        )

    async def _target(
        self, conversation: ConversationId, *, by: Author, role: Role, always: bool, private: bool
    ) -> tuple[ScopedSetting[str], Scope, Asker]:
        standing = await self._permissions.standing(by.id, conversation, given=role)
        role = standing.role
        if always:
            person = await self._person(by)
            asker = Asker(account=by.id, role=role, person=person)
            return USER_LOREBOOKS, Scope.user(person), asker
        if standing.blocked or (role < Role.MODERATOR and not private):
            raise NotAllowed("lorebook_permission", "Only moderators may change the books here.")
        asker = Asker(account=by.id, role=max(role, Role.MODERATOR))
        return LOREBOOKS, Scope.channel(conversation), asker

    async def _named(
        self, setting: ScopedSetting[str], conversation: ConversationId, person: PersonId | None
    ) -> list[str]:
        return book_names(
            await self._scopes.resolve(setting, conversation=conversation, person=person)
        )

    async def _person(self, author: Author) -> PersonId:
        async with self._database.steps() as steps:
            return await self._people.ensure(steps, author, at=self._clock.now())
