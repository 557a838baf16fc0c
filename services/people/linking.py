"""Two accounts become one person when a code from the one is entered at the other and confirmed."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound, TooMany
from services.domain.ids import AuthorId, PersonId
from services.people.repository import PeopleRepository
from services.storage.cache import RecentCache
from services.storage.database import Database
from services.storage.tables import accounts, link_codes

LIFETIME = timedelta(minutes=10)
"""How long a code can be entered and confirmed."""
MOST_ATTEMPTS = 5
"""Wrong entries after which a code is void, and a guessing account has to wait."""

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOCATOR = 3
_SECRET = 9
_GUESSERS = 10_000
_LIKE_DIGITS = str.maketrans("", "", "- \t\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """What a person carries from one account to the other."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An account that asks to be linked; ``name`` is how it is shown there."""

    account: AuthorId
    name: str


class AccountLinks:
    """Links accounts of one human on several platforms.

    ``begin`` shows a code at the first account, ``claim`` enters it at the second, and ``confirm``
    at the first sees which account claimed it and agrees. A code has 44 random bits, is stored as a
    digest that only this process can compute, holds for ten minutes, is void after five wrong
    entries, and works once; a restart voids all. ``on_linked`` is called after each link.
    """

    def __init__(
        self,
        *,
        database: Database,
        people: PeopleRepository,
        clock: Clock,
        rng: random.Random,
        on_linked: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._rng = rng
        self._on_linked = on_linked
        self._key = rng.randbytes(32)
        self._guesses: RecentCache[AuthorId, tuple[float, int]] = RecentCache(_GUESSERS)

    async def begin(self, account: AuthorId) -> LinkCode:
        """Return a new code for ``account``, which voids its earlier one.

        Raises ``NotFound`` for an account that has never said anything.
        """
        code = "".join(self._rng.choices(_LETTERS, k=_LOCATOR + _SECRET))
        now = self._clock.now()
        expires = now + LIFETIME

        def work(connection: Connection) -> None:
            _known(connection, account)
            connection.execute(
                delete(link_codes).where(
                    or_(link_codes.c.account == str(account), link_codes.c.expires_at <= now)
                )
            )
            connection.execute(
                insert(link_codes).values(
                    digest=self._digest(code),
                    account=str(account),
                    created_at=now,
                    expires_at=expires,
                    attempts=0,
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
        shown = "-".join(code[start : start + 3] for start in range(0, len(code), 3))
        return LinkCode(code=shown, expires_at=expires)

    async def claim(self, code: str, account: AuthorId) -> Claim:
        """Enter a code at another account; return the account where it has to be confirmed.

        Raises ``InvalidRequest`` for a code that is wrong, void, claimed already, or the account's
        own, all in the same words, and ``TooMany`` after five wrong codes within ten minutes.
        """
        self._refuse_guessing(account)
        entered = code.upper().translate(_LIKE_DIGITS)

        def work(connection: Connection) -> Claim | None:
            _known(connection, account)
            found = self._find(connection, entered)
            if found is None or found == account:
                return None
            connection.execute(
                update(link_codes)
                .where(link_codes.c.account == str(found))
                .values(claimed_by=str(account))
            )
            return Claim(account=found, name=_known(connection, found))

        async with self._database.transaction() as tx:
            claim = await tx.run(work)
        if claim is None:
            self._note_guess(account)
            raise InvalidRequest(
                "link_code", "That code does not hold; ask for a new one at your other account."
            )
        return claim

    async def claimed(self, account: AuthorId) -> Claim | None:
        """Return who has entered the code of ``account`` and waits to be confirmed."""

        def work(connection: Connection) -> Claim | None:
            claimant = _claimant(connection, account, self._clock.now())
            if claimant is None:
                return None
            return Claim(account=claimant, name=_known(connection, claimant))

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def confirm(self, account: AuthorId, claimant: AuthorId) -> PersonId:
        """Link ``claimant``, as shown by ``claimed``, to ``account``, where the code was made.

        Both are one person from then on. Raises ``NotFound`` when that account has not entered the
        code, or too long ago.
        """

        def settle(connection: Connection) -> None:
            if _claimant(connection, account, self._clock.now()) != claimant:
                raise NotFound("link_unclaimed", "No account waits to be linked to this one.")
            connection.execute(delete(link_codes).where(link_codes.c.account == str(account)))

        async with self._database.transaction() as tx:
            await tx.run(settle)
            person = await self._people.link(tx, account, claimant)
            if self._on_linked is not None:
                tx.on_commit(self._on_linked)
        return person

    async def cancel(self, account: AuthorId) -> None:
        """Void the code of ``account``, if it has one."""

        def work(connection: Connection) -> None:
            connection.execute(delete(link_codes).where(link_codes.c.account == str(account)))

        async with self._database.transaction() as tx:
            await tx.run(work)

    def _find(self, connection: Connection, entered: str) -> AuthorId | None:
        """Return whose code it is; a wrong one counts against the code it resembles."""
        wanted = self._digest(entered)
        locator = wanted.partition(":")[0]
        rows = connection.execute(
            select(link_codes).where(
                link_codes.c.digest.startswith(f"{locator}:", autoescape=True),
                link_codes.c.expires_at > self._clock.now(),
                link_codes.c.attempts < MOST_ATTEMPTS,
                link_codes.c.claimed_by.is_(None),
            )
        ).mappings()
        found: AuthorId | None = None
        for row in rows.all():
            if hmac.compare_digest(row["digest"], wanted):
                found = AuthorId.parse(row["account"])
                continue
            connection.execute(
                update(link_codes)
                .where(link_codes.c.digest == row["digest"])
                .values(attempts=link_codes.c.attempts + 1)
            )
        return found

    def _digest(self, code: str) -> str:
        """Return the part by which a code is found, and a keyed digest of all of it."""
        locator = code[:_LOCATOR] if code.isalnum() and code.isascii() else "-"
        secret = hmac.new(self._key, code.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return f"{locator}:{secret}"

    def _refuse_guessing(self, account: AuthorId) -> None:
        since, wrong = self._guesses.get(account) or (0.0, 0)
        left = since + LIFETIME.total_seconds() - self._clock.monotonic()
        if wrong >= MOST_ATTEMPTS and left > 0:
            raise TooMany(
                "link_attempts", "Too many wrong codes; try again in ten minutes.", retry_after=left
            )

    def _note_guess(self, account: AuthorId) -> None:
        now = self._clock.monotonic()
        since, wrong = self._guesses.get(account) or (now, 0)
        if now - since >= LIFETIME.total_seconds():
            since, wrong = now, 0
        self._guesses.keep(account, (since, wrong + 1))


def _known(connection: Connection, account: AuthorId) -> str:
    """Return an account's name; raises ``NotFound`` for one never seen."""
    name = connection.execute(
        select(accounts.c.display_name).where(
            accounts.c.platform == account.platform, accounts.c.user == account.user
        )
    ).scalar_one_or_none()
    if name is None:
        raise NotFound("account_unknown", "Say something here first, so that you are known.")
    return str(name)


def _claimant(connection: Connection, account: AuthorId, now: datetime) -> AuthorId | None:
    claimed = connection.execute(
        select(link_codes.c.claimed_by).where(
            link_codes.c.account == str(account), link_codes.c.expires_at > now
        )
    ).scalar_one_or_none()
    return None if claimed is None else AuthorId.parse(claimed)
