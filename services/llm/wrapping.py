"""Puts the wrappers around models: which is inside which, in one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from services.domain.clock import Clock
from services.llm.breaker import Breakers, GuardedModel
from services.llm.cached import AnswerCache, CachedModel
from services.llm.chained import ChainedModel, ModelLink, link_to
from services.llm.insistent import InsistentModel
from services.llm.metered import MeteredModel
from services.llm.model import ChatModel
from services.llm.retrying import RetryingModel
from services.llm.tokens import CalibratedTokens
from services.observability.metrics import Metrics
from services.settings import LlmSettings

STAND_IN = "embedded"
"""The link of the built-in model where it stands in for a host that is gone."""


class Wrapping:
    """Wraps models; the breakers and the cache are shared by all of them.

    From the inside: every call is measured, then counted by the breaker, so that an open one ends
    the retries at once; an empty answer is asked for again with all of that; an answer is cached
    under the model that gave it; the chain is around everything.
    """

    def __init__(
        self,
        settings: LlmSettings,
        *,
        breakers: Breakers,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        tokens: CalibratedTokens,
        on_notice: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._breakers = breakers
        self._metrics = metrics
        self._rng = rng
        self._tokens = tokens
        self._on_notice = on_notice
        self._cache = AnswerCache(
            settings.cache_entries, settings.cache_seconds, clock, metrics=metrics
        )
        self._announced: set[tuple[str, str]] = set()

    def forget_answers(self) -> None:
        """Drop the answers that are kept in memory."""
        self._cache.clear()

    def wrap(self, model: ChatModel, *, endpoint: str, name: str) -> ChatModel:
        """Return ``model`` of ``endpoint`` so that it is measured, guarded, retried and cached."""
        measured = MeteredModel(
            model, metrics=self._metrics, tokens=self._tokens, on_notice=self._on_notice
        )
        guarded = GuardedModel(measured, self._breakers.of(endpoint, name))
        retried = RetryingModel(
            guarded,
            tries=self._settings.retries + 1,
            first_pause=self._settings.retry_seconds,
            rng=self._rng,
            metrics=self._metrics,
        )
        insistent = InsistentModel(retried, self._metrics)
        return CachedModel(insistent, self._cache, endpoint)

    def link(self, model: ChatModel, *, endpoint: str, name: str) -> ModelLink:
        """Return ``model``, wrapped, as a link of a chain."""
        return link_to(
            f"{name}@{endpoint}" if name else endpoint,
            self.wrap(model, endpoint=endpoint, name=name),
        )

    def chain(self, links: Sequence[ModelLink]) -> ChatModel:
        """Return the model that asks ``links`` in order."""
        return ChainedModel(
            links, tokens=self._tokens, metrics=self._metrics, on_fallback=self._announce
        )

    def _announce(self, first: str, other: str) -> None:
        """Tell people about a fallback, once per process; the catalog announces its stand-in."""
        if other != STAND_IN and (first, other) not in self._announced:
            self._announced.add((first, other))
            self._on_notice("model_fallback", f"{first} does not answer now; {other} answers.")
