"""What people ask to have remembered of them in so many words."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId, PersonaId
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.rules.refusals import instruction, secret
from services.memory.learning.slots import single
from services.memory.learning.topics import topic_of

LONGEST_VALUE = 300
"""Characters a value may have."""
LONGEST_KEY = 60
"""Characters the name of what is known may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something to be remembered of somebody called ``name``, for one character in one place.

    ``key`` says what ``value`` is, such as "favourite colour"; without one the value is kept as a
    quote.
    """

    value: str
    name: str
    persona: PersonaId
    conversation: ConversationId
    key: str = ""


def finding_in(statement: Statement) -> Finding:
    """Return what a statement says.

    Raises ``InvalidRequest`` for a value or key that is empty, too long, a secret or an order.
    """
    value, key = checked_value(statement.value), " ".join(statement.key.split())
    if len(key) > LONGEST_KEY:
        raise InvalidRequest("fact_key", f"A name has {LONGEST_KEY} characters at most.")
    if not key:
        finding = Finding(
            slot="told",
            value=value,
            kind=FactKind.QUOTE,
            sentence=f"{{who}} asked to remember: “{value}”",
            quote="",
            asked=True,
            confidence=1.0,
        )
    else:
        topic = topic_of(key)
        finding = Finding(
            slot=topic.slot,
            value=value,
            kind=topic.kind,
            sentence=topic.sentence.replace("<v>", value),
            quote="",
            asked=True,
            confidence=1.0,
            replaces=single(topic.slot),
        )
    refuse_unfit(value, key, f"{key}: {value}", finding.sentence)
    return finding


def checked_value(value: str) -> str:
    """Return a value on one line; raises ``InvalidRequest`` for an empty or a long one."""
    value = " ".join(value.split())
    if not value or len(value) > LONGEST_VALUE:
        raise InvalidRequest(
            "fact_value", f"Give the right value, of {LONGEST_VALUE} characters at most."
        )
    return value


def refuse_unfit(*texts: str) -> None:
    """Raise ``InvalidRequest`` if one of ``texts`` is a secret or an order."""
    if any(secret(text) for text in texts):
        raise InvalidRequest("fact_secret", "Secrets such as passwords are not remembered.")
    if any(instruction(text) for text in texts):
        raise InvalidRequest("fact_order", "That is an order, and orders are not remembered.")
