"""What people may do with what is remembered of them: see, correct, pin, take away, forget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select, update

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import AuthorId, IdSource, MessageId, PersonId
from services.domain.people import Role
from services.memory.forgetting import erasing_rows as erasing
from services.memory.forgetting.holdings import Holding
from services.memory.forgetting.receipts import Receipt
from services.memory.forgetting.service import Forgetting
from services.memory.learning.fact import Changes, Fact, Origin, Party, Telling
from services.memory.learning.fact_rows import facts_beside, facts_in, insert_fact, update_fact
from services.memory.learning.facts import Facts
from services.memory.learning.lesson_rows import close_lessons, messages_saying
from services.memory.recollections import Dropped, Vectorizer
from services.memory.rights import rows as rows
from services.memory.rights.export import accounts_of, exported
from services.memory.rights.rows import FactView, Overview, TurnView
from services.memory.rights.statements import Statement, checked_value, finding_in, refuse_unfit
from services.storage.database import Database, Transaction
from services.storage.tables import facts

P = ParamSpec("P")
T = TypeVar("T")

MOST_AT_ONCE = 500
"""Messages and facts that one query may forget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks, and ``about`` whom: themselves unless somebody else is named."""

    account: AuthorId
    role: Role = Role.MEMBER
    about: AuthorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What of a person's own a query finds, the newest first."""

    turns: Sequence[TurnView]
    facts: Sequence[FactView]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.turns) + len(self.facts)

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "messages": [turn.as_json() for turn in self.turns],
            "facts": [fact.as_json() for fact in self.facts],
        }


class MemoryRights:
    """Acts for one person at a time: whoever asks, with all accounts linked to theirs.

    Owners may act for anybody; every method raises ``NotAllowed`` for others who try, and
    ``NotFound`` for an account of which nothing is known. What other people said is never shown,
    also where it is about the person: that can only be counted and forgotten.
    """

    def __init__(
        self,
        *,
        database: Database,
        forgetting: Forgetting,
        clock: Clock,
        ids: IdSource,
        index: Vectorizer | None = None,
        holdings: Sequence[Holding] = (),
    ) -> None:
        self._database = database
        self._forgetting = forgetting
        self._clock = clock
        self._ids = ids
        self._index = index
        self._holdings = holdings
        self._facts = Facts(ids)

    async def overview(self, requester: Requester) -> Overview:
        """Count what is remembered of the person."""
        return await self._see(requester, rows.overview)

    async def facts(self, requester: Requester, *, past: bool = False) -> Sequence[FactView]:
        """Return what the person told, pinned first; with ``past`` also what holds no longer."""
        return await self._see(requester, rows.facts_told, past=past)

    async def search(self, requester: Requester, query: str, *, limit: int = 20) -> Matches:
        """Return the person's messages and facts that hold all words of ``query``."""

        def work(connection: Connection, person: PersonId) -> Matches:
            return Matches(
                turns=rows.matching_turns(connection, person, query, limit=limit),
                facts=rows.matching_facts(connection, person, query, limit=limit),
            )

        return await self._see(requester, work)

    async def export(self, requester: Requester) -> dict[str, object]:
        """Return everything of the person as JSON values; nothing that others said."""

        def work(connection: Connection, person: PersonId) -> dict[str, object]:
            accounts = accounts_of(connection, person)
            kept = {
                held.name: list(held.of_person(connection, accounts)) for held in self._holdings
            }
            return exported(connection, person) | kept

        return await self._see(requester, work)

    async def correct(self, requester: Requester, fact: str, value: str) -> FactView:
        """Put ``value`` in place of a fact's, pinned; the old fact stays among the past ones.

        Raises ``NotFound``, or ``InvalidRequest`` for a value that is empty, too long, a secret
        or an order.
        """
        return await self._change(requester, fact, self._correct, checked_value(value))

    async def add(self, requester: Requester, statement: Statement) -> FactView:
        """Keep what the person asks to have remembered; what is known already is not kept twice.

        It is the person's own statement, whatever they chose about learning. Raises
        ``InvalidRequest`` for a value or key that is empty, too long, a secret or an order.
        """
        finding = finding_in(statement)

        def work(tx: Connection) -> tuple[FactView, list[Dropped]]:
            now, changes = self._clock.now(), Changes()
            told = Telling(
                teller=Party(name=statement.name, person=_subject(tx, requester)),
                persona=statement.persona,
                conversation=statement.conversation,
                message=None,
                said_at=now,
                origin=Origin.TOLD,
            )
            kept = self._facts.keep(tx, finding, told, changes=changes, now=now)
            return _reload(tx, kept.fact), list(changes.dropped)

        async with self._database.transaction() as tx:
            known, dropped = await _run(tx, work)
        await self._settle(dropped)
        return known

    async def pin(self, requester: Requester, fact: str, *, pinned: bool = True) -> FactView:
        """Have a fact recalled always, or no longer so; raises ``NotFound``."""

        def work(tx: Connection, known: FactView) -> tuple[FactView, list[Dropped]]:
            tx.execute(update(facts).where(facts.c.id == known.id).values(pinned=pinned))
            return _reload(tx, known.id), []

        return await self._change(requester, fact, work)

    async def forget_fact(self, requester: Requester, fact: str) -> None:
        """Delete a fact; no message that says it so far teaches it again. Raises ``NotFound``."""

        def work(tx: Connection, known: FactView) -> tuple[None, list[Dropped]]:
            self._close_lessons(tx, [known.id])
            return None, erasing.drop_facts(tx, [known.id])

        await self._change(requester, fact, work)

    async def forget_hearsay(self, requester: Requester) -> int:
        """Delete what others told about the person, and return how much it was."""
        async with self._database.transaction() as tx:
            person = await tx.run(_subject, requester)
            told = await tx.run(_told_about, person)
            await tx.run(self._close_lessons, told)
            dropped = await tx.run(erasing.drop_facts, told)
        await self._settle(dropped)
        return len(told)

    async def forget_message(self, requester: Requester, message: MessageId) -> Receipt:
        """Erase one message of the person; raises ``NotFound``."""
        person = await self._person(requester)
        return await self._forgetting.forget_messages(person, [message])

    async def preview(self, requester: Requester, query: str) -> Matches:
        """Return what ``forget_matching`` would forget; raises ``NotFound`` when it is nothing."""
        found = await self.search(requester, query, limit=MOST_AT_ONCE)
        if not found.count:
            raise NotFound("nothing_matches", "Nothing of yours matches that.")
        return found

    async def forget_matching(
        self, requester: Requester, query: str, *, expected: int
    ) -> Receipt | None:
        """Forget what ``preview`` showed, ``expected`` messages and facts together.

        Returns the receipt for the messages, if there were any. Raises ``InvalidRequest`` when
        there are others by now.
        """
        found = await self.preview(requester, query)
        if found.count != expected:
            raise InvalidRequest(
                "preview_outdated",
                f"By now {found.count} messages and facts match; look at them again.",
            )
        for fact in found.facts:
            await self.forget_fact(requester, fact.id)
        if not found.turns:
            return None
        person = await self._person(requester)
        return await self._forgetting.forget_messages(
            person, [MessageId(turn.id) for turn in found.turns]
        )

    async def forget_me(self, requester: Requester) -> Receipt:
        """Erase everything of the person, all linked accounts included; see ``Forgetting``."""
        return await self._forgetting.forget(await self._person(requester))

    # -- ground

    def _correct(
        self, connection: Connection, known: FactView, value: str
    ) -> tuple[FactView, list[Dropped]]:
        if not known.standing:
            raise InvalidRequest("fact_past", "That fact holds no longer; correct the newer one.")
        now, changes = self._clock.now(), Changes()
        (old,) = facts_in(connection, select(facts).where(facts.c.id == known.id))
        restated = _restated(old, value)
        refuse_unfit(value, restated)
        new = replace(
            old,
            id=self._ids.new(),
            value=value,
            text=restated,
            quote="",
            confidence=1.0,
            origin=Origin.TOLD,
            pinned=True,
            valid_from=now,
            created_at=now,
        )
        same = [one for one in facts_beside(connection, new) if one.digest == new.digest]
        for each in {one.id: one for one in (old, *same) if one.standing}.values():
            ended = replace(each, valid_to=max(now, each.valid_from), superseded_by=new.id)
            update_fact(connection, ended, changes)
        insert_fact(connection, new, changes)
        return _reload(connection, new.id), list(changes.dropped)

    def _close_lessons(self, connection: Connection, gone: Sequence[str]) -> None:
        for fact in facts_in(connection, select(facts).where(facts.c.id.in_(gone))):
            said = [] if fact.message is None else [fact.message]
            if fact.teller.person is not None and fact.value:
                said += messages_saying(connection, fact.teller.person, fact.value)
            close_lessons(connection, list(dict.fromkeys(said)), "forgotten", at=self._clock.now())

    async def _person(self, requester: Requester) -> PersonId:
        await self._meet(requester)
        async with self._database.reader() as snapshot:
            return await snapshot.run(_subject, requester)

    async def _meet(self, requester: Requester) -> None:
        """Make a person of who never said a word, if other services hold something of theirs."""
        account = requester.about or requester.account
        if account != requester.account and requester.role < Role.OWNER:
            return

        def held(connection: Connection) -> bool:
            return rows.person_of(connection, account) is None and any(
                holding.of_person(connection, [account]) for holding in self._holdings
            )

        async with self._database.reader() as snapshot:
            if not await snapshot.run(held):
                return
        async with self._database.transaction() as tx:
            await tx.run(rows.add_person, account, PersonId(self._ids.new()), at=self._clock.now())

    async def _see(
        self,
        requester: Requester,
        task: Callable[Concatenate[Connection, PersonId, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def work(connection: Connection) -> T:
            return task(connection, _subject(connection, requester), *args, **kwargs)

        await self._meet(requester)
        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(
        self,
        requester: Requester,
        fact: str,
        task: Callable[Concatenate[Connection, FactView, P], tuple[T, list[Dropped]]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def work(connection: Connection) -> tuple[T, list[Dropped]]:
            known = rows.fact_of(connection, _subject(connection, requester), fact)
            if known is None:
                raise NotFound("fact_unknown", "There is no such fact of yours.")
            return task(connection, known, *args, **kwargs)

        async with self._database.transaction() as tx:
            result, dropped = await _run(tx, work)
        await self._settle(dropped)
        return result

    async def _settle(self, dropped: Sequence[Dropped]) -> None:
        if self._index is None:
            return
        if dropped:
            await self._index.dropped(dropped)
        self._index.wake()


async def _run(tx: Transaction, work: Callable[[Connection], T]) -> T:
    return await tx.run(work)


def _subject(connection: Connection, requester: Requester) -> PersonId:
    """Return whom the request is about, if whoever asks may ask it."""
    own = rows.person_of(connection, requester.account)
    if requester.about is None or requester.about == requester.account:
        found = own
    else:
        found = rows.person_of(connection, requester.about)
        if requester.role < Role.OWNER and (own is None or found != own):
            raise NotAllowed("memory_of_other", "You may only see and change your own memories.")
    if found is None:
        raise NotFound("person_unknown", "Nothing is remembered of that account.")
    return found


def _reload(connection: Connection, fact: str) -> FactView:
    row = connection.execute(select(facts).where(facts.c.id == fact)).mappings().one()
    return rows.fact_view(row)


def _restated(known: Fact, value: str) -> str:
    if known.value and known.value in known.text:
        return known.text.replace(known.value, value)
    return f"{known.about.name}: {value}."


def _told_about(connection: Connection, person: PersonId) -> list[str]:
    query = select(facts.c.id).where(rows.told_about(person))
    return list(connection.execute(query).scalars())
