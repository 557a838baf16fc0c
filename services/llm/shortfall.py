"""Notices servers that read less of a prompt than they were sent."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence

from services.domain.replies import Usage
from services.llm.model import ChatRequest, PromptMessage
from services.llm.tokens import CalibratedTokens

_SMALLEST = 1024
"""Prompts estimated below this fit every server."""
_FEWEST_ANSWERS = 5
_TELLING_REPEATS = 3
_REMEMBERED = 32
_WORDS_KEPT = 0.9
_BELOW_LIMIT = 0.95
_FAR_BELOW_LIMIT = 0.75
_SMALLEST_LIMIT = 2048
_MONOTONOUS = 8


class ShortfallWatch:
    """Compares a server's prompt counts with what was sent; one per model.

    A prompt counts as cut when one of these holds for the tokens counted, cached ones included:

    - fewer than nine tenths of the prompt's words: every tokenizer of today gives each word parted
      by spaces at least one token, so no estimation error reaches this;
    - at most 5 % below a window it may have been cut to (a power of two from 2048, or the context
      asked for) and less than half of what is expected;
    - less than a third of what is expected.

    Expected is the estimate times the lowest ratio of count and estimate of the latest answers to
    prompts of the same kind (mostly ASCII or not), at least five of them: for some models estimates
    of Chinese are four times too high. Prompts of few different words, which estimates get wrong,
    are only held against their words. Some servers count only tokens that were not cached; until
    this one has counted three prompts that began like the one before as whole, or has reported
    cached tokens, only a count near a possible window is believed.
    """

    def __init__(self, tokens: CalibratedTokens) -> None:
        self._tokens = tokens
        self._ratios: dict[bool, deque[float]] = {
            plain: deque(maxlen=_REMEMBERED) for plain in (True, False)
        }
        self._opening: PromptMessage | None = None
        self._whole_repeats = 0

    def lost(self, request: ChatRequest, usage: Usage, context_tokens: int) -> int:
        """Return about how many tokens of the prompt were not read; 0 when all were, or unknown."""
        counted = prompt_tokens(usage)
        if not usage.prompt_tokens or any(message.images for message in request.messages):
            return 0
        estimate = self._tokens.raw(request.messages, request.tools)
        if estimate < _SMALLEST:
            return 0
        words = sum(len(message.content.split()) for message in request.messages)
        ratios = self._ratios[_mostly_ascii(request.messages)]
        expected = estimate * min(ratios) if len(ratios) >= _FEWEST_ANSWERS else None
        repeated = bool(request.messages) and request.messages[0] == self._opening
        self._opening = request.messages[0] if request.messages else None
        if usage.cached_tokens:
            self._whole_repeats = _TELLING_REPEATS
        if self._cut(request, counted, words, expected, context_tokens):
            return max(words, int(expected or estimate)) - counted
        if counted >= words * _WORDS_KEPT:
            self._whole_repeats += repeated
            ratios.append(counted / estimate)
        return 0

    def _cut(
        self,
        request: ChatRequest,
        counted: int,
        words: int,
        expected: float | None,
        context_tokens: int,
    ) -> bool:
        counts_whole = self._whole_repeats >= _TELLING_REPEATS
        if counted < words * _WORDS_KEPT:
            return counts_whole or _near_limit(counted, context_tokens, _FAR_BELOW_LIMIT)
        if expected is None or counted * 2 >= expected:
            return False
        if not _near_limit(counted, context_tokens, _BELOW_LIMIT) and (
            not counts_whole or counted * 3 >= expected
        ):
            return False
        return not _monotonous(request.messages)


def prompt_tokens(usage: Usage) -> int:
    """Return how much of the prompt the server had; some count what was cached apart."""
    apart = usage.cached_tokens > usage.prompt_tokens
    return usage.prompt_tokens + (usage.cached_tokens if apart else 0)


def _near_limit(counted: int, context_tokens: int, share: float) -> bool:
    """Say whether ``counted`` lies within ``share`` of a window's size and that size."""
    power = max(_SMALLEST_LIMIT, 1 << (counted - 1).bit_length())
    return any(limit * share <= counted <= limit for limit in (power, context_tokens))


def _mostly_ascii(messages: Sequence[PromptMessage]) -> bool:
    characters = sum(len(message.content) for message in messages)
    size = sum(len(message.content.encode(errors="replace")) for message in messages)
    return size <= characters * 1.2


def _monotonous(messages: Sequence[PromptMessage]) -> bool:
    text = "\n".join(message.content for message in messages).encode(errors="replace")
    return len(zlib.compress(text, 1)) * _MONOTONOUS < len(text)
