"""What no character may say: secrets, calls to everybody, and forbidden words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from services.conversation.limits import BoundedMap
from services.conversation.moderation.rules import NO_RULES, ContentRules, compile_rules
from services.conversation.moderation.scanner import Ban, Scanner, Search
from services.conversation.moderation.shapes import secret_bans, standing_bans
from services.domain.errors import ConfigurationError, InvalidRequest
from services.observability.logging import hidden_secrets
from services.observability.metrics import Metrics
from services.settings import ModerationSettings

logger = logging.getLogger(__name__)

OutputGuard = Scanner
"""The filter of one reply: ``feed`` its text, then ``close``."""

_PREPARED = 128
_QUICK = 2_000  # characters times bans


class ContentPolicy:
    """Gives each reply its guard.

    What looks like a key or token, or is one of the secrets known, becomes ``[removed]``; what
    the rules forbid becomes ``▮▮▮``; ``@everyone``, ``@here`` and mentions of roles lose their
    power by a zero-width joiner. Raises ``ConfigurationError`` for settings that cannot be used.
    """

    def __init__(
        self,
        settings: ModerationSettings,
        *,
        metrics: Metrics,
        secrets: Iterable[str] = (),
    ) -> None:
        self._metrics = metrics
        self._own = frozenset(secrets)
        self._secrets: frozenset[str] | None = None
        self._always: Sequence[Ban] = ()
        self._searches: BoundedMap[ContentRules, Search] = BoundedMap(_PREPARED)
        self._joined: BoundedMap[ContentRules, ContentRules] = BoundedMap(_PREPARED)
        self._rules = installation_rules(settings)
        self.guard(self._rules)  # so that the first reply does not wait for it

    def reconfigure(self, settings: ModerationSettings, *, secrets: Iterable[str] = ()) -> None:
        """Take over the rules from the next reply on, and keep ``secrets`` unsaid as well."""
        self._rules = installation_rules(settings)
        self._own |= frozenset(secrets)
        self._joined.clear()

    def joined(self, place: ContentRules) -> ContentRules:
        """Return what the installation forbids, and ``place``; the same object for the same."""
        if not place:
            return self._rules
        joined = self._joined.get(place)
        if joined is None:
            joined = self._rules.also(place)
            self._joined.put(place, joined)
        return joined

    def guard(self, rules: ContentRules = NO_RULES) -> OutputGuard:
        """Return the filter for one reply under ``rules``."""
        secrets = self._own | hidden_secrets()
        if secrets != self._secrets:
            self._secrets = secrets
            self._searches.clear()
            self._always = (*standing_bans(), *secret_bans(secrets))
        search = self._searches.get(rules)
        if search is None:
            search = Search((*self._always, *rules.bans))
            self._searches.put(rules, search)
        return OutputGuard(search, on_found=self._replaced)

    async def cleaned(self, text: str, rules: ContentRules = NO_RULES) -> str:
        """Return a whole text as it may be shown; a long one is read in a thread."""
        guard = self.guard(rules)
        if len(text) * (1 + len(rules.bans)) <= _QUICK:
            return guard.feed(text) + guard.close()
        return await asyncio.to_thread(lambda: guard.feed(text) + guard.close())

    def _replaced(self, kind: str) -> None:
        self._metrics.count("moderation_replaced", kind=kind)
        if kind == "secret":
            logger.warning("a secret was kept out of what a character said")


def installation_rules(settings: ModerationSettings) -> ContentRules:
    """Return what ``settings`` forbid everywhere; raises ``ConfigurationError``."""
    try:
        return compile_rules(settings.words, settings.patterns)
    except InvalidRequest as error:
        raise ConfigurationError(error.code, f"moderation: {error.user_message}") from error
