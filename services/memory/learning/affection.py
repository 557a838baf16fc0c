"""How fond a character is of a person, from 0 to 100, and what changes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.ids import ConversationId, PersonaId, PersonId
from services.memory.index.turn_rows import SESSION_REST
from services.memory.learning.rules.cleaning import own_words
from services.storage.tables import affections

LOWEST, HIGHEST = 0, 100
MOST_PER_CONVERSATION = 5
MOST_PER_MESSAGE = 1

_KIND = re.compile(
    r"(?i)\b(?:thank(?:s| you)|thx|ty|(?:i )?(?:really )?appreciate (?:it|you|that|this)|"
    r"(?:i )?(?:love|adore|like|missed|miss) you\b|you(?:'re| are) (?:so |such an? |really |very |"
    r"the )*(?:kind|sweet|nice|great|awesome|amazing|wonderful|lovely|helpful|funny|the best|best|"
    r"cute|brilliant|smart|good friend|friend|beautiful|fantastic|adorable|clever)|"
    r"good (?:job|work)|well done|great (?:job|answer|idea)|proud of you|glad (?:you|to)|"
    r"happy to (?:see|talk|chat|meet)|nice (?:to (?:see|talk|meet|hear)|talking|chatting)|"
    r"hugs?|sorry (?:for|about|that i)|how are you|sleep well|sweet "
    r"dreams|take care)\b|\u2764|\U0001f970"
)
_UNKIND = re.compile(
    r"(?i)\b(?:(?:i )?(?:hate|despise|can'?t stand) you\b|shut (?:up|"
    r"it)|you(?:'re| are) (?:so |such an? "
    r"|an? |really |very |the )*(?:stupid|dumb|idiot|useless|worthless|"
    r"annoying|boring|ugly|pathetic|"
    r"garbage|trash|terrible|awful|worst|moron|creep|disgusting|liar|loser|bad|horrible)|"
    r"fuck (?:you|off)|screw you|go to hell|piss off|get lost|stupid (?:bot|machine|thing|ai)|"
    r"dumb (?:bot|machine|thing|ai)|useless (?:bot|machine|thing|ai)|idiot|moron|bastard|bitch|"
    r"asshole|worst bot|nobody (?:likes|loves|wants) you|kill yourself|stfu)\b"
)
_NOT_MEANT = re.compile(r"(?i)\b(?:no|not|never|don'?t|isn'?t|aren'?t|no longer)\b[^.!?]{0,12}$")


class Stage(StrEnum):
    """How close a person and a character are."""

    STRANGER = "stranger"
    ACQUAINTANCE = "acquaintance"
    FRIEND = "friend"
    CLOSE_FRIEND = "close friend"
    BEST_FRIEND = "best friend"


_STAGES = (
    (80, Stage.BEST_FRIEND),
    (60, Stage.CLOSE_FRIEND),
    (40, Stage.FRIEND),
    (20, Stage.ACQUAINTANCE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affection:
    """A character's affection for a person; ``changed_here`` is how much this conversation did."""

    value: int = LOWEST
    conversation: str | None = None
    changed_here: int = 0
    updated_at: datetime | None = None

    @property
    def stage(self) -> Stage:
        """How close they are."""
        return stage(self.value)

    def adjusted(self, by: int, *, conversation: str, at: datetime) -> Affection:
        """Return it after a message that deserves ``by``, which counts as 1 at most.

        A conversation changes it by 5 at most in either direction; after a rest of three hours, or
        elsewhere, another conversation begins.
        """
        before = self.changed_here if self._goes_on(conversation, at) else 0
        step = max(-MOST_PER_MESSAGE, min(by, MOST_PER_MESSAGE))
        step = max(-MOST_PER_CONVERSATION, min(before + step, MOST_PER_CONVERSATION)) - before
        value = max(LOWEST, min(self.value + step, HIGHEST))
        latest = at if self.updated_at is None else max(at, self.updated_at)
        return Affection(
            value=value,
            conversation=conversation,
            changed_here=before + value - self.value,
            updated_at=latest,
        )

    def regular(self, at: datetime) -> bool:
        """Tell whether a message now is the first of its day, in UTC."""
        return self.updated_at is None or at.date() > self.updated_at.date()

    def _goes_on(self, conversation: str, at: datetime) -> bool:
        rested = self.updated_at is not None and at - self.updated_at >= SESSION_REST
        return self.conversation == conversation and not rested


def stage(value: int) -> Stage:
    """Return the stage a value belongs to: acquaintance from 20, friend 40, close 60, best 80."""
    return next((name for least, name in _STAGES if value >= least), Stage.STRANGER)


def warmth(text: str) -> int:
    """Return 1 for kind words, -1 for insults, 0 for neither or both; quoted words do not count."""
    words = own_words(text)
    kind = any(not _NOT_MEANT.search(words[: each.start()]) for each in _KIND.finditer(words))
    unkind = any(not _NOT_MEANT.search(words[: each.start()]) for each in _UNKIND.finditer(words))
    return int(kind) - int(unkind)


class Affections:
    """Reads and writes affection inside the caller's transaction, on the database's thread."""

    def get(self, connection: Connection, person: PersonId, persona: PersonaId) -> Affection:
        """Return a character's affection for a person; a stranger's when they never talked."""
        row = (
            connection.execute(
                select(affections).where(
                    affections.c.person_id == person, affections.c.persona_id == persona
                )
            )
            .mappings()
            .one_or_none()
        )
        if row is None:
            return Affection()
        return Affection(
            value=row["value"],
            conversation=row["conversation_id"],
            changed_here=row["changed_here"],
            updated_at=row["updated_at"],
        )

    def adjust(
        self,
        connection: Connection,
        person: PersonId,
        persona: PersonaId,
        by: int,
        *,
        conversation: ConversationId,
        at: datetime,
    ) -> Affection:
        """Change affection after one message, within the bounds of ``Affection.adjusted``."""
        before = self.get(connection, person, persona)
        after = before.adjusted(by, conversation=str(conversation), at=at)
        if after != before:
            _store(connection, person, persona, after)
        return after

    def talked(
        self,
        connection: Connection,
        person: PersonId,
        persona: PersonaId,
        text: str,
        *,
        conversation: ConversationId,
        at: datetime,
    ) -> Affection:
        """Change affection by what a message says; regular talk alone counts as kind."""
        by = warmth(text)
        if by == 0 and self.get(connection, person, persona).regular(at):
            by = 1
        return self.adjust(connection, person, persona, by, conversation=conversation, at=at)

    def set(
        self, connection: Connection, person: PersonId, persona: PersonaId, value: int
    ) -> Affection:
        """Set affection by hand, kept between 0 and 100."""
        bounded = max(LOWEST, min(value, HIGHEST))
        after = replace(self.get(connection, person, persona), value=bounded)
        _store(connection, person, persona, after)
        return after


def _store(
    connection: Connection, person: PersonId, persona: PersonaId, affection: Affection
) -> None:
    values = {
        "value": affection.value,
        "conversation_id": affection.conversation,
        "changed_here": affection.changed_here,
        "updated_at": affection.updated_at,
    }
    connection.execute(
        upsert(affections)
        .values(person_id=person, persona_id=persona, **values)
        .on_conflict_do_update(index_elements=["person_id", "persona_id"], set_=values)
    )
