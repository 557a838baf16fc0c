"""From card, books and chat to a prompt."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.domain.errors import InvalidRequest
from services.persona.assembly.answer import preview_as_json
from services.persona.assembly.material import LayoutTexts
from services.persona.assembly.preview import preview
from services.persona.assembly.reading import read_messages, read_request
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


def test_lore_budget_is_a_quarter_of_the_context() -> None:
    books = [entry("x" * 399, order=n, key=["kettle"]) for n in (3, 2, 1)]
    # 800 / 4 = 200 tokens; one entry with its line end takes 100, two reach the budget.
    assert len(shown({"context": 800}, books=books)["lore"]) == 1
    assert len(shown({"context": 804}, books=books)["lore"]) == 2
    assert len(shown({"context": 800, "budget": 5000}, books=books)["lore"]) == 3


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


def spoken(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The role and text of everything from the separator of the chat on."""
    said = [(each["role"], each["content"]) for each in answer["messages"]]
    return said[said.index(("system", "NEW")) + 1 :]


TALK = [
    {"name": "Mira", "role": "assistant", "content": "one"},
    {"name": "Sam", "role": "user", "content": "two"},
    {"name": "Mira", "role": "assistant", "content": "three"},
    {"name": "Sam", "role": "user", "content": "four kettle"},
]


def test_at_one_depth_roles_and_then_owners_have_their_order() -> None:
    books = [
        entry(f"{name}{depth}", position=4, depth=depth, role=role, order=order)
        for depth in (0, 1)
        for name, role, order in (("s-late", 0, 9), ("s", 0, 1), ("u", 1, 5), ("a", 2, 9))
    ]
    answer = shown(
        {
            "note": {"text": "NOTE", "depth": 0},
            "persona": {"text": "PERSONA", "place": "at_depth", "depth": 0},
        },
        chat=TALK,
        books=books,
        extensions={"depth_prompt": {"prompt": "CARD", "depth": "0", "role": "system"}},
    )
    assert spoken(answer)[3:] == [
        ("assistant", "a1"), ("user", "u1"), ("system", "s1\ns-late1"),
        ("user", "four kettle"),
        ("assistant", "a0"), ("user", "u0"), ("system", "NOTE\nCARD\nPERSONA\ns0\ns-late0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("depth", "at"), [(0, 4), (1, 3), (3, 1), (4, 0), (5, 0), (1000, 0), ("2", 2)]
)
def test_a_depth_beyond_the_oldest_message_is_before_it(depth: object, at: int) -> None:
    books = [entry("DEEP", position=4, depth=depth)]
    assert spoken(shown(chat=TALK, books=books)).index(("system", "DEEP")) == at


def test_depth_prompt_of_a_card_has_depth_four_and_is_the_systems_unless_told() -> None:
    extensions = {"depth_prompt": {"prompt": "CARD {{user}}"}}
    longer = [*TALK, *TALK]
    assert spoken(shown(chat=longer, extensions=extensions))[4] == ("system", "CARD Sam")
    nothing = {"depth_prompt": {"prompt": " \n", "depth": 1}}
    assert len(spoken(shown(chat=longer, extensions=nothing))) == len(longer)


@pytest.mark.parametrize("chat", [[], [{"role": "user", "content": " \n"}]])
def test_an_empty_chat_is_the_fixed_parts_alone(chat: object) -> None:
    books = [entry("DEEP", position=4, depth=3, constant=True)]
    answer = shown(chat=chat, books=books, first_mes="Hello.", post_history_instructions="LAST")
    assert spoken(answer) == [("system", "DEEP"), ("system", "LAST")]


def test_an_empty_chat_begins_with_the_greeting_that_is_asked_for() -> None:
    greetings: dict[str, Any] = {"first_mes": "Hello {{user}}.", "alternate_greetings": ["Hi."],
                 "group_only_greetings": ["All."]}  # fmt: skip
    assert spoken(shown({"greeting": 0}, chat=[], **greetings)) == [("assistant", "Hello User.")]
    assert spoken(shown({"greeting": 1}, chat=[], **greetings)) == [("assistant", "Hi.")]
    assert spoken(shown({"greeting": 1}, chat=TALK, **greetings))[0] == ("assistant", "one")
    grouped = shown({"greeting": 2, "group": ["Mira", "Bo"], "new_group_chat": "NEW"}, chat=[],
                    **greetings)  # fmt: skip
    assert spoken(grouped) == [("assistant", "Mira: All.")]
    for missing in (2, -1):
        with pytest.raises(InvalidRequest):
            shown({"greeting": missing}, chat=[], **greetings)


def test_a_chat_of_nothing_but_narration_is_kept_as_the_systems() -> None:
    told = [{"role": "system", "content": text} for text in ("rain", "night")]
    answer = shown({"note": {"text": "NOTE", "depth": 1}}, chat=told)
    assert spoken(answer) == [("system", "rain"), ("system", "NOTE"), ("system", "night")]


def test_macros_in_every_part_know_the_chat() -> None:
    last = "{{lastMessage}}/{{lastUserMessage}}/{{lastCharMessage}}"
    answer = shown(
        {"main": last, "nsfw": last, "enhance": last, "jailbreak": last, "new_chat": last,
         "new_example": last, "personality": "{{personality}}", "note": last,
         "persona": {"text": last}},
        chat=TALK,
        description=last, personality=last, scenario=last, mes_example=f"Sam: {last}",
        books=[entry(last)],
    )  # fmt: skip
    expected = "four kettle/four kettle/three"
    assert {text for source, text in texts(answer) if source != "chatHistory"} == {expected}
    assert len(answer["messages"]) == 13 + len(TALK)


@pytest.mark.parametrize("kind", ["swipe", "regenerate"])
def test_macros_do_not_know_the_answer_that_is_replaced(kind: str) -> None:
    chat = [*TALK, {"name": "Mira", "role": "assistant", "content": "gone"}]
    note = {"role": "system", "content": "noted", "hidden": True}
    for told in (chat, [*chat, note]):
        answer = shown({"kind": kind, "main": "{{lastMessage}} {{lastCharMessage}}"}, chat=told)
        assert texts(answer)[0] == ("main", "four kettle three")
        assert ("assistant", "gone") not in spoken(answer)


def test_hidden_messages_are_for_macros_only_and_times_are_theirs() -> None:
    chat = [
        {"name": "Sam", "role": "user", "content": "early", "at": "2026-03-01T12:05:00Z"},
        {"name": "Mira", "role": "assistant", "content": "hidden kettle", "hidden": True},
        {"name": "Sam", "role": "user", "content": "late", "at": 1772373600},
    ]
    answer = shown(
        {"main": "{{idle_duration}}|{{lastMessage}}|{{lastMessageId}}|{{time}}|{{maxPrompt}}",
         "timezone": "Asia/Tokyo", "max_prompt": 7},
        chat=chat,
        books=[entry("LORE")],
    )  # fmt: skip
    assert texts(answer)[0] == ("main", "2 hours|late|2|11:05 PM|7")
    assert spoken(answer) == [("user", "early"), ("user", "late")]
    assert ("worldInfoBefore", "LORE") not in texts(answer)


def test_the_two_overrides_of_a_card_have_a_switch_each() -> None:
    card: dict[str, Any] = {
        "system_prompt": "S {{original}}",
        "post_history_instructions": "P {{original}}",
    }
    for settings, main, post in (
        ({}, "S MAIN", "P LAST"),
        ({"card_overrides": False}, "MAIN", "LAST"),
        ({"card_system_prompt": False}, "MAIN", "P LAST"),
        ({"card_post_history": False}, "S MAIN", "LAST"),
        ({"card_overrides": False, "card_post_history": True}, "MAIN", "P LAST"),
    ):
        answer = shown({"post_history": "LAST", **settings}, **card)
        assert (texts(answer)[0][1], texts(answer)[-1][1]) == (main, post)


@pytest.mark.parametrize("blank", ["", " \n\t", "{{// nothing}}"])
def test_blank_texts_of_a_card_leave_no_message(blank: str) -> None:
    answer = shown(
        {"post_history": "LAST"}, description=blank, personality=blank, scenario=blank,
        mes_example=blank, extensions={"depth_prompt": {"prompt": blank}},
    )  # fmt: skip
    assert [source for source, _ in texts(answer)] == [
        "main", "newChat", "chatHistory", "chatHistory", "jailbreak",
    ]  # fmt: skip


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_a_blank_override_is_none(blank: str) -> None:
    answer = shown({"post_history": "LAST"}, system_prompt=blank, post_history_instructions=blank)
    assert (texts(answer)[0], texts(answer)[-1]) == (("main", "MAIN"), ("jailbreak", "LAST"))


def test_examples_know_a_character_by_nickname_and_by_name() -> None:
    answer = shown(
        {"new_example": "EX"},
        nickname="Mimi",
        mes_example="{{char}}: a\nMira: b\n{{user}}: c\nd\nOther: e\n<start>\n<BOT>: f\n<START>\n",
    )
    said = [
        (each["role"], each["name"], each["content"])
        for each in answer["messages"]
        if each["source"] == "dialogueExamples"
    ]
    assert said == [
        ("system", None, "EX"),
        ("system", "example_assistant", "a"),
        ("system", "example_assistant", "b"),
        ("system", "example_user", "c\nd\nOther: e"),
        ("system", None, "EX"),
        ("system", "example_assistant", "f"),
    ]


def test_lore_stands_around_the_cards_examples_in_its_own_order() -> None:
    books = [
        entry("Mira: t2", position=5, order=2), entry("Mira: t1", position=5, order=1),
        entry("Mira: b2", position=6, order=2), entry("Mira: b1", position=6, order=1),
    ]  # fmt: skip
    answer = shown(books=books, mes_example="Mira: card")
    said = [text for source, text in texts(answer) if source == "dialogueExamples"]
    assert said == ["t1", "t2", "card", "b1", "b2"]


def test_small_contexts_keep_half_for_the_prompt_unless_told() -> None:
    assert shown({"context": 400})["budget"] == 200
    assert shown({"context": 4096})["budget"] == 4096 - 512
    assert shown({"context": 400, "response": 10})["budget"] == 390


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"minDepth": 2}, {"pot before", "kettle near", "pot far"}),
        ({"maxDepth": 1}, {"pot before", "pot near", "kettle far"}),
    ],
)
def test_lore_of_scripts_has_a_depth_only_inside_the_chat(
    limits: dict[str, object], expected: set[str]
) -> None:
    script = {"findRegex": "/kettle/g", "replaceString": "pot", "placement": [5],
              "promptOnly": True} | limits  # fmt: skip
    books = [
        entry("kettle before"),
        entry("kettle near", position=4, depth=1),
        entry("kettle far", position=4, depth=2),
    ]
    answer = shown(
        {"recursive": False}, chat=TALK, books=books, extensions={"regex_scripts": [script]}
    )
    found = {text for source, text in texts(answer) if source.startswith("worldInfo")}
    assert found == expected
    assert ("chatHistory", "four kettle") in texts(answer)


def test_history_ends_at_the_first_message_without_room_though_older_ones_are_short() -> None:
    chat = [{"role": "user", "content": text} for text in ("old", "x" * 2000, "newer", "newest")]
    answer = shown({"context": 300, "response": 100}, chat=chat)
    assert spoken(answer) == [("user", "newer"), ("user", "newest")]
    assert answer["dropped"]["history"] == 2


@pytest.mark.parametrize(
    ("limits", "changed"),
    [({"maxDepth": 0}, "..!!"), ({"minDepth": 0}, "!!!."), ({"minDepth": 1}, "!!..")],
)
def test_depths_of_scripts_begin_before_a_message_that_is_continued(
    limits: dict[str, object], changed: str
) -> None:
    chat = [{"role": role, "content": "."} for role in ("user", "assistant", "user", "assistant")]
    script = {"findRegex": "/./", "replaceString": "!", "placement": [1, 2], "promptOnly": True}
    answer = shown({"kind": "continue"}, chat=chat, extensions={"regex_scripts": [script | limits]})
    assert "".join(text for source, text in texts(answer) if source == "chatHistory") == changed


def test_a_message_that_a_script_empties_is_left_out_and_not_counted() -> None:
    script = {"findRegex": "/^three$/", "replaceString": "", "placement": [2], "promptOnly": True}
    answer = shown(
        {"note": {"text": "NOTE", "depth": 2}}, chat=TALK, extensions={"regex_scripts": [script]}
    )
    assert [text for _, text in spoken(answer)] == ["one", "NOTE", "two", "four kettle"]


def test_null_in_settings_leaves_what_ships() -> None:
    assert texts(shown({"main": None, "texts": {"new_chat": None}})) == texts(shown())


@pytest.mark.parametrize(
    ("settings", "chat"),
    [
        ({"kind": "shout"}, CHAT),
        ({"layout": "mine"}, CHAT),
        ({"context": 100, "response": 100}, CHAT),
        ({"context": "many"}, CHAT),
        ({"context": 10**400}, CHAT),
        ({"examples_share": 1.5}, CHAT),
        ({"budget_share": -1}, CHAT),
        ({"budget_cap": "much"}, CHAT),
        ({"timezone": "Nowhere/Else"}, CHAT),
        ({"now": "soon"}, CHAT),
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
