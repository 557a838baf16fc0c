"""What macros know: the names, the card's texts, the moment, the variables."""

from __future__ import annotations

import random
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Value = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """A message as macros see it; ``hidden`` ones are not counted as the last one."""

    name: str
    text: str
    is_user: bool
    hidden: bool = False


@dataclass(slots=True, kw_only=True)
class MacroEnvironment:
    """Everything one expansion may use or change.

    ``values`` are texts by macro name in lower case, such as ``description``; they are expanded
    themselves where they stand. ``now`` is aware and in the user's time zone. ``local`` and
    ``shared`` are the variables of the conversation and of all conversations; expansion changes
    them. ``original`` is what an override replaces; it is filled in once. ``chat_id`` keeps
    ``{{pick}}`` stable within a conversation.
    """

    user: str
    char: str
    now: datetime
    rng: random.Random
    values: Mapping[str, str] = field(default_factory=dict)
    local: MutableMapping[str, Value] = field(default_factory=dict)
    shared: MutableMapping[str, Value] = field(default_factory=dict)
    chat: Sequence[ChatLine] = ()
    group: Sequence[str] = ()
    last_user_at: datetime | None = None
    original: str | None = None
    outlets: Mapping[str, str] = field(default_factory=dict)
    chat_id: str = ""
    model: str = ""
    input: str = ""
    swipe: int = 0
    swipes: int = 0
    max_prompt: int = 0
    generation: str = "normal"
