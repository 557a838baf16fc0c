"""Whatever chat, settings and environment say: one sentence, or a prompt that keeps its limits."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import InvalidRequest
from services.persona.assembly.answer import preview_as_json
from services.persona.assembly.layouts import OVERHEADS
from services.persona.assembly.material import LayoutTexts
from services.persona.assembly.preview import preview
from services.persona.assembly.reading import SETTINGS, read_messages, read_request
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import persona_of
from services.persona.cards.reading import read_card
from services.persona.lore.books import read_book
from services.persona.lore.budget import chars4
from services.persona.lore.entry import Scope
from services.persona.lore.scanner import LoreScanner

pytestmark = pytest.mark.property

SOURCES = {
    "authorsNote", "main", "worldInfoBefore", "personaDescription", "charDescription",
    "charPersonality", "worldInfoPersonality", "scenario", "worldInfoScenario",
    "enhanceDefinitions", "nsfw", "worldInfoAfter", "dialogueExamples", "newChat", "chatHistory",
    "depthPrompt", "worldInfoDepth", "groupNudge", "continueNudge", "jailbreak", "impersonate",
    "quietPrompt",
}  # fmt: skip
TEXTS = LayoutTexts(
    main="MAIN {{char}}", auxiliary="AUX", new_chat="NEW", new_group_chat="NEW {{group}}",
    new_example="EX", group_nudge="ONLY {{char}}", continue_nudge="GO ON",
    impersonate="AS {{user}}",
)  # fmt: skip
CARD = {
    "name": "Mira",
    "description": "{{char}} knows {{user}}. " * 3,
    "personality": "calm",
    "scenario": "a cafe",
    "first_mes": "Hi.",
    "mes_example": "<START>\n{{user}}: a\n{{char}}: b\n<START>\n{{char}}: c",
    "post_history_instructions": "Be brief. {{original}}",
    "extensions": {
        "depth_prompt": {"prompt": "CARD", "depth": 1},
        "regex_scripts": [
            {"findRegex": "/a+/g", "replaceString": "", "placement": [1, 2], "promptOnly": True}
        ],
    },
}
BOOK = {
    "entries": {
        str(position): {
            "uid": position, "key": ["a"], "constant": position % 2, "content": f"L{position}",
            "position": position, "depth": position, "role": position % 3, "outletName": "o",
        }
        for position in range(8)
    }
}  # fmt: skip

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(),
    st.sampled_from(["{{lastMessage}}", "{{setvar::a::1}}{{getvar::a}}", "at_depth", "0"]),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda deeper: (
        st.lists(deeper, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["text", "place", "depth", "role", "interval", "name", "main"]),
            deeper,
            max_size=4,
        )
    ),
    max_leaves=8,
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "system", "User"]),
            "content": st.text(max_size=40) | st.sampled_from(["a" * 200, "{{char}} a", " "]),
        },
        optional={"name": scalars, "at": scalars, "hidden": scalars},
    ),
    max_size=8,
)
usual: dict[str, st.SearchStrategy[Any]] = {
    "context": st.integers(0, 600),
    "response": st.integers(0, 300),
    "layout": st.sampled_from(["sillytavern", "cache"]),
    "kind": st.sampled_from(["normal", "continue", "impersonate", "swipe", "regenerate", "quiet"]),
    "group": st.lists(st.sampled_from(["Mira", "Bo"]), max_size=2),
    "note": st.text(max_size=20),
    "persona": st.text(max_size=20),
    "pin_examples": st.booleans(),
    "greeting": st.just(0),
    "quiet": st.sampled_from(["", " ", "Sum up."]),
}


def answered(settings: dict[str, Any], chat: object) -> dict[str, Any] | str:
    """The answer after a trip through JSON, or the sentence that refuses."""
    settings = json.loads(json.dumps(settings))
    raw = {"spec": "chara_card_v2", "spec_version": "2.0", "data": CARD}
    card = read_card(json.dumps(raw).encode(), name="card", limits=CardLimits()).document
    try:
        request = read_request(
            settings,
            character=persona_of(card, slug="mira", version="").character,
            chat=read_messages(json.loads(json.dumps(chat))),
            books=[read_book(BOOK, name="b", scope=Scope.GLOBAL)],
            texts=TEXTS,
            count=chars4,
            now=datetime(2026, 3, 1, 14, 5, tzinfo=UTC),
            rng=random.Random(1),
        )
    except InvalidRequest as refused:
        return refused.user_message
    answer = preview_as_json(preview(request, scanner=LoreScanner()))
    assert answer["budget"] == request.context - request.response
    loaded: dict[str, Any] = json.loads(json.dumps(answer))
    return loaded


def check(answer: dict[str, Any] | str, *, overhead: int = 0) -> None:
    """With ``overhead``, that of a message, tokens are what messages, names and it add up to."""
    if isinstance(answer, str):
        assert answer.endswith(".")
        assert "\n" not in answer
        return
    assert sum(answer["tokens"].values()) == answer["total"] <= answer["budget"]
    counted = dict.fromkeys(answer["tokens"], 0)
    for message in answer["messages"]:
        assert message["content"].strip()
        assert message["role"] in {"system", "user", "assistant"}
        assert set(message["source"].split("+")) <= SOURCES
        named = chars4(message["name"]) if message["name"] else 0
        counted[message["source"]] += chars4(message["content"]) + named + overhead
    if overhead:
        assert counted == answer["tokens"]


@given(chat=messages, settings=st.fixed_dictionaries({}, optional=usual))
def test_a_prompt_never_exceeds_its_budget_nor_holds_an_empty_message(
    chat: object, settings: dict[str, Any]
) -> None:
    check(answered(settings, chat), overhead=OVERHEADS[settings.get("layout", "sillytavern")])


@given(
    chat=messages,
    settings=st.dictionaries(st.sampled_from(sorted(SETTINGS)), anything, max_size=5),
)
def test_settings_of_any_shape_give_a_prompt_or_a_sentence(
    chat: object, settings: dict[str, Any]
) -> None:
    check(answered(settings, chat))


@given(chat=st.one_of(anything, st.lists(anything, max_size=3)))
def test_a_chat_of_any_shape_gives_a_prompt_or_a_sentence(chat: object) -> None:
    check(answered({}, chat))
