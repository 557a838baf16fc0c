"""What people do with their reminders, the same for commands, buttons and tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId, IdSource, PersonaId
from services.domain.people import Author
from services.reminders import repository
from services.reminders.reminder import LONGEST, Reminder, Snooze, State, Target
from services.reminders.wishes import Wish, read
from services.reminders.zones import ZoneChoice, Zones
from services.storage.database import Database

_LONGEST_REQUEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants to be reminded of, where they say so, and who takes it.

    ``text`` says when, too, unless ``when`` does.
    """

    text: str
    conversation: ConversationId
    when: str = ""
    persona: PersonaId | None = None
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A reminder and the zone its words were read in."""

    reminder: Reminder
    zone: ZoneChoice


class Reminders:
    """Keeps the reminders of people; everyone sees and changes their own alone.

    A person's accounts share theirs. All methods raise ``NotFound`` for a reminder that is not
    the person's, and ``InvalidRequest`` with a question where something is not clear.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ids: IdSource,
        zones: Zones,
        news: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._zones = zones
        self._news = news

    async def create(self, request: Request, *, by: Author) -> Made:
        """Take a reminder. Raises ``Refused`` for a person who has 200."""
        now = self._clock.now()
        zone, wish = await self._read(request, by, now)
        reminder = Reminder(
            id=self._ids.new(),
            number=0,
            owner=by.id,
            conversation=request.conversation,
            persona=request.persona,
            text=wish.text,
            due_at=wish.when,
            starts_at=wish.when,
            rrule=wish.rrule,
            timezone=zone.zone.key,
            target=Target.PRIVATE if request.private else Target.HERE,
            created_at=now,
        )
        async with self._database.steps() as tx:
            numbered = await tx.run(repository.add, reminder)
        self._news()
        return Made(reminder=numbered, zone=zone)

    async def listed(self, *, by: Author, only: ConversationId | None = None) -> Sequence[Reminder]:
        """Return what is still to be told, by moment, then what could not be delivered.

        ``only`` leaves out what was made elsewhere or is for the person alone: for answers that
        others read.
        """
        async with self._database.reader() as snapshot:
            found = await snapshot.run(repository.of_person, by.id)
        if only is None:
            return found
        return [one for one in found if one.conversation == only and not one.private]

    async def cancel(
        self, number: int, *, by: Author, only: ConversationId | None = None
    ) -> Reminder:
        """Delete a reminder and return what it was; ``only`` is as in ``listed``."""
        async with self._database.transaction() as tx:
            found = await tx.run(repository.numbered, by.id, number)
            if only is not None and (found.conversation != only or found.private):
                raise InvalidRequest(
                    "reminder_elsewhere", "That reminder was made elsewhere; cancel it there."
                )
            await tx.run(repository.remove, [found.id])
        return found

    async def clear(self, *, by: Author) -> int:
        """Delete every reminder of the person and return how many were still to come."""
        async with self._database.steps() as tx:
            return await tx.run(repository.clear, by.id)

    async def change(self, number: int, request: Request, *, by: Author) -> Made:
        """Give a reminder another moment and text, as if it were made anew under its number."""
        now = self._clock.now()
        zone, wish = await self._read(request, by, now)
        async with self._database.transaction() as tx:
            found = await tx.run(repository.numbered, by.id, number)
            changed = replace(
                _afresh(found, wish.when),
                text=wish.text,
                rrule=wish.rrule,
                starts_at=wish.when,
                timezone=zone.zone.key,
                settled=found.occurrence,
            )
            await tx.run(repository.put, changed)
        self._news()
        return Made(reminder=changed, zone=zone)

    async def snooze(self, number: int, how: Snooze, *, by: Author) -> Reminder:
        """Have a reminder told again later; of one that repeats, its last occurrence."""
        async with self._database.reader() as snapshot:
            found = await snapshot.run(repository.numbered, by.id, number)
        return await self.snooze_shown(found.id, _last(found), how, by=by)

    async def snooze_shown(
        self, identity: str, occurrence: int, how: Snooze, *, by: Author
    ) -> Reminder:
        """Have an occurrence that was told come again, once; ``InvalidRequest`` the second time.

        One that repeats goes on besides: what was put off becomes a reminder of its own.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.run(repository.by_id, by.id, identity)
            _need_unsettled(found, occurrence)
            moment = how.until(now, found.zone)
            if found.rrule is None:
                again = replace(_afresh(found, moment), settled=occurrence)
                await tx.run(repository.put, again)
            else:
                again = replace(
                    _afresh(found, moment),
                    id=self._ids.new(),
                    starts_at=moment,
                    created_at=now,
                    rrule=None,
                    occurrence=1,
                    settled=0,
                )
                again = await tx.run(repository.add, again)
                await tx.run(repository.settle, found.id, occurrence)
        self._news()
        return again

    async def finish(self, number: int, *, by: Author) -> Reminder | None:
        """Note that what a reminder is about is done; see ``finish_shown``."""
        async with self._database.reader() as snapshot:
            found = await snapshot.run(repository.numbered, by.id, number)
        return await self.finish_shown(found.id, _last(found), by=by)

    async def finish_shown(self, identity: str, occurrence: int, *, by: Author) -> Reminder | None:
        """Note that what was told is done; return the reminder if it comes again, else delete it.

        Raises ``InvalidRequest`` when that occurrence was put off or done already.
        """
        async with self._database.transaction() as tx:
            found = await tx.run(repository.by_id, by.id, identity)
            _need_unsettled(found, occurrence)
            if found.rrule is None or found.state is not State.OPEN:
                await tx.run(repository.remove, [found.id])
                return None
            await tx.run(repository.settle, found.id, occurrence)
            return found

    async def _read(self, request: Request, by: Author, now: datetime) -> tuple[ZoneChoice, Wish]:
        if len(request.text) + len(request.when) > _LONGEST_REQUEST:
            raise _too_long()
        zone = await self._zones.of(by, request.conversation)
        wish = await asyncio.to_thread(
            read, request.text, when=request.when, now=now, zone=zone.zone
        )
        if len(wish.text) > LONGEST:
            raise _too_long()
        return zone, wish


def _afresh(reminder: Reminder, moment: datetime) -> Reminder:
    return replace(
        reminder,
        due_at=moment,
        state=State.OPEN,
        occurrence=reminder.occurrence + 1,
        attempts=0,
        moved=False,
        uncertain=False,
        tried_at=None,
        missed=0,
        last_due=None,
    )


def _last(reminder: Reminder) -> int:
    """Return the occurrence that was told last."""
    repeats = reminder.rrule is not None and reminder.state is State.OPEN
    return reminder.occurrence - 1 if repeats else reminder.occurrence


def _need_unsettled(reminder: Reminder, occurrence: int) -> None:
    if not reminder.settled < occurrence <= _last(reminder):
        raise InvalidRequest("reminder_settled", "That one is dealt with already.")


def _too_long() -> InvalidRequest:
    return InvalidRequest(
        "reminder_too_long", f"Write what I should remind you of in {LONGEST} characters at most."
    )
