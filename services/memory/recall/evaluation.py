"""How well turns are recalled, measured on conversations with questions; no language model."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.domain.clock import Clock
from services.llm.tokens import EstimatedTokens
from services.memory.embedding import Embedder
from services.memory.recall.locomo import Sample, SampleQuestion
from services.memory.recall.retrieval import Recalled
from services.memory.recall.trial import KeptEmbedder, Trial, remembered
from services.memory.recall.tuning import RecallTuning

COUNTED = 10
"""Of how many recalled turns the tokens are counted."""
DEEPEST = RecallTuning().read
"""How many turns can be recalled at most."""

_NOBODY_SAID = "5"
"""The category of questions to which the conversation has no answer."""

_FULL = RecallTuning()
_NO_SESSIONS = replace(_FULL, session_words=0, session_meaning=0)
_NO_NEIGHBOURS = replace(_FULL, before=(), after=(), meaning_before=0, meaning_after=0)
_NO_VECTORS = replace(_FULL, meaning=0, session_meaning=0, by_meaning=0)
_NO_WORDS = replace(_FULL, words=0, session_words=0, by_words=0)
_NO_FORM = replace(_FULL, length=0, asking=0, telling_time=0)
_BARE = replace(
    _NO_FORM,
    **{name: getattr(_NO_NEIGHBOURS, name) for name in ("before", "after")},
    meaning_before=0,
    meaning_after=0,
    session_words=0,
    session_meaning=0,
    speaker=0,
    period=0,
)
ABLATIONS: Mapping[str, RecallTuning] = {
    "words alone": replace(_BARE, meaning=0, by_meaning=0),
    "vectors alone": replace(_BARE, words=0, by_words=0),
    "without vectors": _NO_VECTORS,
    "without words": _NO_WORDS,
    "without neighbours": _NO_NEIGHBOURS,
    "without sessions": _NO_SESSIONS,
    "without speakers": replace(_FULL, speaker=0),
    "without times": replace(_FULL, period=0),
    "without form": _NO_FORM,
}
"""Recall with evidence taken away; "alone" is without neighbours, sessions and all else as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What was recalled for a question; recalls are shares of its evidence, one per ``k``.

    ``score`` is that of the best turn, ``margin`` by how much it leads the next.
    """

    category: str
    turn: Sequence[float]
    session: Sequence[float]
    seconds: float
    tokens: int
    score: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What all questions have in common."""

    ks: Sequence[int]
    clock: Clock
    tokens: EstimatedTokens


async def evaluate(
    samples: Sequence[Sample],
    *,
    ks: Sequence[int],
    embedder: Embedder,
    clock: Clock,
    ablation: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, object]:
    """Return the figures of the product's own recall, one conversation at a time.

    Recall is the mean share of a question's evidence among the ``k`` best turns, and of the
    sessions it is from among the ``k`` best sessions, in percent: what LoCoMo's own script counts,
    without the questions that name no evidence. ``embedder`` is left open. ``progress`` is told
    what is being done.
    """
    measuring = Measuring(ks=ks, clock=clock, tokens=EstimatedTokens())
    kept = KeptEmbedder(embedder)
    tunings = {"": _FULL, **(ABLATIONS if ablation else {})}
    answered: dict[str, list[Answered]] = {name: [] for name in tunings}
    asked = [sample for sample in samples if sample.questions]
    for number, sample in enumerate(asked, 1):
        progress(f"{number}/{len(asked)} {sample.name}: {len(sample.turns)} turns")
        async with remembered(sample, embedder=kept, clock=clock) as trial:
            for name, tuning in tunings.items():
                progress(f"{len(sample.questions)} questions {name}".rstrip())
                answered[name] += await _answers(trial, tuning, measuring)
    whole = answered.pop("")
    figures = {"embedder": embedder.id, "turns": sum(len(each.turns) for each in asked)}
    figures |= _figures(whole, ks)
    if ablation:
        figures["ablation"] = {
            name: _percent((each.turn for each in answers), ks)
            for name, answers in answered.items()
        }
    return figures


async def _answers(trial: Trial, tuning: RecallTuning, measuring: Measuring) -> list[Answered]:
    retrieval = trial.retrieval(tuning)
    answers = []
    for question in trial.sample.questions:
        began = measuring.clock.monotonic()
        recalled = await trial.ask(retrieval, question.text, DEEPEST)
        seconds = measuring.clock.monotonic() - began
        answers.append(_judged(trial, question, recalled, seconds, measuring))
    return answers


def _judged(
    trial: Trial,
    question: SampleQuestion,
    recalled: Sequence[Recalled],
    seconds: float,
    measuring: Measuring,
) -> Answered:
    keys = trial.keys(recalled)
    sessions = list(dict.fromkeys(session for session, _ in keys))
    wanted = frozenset(session for session, _ in question.evidence)
    scores = [*(each.score for each in recalled[:2]), 0.0, 0.0]
    return Answered(
        category=question.category,
        turn=[_share(question.evidence, keys[:k]) for k in measuring.ks],
        session=[_share(wanted, sessions[:k]) for k in measuring.ks],
        seconds=seconds,
        tokens=sum(
            measuring.tokens.count(f"{each.speaker}: {each.text}") for each in recalled[:COUNTED]
        ),
        score=scores[0],
        margin=scores[0] - scores[1],
    )


def _share(wanted: frozenset[object], found: Sequence[object]) -> float:
    return len(wanted.intersection(found)) / len(wanted)


def _figures(answered: Sequence[Answered], ks: Sequence[int]) -> dict[str, object]:
    categories = sorted({each.category for each in answered})
    by_category = {
        name: [each for each in answered if each.category == name] for name in categories
    }
    times = sorted(each.seconds * 1000 for each in answered)
    return {
        "questions": len(answered),
        "turn": _percent((each.turn for each in answered), ks),
        "session": _percent((each.session for each in answered), ks),
        "by_category": {
            name: _percent((each.turn for each in answers), ks)
            for name, answers in by_category.items()
        },
        "questions_by_category": {name: len(answers) for name, answers in by_category.items()},
        "latency_ms": {
            "p50": round(statistics.median(times), 2),
            "p95": round(times[min(len(times) - 1, int(0.95 * len(times)))], 2),
        },
        "peak_mb": _peak_mb(),
        "tokens_per_recall": round(statistics.fmean(each.tokens for each in answered), 1),
        "no_answer": _no_answer(answered),
    }


def _percent(shares: Iterable[Sequence[float]], ks: Sequence[int]) -> dict[str, float]:
    columns = zip(*shares, strict=True)
    return {
        str(k): round(100 * statistics.fmean(column), 2)
        for k, column in zip(ks, columns, strict=True)
    }


def _no_answer(answered: Sequence[Answered]) -> dict[str, float]:
    """Compare questions that have an answer with those that have none.

    ``auc`` is how often one that has scores higher than one that has not: 50 tells nothing.
    """
    there = [each for each in answered if each.category != _NOBODY_SAID]
    nowhere = [each for each in answered if each.category == _NOBODY_SAID]
    if not there or not nowhere:
        return {}
    return {
        "score_answerable": round(statistics.fmean(each.score for each in there), 3),
        "score_unanswerable": round(statistics.fmean(each.score for each in nowhere), 3),
        "margin_answerable": round(statistics.fmean(each.margin for each in there), 3),
        "margin_unanswerable": round(statistics.fmean(each.margin for each in nowhere), 3),
        "auc_score": _auc([each.score for each in there], [each.score for each in nowhere]),
        "auc_margin": _auc([each.margin for each in there], [each.margin for each in nowhere]),
    }


def _auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    won = sum((a > b) + (a == b) / 2 for a in higher for b in lower)
    return round(100 * won / (len(higher) * len(lower)), 2)


def _peak_mb() -> float:
    """Return the most memory this process has had, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    peak = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return round(int(peak.split()[1]) / 1024, 1)
