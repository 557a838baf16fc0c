"""Prompts as JSON: what a settings file says, and the answer."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar, cast, get_args

from services.domain.errors import InvalidRequest
from services.llm.model import PromptRole
from services.persona.assembly.cache_layout import EXAMPLES_SHARE
from services.persona.assembly.layouts import Layout
from services.persona.assembly.material import (
    AuthorsNote,
    ChatMessage,
    DescriptionPlace,
    Kind,
    LayoutTexts,
    NotePlace,
    UserDescription,
)
from services.persona.assembly.measuring import Count
from services.persona.assembly.preview import CONTEXT, RESPONSE, Preview, PreviewRequest
from services.persona.cards.leniency import as_flag, as_mapping, as_number, as_text
from services.persona.character import Character
from services.persona.lore.entry import Lorebook
from services.persona.lore.request import ScanSettings
from services.persona.lore.wire import SETTINGS as LORE_SETTINGS
from services.persona.lore.wire import read_settings
from services.persona.macros.environment import ChatLine, MacroEnvironment
from services.persona.macros.reading import read_environment
from services.persona.regex_scripts import read_scripts

Choice = TypeVar("Choice", bound=str)
Place = TypeVar("Place", bound=StrEnum)

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
    {"now", "variables", "globals", "model", "input", "chat_id", "last_user_at"}
)
_SWITCHES = frozenset({"card_overrides", "pin_examples", "fill_chat", "regex_scripts"})
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
    message of theirs is signed with. Raises ``InvalidRequest`` naming what is wrong.
    """
    known = {_OTHER_NAMES.get(name, name): value for name, value in given.items()}
    group = fields.names(known.get("group"))
    context = fields.count(known, "context", CONTEXT)
    response = fields.count(known, "response", RESPONSE)
    if response >= context:
        raise InvalidRequest(
            "prompt_context", f"An answer of {response} leaves nothing of a context of {context}."
        )
    kind = fields.one_of(known, "kind", cast("tuple[Kind, ...]", get_args(Kind)))
    lore = {name: known[name] for name in LORE_SETTINGS if name in known}
    lore |= dict(as_mapping(known.get("lore")))
    environment = _environment(known, character, chat, group, kind, now=now, rng=rng)
    return PreviewRequest(
        character=character,
        chat=chat,
        environment=environment,
        texts=_texts(known, texts),
        count=count,
        context=context,
        response=response,
        layout=fields.one_of(known, "layout", cast("tuple[Layout, ...]", get_args(Layout))),
        books=books,
        scan=_scan(lore, known, context - response),
        scripts=read_scripts(character.regex_scripts) if fields.switch(known, "regex_scripts") else (),
        user_description=fields.description(known.get("persona")),
        note=fields.note(known.get("note")),
        kind=kind,
        group=group,
        quiet=as_text(known.get("quiet")),
        card_overrides=fields.switch(known, "card_overrides"),
        pin_examples=fields.switch(known, "pin_examples", default=False),
        fill_chat=fields.switch(known, "fill_chat"),
        examples_share=fields.share(known, "examples_share", EXAMPLES_SHARE),
        names=frozenset({character.name, *file_names, *fields.names(lore.get("names"))}),
        tags=frozenset({*character.tags, *fields.names(lore.get("tags"))}),
        injected=fields.names(lore.get("injected")),
        vectorized=frozenset(fields.pairs(lore.get("vectorized"))),
        greeting=fields.optional(lore, "greeting"),
    )


def read_messages(raw: object) -> list[ChatMessage]:
    """Return a chat from a list of messages, oldest first; raises ``InvalidRequest``."""
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
        },
        now=now,
        rng=rng,
    )
    # Settings are no macros: of what was given only these belong to the environment.
    lines = [
        ChatLine(name=each.name, text=each.content, is_user=each.role == "user") for each in chat
    ]
    return replace(read, values={}, chat=lines)


def _texts(known: Mapping[str, object], shipped: LayoutTexts) -> LayoutTexts:
    grouped = {
        _OTHER_NAMES.get(name, name): value
        for name, value in as_mapping(known.get("texts")).items()
    }
    given = {
        name: as_text(grouped.get(name, known.get(name)))
        for name in _TEXTS
        if name in grouped or name in known
    }
    return replace(shipped, **given)


def _scan(lore: Mapping[str, object], known: Mapping[str, object], room: int) -> ScanSettings:
    settings = read_settings(lore)
    if as_number(lore.get("budget")) is not None:
        return settings
    share = as_number(known.get("budget_share"))
    budget = max(1, math.floor(room * (BUDGET_SHARE if share is None else share) + 0.5))
    cap = as_number(known.get("budget_cap")) or 0
    return replace(settings, budget=min(budget, int(cap)) if cap > 0 else budget)
