"""Puts the wrappers around models: which is inside which, in one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.domain.clock import Clock
from services.llm.breaker import Breakers, GuardedModel
from services.llm.cached import AnswerCache, CachedModel
from services.llm.chained import ChainedModel
from services.llm.insistent import InsistentModel
from services.llm.metered import MeteredModel
from services.llm.model import ChatModel
from services.llm.retrying import RetryingModel
from services.llm.tokens import CalibratedTokens
from services.observability.metrics import Metrics
from services.settings import LlmSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A model of a chain, and what it is called there."""

    model: ChatModel
    endpoint: str
    name: str


class Wrapping:
    """Wraps models; the breakers and the cache are shared by all of them."""
