"""What a place may choose for itself: every setting, how it is written and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from services.conversation import place_values as values
from services.conversation.inbound import TriggerKind
from services.conversation.quiet_hours import QuietHours
from services.people.scopes import ScopedSetting, ScopeKind
from services.people.timezones import zone_name
from services.persona.library import CharacterLibrary
from services.persona.prompts import PromptLibrary

LONGEST_PROMPT = 2000
"""Characters the house rules of a place may have."""

_PLACES = frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD, ScopeKind.GLOBAL})
_TRIGGERS: tuple[TriggerKind, ...] = tuple(
    kind for kind in get_args(TriggerKind) if kind != "initiative"
)
_Limit = Annotated[int, Field(ge=1)]
_Chance = Annotated[float, Field(ge=0.0, le=1.0)]

WakeWord = Literal["always", "by_name", "push_to_listen"]
"""When what is said in a call is meant for a character."""


class ValueKind(StrEnum):
    """What a value looks like, so that frontends can offer the fitting field."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    SWITCH = "switch"
    NUMBER = "number"
    CHANCE = "chance"
    CHOICE = "choice"
    SET = "set"
    WORDS = "words"
    PERSONA = "persona"
    MODEL = "model"
    HOURS = "hours"
    TIMEZONE = "timezone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSetting:
    """One setting: what it is for, where it may be chosen, and how it is written.

    ``parse`` raises ``InvalidRequest`` or ``NotFound`` with a sentence for the person, and may
    block. ``options`` are the words that may be chosen, where they are few.
    """

    name: str
    description: str
    kind: ValueKind
    stored: ScopedSetting[Any]
    parse: values.Parse
    show: values.Show = str
    options: Callable[[], Sequence[str]] = tuple

    @property
    def scopes(self) -> frozenset[ScopeKind]:
        """Where it may be chosen."""
        return self.stored.scopes


def _stored(key: str, kind: Any, default: Any = None) -> ScopedSetting[Any]:  # noqa: ANN401
    return ScopedSetting(key, kind, default=default, scopes=_PLACES)


PERSONA = _stored("conversation.persona", str, "")
MODEL = _stored("conversation.model", str, "")
REMEMBER = _stored("conversation.remember", bool, False)
PROMPT = _stored("place.prompt", str, "")
TRIGGERS = _stored("place.triggers", tuple[TriggerKind, ...] | None)
KEYWORDS = _stored("place.keywords", tuple[str, ...] | None)
AMBIENT_CHANCE = _stored("place.ambient_chance", _Chance | None)
VERBOSITY = _stored("place.verbosity", Annotated[int, Field(ge=50, le=500)] | None)
FRAMEWORK = _stored("place.framework", str, "")
LISTEN = _stored("place.listen", bool | None)
TOOLS = _stored("place.tools", bool, True)
MUTED = _stored("place.muted", bool, False)
QUIET_HOURS = _stored("place.quiet_hours", str, "")
TIMEZONE = _stored("place.timezone", str, "")
ANSWER_BOTS = _stored("place.answer_bots", bool | None)
USER_LIMIT = _stored("place.user_limit", _Limit | None)
CHANNEL_LIMIT = _stored("place.channel_limit", _Limit | None)
BLOCKED_WORDS = _stored("place.blocked_words", tuple[str, ...], ())
CAPTIONS = _stored("place.captions", bool, False)
ALOUD = _stored("place.aloud", bool, False)
WAKE = _stored("place.wake", WakeWord, "always")
AUTOJOIN = _stored("place.autojoin", bool, False)
AUTOLEAVE = _stored("place.autoleave", Annotated[int, Field(ge=0, le=values.MOST_MINUTES)], 1)
ADMIN_ROLES: ScopedSetting[tuple[str, ...]] = ScopedSetting(
    "place.admin_roles", tuple[str, ...], default=(), scopes=frozenset({ScopeKind.GUILD})
)
ADULTS: ScopedSetting[bool | None] = ScopedSetting(
    "place.adults", bool | None, default=None, scopes=frozenset({ScopeKind.CHANNEL})
)
"""Whether the platform last said that a place is for adults; nobody chooses it."""


def place_settings(library: CharacterLibrary, prompts: PromptLibrary) -> Mapping[str, PlaceSetting]:
    """Return every setting of places by name, in the order they are listed."""

    def frameworks() -> Sequence[str]:
        return prompts.names("frameworks")

    def switch(name: str, stored: ScopedSetting[Any], description: str) -> PlaceSetting:
        return PlaceSetting(
            name=name,
            description=description,
            kind=ValueKind.SWITCH,
            stored=stored,
            parse=values.switch,
            show=values.shown_switch,
            options=lambda: ("on", "off"),
        )

    def limit(name: str, stored: ScopedSetting[Any], description: str) -> PlaceSetting:
        return PlaceSetting(
            name=name,
            description=description,
            kind=ValueKind.NUMBER,
            stored=stored,
            parse=values.limit,
        )

    return {
        setting.name: setting
        for setting in (
            PlaceSetting(
                name="persona",
                description="The character that answers when nobody else is called.",
                kind=ValueKind.PERSONA,
                stored=PERSONA,
                parse=lambda text: library.find(text).slug,
                options=lambda: [persona.slug for persona in library.all()],
            ),
            PlaceSetting(
                name="model",
                description="The language model that answers, as name or name@endpoint.",
                kind=ValueKind.MODEL,
                stored=MODEL,
                parse=values.line(200),
            ),
            PlaceSetting(
                name="prompt",
                description="House rules that every character keeps to here.",
                kind=ValueKind.LONG_TEXT,
                stored=PROMPT,
                parse=values.paragraphs(LONGEST_PROMPT),
            ),
            PlaceSetting(
                name="triggers",
                description="What makes a character answer.",
                kind=ValueKind.SET,
                stored=TRIGGERS,
                parse=values.some_of(_TRIGGERS),
                show=values.shown_words,
                options=lambda: _TRIGGERS,
            ),
            PlaceSetting(
                name="keywords",
                description="Words that wake the character, wherever they stand in a message.",
                kind=ValueKind.WORDS,
                stored=KEYWORDS,
                parse=values.words(most=50),
                show=values.shown_words,
            ),
            PlaceSetting(
                name="ambient_chance",
                description="The chance to join in unasked, where the trigger ambient is on.",
                kind=ValueKind.CHANCE,
                stored=AMBIENT_CHANCE,
                parse=values.chance,
                show=values.shown_chance,
            ),
            PlaceSetting(
                name="verbosity",
                description="How long answers are.",
                kind=ValueKind.CHOICE,
                stored=VERBOSITY,
                parse=values.length,
                show=values.shown_length,
                options=lambda: tuple(values.LENGTHS),
            ),
            PlaceSetting(
                name="framework",
                description="A way of answering, in place of those on the card.",
                kind=ValueKind.CHOICE,
                stored=FRAMEWORK,
                parse=values.one_of(frameworks),
                options=frameworks,
            ),
            switch(
                "remember", REMEMBER, "Whether talk that is meant for no character is remembered."
            ),
            switch("listen", LISTEN, "Whether messages beyond mentions and replies are read."),
            switch("tools", TOOLS, "Whether characters may use tools."),
            switch("muted", MUTED, "Whether all characters keep silent."),
            PlaceSetting(
                name="quiet_hours",
                description="Hours in which nobody joins in unasked, such as 22:00-07:00.",
                kind=ValueKind.HOURS,
                stored=QUIET_HOURS,
                parse=lambda text: str(QuietHours.parse(text)),
            ),
            PlaceSetting(
                name="timezone",
                description="The time zone of the place, such as Europe/Berlin.",
                kind=ValueKind.TIMEZONE,
                stored=TIMEZONE,
                parse=zone_name,
            ),
            switch("answer_bots", ANSWER_BOTS, "Whether other bots are answered."),
            limit("user_limit", USER_LIMIT, "Answers one person may cause per window."),
            limit("channel_limit", CHANNEL_LIMIT, "Answers given in a channel per window."),
            PlaceSetting(
                name="blocked_words",
                description="Words and /expressions/; a message with one of them is left alone.",
                kind=ValueKind.WORDS,
                stored=BLOCKED_WORDS,
                parse=values.blocked,
                show=values.shown_words,
            ),
            switch("captions", CAPTIONS, "Whether what is said in a call is written in its chat."),
            switch("aloud", ALOUD, "Whether answers in the chat of a call are spoken as well."),
            PlaceSetting(
                name="wake",
                description="Whether a call is answered always, when named, or to a held button.",
                kind=ValueKind.CHOICE,
                stored=WAKE,
                parse=values.one_of(lambda: get_args(WakeWord)),
                options=lambda: get_args(WakeWord),
            ),
            switch("autojoin", AUTOJOIN, "Whether a call is joined when the first person enters."),
            PlaceSetting(
                name="autoleave",
                description="After how many minutes alone a call is left.",
                kind=ValueKind.NUMBER,
                stored=AUTOLEAVE,
                parse=values.minutes,
                show=values.shown_minutes,
            ),
            PlaceSetting(
                name="admin_roles",
                description="Roles of the platform whose members may change all this.",
                kind=ValueKind.WORDS,
                stored=ADMIN_ROLES,
                parse=values.roles,
                show=values.shown_words,
            ),
        )
    }
