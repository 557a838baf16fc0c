"""What is kept of people's reminders, for export and forgetting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select

from services.domain.ids import AuthorId
from services.reminders.repository import reminder_of
from services.reminders.tables import reminders


class ReminderHolding:
    """Reminders belong to the account that made them and to the place they were made in."""

    name = "reminders"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId]
    ) -> Sequence[Mapping[str, object]]:
        """Return the person's reminders as JSON values; moments in ISO 8601."""
        query = select(reminders).where(reminders.c.owner.in_([str(one) for one in accounts]))
        rows = connection.execute(query.order_by(reminders.c.id)).mappings()
        return [
            {
                "number": one.number,
                "account": str(one.owner),
                "conversation": str(one.conversation),
                "text": one.text,
                "due": one.due_at.astimezone(one.zone).isoformat(),
                "timezone": one.timezone,
                "repeats": one.rrule,
                "state": one.state.value,
                "private": one.private,
                "created": one.created_at.isoformat(),
            }
            for one in map(reminder_of, rows)
        ]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId]) -> int:
        """Delete the person's reminders and return how many there were."""
        owned = reminders.c.owner.in_([str(one) for one in accounts])
        return connection.execute(delete(reminders).where(owned)).rowcount

    def erase_place(self, connection: Connection, place: str) -> int:
        """Delete what was made in ``platform:scope`` and return how many there were."""
        there = reminders.c.conversation_id.startswith(f"{place}:", autoescape=True)
        return connection.execute(delete(reminders).where(there)).rowcount
