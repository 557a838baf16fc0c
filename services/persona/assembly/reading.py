"""From JSON to what one prompt depends on: settings and a chat."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from typing import Literal, cast, get_args

from services.domain.errors import InvalidRequest
from services.persona.assembly import fields
from services.persona.assembly.cache_layout import EXAMPLES_SHARE
from services.persona.assembly.gathering import OVERRIDES
from services.persona.assembly.greetings import greeting_text
from services.persona.assembly.layouts import Layout
from services.persona.assembly.material import ChatMessage, Kind, LayoutTexts
from services.persona.assembly.measuring import Count
from services.persona.assembly.preview import CONTEXT, RESPONSE, PreviewRequest, before_answer
from services.persona.cards.leniency import as_mapping, as_number, as_text
from services.persona.character import Character
from services.persona.lore.entry import Lorebook
from services.persona.lore.request import ScanSettings
from services.persona.lore.wire import SETTINGS as LORE_SETTINGS
from services.persona.lore.wire import read_settings
from services.persona.macros.environment import MacroEnvironment
from services.persona.macros.reading import read_environment
from services.persona.regex_scripts import read_scripts

BUDGET_SHARE = 0.25
"""Part of the context without the answer that lore may take; what SillyTavern ships."""

_OTHER_NAMES: Mapping[str, str] = {
    "nsfw": "auxiliary",
    "jailbreak": "post_history",
    "post_history_instructions": "post_history",
    "enhance_definitions": "enhance",
    "new_example_chat": "new_example",
    "impersonation": "impersonate",
    "personality_format": "personality",
    "scenario_format": "scenario",
    "authors_note": "note",
    "user_persona": "persona",
    "response_tokens": "response",
    "prefer_card_overrides": "card_overrides",
    "quiet_prompt": "quiet",
}
_TEXTS = frozenset(each.name for each in fields_of(LayoutTexts))
_ENVIRONMENT = frozenset(
    {"now", "timezone", "variables", "globals", "model", "input", "chat_id", "last_user_at",
     "max_prompt", "swipe", "swipes"}
)  # fmt: skip
_OVERRIDES: Mapping[str, str] = {
    "card_system_prompt": "system_prompt",
    "card_post_history": "post_history_instructions",
}
_SWITCHES = frozenset({"card_overrides", *_OVERRIDES, "pin_examples", "fill_chat", "regex_scripts"})
_OWN = frozenset(
    {"texts", "lore", "context", "response", "layout", "note", "persona", "group", "kind",
     "quiet", "seed", "budget_share", "budget_cap", "examples_share"}
)  # fmt: skip
SETTINGS = _TEXTS | _ENVIRONMENT | _SWITCHES | _OWN | LORE_SETTINGS | frozenset(_OTHER_NAMES)
"""The names that settings may have."""


def read_request(
    given: Mapping[str, object],
    *,
    character: Character,
    chat: Sequence[ChatMessage],
    books: Sequence[Lorebook],
    texts: LayoutTexts,
    count: Count,
    now: datetime,
    rng: random.Random,
    file_names: Sequence[str] = (),
) -> PreviewRequest:
    """Return what ``given`` asks for; what it leaves out is as SillyTavern ships it.

    ``texts`` is the wording where ``given`` has none, ``file_names`` are further names by which
    lore entries may know the character. Without a ``user`` the person is called what the newest
    message of theirs is signed with. A ``chat`` without messages begins with the greeting that is
    asked for, if any. Raises ``InvalidRequest`` naming what is wrong.
    """
    known = {_OTHER_NAMES.get(name, name): value for name, value in given.items()}
    group = fields.names(known.get("group"))
    context = fields.count(known, "context", CONTEXT)
    response = fields.count(known, "response", min(RESPONSE, context // 2))
    if response >= context:
        raise InvalidRequest(
            "prompt_context", f"An answer of {response} leaves nothing of a context of {context}."
        )
    kind = fields.one_of(known, "kind", cast("tuple[Kind, ...]", get_args(Kind)))
    lore = {name: known[name] for name in LORE_SETTINGS if name in known}
    lore |= dict(as_mapping(known.get("lore")))
    greeting = fields.optional(lore, "greeting")
    if not chat and greeting is not None:
        text = greeting_text(character, greeting, group=bool(group))
        chat = [ChatMessage(name=character.called, role="assistant", content=text)]
    environment = _environment(known, character, chat, group, kind, now=now, rng=rng)
    scripted = fields.switch(known, "regex_scripts")
    return PreviewRequest(
        character=character,
        chat=[message for message in chat if not message.hidden],
        environment=environment,
        texts=_texts(known, texts),
        count=count,
        context=context,
        response=response,
        layout=fields.one_of(known, "layout", cast("tuple[Layout, ...]", get_args(Layout))),
        books=books,
        scan=_scan(lore, known, context),
        scripts=read_scripts(character.regex_scripts) if scripted else (),
        user_description=fields.description(known.get("persona")),
        note=fields.note(known.get("note")),
        kind=kind,
        group=group,
        quiet=as_text(known.get("quiet")),
        card_overrides=_overrides(known),
        pin_examples=fields.switch(known, "pin_examples", default=False),
        fill_chat=fields.switch(known, "fill_chat"),
        examples_share=fields.share(known, "examples_share", EXAMPLES_SHARE),
        names=frozenset({character.name, *file_names, *fields.names(lore.get("names"))}),
        tags=frozenset({*character.tags, *fields.names(lore.get("tags"))}),
        injected=fields.names(lore.get("injected")),
        vectorized=frozenset(fields.pairs(lore.get("vectorized"))),
        greeting=greeting,
    )


def read_messages(raw: object) -> list[ChatMessage]:
    """Return a chat from a list of messages, oldest first; raises ``InvalidRequest``.

    ``hidden`` ones are for macros only; ``at`` is when a message was sent.
    """
    if not isinstance(raw, (list, tuple)):
        raise InvalidRequest("prompt_chat", "The chat has to be a list of messages.")
    messages = []
    for at, message in enumerate(raw, 1):
        if not isinstance(message, Mapping):
            raise InvalidRequest("prompt_chat", f"Message {at} of the chat is not an object.")
        role = as_text(message.get("role")).lower()
        if role not in {"user", "assistant", "system"}:
            raise InvalidRequest(
                "prompt_chat", f"Message {at} of the chat has none of the roles user, assistant"
                " and system."
            )  # fmt: skip
        messages.append(
            ChatMessage(
                name=as_text(message.get("name")),
                role=cast("Literal['user', 'assistant', 'system']", role),
                content=as_text(message.get("content")),
                at=as_text(message.get("at")),
                hidden=message.get("hidden") is True,
            )
        )
    return messages


def _environment(
    known: Mapping[str, object],
    character: Character,
    chat: Sequence[ChatMessage],
    group: Sequence[str],
    kind: Kind,
    *,
    now: datetime,
    rng: random.Random,
) -> MacroEnvironment:
    said = (each.name for each in reversed(chat) if each.role == "user" and each.name)
    described = as_mapping(known.get("persona"))
    user = as_text(known.get("user")) or as_text(described.get("name")) or next(said, "User")
    read = read_environment(
        {
            **{name: known[name] for name in _ENVIRONMENT if name in known},
            "user": user,
            "char": as_text(known.get("char")) or character.called,
            "group": list(group),
            "generation": kind,
            "chat": [
                {"name": each.name, "role": each.role, "content": each.content,
                 "at": _sent(each.at), "hidden": each.hidden}
                for each in before_answer(chat, kind)
            ],
        },
        now=now,
        rng=rng,
    )  # fmt: skip
    # Settings are no macros: of what was given only these belong to the environment.
    return replace(read, values={})


def _sent(at: str) -> int | float | str | None:
    seconds = as_number(at)
    return (at or None) if seconds is None else seconds


def _overrides(known: Mapping[str, object]) -> frozenset[str]:
    both = fields.switch(known, "card_overrides")
    return OVERRIDES & {
        part for name, part in _OVERRIDES.items() if fields.switch(known, name, default=both)
    }


def _texts(known: Mapping[str, object], shipped: LayoutTexts) -> LayoutTexts:
    grouped = {
        _OTHER_NAMES.get(name, name): value
        for name, value in as_mapping(known.get("texts")).items()
    }
    given = {name: grouped.get(name, known.get(name)) for name in _TEXTS}
    return replace(
        shipped, **{name: as_text(value) for name, value in given.items() if value is not None}
    )


def _scan(lore: Mapping[str, object], known: Mapping[str, object], context: int) -> ScanSettings:
    settings = read_settings(lore)
    if as_number(lore.get("budget")) is not None:
        return settings
    share = fields.share(known, "budget_share", BUDGET_SHARE)
    budget = max(1, math.floor(context * share + 0.5))
    cap = fields.count(known, "budget_cap", 0)
    return replace(settings, budget=min(budget, cap) if cap else budget)
