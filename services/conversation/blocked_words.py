"""Words that a place does not want to hear."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence

from services.conversation.limits import BoundedMap
from services.conversation.moderation.rules import NO_RULES, ContentRules, compile_rules
from services.domain.errors import InvalidRequest

logger = logging.getLogger(__name__)

_KEPT = 256
_EXPRESSION = re.compile(r"/(.+)/[a-z]*", re.DOTALL)


def compiled(words: Sequence[str]) -> ContentRules:
    """Return what finds words and ``/expressions/`` in any case, words as whole words. Blocking.

    Flags behind an expression have no meaning. Raises ``InvalidRequest``; see ``compile_rules``.
    """
    found = [(word, _EXPRESSION.fullmatch(word)) for word in words]
    return compile_rules(
        [word for word, expression in found if expression is None],
        [expression[1] for _, expression in found if expression is not None],
    )


class BlockedWords:
    """Compiles the blocked words of places; those of 256 places are held."""

    def __init__(self) -> None:
        self._known: BoundedMap[tuple[str, ...], ContentRules] = BoundedMap(_KEPT)

    async def of(self, words: tuple[str, ...]) -> ContentRules:
        """Return what finds ``words``; nothing does if they cannot be compiled any more."""
        if not words:
            return NO_RULES
        rules = self._known.get(words)
        if rules is None:
            try:
                rules = await asyncio.to_thread(compiled, words)
            except InvalidRequest as error:
                logger.warning("blocked words cannot be used", extra={"code": error.code})
                rules = NO_RULES
            self._known.put(words, rules)
        return rules
