"""What holds in a place, everything chosen and left alone taken together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from services.conversation import place_settings as settings
from services.conversation.inbound import TriggerKind, Withheld
from services.conversation.moderation.rules import NO_RULES as NOTHING_BLOCKED
from services.conversation.moderation.rules import ContentRules
from services.conversation.place_settings import WakeWord
from services.conversation.quiet_hours import QuietHours
from services.conversation.scenes import Cast
from services.conversation.tool_rules import TOOL_RULES, ToolRule
from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId
from services.domain.replies import TurnKind
from services.people.scopes import Chosen, ScopedSetting, narrowest
from services.people.timezones import zone
from services.persona.character import Persona

T = TypeVar("T")

_LISTENED_TO = "discord"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRules:
    """The rules of one place; ``None`` leaves what the installation or the card says.

    ``persona`` is a slug, empty for the default. A place that ``listens`` hears more than what is
    meant for a character. ``adults`` says that characters for adults may speak. ``timezone`` is an
    IANA name, empty for the machine's zone, which ``zone`` is then ``None`` for. ``autoleave`` is
    in minutes, 0 for never. ``tool_rules`` are those of each scope, the narrowest first.
    """

    persona: str = ""
    model: str | None = None
    prompt: str = ""
    triggers: tuple[TriggerKind, ...] | None = None
    keywords: tuple[str, ...] | None = None
    ambient_chance: float | None = None
    verbosity: int | None = None
    framework: str | None = None
    remember: bool = False
    listens: bool = True
    tools: bool = True
    tool_rules: tuple[tuple[ToolRule, ...], ...] = ()
    muted: bool = False
    quiet_hours: QuietHours | None = None
    timezone: str = ""
    zone: tzinfo | None = None
    answer_bots: bool | None = None
    user_limit: int | None = None
    channel_limit: int | None = None
    blocked_words: tuple[str, ...] = ()
    admin_roles: tuple[str, ...] = ()
    adults: bool = True
    captions: bool = False
    aloud: bool = False
    wake: WakeWord = "always"
    autojoin: bool = False
    autoleave: int = 1
    blocked: ContentRules = field(default=NOTHING_BLOCKED, compare=False, repr=False)

    def quiet(self, now: datetime) -> bool:
        """Tell whether nobody should join in unasked at ``now``, which is aware."""
        return self.quiet_hours is not None and self.quiet_hours.hold(now, self.zone)

    def admits(self, persona: Persona) -> bool:
        """Tell whether ``persona`` may speak here at all."""
        return self.adults or not persona.adult

    def silence(self, persona: Persona, kind: TurnKind, now: datetime) -> Withheld | None:
        """Return why ``persona`` may not speak here now, if it may not."""
        if self.muted:
            return MUTED
        if not self.admits(persona):
            return adults_only(persona)
        if kind is TurnKind.INITIATIVE and self.quiet(now):
            return Withheld(reason="quiet_hours", detail=f"it is quiet here, {self.quiet_hours}")
        return None


NO_RULES = PlaceRules()
"""The rules of a place that chose nothing."""

MUTED = Withheld(reason="muted", detail="characters are muted here")


def adults_only(persona: Persona, *, notify: bool = True) -> Withheld:
    """Return the refusal of a character for adults where not everybody is one."""
    detail = f"{persona.name} speaks only in places for adults; choose another character here."
    return Withheld(reason="adults_only", detail=detail, notify=notify)


def attending(cast: Cast, rules: PlaceRules) -> Cast:
    """Return the cast without the members that may not speak in the place."""
    if rules.adults or not any(one.adult for one in cast.members):
        return cast
    return replace(cast, members=tuple(one for one in cast.members if rules.admits(one)))


def rules_of(
    conversation: ConversationId, chosen: Sequence[Chosen], *, listens: bool
) -> PlaceRules:
    """Return the rules that follow from what each scope has ``chosen``, the narrowest first.

    ``blocked`` is left for the caller to compile. Where nobody chose, ``listens`` says whether
    everything is heard. Only some platforms show
    more than what is meant for us, so only there it can be chosen; there a place is for adults
    only once the platform has said so.
    """

    def of(setting: ScopedSetting[T]) -> T:
        return narrowest(setting, chosen)[0]

    public = conversation.platform == _LISTENED_TO
    listen, adults = of(settings.LISTEN), of(settings.ADULTS)
    timezone = of(settings.TIMEZONE)
    found: dict[str, Any] = {
        "persona": of(settings.PERSONA),
        "model": of(settings.MODEL) or None,
        "prompt": of(settings.PROMPT),
        "triggers": of(settings.TRIGGERS),
        "keywords": of(settings.KEYWORDS),
        "ambient_chance": of(settings.AMBIENT_CHANCE),
        "verbosity": of(settings.VERBOSITY),
        "framework": of(settings.FRAMEWORK) or None,
        "remember": of(settings.REMEMBER),
        "tools": of(settings.TOOLS),
        "muted": of(settings.MUTED),
        "answer_bots": of(settings.ANSWER_BOTS),
        "user_limit": of(settings.USER_LIMIT),
        "channel_limit": of(settings.CHANNEL_LIMIT),
        "admin_roles": of(settings.ADMIN_ROLES),
        "captions": of(settings.CAPTIONS),
        "aloud": of(settings.ALOUD),
        "wake": of(settings.WAKE),
        "autojoin": of(settings.AUTOJOIN),
        "autoleave": of(settings.AUTOLEAVE),
    }
    return PlaceRules(
        **found,
        listens=not public or (listens if listen is None else listen),
        adults=not public if adults is None else adults,
        quiet_hours=_hours(of(settings.QUIET_HOURS)),
        timezone=timezone,
        zone=zone(timezone),
        blocked_words=of(settings.BLOCKED_WORDS),
        tool_rules=tuple(rules for one in chosen if (rules := narrowest(TOOL_RULES, [one])[0])),
    )


def _hours(stored: str) -> QuietHours | None:
    try:
        return QuietHours.parse(stored) if stored else None
    except InvalidRequest:  # written by a version that understood it
        return None
