"""Every combination of running turn, queue and message has one answer."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from services.conversation.overlap import Overlap, RunningTurn, Waiting, decide
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, AuthorKind
from services.settings import ConversationSettings

ANN, BOB = AuthorId("console", "ann"), AuthorId("console", "bob")
SETTINGS = ConversationSettings()
TEXT, VOICE = Modality.TEXT, Modality.VOICE
LATE = SETTINGS.supersede_seconds + 0.1


def message(modality: Modality = TEXT, kind: AuthorKind = AuthorKind.HUMAN) -> Message:
    return Message(
        id=MessageId("m"),
        conversation=ConversationId("console", "local", "main"),
        author=Author(id=ANN, display_name="Ann", kind=kind),
        parts=(TextPart(text="and another thing"),),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        modality=modality,
    )


def turn(
    *, author: AuthorId | None = ANN, modality: Modality = TEXT, shown: bool = False
) -> RunningTurn:
    return RunningTurn(
        author=author,
        modality=modality,
        started_at=100.0,
        anything_shown=shown,
        is_initiative=author is None,
    )


def overlap(
    state: RunningTurn | None, pending: list[Waiting], said: Message, *, age: float = 1.0
) -> Overlap:
    return decide(state, pending, said, settings=SETTINGS, now=100.0 + age).overlap


ANNS, BOBS = Waiting(last_author=ANN), Waiting(last_author=BOB)
OWN = Waiting(last_author=None, is_initiative=True)


@pytest.mark.parametrize(
    ("state", "pending", "modality", "age", "expected"),
    [
        (None, [], TEXT, 0.0, Overlap.START),
        (None, [], VOICE, 0.0, Overlap.START),
        (None, [ANNS], TEXT, 0.0, Overlap.MERGE),
        (None, [BOBS], TEXT, 0.0, Overlap.QUEUE),
        # the same person goes on before anything is shown
        (turn(), [], TEXT, 1.0, Overlap.SUPERSEDE),
        (turn(), [], TEXT, SETTINGS.supersede_seconds, Overlap.SUPERSEDE),
        (turn(), [], TEXT, LATE, Overlap.QUEUE),
        (turn(shown=True), [], TEXT, 1.0, Overlap.QUEUE),
        (turn(), [BOBS], TEXT, 1.0, Overlap.SUPERSEDE),
        # an own message waits already: superseding would overtake it
        (turn(), [ANNS], TEXT, 1.0, Overlap.MERGE),
        (turn(), [ANNS, BOBS], TEXT, 1.0, Overlap.QUEUE),
        # somebody else
        (turn(author=BOB), [], TEXT, 1.0, Overlap.QUEUE),
        (turn(author=BOB), [], VOICE, 1.0, Overlap.QUEUE),
        (turn(author=BOB), [ANNS], TEXT, 1.0, Overlap.MERGE),
        (turn(author=BOB), [ANNS, BOBS], TEXT, 1.0, Overlap.QUEUE),
        (turn(author=BOB), [BOBS, ANNS], TEXT, 1.0, Overlap.MERGE),
        (turn(author=BOB), [OWN], TEXT, 1.0, Overlap.QUEUE),
        (turn(shown=True), [ANNS], TEXT, 1.0, Overlap.MERGE),
        # speech over speech
        (turn(author=BOB, modality=VOICE, shown=True), [], VOICE, 60.0, Overlap.BARGE_IN),
        (turn(modality=VOICE, shown=True), [BOBS], VOICE, 60.0, Overlap.BARGE_IN),
        (turn(modality=VOICE, shown=True), [], TEXT, 60.0, Overlap.QUEUE),
        (turn(modality=TEXT, shown=True), [], VOICE, 60.0, Overlap.QUEUE),
        (turn(modality=VOICE), [], VOICE, 1.0, Overlap.SUPERSEDE),
        # what a persona says unasked gives way
        (turn(author=None), [], TEXT, 60.0, Overlap.SUPERSEDE),
        (turn(author=None, modality=VOICE), [], VOICE, 60.0, Overlap.SUPERSEDE),
        (turn(author=None, shown=True), [], TEXT, 1.0, Overlap.QUEUE),
        (turn(author=None, modality=VOICE, shown=True), [], VOICE, 60.0, Overlap.BARGE_IN),
    ],
)
def test_the_table(
    state: RunningTurn | None,
    pending: list[Waiting],
    modality: Modality,
    age: float,
    expected: Overlap,
) -> None:
    assert overlap(state, pending, message(modality), age=age) is expected


STATES = [None] + [
    turn(author=author, modality=modality, shown=shown)
    for author, modality, shown in product((ANN, BOB, None), (TEXT, VOICE), (False, True))
]
QUEUES = [[], [ANNS], [BOBS], [OWN], [ANNS, BOBS], [BOBS, ANNS]]


@pytest.mark.parametrize("kind", [AuthorKind.BOT, AuthorKind.PERSONA, AuthorKind.SYSTEM])
def test_machines_never_interrupt_nor_merge(kind: AuthorKind) -> None:
    for state, pending, modality in product(STATES, QUEUES, (TEXT, VOICE)):
        idle = state is None and not pending
        expected = Overlap.START if idle else Overlap.QUEUE
        assert overlap(state, pending, message(modality, kind)) is expected


def test_what_holds_for_every_combination() -> None:
    for state, pending, modality, age in product(STATES, QUEUES, (TEXT, VOICE), (1.0, LATE)):
        got = overlap(state, pending, message(modality), age=age)
        shown = state is not None and state.anything_shown
        assert (got is Overlap.START) == (state is None and not pending)
        if got is Overlap.SUPERSEDE:
            assert state is not None
            assert not shown
        if got is Overlap.MERGE:
            assert pending[-1] == ANNS
        both_speak = state is not None and state.modality is modality is VOICE
        assert (got is Overlap.BARGE_IN) == (shown and both_speak)


def test_every_decision_says_why() -> None:
    decision = decide(turn(), [], message(), settings=SETTINGS, now=101.0)
    assert (decision.overlap, decision.reason) == (Overlap.SUPERSEDE, "same_author_goes_on")
