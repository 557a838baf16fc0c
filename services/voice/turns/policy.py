"""When the bot ducks, stops and goes on as people speak into its speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.domain.ids import AuthorId
from services.domain.people import Role
from services.voice.turns.orders import Duck, Order, Resume, Stop, Unduck
from services.voice.turns.remarks import Remark

_MOST_CHALLENGES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTimes:
    """Seconds.

    ``wordless`` of voice stops the bot when no words are known yet, ``remarking`` when they were
    back-channels so far: length alone tells a long "right" from an interruption badly, so both
    are beyond the longest back-channel. A challenge that has ended waits ``words_due`` for its
    words, ``noise_due`` after less than ``noise`` of voice. ``guard`` begins the bot's speech.
    """

    guard: float = 0.3
    wordless: float = 0.85
    remarking: float = 1.4
    noise: float = 0.25
    noise_due: float = 0.35
    words_due: float = 0.8
    false_alarm: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who speaks: ``participant`` when in conversation with the bot."""

    id: AuthorId
    participant: bool = True
    role: Role = Role.MEMBER


class _Phase(StrEnum):
    SILENT = "silent"
    SPEAKING = "speaking"
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class _Challenge:
    person: Person
    voiced: float = 0.0
    ended_at: float | None = None
    remark: Remark | None = None
    wins: bool = False


class InterruptionPolicy:
    """A state machine over what is heard while the bot speaks; times never go backwards.

    Every participant's onset ducks. Words stop, back-channels do not, hard words always do, even
    in uninterruptible speech. People outside the conversation must address the bot. Ordinary words
    in the first 300 ms stop it when those are over; in uninterruptible speech they only duck. A
    stop that turns out wordless is followed by one ``Resume`` a reply, and by a hard ``Stop`` when
    it turns out to be hard words. A locked floor heeds moderators and above only.
    """

    def __init__(
        self, *, times: PolicyTimes | None = None, hard_words_from: Role = Role.GUEST
    ) -> None:
        self._times = times or PolicyTimes()
        self._hard_words_from = hard_words_from
        self._phase = _Phase.SILENT
        self._started_at = 0.0
        self._uninterruptible = False
        self._ducked = False
        self._resumed = False
        self._stopped_at = 0.0
        self._stopped_by: AuthorId | None = None
        self._challenges: dict[AuthorId, _Challenge] = {}
        self.locked = False

    @property
    def ducked(self) -> bool:
        """Whether the bot speaks softly."""
        return self._ducked

    @property
    def undecided(self) -> bool:
        """Whether a stop may still be followed by a ``Resume``."""
        return self._phase is _Phase.STOPPED

    def bot_started(
        self, at: float, *, uninterruptible: bool = False, resumption: bool = False
    ) -> Sequence[Order]:
        """The first sound of a reply was sent; people who speak already duck it."""
        self._phase = _Phase.SPEAKING
        self._started_at = at
        self._uninterruptible = uninterruptible
        self._resumed = resumption
        self._ducked = False
        for challenge in self._challenges.values():
            challenge.voiced, challenge.remark, challenge.wins = 0.0, None, False
        return self._balanced()

    def bot_finished(self) -> None:
        """The last sound was sent, or the speech was given up for another reason."""
        if self._phase is _Phase.SPEAKING:
            self._phase = _Phase.SILENT
        self._ducked = False

    def speech_started(self, person: Person, /) -> Sequence[Order]:
        """Somebody began to speak, or went on."""
        if person.id not in self._challenges and len(self._challenges) >= _MOST_CHALLENGES:
            return ()
        challenge = self._challenges.setdefault(person.id, _Challenge(person=person))
        challenge.person, challenge.ended_at = person, None
        return self._balanced()

    def speech_progress(self, person: Person, /, *, voiced: float, at: float) -> Sequence[Order]:
        """Somebody has spoken for that long."""
        challenge = self._challenges.get(person.id)
        if challenge is None or self._phase is not _Phase.SPEAKING:
            return ()
        challenge.voiced = voiced
        remarks = challenge.remark is Remark.BACK_CHANNEL
        if voiced >= (self._times.remarking if remarks else self._times.wordless):
            challenge.wins = challenge.wins or person.participant
        return self.tick(at)

    def speech_ended(self, person: Person, /, *, at: float) -> None:
        """Somebody fell silent; their words may still come."""
        challenge = self._challenges.get(person.id)
        if challenge is not None:
            challenge.ended_at = at

    def words(
        self, person: Person, remark: Remark, /, *, at: float, addressed: bool = False
    ) -> Sequence[Order]:
        """Something was understood of what is being said, or of all of it so far in a pause."""
        if remark is Remark.HARD and self._may_silence(person):
            return self._stop(person.id, at=at, hard=True)
        challenge = self._challenges.get(person.id)
        if challenge is None:
            challenge = _Challenge(person=person, ended_at=at)
            if len(self._challenges) < _MOST_CHALLENGES:
                self._challenges[person.id] = challenge
        challenge.remark = remark
        if remark in (Remark.WORDS, Remark.HARD):
            challenge.wins = challenge.wins or person.participant or addressed
        elif challenge.ended_at is not None and not challenge.wins:
            self._challenges.pop(person.id, None)
        return self.tick(at)

    def turn_ended(self, person: Person, remark: Remark, /, *, at: float) -> Sequence[Order]:
        """Somebody's turn is over: decided with its words, or dropped with ``Remark.NONE``."""
        orders = tuple(self.words(person, remark, at=at)) if remark is not Remark.NONE else ()
        self._challenges.pop(person.id, None)
        if self._phase is not _Phase.STOPPED or self._stopped_by != person.id:
            return (*orders, *self._balanced())
        if remark in (Remark.WORDS, Remark.HARD):
            self._phase = _Phase.SILENT
            return orders
        return (*orders, *self._resume())

    def tick(self, at: float) -> Sequence[Order]:
        """Let time pass; every 20 ms or so while the bot speaks or was stopped."""
        if self._phase is _Phase.STOPPED:
            return self._after_stop(at)
        if self._phase is not _Phase.SPEAKING:
            return ()
        for challenge in self._challenges.values():
            if challenge.wins and self._may_interrupt(challenge.person, at=at):
                return self._stop(challenge.person.id, at=at)
        for challenge in tuple(self._challenges.values()):
            if not challenge.wins and self._is_over(challenge, at=at):
                del self._challenges[challenge.person.id]
        return self._balanced()

    def _after_stop(self, at: float) -> Sequence[Order]:
        challenge = self._challenges.get(self._stopped_by) if self._stopped_by else None
        worded = challenge is not None and challenge.remark is Remark.WORDS
        speaking = any(each.ended_at is None for each in self._challenges.values())
        if worded or speaking or at - self._stopped_at < self._times.false_alarm:
            return ()
        return self._resume()

    def _is_over(self, challenge: _Challenge, *, at: float) -> bool:
        if challenge.ended_at is None:
            return False
        brief = challenge.voiced < self._times.noise
        due = self._times.noise_due if brief else self._times.words_due
        return at - challenge.ended_at >= due

    def _balanced(self) -> Sequence[Order]:
        """Duck or unduck by who challenges now."""
        if self._phase is not _Phase.SPEAKING:
            return ()
        challenger = next(
            (each.person.id for each in self._challenges.values() if each.person.participant),
            None,
        )
        if challenger is not None and not self._ducked:
            self._ducked = True
            return (Duck(by=challenger),)
        if challenger is None and self._ducked:
            self._ducked = False
            return (Unduck(),)
        return ()

    def _may_interrupt(self, person: Person, *, at: float) -> bool:
        if self._uninterruptible or at - self._started_at < self._times.guard:
            return False
        return not self.locked or person.role >= Role.MODERATOR

    def _may_silence(self, person: Person) -> bool:
        least = Role.MODERATOR if self.locked else self._hard_words_from
        return person.role >= least

    def _stop(self, by: AuthorId, *, at: float, hard: bool = False) -> Sequence[Order]:
        was = self._phase
        self._ducked = False
        self._stopped_at, self._stopped_by = at, by
        self._phase = _Phase.SILENT if hard else _Phase.STOPPED
        hardens = hard and was is _Phase.STOPPED
        return (Stop(by=by, hard=hard),) if was is _Phase.SPEAKING or hardens else ()

    def _resume(self) -> Sequence[Order]:
        self._phase = _Phase.SILENT
        if self._resumed:
            return ()
        self._resumed = True
        return (Resume(),)
