"""Choosing what holds in a place: a thread, a channel, a server, everywhere."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.conversation.blocked_words import BlockedWords
from services.conversation.place_rules import PlaceRules, rules_of
from services.conversation.place_settings import ADULTS, PERSONA, PlaceSetting, place_settings
from services.conversation.place_values import (
    shown_chance,
    shown_minutes,
    shown_switch,
    shown_words,
)
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.people.scopes import (
    Asker,
    Scope,
    ScopedSettings,
    ScopeKind,
    narrowest,
    parent_of,
)
from services.people.scopes import Chosen as ScopeChoices
from services.persona.library import CharacterLibrary
from services.persona.prompts import PromptLibrary
from services.settings import DiscordSettings, GateSettings
from services.storage.cache import RecentCache

logger = logging.getLogger(__name__)

_KEPT = 5_000
_SERVERLESS = frozenset({"dm", "room"})


class Where(StrEnum):
    """Where a setting that holds was chosen."""

    THREAD = "thread"
    CHANNEL = "channel"
    SERVER = "server"
    EVERYWHERE = "everywhere"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A setting as it holds in a place: its value as people read it, and where it was chosen."""

    name: str
    shown: str
    where: Where


class PlaceSettings:
    """Resolves, lists and changes the settings of places, the same for every frontend."""

    def __init__(
        self,
        scopes: ScopedSettings,
        *,
        library: CharacterLibrary,
        prompts: PromptLibrary,
        gate: GateSettings,
        discord: DiscordSettings,
    ) -> None:
        self._scopes = scopes
        self._library = library
        self._gate = gate
        self._listens = discord.listen == "everywhere"
        self._settings = place_settings(library, prompts)
        self._blocked = BlockedWords()
        self._rules: RecentCache[ConversationId, tuple[int, PlaceRules]] = RecentCache(_KEPT)

    def reconfigure(self, gate: GateSettings) -> None:
        """Show other defaults from now on."""
        self._gate = gate

    async def of(self, conversation: ConversationId) -> PlaceRules:
        """Return what holds in a place; a lookup in memory unless something was chosen since."""
        known = self.known(conversation)
        if known is not None:
            return known
        changes = self._scopes.changes
        chosen = await self._scopes.chosen(conversation)
        rules = rules_of(conversation, chosen, listens=self._listens)
        if rules.blocked_words:
            rules = replace(rules, blocked=await self._blocked.of(rules.blocked_words))
        self._rules.keep(conversation, (changes, rules))
        return rules

    def known(self, conversation: ConversationId) -> PlaceRules | None:
        """Return what holds in a place if that needs no waiting; ``None`` otherwise."""
        held = self._rules.get(conversation)
        return held[1] if held is not None and held[0] == self._scopes.changes else None

    def listed(self) -> Sequence[PlaceSetting]:
        """Return every setting."""
        return tuple(self._settings.values())

    def find(self, name: str) -> PlaceSetting:
        """Return the setting called ``name``. Raises ``NotFound`` naming similar ones."""
        wanted = name.strip().lower().replace("-", "_")
        found = self._settings.get(wanted)
        if found is None:
            close = difflib.get_close_matches(wanted, self._settings, n=2, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(close)}?"
                if close
                else f"there are: {', '.join(self._settings)}."
            )
            raise NotFound("place_setting", f"There is no setting called {name[:40]}; {hint}")
        return found

    async def overview(self, conversation: ConversationId) -> Sequence[Chosen]:
        """Return every setting as it holds in a place, in the order they are listed."""
        chosen = await self._scopes.chosen(conversation)
        defaults = self._defaults(await self.of(conversation))
        return [
            self._shown(setting, conversation, chosen, defaults)
            for setting in self._settings.values()
        ]

    async def change(
        self,
        conversation: ConversationId,
        name: str,
        text: str | None,
        *,
        width: ScopeKind = ScopeKind.CHANNEL,
        by: Author,
        role: Role,
    ) -> Chosen:
        """Choose what ``text`` says for the whole ``width``, or nothing with ``None``.

        ``CHANNEL`` is the thread itself where the place is one. Returns what then holds in the
        place, which a narrower choice may decide. Raises ``NotFound`` for the name of a setting or
        character, ``InvalidRequest`` for the value or width, and ``NotAllowed``.
        """
        setting = self.find(name)
        scope = _scope(conversation, setting, width)
        asker = Asker(account=by.id, role=role, person=by.person)
        self._scopes.check(setting.stored, scope, asker=asker)
        if text is None:
            await self._scopes.unset(setting.stored, scope, asker=asker)
        else:
            value = await asyncio.to_thread(setting.parse, text)
            await self._scopes.set(setting.stored, scope, value, asker=asker)
        logger.info(
            "place setting changed",
            extra={"setting": setting.name, "scope": str(scope.kind), "unset": text is None},
        )
        return await self._effective(setting, conversation)

    async def note_adults(self, conversation: ConversationId, *, adults: bool) -> PlaceRules:
        """Remember what the platform says of a place and return its rules.

        Nothing is written unless it says something else than before.
        """
        rules = await self.of(conversation)
        if rules.adults == adults:
            return rules
        platform = Asker(account=_platform(conversation), role=Role.OWNER)
        await self._scopes.set(ADULTS, Scope.channel(conversation), adults, asker=platform)
        return await self.of(conversation)

    async def _effective(self, setting: PlaceSetting, conversation: ConversationId) -> Chosen:
        chosen = await self._scopes.chosen(conversation)
        defaults = self._defaults(await self.of(conversation))
        return self._shown(setting, conversation, chosen, defaults)

    def _shown(
        self,
        setting: PlaceSetting,
        conversation: ConversationId,
        chosen: Sequence[ScopeChoices],
        defaults: Mapping[str, str],
    ) -> Chosen:
        value, scope = narrowest(setting.stored, chosen)
        if scope is None or value is None:
            return Chosen(
                name=setting.name, shown=defaults.get(setting.name, "none"), where=Where.DEFAULT
            )
        shown = self._name(value) if setting.stored is PERSONA else setting.show(value)
        return Chosen(name=setting.name, shown=shown, where=_where(conversation, scope))

    def _name(self, slug: str) -> str:
        try:
            return self._library.find(slug).name
        except NotFound:
            return f"{slug} (not there any more)"

    def _defaults(self, rules: PlaceRules) -> Mapping[str, str]:
        """Return how settings are shown that nobody has chosen."""
        gate = self._gate
        return {
            "persona": self._library.default().name,
            "model": "the configured one",
            "triggers": shown_words(gate.triggers),
            "keywords": shown_words(gate.keywords),
            "ambient_chance": shown_chance(gate.ambient_probability),
            "verbosity": "as the character likes",
            "framework": "as the character likes",
            "remember": shown_switch(False),
            "listen": shown_switch(rules.listens),
            "tools": shown_switch(True),
            "muted": shown_switch(False),
            "timezone": "the machine's",
            "answer_bots": shown_switch(False),
            "user_limit": str(gate.user_limit),
            "channel_limit": str(gate.channel_limit),
            "captions": shown_switch(False),
            "aloud": shown_switch(False),
            "wake": rules.wake,
            "autojoin": shown_switch(False),
            "autoleave": shown_minutes(rules.autoleave),
        }


_WIDTHS: Mapping[ScopeKind, str] = {
    ScopeKind.CHANNEL: "a channel",
    ScopeKind.GUILD: "a server",
    ScopeKind.GLOBAL: "everywhere",
    ScopeKind.USER: "a person",
}


def _scope(conversation: ConversationId, setting: PlaceSetting, width: ScopeKind) -> Scope:
    if width not in setting.scopes:
        listed = " or ".join(text for kind, text in _WIDTHS.items() if kind in setting.scopes)
        raise InvalidRequest(
            "place_width", f"{setting.name} is chosen for {listed}, not for {_WIDTHS[width]}."
        )
    if width is ScopeKind.GUILD:
        if conversation.scope in _SERVERLESS:
            raise InvalidRequest(
                "place_width", "There is no server here; choose it for this conversation alone."
            )
        return Scope.guild(conversation)
    return Scope.channel(conversation) if width is ScopeKind.CHANNEL else Scope.everywhere()


def _where(conversation: ConversationId, scope: Scope) -> Where:
    if scope.kind is ScopeKind.GLOBAL:
        return Where.EVERYWHERE
    if scope.kind is ScopeKind.GUILD:
        return Where.SERVER
    own = scope == Scope.channel(conversation)
    return Where.THREAD if own and parent_of(conversation) is not None else Where.CHANNEL


def _platform(conversation: ConversationId) -> AuthorId:
    """Return who stands beside what a platform has said by itself."""
    return AuthorId(conversation.platform, "platform")
