"""Candidates in order: evidence of words, meaning, sessions, speakers and time, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.memory.recall.candidates import Candidates, Posting
from services.memory.recall.tuning import RecallTuning

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about each candidate; ``likeness`` is ``None`` where vectors are missing."""

    postings: Sequence[Posting]
    likeness: Floats | None
    spoken_by_named: Bools
    closeness: Floats


def weigh(candidates: Candidates, evidence: Evidence, tuning: RecallTuning) -> Mapping[str, Floats]:
    """Return what each kind of evidence adds to the score of each candidate."""
    said = _said(candidates, evidence.postings)
    parts = {
        "words": tuning.words * _by_words(candidates, said, evidence.postings, tuning),
        "session": tuning.session_words * _by_session(candidates, said, evidence.postings, tuning),
        "speaker": tuning.speaker * evidence.spoken_by_named.astype(float),
        "time": tuning.period * evidence.closeness,
    }
    if evidence.likeness is not None and len(evidence.likeness):
        like = _with_neighbours(
            candidates, evidence.likeness, tuning.meaning_before, tuning.meaning_after
        )
        parts["meaning"] = tuning.meaning * _standardised(like)
        best = _best_of_session(candidates, like)
        parts["session"] = parts["session"] + tuning.session_meaning * _standardised(best)
    return parts


def _said(candidates: Candidates, postings: Sequence[Posting]) -> Floats:
    """Return 1 where a candidate (column) holds a term (row)."""
    said = np.zeros((len(postings), len(candidates.rows)))
    for number, posting in enumerate(postings):
        said[number] = np.isin(candidates.rows, posting.rows)
    return said


def _by_words(
    candidates: Candidates, said: Floats, postings: Sequence[Posting], tuning: RecallTuning
) -> Floats:
    """Return the share of the question that was said, 0 to 1.

    BM25F with the neighbouring turns as further fields (Robertson, Zaragoza and Taylor, 2004);
    turns are short, so what counts is whether they hold a term, and their length does not.
    """
    held = said.copy()
    for distance, weight in enumerate(tuning.before, 1):
        held += weight * _shifted(candidates, said, -distance)
    for distance, weight in enumerate(tuning.after, 1):
        held += weight * _shifted(candidates, said, distance)
    return _share(held, postings, tuning.saturation)


def _by_session(
    candidates: Candidates, said: Floats, postings: Sequence[Posting], tuning: RecallTuning
) -> Floats:
    """Return the share of the question that was said in the session, for each of its turns."""
    sessions = int(candidates.sessions[-1]) + 1 if len(candidates.sessions) else 0
    held = np.zeros((len(postings), sessions))
    for number, row in enumerate(said):
        held[number] = np.bincount(candidates.sessions, row, sessions)
    return _share(held, postings, tuning.session_saturation)[candidates.sessions]


def _share(held: Floats, postings: Sequence[Posting], saturation: float) -> Floats:
    rarity = np.array([posting.rarity for posting in postings])
    total = rarity.sum()
    if not total:
        return np.zeros(held.shape[1])
    weighed: Floats = rarity @ (held * (saturation + 1) / (held + saturation)) / total
    return weighed


def _shifted(candidates: Candidates, values: Floats, by: int) -> Floats:
    """Return for each candidate the value of the one ``by`` places on, 0 in another session."""
    moved = np.zeros_like(values)
    count = len(candidates.rows)
    if abs(by) >= count:
        return moved
    here = slice(max(0, -by), count - max(0, by))
    there = slice(max(0, by), count - max(0, -by))
    together = candidates.sessions[here] == candidates.sessions[there]
    moved[..., here] = values[..., there] * together
    return moved


def _with_neighbours(candidates: Candidates, values: Floats, before: float, after: float) -> Floats:
    """Return the weighted mean with the turns around; a missing neighbour counts as the turn."""
    there = np.ones(len(values))
    earlier, has_earlier = (_shifted(candidates, each, -1) for each in (values, there))
    later, has_later = (_shifted(candidates, each, 1) for each in (values, there))
    earlier += values * (1 - has_earlier)
    later += values * (1 - has_later)
    return (values + before * earlier + after * later) / (1 + before + after)


def _best_of_session(candidates: Candidates, values: Floats) -> Floats:
    best = np.full(int(candidates.sessions[-1]) + 1, -np.inf)
    np.maximum.at(best, candidates.sessions, values)
    return best[candidates.sessions]


def _standardised(values: Floats) -> Floats:
    spread = values.std()
    if spread < np.finfo(np.float32).eps:
        return np.zeros_like(values)
    standardised: Floats = (values - values.mean()) / spread
    return standardised
