"""Names of accounts, and accounts by name, as far as a place knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, exists, func, or_, select, tuple_

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId
from services.projects.rules import Asker
from services.projects.tables import project_ideas, project_notes, project_owners, project_tasks
from services.storage.tables import accounts, conversations, messages

_ME = frozenset({"me", "myself", "ich", "mir", "mich"})
_MOST_NAMESAKES = 20


def names_of(connection: Connection, wanted: Collection[AuthorId | None]) -> Mapping[AuthorId, str]:
    """Return the names by which accounts are known; those never seen are missing."""
    pairs = {(one.platform, one.user) for one in wanted if one is not None}
    if not pairs:
        return {}
    rows = connection.execute(
        select(accounts.c.platform, accounts.c.user, accounts.c.display_name).where(
            tuple_(accounts.c.platform, accounts.c.user).in_(sorted(pairs))
        )
    )
    return {AuthorId(platform, user): name for platform, user, name in rows}


def account_named(connection: Connection, asker: Asker, typed: str) -> AuthorId:
    """Return the account that is meant by ``me``, an id, a mention or a name.

    Only people who have talked in the place or take part in its projects are found, so that
    nothing can be learnt of others. Raises ``NotFound``, or ``InvalidRequest`` where several have
    the name.
    """
    wanted = typed.strip().strip("<>").lstrip("@!").strip()
    wanted = wanted.removeprefix(f"{asker.account.platform}:")
    if wanted.casefold() in _ME or wanted == asker.account.user:
        return asker.account
    found = [
        account
        for account in _called(connection, asker.account.platform, wanted)
        if _takes_part(connection, asker.place, account) or _talked(connection, asker, account)
    ]
    if not found:
        raise NotFound("project_person", "Nobody here is known by that name or id.")
    if len(found) > 1:
        raise InvalidRequest("project_person", "Several people have that name; say the id.")
    return found[0]


def _called(connection: Connection, platform: str, wanted: str) -> list[AuthorId]:
    by_name = select(accounts.c.user).where(
        accounts.c.platform == platform,
        or_(
            accounts.c.display_name == wanted,
            func.lower(accounts.c.display_name) == wanted.lower(),
        ),
    )
    users = connection.execute(by_name.limit(_MOST_NAMESAKES)).scalars()
    return [AuthorId(platform, user) for user in dict.fromkeys([wanted, *users]) if user]


def _talked(connection: Connection, asker: Asker, account: AuthorId) -> bool:
    conversation = asker.conversation
    here = (
        conversations.c.id == str(conversation)
        if asker.is_private
        else (conversations.c.platform == conversation.platform)
        & (conversations.c.scope == conversation.scope)
    )
    said = exists().where(
        messages.c.author_platform == account.platform,
        messages.c.author_user == account.user,
        messages.c.conversation_id == conversations.c.id,
        here,
    )
    return bool(connection.execute(select(said)).scalar())


def _takes_part(connection: Connection, place: str, account: AuthorId) -> bool:
    return any(
        connection.execute(
            select(exists().where(table.c.place == place, table.c[column] == str(account)))
        ).scalar()
        for table, column in (
            (project_owners, "account"),
            (project_tasks, "created_by"),
            (project_tasks, "assigned_to"),
            (project_ideas, "author"),
            (project_notes, "author"),
        )
    )
