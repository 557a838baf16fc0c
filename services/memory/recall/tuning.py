"""The constants of recall, all in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTuning:
    """How evidence is weighed; scores are sums, so a weight says what its evidence can add.

    The weights were fitted by softmax regression, each conversation scored with weights fitted
    on the others, and then rounded to what reads well; halving any one of them, or raising it by
    half, moves recall at 10 by about a point at most. The data is half of LoCoMo
    (snap-research/locomo, CC BY-NC 4.0), used for evaluation only and not part of this project.
    """

    saturation: float = 0.9
    """BM25's k1: how little it matters that neighbours repeat a word."""
    before: tuple[float, ...] = (0.5, 0.2)
    """What a word counts that was said one, two, … turns before; an answer follows its question."""
    after: tuple[float, ...] = (0.3, 0.1)
    """What a word counts that is said one, two, … turns later."""
    session_saturation: float = 1.2
    """k1 for the words of a whole session."""

    words: float = 1.0
    """All words of the question found, weighed by how rare they are."""
    session_words: float = 0.3
    """All words of the question found in the turn's session."""
    meaning: float = 0.15
    """One standard deviation more alike than the candidates are on average."""
    meaning_before: float = 0.25
    """How much the turn before counts in that, the turn itself counting 1."""
    meaning_after: float = 0.5
    """How much the turn after counts: its vector stands for this turn as well."""
    session_meaning: float = 0.05
    """One standard deviation more alike, of the best turn of the session."""
    speaker: float = 0.2
    """Said by whom the question names."""
    period: float = 0.8
    """Said when the question says; half as much for each ``period_half_life_days`` off."""
    period_half_life_days: float = 5.0
    longest_period_days: float = 100.0
    """A longer period, such as a year, tells too little."""
    length: float = 0.2
    """Per natural logarithm of the length in words: longer turns say more."""
    longest_words: int = 150
    """Beyond that, length is no evidence."""
    asking: float = -0.15
    """A turn that asks something rarely answers."""
    telling_time: float = 0.1
    """A turn that says when ("yesterday", "in June") tells of something that happened."""

    longest_question: int = 2_000
    """Characters of a question that are looked at."""
    most_terms: int = 16
    """The rarest words of a question that are looked up."""
    frequent_share: float = 0.05
    """Words in more than this share of the turns propose no candidates where rarer ones can."""
    useless_share: float = 0.25
    """Words in more than this share of many turns are not looked up."""
    many_turns: int = 4_000
    by_words: int = 200
    """Candidates that words propose."""
    by_meaning: int = 200
    """Candidates that vectors propose."""
    compared: int = 1_000
    """Turns whose likeness is asked of the vector index."""
    reach: int = 2
    """How far in the numbering of messages neighbours are looked for; alternatives use numbers."""
    read: int = 200
    """Best candidates whose text is looked at; no more than this can be recalled at once."""
    patience_seconds: float = 2.0
    """After that long without vectors, words alone have to do."""
