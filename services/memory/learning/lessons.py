"""What a message teaches becomes facts: one transaction per message, facts and note together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, select

from services.domain.clock import Clock
from services.domain.ids import PersonaId
from services.memory.learning.affection import Affections, warmth
from services.memory.learning.extraction import Claim, examine
from services.memory.learning.fact import Changes, Origin, Outcome, Party, Telling
from services.memory.learning.fact_rules import learn_by_rule
from services.memory.learning.facts import Facts
from services.memory.learning.lesson_rows import (
    Spoken,
    burst_before,
    close_lessons,
    forget_lessons,
    note_lesson,
    read_message,
    reread_message,
)
from services.memory.learning.memory_block import Suggestion, memories_in
from services.memory.learning.rules.findings import Finding, Refusal
from services.memory.learning.slots import plain
from services.storage.tables import facts as fact_table

_PATIENCE = timedelta(minutes=10)


class Lessons:
    """Reads messages and keeps what they teach, inside the caller's transaction.

    Reading a message again changes nothing: a note of it is kept with its facts.
    """

    def __init__(self, *, facts: Facts, affections: Affections, clock: Clock) -> None:
        self._facts = facts
        self._affections = affections
        self._clock = clock

    def learn(self, connection: Connection, message: str, changes: Changes) -> int:
        """Learn by rule from a message, and return how many facts are new.

        Only what people said in the open of their conversation teaches anything. One that no
        character heard yet is left for later, for ten minutes. What somebody says who does not
        want to teach is never read again, whatever they want later.
        """
        now = self._clock.now()
        spoken = read_message(connection, message)
        if spoken is None:
            return 0
        if not spoken.willing:
            close_lessons(connection, [message], Refusal.UNWILLING.value, at=now)
            return 0
        if not spoken.personas and now - spoken.said_at < _PATIENCE:
            return 0
        if not spoken.shared or spoken.person is None or not spoken.personas:
            note_lesson(connection, message, Refusal.NOT_SHARED.value, at=now, by_model=True)
            return 0
        reading = learn_by_rule(
            spoken.text, teller=spoken.teller, others=spoken.others, earlier=spoken.earlier
        )
        added = self._keep(connection, spoken, reading.findings, Origin.RULE, changes)
        if spoken.native:
            self._warm(connection, spoken)
        outcome = str(added) if reading.findings else ",".join(reading.refusals)
        note_lesson(connection, message, outcome, at=now)
        return added

    def learn_claims(
        self,
        connection: Connection,
        message: str,
        claims: Sequence[Claim],
        changes: Changes,
        *,
        origin: Origin = Origin.MODEL,
    ) -> tuple[int, list[Refusal]]:
        """Keep what a model claims a message says, as far as it does; and note that it was read.

        Returns how many facts are new, and why the other claims were refused.
        """
        spoken = reread_message(connection, message)
        if spoken is None or not spoken.willing or not spoken.shared or spoken.person is None:
            return 0, []
        findings, refused = [], []
        known = self._values_of(connection, message)
        for claim in claims:
            found = examine(
                claim,
                spoken.text,
                teller=spoken.teller,
                others=spoken.others,
                earlier=spoken.earlier,
            )
            if isinstance(found, Refusal):
                refused.append(found)
            elif not _among(found.value, known):
                findings.append(found)
        added = self._keep(connection, spoken, findings, origin, changes)
        if origin is Origin.MODEL:
            now = self._clock.now()
            note_lesson(connection, message, str(added), at=now, by_model=True)
        return added, refused

    def learn_block(self, connection: Connection, suggestion: Suggestion, changes: Changes) -> int:
        """Keep what a memory block says as far as the messages it answers say it too."""
        added = 0
        memories = memories_in(suggestion.block)
        for spoken in burst_before(connection, suggestion.trigger):
            claims = [Claim(topic=each.key, value=each.value) for each in memories]
            new, _ = self.learn_claims(connection, spoken.id, claims, changes, origin=Origin.BLOCK)
            added += new
        return added

    def warm(self, connection: Connection, message: str, by: int, _changes: Changes) -> int:
        """Change affection by what a model makes of a message whose words alone did not."""
        spoken = reread_message(connection, message)
        if spoken is None or spoken.person is None or not (spoken.native and spoken.willing):
            return 0
        if warmth(spoken.text):
            return 0
        for persona in spoken.personas:
            self._affections.adjust(
                connection,
                spoken.person,
                persona,
                by,
                conversation=spoken.conversation,
                at=spoken.said_at,
            )
        return 0

    def unlearn(self, connection: Connection, messages: Sequence[str], changes: Changes) -> int:
        """Forget what messages taught, and that they were read; returns how many facts went."""
        gone = self._facts.retract(connection, messages, changes=changes)
        forget_lessons(connection, messages)
        return gone

    def _keep(
        self,
        connection: Connection,
        spoken: Spoken,
        findings: Sequence[Finding],
        origin: Origin,
        changes: Changes,
    ) -> int:
        added = 0
        for persona in spoken.personas:
            told = _telling(spoken, persona, origin)
            for finding in findings:
                kept = self._facts.keep(
                    connection,
                    finding,
                    told,
                    changes=changes,
                    now=self._clock.now(),
                    about=_about(finding, spoken),
                )
                added += kept.outcome is Outcome.ADDED
        return added

    def _warm(self, connection: Connection, spoken: Spoken) -> None:
        if spoken.person is None:
            return
        for persona in spoken.personas:
            self._affections.talked(
                connection,
                spoken.person,
                persona,
                spoken.text,
                conversation=spoken.conversation,
                at=spoken.said_at,
            )

    def _values_of(self, connection: Connection, message: str) -> list[str]:
        query = select(fact_table.c.value).where(fact_table.c.message_id == message)
        return [plain(value) for value in connection.execute(query).scalars()]


def _telling(spoken: Spoken, persona: PersonaId, origin: Origin) -> Telling:
    return Telling(
        teller=Party(name=spoken.teller, person=spoken.person),
        persona=persona,
        conversation=spoken.conversation,
        message=spoken.id,
        said_at=spoken.said_at,
        origin=origin,
    )


def _about(finding: Finding, spoken: Spoken) -> Party | None:
    """Return whom hearsay is about: somebody present under exactly that name, or a mere name."""
    if finding.about is None:
        return None
    names = {name.casefold(): person for name, person in spoken.known.items()}
    return Party(name=finding.about, person=names.get(finding.about.casefold()))


def _among(value: str, known: Sequence[str]) -> bool:
    """Tell whether the rules took the same, or more words around it, from the message."""
    wanted = f" {plain(value)} "
    return any(wanted in f" {each} " or f" {each} " in wanted for each in known if each)
