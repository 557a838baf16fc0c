"""What can wake a persona, and the rules of a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.conversation.inbound import Inbound, TriggerKind
from services.domain.ids import PersonaId
from services.domain.people import AuthorKind, Role
from services.persona.character import Persona
from services.persona.names import NameIndex
from services.settings import GateSettings

T = TypeVar("T")

_ORDER: tuple[TriggerKind, ...] = (
    "mention",
    "reply",
    "private",
    "name",
    "keyword",
    "contextual",
    "ambient",
)
UNASKED = frozenset[TriggerKind]({"contextual", "ambient"})
"""Triggers that let a character join in though nobody called for it."""

_WAKEFUL = frozenset[TriggerKind]({"mention", "reply", "private", "name"})
_MEANT = frozenset[TriggerKind]({"mention", "reply", "private"})
# A machine must be called by somebody to go on; otherwise two of them never stop.
_OPEN_TO_MACHINES = frozenset({"mention", "reply", "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOverrides:
    """What a platform or place wants differently; ``None`` leaves the setting.

    ``blocked`` adds to the block list. ``minimum_role`` defaults to guests, ``answer_bots`` to
    no. While it is ``quiet`` nobody answers who is not called. Without ``listen`` only mentions,
    replies and private talk are heard, and nothing else is remembered.
    """

    triggers: tuple[TriggerKind, ...] | None = None
    keywords: tuple[str, ...] | None = None
    keyword_probability: float | None = None
    contextual_probability: float | None = None
    ambient_probability: float | None = None
    keyword_cooldown_seconds: float | None = None
    contextual_cooldown_seconds: float | None = None
    ambient_cooldown_seconds: float | None = None
    user_limit: int | None = None
    channel_limit: int | None = None
    max_hops: int | None = None
    blocked: tuple[str, ...] | None = None
    minimum_role: Role | None = None
    answer_bots: bool | None = None
    quiet: bool = False
    listen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger that is switched on, its chance, and its pause per place in seconds."""

    kind: TriggerKind
    probability: float = 1.0
    cooldown: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings as they hold in one place; ``triggers`` in the order they are tried."""

    triggers: tuple[Trigger, ...]
    keywords: tuple[str, ...]
    user_limit: int
    channel_limit: int
    max_hops: int
    blocked: frozenset[str]
    minimum_role: Role
    answer_bots: bool
    listen: bool


def build_rules(settings: GateSettings, overrides: GateOverrides) -> Rules:
    """Join the settings and what a place wants differently."""
    enabled = set[TriggerKind](_chosen(overrides.triggers, settings.triggers))
    if overrides.quiet:
        enabled &= _WAKEFUL
    if not overrides.listen:
        enabled &= _MEANT
    timed = {
        "keyword": Trigger(
            kind="keyword",
            probability=_chosen(overrides.keyword_probability, settings.keyword_probability),
            cooldown=_chosen(overrides.keyword_cooldown_seconds, settings.keyword_cooldown_seconds),
        ),
        "contextual": Trigger(
            kind="contextual",
            probability=_chosen(overrides.contextual_probability, settings.contextual_probability),
            cooldown=_chosen(
                overrides.contextual_cooldown_seconds, settings.contextual_cooldown_seconds
            ),
        ),
        "ambient": Trigger(
            kind="ambient",
            probability=_chosen(overrides.ambient_probability, settings.ambient_probability),
            cooldown=_chosen(overrides.ambient_cooldown_seconds, settings.ambient_cooldown_seconds),
        ),
    }
    keywords = _chosen(overrides.keywords, settings.keywords)
    return Rules(
        triggers=tuple(timed.get(kind, Trigger(kind=kind)) for kind in _ORDER if kind in enabled),
        keywords=tuple(word.casefold() for word in keywords if word.strip()),
        user_limit=_chosen(overrides.user_limit, settings.user_limit),
        channel_limit=_chosen(overrides.channel_limit, settings.channel_limit),
        max_hops=_chosen(overrides.max_hops, settings.max_hops),
        blocked=frozenset((*settings.blocked, *(overrides.blocked or ()))),
        minimum_role=_chosen(overrides.minimum_role, Role.GUEST),
        answer_bots=_chosen(overrides.answer_bots, False),
        listen=overrides.listen,
    )


def addressees(
    kind: TriggerKind, inbound: Inbound, others: Sequence[Persona], rules: Rules
) -> tuple[PersonaId, ...] | None:
    """Return whom the trigger calls, or ``None`` if its condition is not met.

    Empty means that somebody should answer and the router is to say who. A message that is
    aimed at another person is no occasion to join in unasked.
    """
    message, addressing = inbound.message, inbound.addressing
    if message.author.kind is not AuthorKind.HUMAN and kind not in _OPEN_TO_MACHINES:
        return None
    called: tuple[PersonaId, ...] = ()
    met = False
    match kind:
        case "mention":
            called = tuple(one.id for one in others if one.id in addressing.mentions)
        case "reply":
            called = tuple(one.id for one in others if one.id == addressing.replies_to)
        case "name":
            namings = NameIndex.of(others).find(message.text)
            called = tuple(dict.fromkeys(one for naming in namings for one in naming.personas))
        case "private":
            met = addressing.private
        case "keyword":
            text = message.text.casefold()
            met = any(word in text for word in rules.keywords)
        case "contextual" | "ambient":
            met = not message.mentions and message.reply_to is None
        case "initiative":
            met = False
    return called if called or met else None


def _chosen(override: T | None, setting: T) -> T:
    return setting if override is None else override
