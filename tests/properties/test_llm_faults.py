"""Whatever fails and however often, one model's answer or one error comes out."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import ProviderError, ProviderFault
from services.llm.breaker import Breakers, GuardedModel
from services.llm.chained import ChainedModel, link_to
from services.llm.insistent import InsistentModel
from services.llm.model import ChatModel, ModelEvent, ModelInfo
from services.llm.priority import Preempted
from services.llm.retrying import RetryingModel
from services.llm.tokens import EstimatedTokens
from services.observability.metrics import Metrics
from tests.fakes.clock import ManualClock
from tests.fakes.model_requests import asking, fault
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = pytest.mark.property

FAULTS = st.one_of(
    st.builds(
        fault,
        st.sampled_from(list(ProviderFault)),
        retry_after=st.sampled_from([None, 0.0, 5.0, 60.0]),
    ),
    st.builds(Preempted, st.just("scripted")),
)


@dataclass(frozen=True)
class Plan:
    """One try: how many words and what ends it."""

    words: int
    blank: bool
    thinks: bool
    error: ProviderError | None
    finish: str


PLANS = st.builds(
    Plan,
    words=st.integers(0, 3),
    blank=st.booleans(),
    thinks=st.booleans(),
    error=st.one_of(st.none(), FAULTS),
    finish=st.sampled_from(["stop", "length"]),
)


class Tries:
    """The scripts of one model; every word says which model and which try it is of."""

    def __init__(self, name: str, plans: list[Plan]) -> None:
        self._name, self._plans, self._count = name, plans, 0

    def __call__(self, _: object) -> Script:
        plan = self._plans[self._count % len(self._plans)]
        self._count += 1
        tag = f"{self._name}{self._count} "
        blank = [" \n"] if plan.blank else []
        return Script(
            pieces=[*blank, *[tag] * plan.words],
            reasoning=tag if plan.thinks else "",
            error=plan.error,
            finish=plan.finish,  # type: ignore[arg-type]
        )


async def no_pause(_: float) -> None:
    return None


def stack(models: list[ScriptedModel], seed: int) -> ChatModel:
    metrics = Metrics()
    breakers = Breakers(failures=2, seconds=30, clock=ManualClock(), metrics=metrics)
    links = []
    for model in models:
        guarded = GuardedModel(model, breakers.of("scripted", model.info.name))
        retrying = RetryingModel(
            guarded,
            tries=3,
            first_pause=1.0,
            rng=random.Random(seed),
            metrics=metrics,
            sleep=no_pause,
        )
        links.append(link_to(model.info.name, InsistentModel(retrying, metrics)))
    return ChainedModel(
        links, tokens=EstimatedTokens(), metrics=metrics, on_fallback=lambda *_: None
    )


async def answers(model: ChatModel, *, leave_after: int | None) -> list[list[ModelEvent | None]]:
    """Ask a few times; ``None`` at the end of an answer is its ``ProviderError``."""
    await model.open()
    heard: list[list[ModelEvent | None]] = []
    for _ in range(4):
        answer: list[ModelEvent | None] = []
        try:
            async with aclosing(model.stream(asking())) as events:
                async for event in events:
                    answer.append(event)
                    if len(answer) == leave_after:
                        break
        except ProviderError:
            answer.append(None)
        heard.append(answer)
    return heard


@given(
    st.lists(st.lists(PLANS, min_size=1, max_size=6), min_size=1, max_size=3),
    st.integers(0, 99),
)
def test_reader_gets_one_end_or_one_error_and_words_of_one_try(
    plans: list[list[Plan]], seed: int
) -> None:
    models = [
        ScriptedModel(
            Tries(name, each), info=ModelInfo(provider="x", name=name, context_tokens=8192)
        )
        for name, each in zip("ABC", plans, strict=False)
    ]
    for answer in asyncio.run(answers(stack(models, seed), leave_after=None)):
        *before, last = answer
        assert last is None or last.kind == "ended"
        assert not any(event is None or event.kind == "ended" for event in before)
        words = {e.text for e in before if e is not None and e.kind == "content" and e.text.strip()}
        thoughts = {e.text for e in before if e is not None and e.kind == "reasoning"}
        assert len(words) <= 1
        assert len(thoughts) <= 1
        assert last is None or words
        if last is not None and words:
            assert words.pop().startswith(last.model)
    assert all(model.active == 0 for model in models)


@given(st.lists(PLANS, min_size=1, max_size=6), st.integers(1, 3))
def test_reader_who_leaves_anywhere_leaves_nothing_running(plans: list[Plan], after: int) -> None:
    models = [
        ScriptedModel(
            Tries(name, plans), info=ModelInfo(provider="x", name=name, context_tokens=8192)
        )
        for name in "AB"
    ]
    for answer in asyncio.run(answers(stack(models, 1), leave_after=after)):
        assert len(answer) <= after + 1
    assert all(model.active == 0 for model in models)
