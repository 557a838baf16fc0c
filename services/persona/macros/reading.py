"""Reads what macros know from JSON, for the command line and for tests."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from zoneinfo import ZoneInfo

from services.domain.errors import InvalidRequest
from services.persona.macros.dates import read_moment
from services.persona.macros.environment import ChatLine, MacroEnvironment, Value

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LAST_USER = ("last_user_at", "last_user_message_at", "last_user_message_time")
_ZONE = ("timezone", "time_zone")
_SHARED = ("globals", "global_variables")
_OWN = frozenset(
    {
        "user", "char", "now", "variables", "original", "chat", "group", "model", "input",
        "chat_id", "seed", "outlets", "max_prompt", "generation", "swipe", "swipes",
        *_LAST_USER, *_ZONE, *_SHARED,
    }
)  # fmt: skip
_CARD_FIELDS = {
    "mesexample": "mesexamples",
    "systemprompt": "charprompt",
    "posthistoryinstructions": "charjailbreak",
    "characterversion": "charversion",
    "creatornotes": "charcreatornotes",
}
_SENT = ("at", "time", "sent_at", "send_date", "timestamp", "date")
_MILLISECONDS_FROM = 1e11  # as seconds, a year above 5000


def read_environment(
    given: Mapping[str, object], *, now: datetime, rng: random.Random | None = None
) -> MacroEnvironment:
    """Return the environment that ``given`` describes, keys in camelCase or snake_case.

    ``user``, ``char``, ``now`` (ISO 8601, or seconds or milliseconds since 1970), ``timezone`` (a
    name such as ``Europe/Paris``), ``variables``, ``globals``, ``chat`` (a list of objects with
    ``name``, ``role``, ``content``, and ``at`` if it is known), ``group``, ``original``,
    ``chatId``, ``model``, ``input``, ``outlets``, ``lastUserAt``, ``swipe``, ``swipes``,
    ``maxPrompt``, ``seed``; any other text is the value of the macro of that name. Raises
    ``InvalidRequest`` naming what is wrong.
    """
    fields = {_CAMEL.sub("_", key).lower(): value for key, value in given.items()}
    now = _now(fields, now)
    seed = fields.get("seed")
    chat = fields.get("chat") or ()
    return MacroEnvironment(
        user=_text(fields, "user", "User"),
        char=_text(fields, "char", "Character"),
        now=now,
        rng=random.Random(str(seed)) if seed is not None else rng or random.SystemRandom(),
        values=_values(given),
        local=_variables(fields, "variables"),
        shared={name: value for key in _SHARED for name, value in _variables(fields, key).items()},
        chat=_chat(chat),
        group=_names(fields.get("group", ())),
        last_user_at=_first_moment(fields, _LAST_USER, now) or _user_before(chat, now),
        original=_text(fields, "original", "") if "original" in fields else None,
        outlets=_texts(fields.get("outlets", {})),
        chat_id=_text(fields, "chat_id", ""),
        model=_text(fields, "model", ""),
        input=_text(fields, "input", ""),
        swipe=_count(fields, "swipe"),
        swipes=_count(fields, "swipes"),
        max_prompt=_count(fields, "max_prompt"),
        generation=_text(fields, "generation", "normal"),
    )


def _values(given: Mapping[str, object]) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in given.items():
        snake = _CAMEL.sub("_", key).lower()
        if snake in _OWN or not isinstance(value, str | int | float):
            continue
        bare = snake.replace("_", "")
        for spelling in (key.lower(), snake, bare, _CARD_FIELDS.get(bare, bare)):
            values[spelling] = str(value)
    return values


def _now(fields: Mapping[str, object], now: datetime) -> datetime:
    name = next((str(fields[key]) for key in _ZONE if fields.get(key)), "")
    if not name:
        return _moment(fields.get("now"), "now", now) or now
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidRequest("macro_zone", f"There is no time zone called {name}.") from error
    here = now.astimezone(zone)
    return (_moment(fields.get("now"), "now", here) or here).astimezone(zone)


def _first_moment(
    fields: Mapping[str, object], keys: Sequence[str], now: datetime
) -> datetime | None:
    found = (_moment(fields.get(key), key, now) for key in keys)
    return next((moment for moment in found if moment is not None), None)


def _user_before(chat: object, now: datetime) -> datetime | None:
    """Return when the user spoke last before the newest message, if the chat tells."""
    listed = chat if isinstance(chat, list) else []
    lines = [line for line in listed if isinstance(line, Mapping) and not _is_hidden(line)]
    for line in reversed(lines[:-1]):
        if _is_user(line):
            sent = next((line[key] for key in _SENT if line.get(key) is not None), None)
            return None if sent is None else _read(sent, now)
    return None


def _text(fields: Mapping[str, object], key: str, default: str) -> str:
    value = fields.get(key)
    return default if value is None else str(value)


def _count(fields: Mapping[str, object], key: str) -> int:
    value = fields.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _moment(value: object, key: str, now: datetime) -> datetime | None:
    if value is None:
        return None
    moment = _read(value, now)
    if moment is None:
        raise InvalidRequest("macro_moment", f"{key} is not a date and time in ISO 8601.")
    return moment


def _read(value: object, now: datetime) -> datetime | None:
    if not isinstance(value, int | float):
        moment = read_moment(str(value).replace("Z", "+00:00"), now)
        # In the first and the last year another time zone may be out of the calendar.
        return moment if moment and MINYEAR < moment.year < MAXYEAR else None
    seconds = value / 1000 if abs(value) > _MILLISECONDS_FROM else value
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(now.tzinfo)
    except (OverflowError, ValueError, OSError):
        return None


def _variables(fields: Mapping[str, object], key: str) -> dict[str, Value]:
    found = fields.get(key) or {}
    if not isinstance(found, Mapping):
        raise InvalidRequest("macro_variables", f"{key} has to be an object of names and values.")
    return {
        str(name): value if isinstance(value, str | int | float) else str(value)
        for name, value in found.items()
    }


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, Mapping):
        raise InvalidRequest("macro_outlets", "outlets has to be an object of names and texts.")
    return {str(name): str(text) for name, text in found.items()}


def _names(found: object) -> Sequence[str]:
    if isinstance(found, str):
        return [part.strip() for part in found.split(",") if part.strip()]
    return [str(name) for name in found] if isinstance(found, Sequence) else []


def _chat(found: object) -> Sequence[ChatLine]:
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise InvalidRequest("macro_chat", "chat has to be a list of messages.")
    return [
        ChatLine(
            name=str(each.get("name", "")),
            text=str(each.get("content", each.get("mes", ""))),
            is_user=_is_user(each),
            hidden=_is_hidden(each),
        )
        for each in found
        if isinstance(each, Mapping)
    ]


def _is_user(line: Mapping[str, object]) -> bool:
    return line.get("role") == "user" or line.get("is_user") is True


def _is_hidden(line: Mapping[str, object]) -> bool:
    return line.get("hidden") is True or line.get("is_system") is True
