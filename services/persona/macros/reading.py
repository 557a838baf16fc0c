"""Reads what macros know from JSON, for the command line and for tests."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.domain.errors import InvalidRequest
from services.persona.macros.dates import read_moment
from services.persona.macros.environment import ChatLine, MacroEnvironment, Value

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OWN = frozenset(
    {
        "user", "char", "now", "variables", "globals", "global_variables", "original", "chat",
        "group", "model", "input", "chat_id", "seed", "outlets", "last_user_at",
        "last_user_message_at", "max_prompt", "generation", "swipe", "swipes",
    }
)  # fmt: skip


def read_environment(
    given: Mapping[str, object], *, now: datetime, rng: random.Random | None = None
) -> MacroEnvironment:
    """Return the environment that ``given`` describes, keys in camelCase or snake_case.

    ``user``, ``char``, ``now`` (ISO 8601), ``variables``, ``globals``, ``chat`` (a list of objects
    with ``name``, ``role`` and ``content``), ``group``, ``original``, ``chatId``, ``model``,
    ``input``, ``outlets``, ``lastUserAt``, ``seed``; any other text is the value of the macro of
    that name. Raises ``InvalidRequest`` naming what is wrong.
    """
    fields = {_CAMEL.sub("_", key).lower(): value for key, value in given.items()}
    values = {
        spelling: str(value)
        for key, value in given.items()
        if _CAMEL.sub("_", key).lower() not in _OWN and isinstance(value, str | int | float)
        for spelling in (key.lower(), _CAMEL.sub("_", key).lower().replace("_", ""))
    }
    seed = fields.get("seed")
    return MacroEnvironment(
        user=_text(fields, "user", "User"),
        char=_text(fields, "char", "Character"),
        now=_moment(fields, "now", now) or now,
        rng=random.Random(str(seed)) if seed is not None else rng or random.SystemRandom(),
        values=values,
        local=_variables(fields, "variables"),
        shared=_variables(fields, "globals") | _variables(fields, "global_variables"),
        chat=_chat(fields.get("chat", ())),
        group=_names(fields.get("group", ())),
        last_user_at=_moment(fields, "last_user_at", now)
        or _moment(fields, "last_user_message_at", now),
        original=_text(fields, "original", "") if "original" in fields else None,
        outlets=_texts(fields.get("outlets", {})),
        chat_id=_text(fields, "chat_id", ""),
        model=_text(fields, "model", ""),
        input=_text(fields, "input", ""),
        generation=_text(fields, "generation", "normal"),
    )


def _text(fields: Mapping[str, object], key: str, default: str) -> str:
    value = fields.get(key)
    return default if value is None else str(value)


def _moment(fields: Mapping[str, object], key: str, now: datetime) -> datetime | None:
    value = fields.get(key)
    if value is None:
        return None
    moment = (
        datetime.fromtimestamp(value, UTC)
        if isinstance(value, int | float)
        else read_moment(str(value).replace("Z", "+00:00"), now)
    )
    if moment is None:
        raise InvalidRequest("macro_moment", f"{key} is not a date and time in ISO 8601.")
    return moment


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
            is_user=each.get("role") == "user" or each.get("is_user") is True,
        )
        for each in found
        if isinstance(each, Mapping)
    ]
