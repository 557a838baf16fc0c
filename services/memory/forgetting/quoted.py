"""Taking what somebody said out of what others said, noted or were told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Connection, Table, select, update

from services.memory.forgetting import rows as rows
from services.memory.forgetting.erasing_rows import put_text
from services.memory.forgetting.redaction import Quotes, redacted_json, telling_words
from services.memory.forgetting.rows import NOBODY, Target, Text
from services.storage.tables import (
    conversation_states,
    conversations,
    facts,
    messages,
    passages,
    pending_actions,
    summaries,
    turns,
)

BATCH = 400
_REACH = 12
_FACTS = ("about", "teller", "value", "text", "quote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New words for a message of somebody else."""

    old: Text
    written: str
    heard: str | None


@dataclass(slots=True, kw_only=True)
class Found:
    """A batch of messages that were read; ``last`` is the id to go on after, empty at the end."""

    last: str = ""
    changes: list[Change] = field(default_factory=list)


def quoting_messages(
    connection: Connection,
    target: Target,
    quotes: Quotes,
    *,
    after: str,
    within: Collection[str] | None,
) -> Found:
    """Read the next messages that stay and say what is to change in them.

    An answer to the person also loses the telling words of what it answers.
    """
    read = rows.other_texts(connection, target, after=after, limit=BATCH, within=within)
    answers = rows.answered(connection, [text.place.id for text in read])
    found = Found(last=read[-1].place.id if len(read) == BATCH else "")
    for text in read:
        also = _answered_words(connection, target, text, answers.get(text.place.id))
        written = quotes.redacted(text.written, at=text.place, also=also)
        heard = None
        if text.heard is not None:
            heard = quotes.redacted(text.heard, at=text.place, also=also)
        if written is not None or heard is not None:
            found.changes.append(
                Change(
                    old=text,
                    written=text.written if written is None else written,
                    heard=text.heard if heard is None else heard,
                )
            )
    return found


def put_changes(connection: Connection, changes: Sequence[Change]) -> list[str]:
    """Store changed messages; return the ids of those that were."""
    return [
        change.old.place.id
        for change in changes
        if put_text(
            connection,
            change.old.place.id,
            old=change.old,
            written=change.written,
            heard=change.heard,
        )
    ]


def disown_documents(connection: Connection, quotes: Quotes) -> None:
    """Learn that what stands in documents is nobody's own."""
    last = ""
    while True:
        found = connection.execute(
            select(passages.c.id, passages.c.text)
            .where(passages.c.id > last)
            .order_by(passages.c.id)
            .limit(BATCH)
        ).all()
        for _, text in found:
            quotes.disown(text)
        if len(found) < BATCH:
            return
        last = found[-1][0]


def quoting_facts(connection: Connection, target: Target, quotes: Quotes) -> list[str]:
    """Return the facts of others that quote the person."""
    others = facts.c.person_id.is_distinct_from(target.person) & (
        facts.c.teller_id.is_distinct_from(target.person)
    )
    columns = [facts.c[name] for name in _FACTS]
    found = connection.execute(select(facts.c.id, *columns).where(others))
    return [row[0] for row in found if any(quotes.redacted(text) is not None for text in row[1:])]


def quoting_summaries(connection: Connection, quotes: Quotes) -> list[str]:
    """Return the summaries that quote the person."""
    found = connection.execute(select(summaries.c.id, summaries.c.text))
    return [identity for identity, text in found if quotes.redacted(text) is not None]


def redact_notes(
    connection: Connection, target: Target, quotes: Quotes, places: Sequence[str]
) -> int:
    """Take quotes out of titles, variables, explanations and questions; return how many rows."""
    nobody = dict.fromkeys(target.names, str(NOBODY))
    changed = _redact_column(connection, conversations, conversations.c.title, quotes, nobody)
    changed += _redact_column(
        connection, conversation_states, conversation_states.c.state, quotes, nobody
    )
    for start in range(0, len(places), BATCH):
        part = places[start : start + BATCH]
        for column in (turns.c.why, turns.c.delivered):
            changed += _redact_column(
                connection, turns, column, quotes, nobody, turns.c.conversation_id.in_(part)
            )
        for column in (pending_actions.c.arguments, pending_actions.c.question):
            within = pending_actions.c.conversation_id.in_(part)
            changed += _redact_column(connection, pending_actions, column, quotes, nobody, within)
    return changed


def redact_explanations(connection: Connection, place: str, quotes: Quotes) -> int:
    """Take quotes of a place out of what explains answers elsewhere; return how many rows."""
    elsewhere = turns.c.conversation_id.not_in(rows.conversations_in(place))
    return _redact_column(connection, turns, turns.c.why, quotes, {}, elsewhere)


def _redact_column(
    connection: Connection,
    table: Table,
    column: Column[object],
    quotes: Quotes,
    accounts: Mapping[str, str],
    *conditions: ColumnElement[bool],
) -> int:
    keys = list(table.primary_key.columns)
    filled = column.is_not(None)
    found = connection.execute(select(*keys, column).where(filled, *conditions))
    changed = 0
    for row in found.all():
        value = redacted_json(row[-1], quotes, accounts)
        if value is row[-1]:
            continue
        here = (key == known for key, known in zip(keys, row[:-1], strict=True))
        connection.execute(update(table).where(*here).values({column.name: value}))
        changed += 1
    return changed


def _answered_words(
    connection: Connection, target: Target, reply: Text, trigger: str | None
) -> frozenset[str]:
    """Return the telling words of the person's messages just before a reply to one of them."""
    if trigger is None:
        return frozenset()
    place = reply.place
    before = connection.execute(
        select(messages.c.id, messages.c.written, messages.c.heard).where(
            messages.c.conversation_id == place.conversation,
            messages.c.ordinal.between(place.ordinal - _REACH, place.ordinal),
            rows.forgettable(target),
        )
    ).all()
    if trigger not in {row[0] for row in before}:
        return frozenset()
    return telling_words(text for row in before for text in row[1:] if text)
