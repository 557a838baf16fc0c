"""The journal of erasures: what is left to do after a crash, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from services.domain.ids import AuthorId
from services.memory.forgetting.receipts import Receipt
from services.memory.forgetting.rows import Target
from services.storage.tables import erasures


class Stage(StrEnum):
    """How far an erasure has come."""

    ERASING = "erasing"
    PROVING = "proving"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure as noted: ids and counts, no words. ``blobs`` are files still to be deleted."""

    id: str
    target: Target
    stage: Stage
    requested_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    blobs: Sequence[str] = ()


def begin(connection: Connection, erasure: Erasure) -> None:
    """Note what is to be erased, before anything is."""
    connection.execute(
        insert(erasures).values(
            id=erasure.id,
            place=erasure.target.place,
            person_id=erasure.target.person,
            accounts=_scope(erasure.target, ()),
            state=erasure.stage.value,
            requested_at=erasure.requested_at,
            receipt={"counts": {}},
        )
    )


def unfinished(connection: Connection) -> list[Erasure]:
    """Return what a crash left to do, oldest first."""
    rows = connection.execute(
        select(erasures).where(erasures.c.state != Stage.FINISHED.value).order_by(erasures.c.id)
    )
    return [_erasure(row) for row in rows.mappings()]


def load(connection: Connection, identity: str) -> Erasure:
    """Return one erasure."""
    row = connection.execute(select(erasures).where(erasures.c.id == identity)).mappings().one()
    return _erasure(row)


def count(connection: Connection, identity: str, counts: Mapping[str, int]) -> None:
    """Add to what was erased, in the transaction that erases it."""
    known = dict(load(connection, identity).counts)
    for kind, number in counts.items():
        if number:
            known[kind] = known.get(kind, 0) + number
    _change(connection, identity, receipt={"counts": known})


def keep_blobs(connection: Connection, identity: str, blobs: Sequence[str]) -> None:
    """Note files that are to be deleted once nothing refers to them."""
    found = load(connection, identity)
    noted = list(dict.fromkeys([*found.blobs, *blobs])) if blobs else []
    _change(connection, identity, accounts=_scope(found.target, noted))


def erased(connection: Connection, identity: str) -> None:
    """Note that all is erased and the proof is left to make; whose accounts it was is dropped."""
    whole = load(connection, identity).target.whole
    _change(
        connection,
        identity,
        state=Stage.PROVING.value,
        accounts={"messages": None if whole else []},
    )


def finish(connection: Connection, receipt: Receipt) -> None:
    """Keep the receipt."""
    _change(
        connection,
        receipt.id,
        state=Stage.FINISHED.value,
        accounts={},
        finished_at=receipt.finished_at,
        receipt=receipt.as_json(),
    )


def receipt_of(connection: Connection, identity: str) -> Mapping[str, object] | None:
    """Return the receipt of a finished erasure as JSON values."""
    row = connection.execute(
        select(erasures.c.receipt).where(
            erasures.c.id == identity, erasures.c.state == Stage.FINISHED.value
        )
    ).scalar_one_or_none()
    return row if isinstance(row, Mapping) else None


def last_finished(connection: Connection) -> datetime | None:
    """Return when the last erasure of a whole person ended."""
    query = select(erasures.c.finished_at).where(erasures.c.finished_at.is_not(None))
    moments = [moment for moment in connection.execute(query).scalars() if moment is not None]
    return max(moments, default=None)


def drop_finished(connection: Connection, *, before: datetime) -> int:
    """Delete old receipts."""
    gone = connection.execute(delete(erasures).where(erasures.c.finished_at < before))
    return int(gone.rowcount)


def _change(connection: Connection, identity: str, **values: object) -> None:
    connection.execute(update(erasures).where(erasures.c.id == identity).values(**values))


def _scope(target: Target, blobs: Sequence[str]) -> dict[str, object]:
    return {
        "accounts": [str(account) for account in target.accounts],
        "own": list(target.own),
        "messages": None if target.messages is None else list(target.messages),
        "blobs": list(blobs),
        "people": list(target.people),
    }


def _erasure(row: Mapping[Any, Any]) -> Erasure:
    scope = row["accounts"]
    noted = scope.get("messages")
    return Erasure(
        id=row["id"],
        target=Target(
            person=row["person_id"],
            accounts=tuple(AuthorId.parse(one) for one in scope.get("accounts", ())),
            own=tuple(scope.get("own", ())),
            messages=None if noted is None else tuple(noted),
            place=row["place"],
            people=tuple(scope.get("people", ())),
        ),
        stage=Stage(row["state"]),
        requested_at=row["requested_at"],
        counts=dict((row["receipt"] or {}).get("counts", {})),
        blobs=tuple(scope.get("blobs", ())),
    )
