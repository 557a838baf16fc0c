"""What is kept of people in lists and polls, and taking it away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, or_, select, update

from services.domain.ids import AuthorId
from services.lists.tables import list_items, lists, poll_votes, polls


class ListHolding:
    """Lists, polls and votes.

    What nobody else has a part in goes with its person; other shared lists and polls stay, without
    saying whose they were.
    """

    name = "lists"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return the person's lists with their lines, polls and votes, as JSON values."""
        who = [str(one) for one in accounts]
        found: list[Mapping[str, object]] = []
        for row in connection.execute(select(lists).where(lists.c.owner.in_(who))).mappings():
            lines = connection.execute(
                select(list_items.c.text, list_items.c.done).where(
                    list_items.c.list_id == row["id"]
                )
            )
            items = [{"text": line[0], "done": line[1]} for line in lines]
            found.append({"list": row["name"], "shared": row["shared"], "items": items})
        asked = select(polls.c.question, polls.c.options).where(polls.c.asked_by.in_(who))
        found += [{"poll": row[0], "options": row[1]} for row in connection.execute(asked)]
        votes = (
            select(polls.c.question, poll_votes.c.option)
            .join(polls, polls.c.id == poll_votes.c.poll_id)
            .where(poll_votes.c.account.in_(who))
        )
        return found + [{"vote": row[0], "option": row[1]} for row in connection.execute(votes)]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete and take out of what stays; return how many rows that changed."""
        who = [str(one) for one in accounts]
        mine = lists.c.owner.in_(who)
        others_lines = select(list_items.c.list_id).where(
            or_(list_items.c.added_by.not_in(who), list_items.c.added_by.is_(None))
        )
        others_votes = select(poll_votes.c.poll_id).where(poll_votes.c.account.not_in(who))
        alone = mine & (~lists.c.shared | lists.c.id.not_in(others_lines))
        unanswered = polls.c.asked_by.in_(who) & polls.c.id.not_in(others_votes)
        own = select(lists.c.id).where(alone).scalar_subquery()
        asked = select(polls.c.id).where(unanswered).scalar_subquery()
        changed = [
            delete(list_items).where(list_items.c.list_id.in_(own)),
            delete(lists).where(alone),
            delete(poll_votes).where(poll_votes.c.poll_id.in_(asked)),
            delete(polls).where(unanswered),
            update(lists).where(mine).values(owner=lists.c.id),
            update(list_items).where(list_items.c.added_by.in_(who)).values(added_by=None),
            delete(poll_votes).where(poll_votes.c.account.in_(who)),
            update(polls).where(polls.c.asked_by.in_(who)).values(asked_by=None),
        ]
        return sum(connection.execute(each).rowcount for each in changed)

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete every list and poll of the place."""
        kept = select(lists.c.id).where(lists.c.place == place).scalar_subquery()
        held = select(polls.c.id).where(polls.c.place == place).scalar_subquery()
        gone = [
            delete(list_items).where(list_items.c.list_id.in_(kept)),
            delete(poll_votes).where(poll_votes.c.poll_id.in_(held)),
            delete(lists).where(lists.c.place == place),
            delete(polls).where(polls.c.place == place),
        ]
        return sum(connection.execute(each).rowcount for each in gone)
