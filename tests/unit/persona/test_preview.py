"""From card, books and chat to a prompt."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.domain.errors import InvalidRequest
from services.persona.assembly.material import LayoutTexts
from services.persona.assembly.preview import preview
from services.persona.assembly.reading import preview_as_json, read_messages, read_request
from services.persona.cards.document import CardDocument
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import persona_of
from services.persona.cards.reading import read_card
from services.persona.lore.books import card_lorebook, read_book
from services.persona.lore.budget import chars4
from services.persona.lore.entry import Scope
from services.persona.lore.scanner import LoreScanner

CHAT = [
    {"name": "Mira", "role": "assistant", "content": "Come in."},
    {"name": "Sam", "role": "user", "content": "Is the kettle on?"},
]


def document(**data: object) -> CardDocument:
    fields = {"name": "Mira", "description": "{{char}} knows {{user}}.", **data}
    card = {"spec": "chara_card_v2", "spec_version": "2.0", "data": fields}
    return read_card(json.dumps(card).encode(), name="card", limits=CardLimits()).document


def shown(
    settings: dict[str, object] | None = None,
    *,
    chat: object = CHAT,
    books: list[dict[str, object]] | None = None,
    **data: object,
) -> dict[str, Any]:
    card = document(**data)
    request = read_request(
        settings or {},
        character=persona_of(card, slug="mira", version="").character,
        chat=read_messages(chat),
        books=[
            *([card_lorebook(raw, name="own")] if (raw := card.character_book) else []),
            *(
                read_book({"entries": {str(n): e for n, e in enumerate(book)}}, name="b",
                          scope=Scope.GLOBAL)
                for book in [books] if book
            ),
        ],
        texts=LayoutTexts(main="MAIN", new_chat="NEW"),
        count=chars4,
        now=datetime(2026, 3, 1, 14, 5, tzinfo=UTC),
        rng=random.Random(1),
    )  # fmt: skip
    return preview_as_json(preview(request, scanner=LoreScanner()))


def entry(content: str, **more: object) -> dict[str, object]:
    return {"key": ["kettle"], "content": content, "order": 100, "position": 0, **more}


def texts(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["source"], each["content"]) for each in answer["messages"]]


def test_person_is_called_what_the_chat_says_unless_told() -> None:
    assert ("charDescription", "Mira knows Sam.") in texts(shown())
    assert ("charDescription", "Mira knows Kim.") in texts(shown({"user": "Kim"}))
    assert ("charDescription", "Mira knows User.") in texts(shown(chat=CHAT[:1]))


def test_lore_goes_to_every_place_of_the_prompt() -> None:
    books = [
        entry("BEFORE", position=0),
        entry("AFTER", position=1),
        entry("TOP", position=2),
        entry("BOTTOM", position=3),
        entry("DEEP", position=4, depth=1, role=1),
        entry("{{user}}: top?", position=5),
        entry("{{char}}: bottom!", position=6),
        entry("OUT", position=7, outletName="door"),
    ]
    answer = shown(
        {"note": {"text": "NOTE", "depth": 0}, "texts": {"main": "M {{outlet::door}}"}},
        books=books,
        mes_example="<START>\n{{user}}: mid?",
    )
    assert texts(answer) == [
        ("main", "M OUT"),
        ("worldInfoBefore", "BEFORE"),
        ("charDescription", "Mira knows Sam."),
        ("worldInfoAfter", "AFTER"),
        ("dialogueExamples", "top?"),
        ("dialogueExamples", "mid?"),
        ("dialogueExamples", "bottom!"),
        ("newChat", "NEW"),
        ("chatHistory", "Come in."),
        ("worldInfoDepth", "DEEP"),
        ("chatHistory", "Is the kettle on?"),
        ("authorsNote", "TOP\nNOTE\nBOTTOM"),
    ]
    assert sum(answer["tokens"].values()) == answer["total"]


def test_own_and_global_books_stack() -> None:
    own = {"entries": [{"keys": ["kettle"], "content": "OWN", "insertion_order": 1,
                        "enabled": True, "position": "before_char", "extensions": {}}],
           "extensions": {}}  # fmt: skip
    answer = shown(books=[entry("GLOBAL", order=2)], character_book=own)
    assert ("worldInfoBefore", "OWN\nGLOBAL") in texts(answer)
    assert [each["book"] for each in answer["lore"]] == ["own", "b"]


def test_lore_budget_is_a_quarter_of_what_the_answer_leaves() -> None:
    books = [entry("x" * 399, order=n, key=["kettle"]) for n in (3, 2, 1)]
    # (1312 - 512) / 4 = 200 tokens; one entry with its line end takes 100, two reach the budget.
    assert len(shown({"context": 1312}, books=books)["lore"]) == 1
    assert len(shown({"context": 1316}, books=books)["lore"]) == 2
    assert len(shown({"context": 1312, "budget": 5000}, books=books)["lore"]) == 3


def test_scripts_change_the_prompt_and_what_lore_is_found() -> None:
    script = {"scriptName": "s", "findRegex": "/kettle/g", "replaceString": "pot",
              "placement": [1, 2, 5], "promptOnly": True}  # fmt: skip
    extensions = {"regex_scripts": [script]}
    books = [entry("kettle lore"), entry("the kettle of {{user}}", key=["pot"])]
    answer = shown({"recursive": False}, books=books, extensions=extensions)
    assert ("chatHistory", "Is the pot on?") in texts(answer)
    assert ("worldInfoBefore", "the pot of Sam") in texts(answer)
    answer = shown({"regex_scripts": False}, books=books, extensions=extensions)
    assert ("worldInfoBefore", "kettle lore") in texts(answer)


def test_script_that_cannot_run_is_named() -> None:
    script = {"scriptName": "Bad", "findRegex": "/(/", "placement": [1], "promptOnly": True}
    answer = shown(extensions={"regex_scripts": [script]})
    assert answer["skipped"] == [
        {"script": "Bad", "reason": "its expression is invalid or ran too long"}
    ]


@pytest.mark.parametrize("kind", ["swipe", "regenerate"])
def test_another_answer_does_not_see_the_one_it_replaces(kind: str) -> None:
    answer = shown({"kind": kind}, chat=[*CHAT, {"role": "assistant", "content": "It is."}])
    assert ("chatHistory", "It is.") not in texts(answer)
    assert ("chatHistory", "Is the kettle on?") in texts(answer)


def test_settings_reach_everything() -> None:
    answer = shown(
        {
            "main": "A",
            "nsfw": "B",
            "jailbreak": "C {{time}}",
            "new_group_chat": "D {{group}}",
            "group_nudge": "E",
            "impersonation": "F",
            "texts": {"scenario": "G {{scenario}}"},
            "group": ["Mira", "Bo"],
            "kind": "impersonate",
            "quiet": "H",
            "persona": {"text": "{{user}} is tall", "place": 4, "depth": 0, "role": "user"},
            "now": "2026-01-02T03:04:00Z",
        },
        scenario="a cafe",
    )  # fmt: skip
    assert texts(answer) == [
        ("main", "A"),
        ("charDescription", "Mira knows Sam."),
        ("scenario", "G a cafe"),
        ("nsfw", "B"),
        ("newChat", "D Mira, Bo"),
        ("chatHistory", "Mira: Come in."),
        ("chatHistory", "Is the kettle on?"),
        ("personaDescription", "Sam is tall"),
        ("jailbreak", "C 3:04 AM"),
        ("impersonate", "F"),
        ("quietPrompt", "H"),
    ]
    assert answer["messages"][7]["role"] == "user"


def test_filter_knows_the_card_by_name_and_tag() -> None:
    books = [
        entry("BY NAME", characterFilter={"isExclude": False, "names": ["Mira"], "tags": []}),
        entry("NOT OTHERS", characterFilter={"isExclude": False, "names": ["Bo"], "tags": []}),
    ]
    assert ("worldInfoBefore", "BY NAME") in texts(shown(books=books))


def test_variables_of_the_card_count_once_though_lore_searches_it() -> None:
    answer = shown(
        books=[entry("l")], description="visit {{incvar::n}}", scenario="n={{getvar::n}}"
    )
    assert ("charDescription", "visit 1") in texts(answer)
    assert ("scenario", "n=1") in texts(answer)


def test_cache_layout_clips_to_its_shares_and_says_what() -> None:
    settings: dict[str, object] = {"layout": "cache", "context": 600, "response": 100}
    long: dict[str, Any] = {
        "description": "x" * 4000,
        "mes_example": "<START>\na\n<START>\n" + "b" * 600,
    }
    answer = shown(settings, **long)
    assert answer["clipped"] == ["charDescription"]
    assert answer["tokens"]["charDescription"] <= 300
    assert answer["dropped"]["examples"] == 1
    assert shown(settings | {"examples_share": 0}, **long)["dropped"]["examples"] == 2
    assert answer["total"] <= answer["budget"] == 500


@pytest.mark.parametrize(
    ("settings", "chat"),
    [
        ({"kind": "shout"}, CHAT),
        ({"layout": "mine"}, CHAT),
        ({"context": 100, "response": 100}, CHAT),
        ({"context": "many"}, CHAT),
        ({"examples_share": 1.5}, CHAT),
        ({"note": {"text": "a", "place": "roof"}}, CHAT),
        ({"persona": {"text": "a", "role": "king"}}, CHAT),
        ({}, {"role": "user"}),
        ({}, ["hi"]),
        ({}, [{"role": "tool", "content": "x"}]),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    settings: dict[str, object], chat: object
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        shown(settings, chat=chat)
    assert refused.value.user_message.endswith(".")
