"""The estimate against real tokenizers, its speed, and what calibration learns."""

from __future__ import annotations

import logging
import random
import time

import pytest

from services.llm.model import PromptMessage, PromptRole
from services.llm.tokens import CalibratedTokens, EstimatedTokens, prompt_tokens
from tests.fakes.token_samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_estimate_is_never_below_the_real_count(name: str) -> None:
    text, real = SAMPLES[name]
    assert EstimatedTokens().count(text) >= real


@pytest.mark.parametrize("name", ["prose_book", "prose_system", "rp"])
def test_estimate_of_english_prose_wastes_little_of_the_context(name: str) -> None:
    text, real = SAMPLES[name]
    assert EstimatedTokens().count(text) <= real * 1.35


def test_nothing_costs_nothing_and_everything_else_something() -> None:
    tokens = EstimatedTokens()
    assert tokens.count("") == 0
    assert all(tokens.count(text) >= 1 for text in (" ", "\n", "\x00", "\ud800", "a", "İ"))


def test_history_is_counted_quickly() -> None:
    words = SAMPLES["prose_book"][0].split() + SAMPLES["rp"][0].split()
    rng = random.Random(1)
    texts = [" ".join(rng.choices(words, k=40))[:200] for _ in range(200)]
    best = 1.0
    for _ in range(5):
        tokens = EstimatedTokens()
        started = time.perf_counter()
        for text in texts:
            tokens.count(text)
        best = min(best, time.perf_counter() - started)
    assert best < 0.05


def test_calibration_rises_at_once_never_falls_and_warns_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = CalibratedTokens(EstimatedTokens())
    plain = tokens.count("Hello there, traveller.")
    with caplog.at_level(logging.WARNING):
        tokens.observe(1000, 900)
        assert tokens.factor == 1.0
        tokens.observe(1000, 1500)
        tokens.observe(1000, 1600)
        tokens.observe(1000, 100)
    assert 1.6 <= tokens.factor <= 1.7
    assert tokens.count("Hello there, traveller.") > plain
    assert len(caplog.records) == 1


def test_calibration_ignores_tiny_prompts_and_absurd_counts() -> None:
    tokens = CalibratedTokens(EstimatedTokens())
    tokens.observe(20, 200)
    assert tokens.factor == 1.0
    tokens.observe(1000, 1_000_000)
    assert tokens.factor == CalibratedTokens.LARGEST_FACTOR


def test_prompt_counts_more_than_its_texts() -> None:
    tokens = EstimatedTokens()
    message = PromptMessage(role=PromptRole.USER, content="Hello", source="test")
    assert prompt_tokens(tokens, [message, message]) > 2 * tokens.count("Hello")
