"""Lorebooks, macros and layouts as they reach the model in a running conversation."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.conversation.lore_search import LOREBOOKS
from services.domain.people import Role
from services.llm.model import ChatRequest, ModelInfo
from services.llm.tokens import EstimatedTokens
from services.people.scopes import Asker, Scope
from services.persona.assembly.material import ChatMessage
from services.persona.assembly.preview import preview
from services.persona.assembly.reading import read_request
from services.persona.assembly.wording import layout_texts
from services.persona.lore.books import card_lorebook
from services.persona.lore.scanner import LoreScanner
from services.persona.style import style_text
from services.settings import ConversationSettings, LlmSettings, LoreSettings, PersonaSettings
from tests.fakes.app import PLACE, SAM, App, opened_app
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import Script, ScriptedModel

HARBOUR = "The harbour was built in 1702."
BELL = "The bell rings at noon."
UNLIMITED = {"user_limit": 10**9, "channel_limit": 10**9}


def entry(uid: int, key: str, content: str, **more: object) -> dict[str, object]:
    return {"uid": uid, "key": [key], "content": content, "position": 0, "order": 100, **more}


def write_book(data: Path, name: str, entries: Sequence[Mapping[str, object]]) -> None:
    folder = data / "lorebooks"
    folder.mkdir(parents=True, exist_ok=True)
    book = {"entries": {str(each["uid"]): each for each in entries}}
    (folder / f"{name}.json").write_text(json.dumps(book), encoding="utf-8")


def write_card(characters: Path, **fields: object) -> PersonaSettings:
    folder = characters / "nell"
    folder.mkdir(parents=True)
    data = {"name": "Nell", "description": "Nell keeps the light.", **fields}
    card = {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return PersonaSettings(characters=characters, default="nell")


def text_of(request: ChatRequest) -> str:
    return "\n".join(message.content for message in request.messages)


async def account_of(app: App) -> Mapping[str, object]:
    explained = await app.conversations.why(PLACE)
    assert explained is not None
    return explained.account


async def test_lore_is_told_when_its_key_is_said_and_stands_behind_the_history(
    tmp_path: Path,
) -> None:
    write_book(tmp_path, "town", [entry(0, "harbour", HARBOUR)])
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model, lore=LoreSettings(books=("town",))) as app:
        await app.say("Good morning to you, dear Mira")
        outcome, _ = await app.say("Tell me about the harbour, please")
        assert HARBOUR not in text_of(model.requests[0])
        messages = [message.content for message in model.requests[1].messages]
        index = next(n for n, content in enumerate(messages) if HARBOUR in content)
        assert messages.index("I see.") < index < len(messages) - 1
        assert model.requests[0].messages[0] == model.requests[1].messages[0]
        explained = await account_of(app)
        told = explained["lore"]
        assert isinstance(told, list)
        assert (told[0]["book"], told[0]["uid"]) == ("town", 0)
        assert outcome.terminals[0].kind == "turn_finished"


async def test_a_world_that_a_card_names_may_lie_beside_another_card(tmp_path: Path) -> None:
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model) as app:
        cosima = app.factory.library().find("cosima")
        books, missing = await app.factory.shelf().of_persona(cosima)
        assert cosima.character.world
        assert cosima.character.world in {book.name for book in books}
        assert not missing


async def test_sticky_lore_lasts_over_a_restart_and_then_ends(tmp_path: Path) -> None:
    write_book(tmp_path, "town", [entry(0, "bell", BELL, sticky=4)])
    lore = LoreSettings(books=("town",), scan_depth=1)
    model = ScriptedModel("Yes.")
    async with opened_app(tmp_path, model, lore=lore) as app:
        await app.say("What about the bell there?")
    async with opened_app(tmp_path, model, lore=lore) as app:
        for _ in range(4):
            await app.say("And so it goes on and on")
    told = [BELL in text_of(request) for request in model.requests]
    assert told[:2] == [True, True]
    assert told[-1] is False


async def test_a_conversation_has_its_own_books(tmp_path: Path) -> None:
    write_book(tmp_path, "town", [entry(0, "harbour", HARBOUR)])
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model) as app:
        asker = Asker(account=SAM.id, role=Role.OWNER)
        await app.factory.scopes().set(
            LOREBOOKS, Scope.channel(PLACE), "town, missing", asker=asker
        )
        await app.say("Tell me about the harbour, please")
        assert HARBOUR in text_of(model.requests[0])
        explained = await account_of(app)
        assert explained["lorebooks_missing"] == ["missing"]


async def test_the_cards_own_book_and_macros_reach_the_prompt(tmp_path: Path) -> None:
    book = {
        "entries": [
            {"keys": ["lamp"], "content": "{{char}} owes {{user}} {{getvar::debt}} coins.",
             "enabled": True, "insertion_order": 1, "extensions": {}},
        ]
    }  # fmt: skip
    persona = write_card(
        tmp_path / "cards",
        character_book=book,
        post_history_instructions="{{setvar::debt::7}}Be brief.",
        scenario="A rock at sea, with {{user}}.",
    )
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Is the lamp lit tonight?")
        await app.say("Is the lamp lit now?")
    assert "A rock at sea, with Sam." in text_of(model.requests[0])
    assert "Be brief." in text_of(model.requests[0])
    assert "Nell owes Sam 7 coins." in text_of(model.requests[1])


async def test_a_card_that_changes_by_chance_is_filled_in_anew(tmp_path: Path) -> None:
    persona = write_card(tmp_path / "cards", scenario="{{incvar::turns}} visits so far.")
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Hello there, dear Nell")
        await app.say("Hello again, dear Nell")
    assert "1 visits" in text_of(model.requests[0])
    assert "2 visits" in text_of(model.requests[1])


COUNTED = {
    "description": "visit {{incvar::visits}}",
    "personality": "mood {{incvar::moods}}",
    "scenario": "hour {{incglobalvar::hours}}, still visit {{getvar::visits}}",
    "mes_example": "<START>\\n{{char}}: told {{incvar::told}} times",
    "post_history_instructions": "note {{incvar::notes}}",
    "system_prompt": "{{original}} rule {{incvar::rules}}, {{description}}",
    "extensions": {"depth_prompt": {"prompt": "deep {{incvar::deep}}", "depth": 1}},
    "character_book": {
        "entries": [
            {"keys": ["lamp"], "content": "lore {{incvar::lore}}", "enabled": True,
             "insertion_order": 1, "extensions": {"match_character_description": True}},
        ]
    },
}  # fmt: skip


def counts(request: ChatRequest) -> dict[str, str]:
    """The numbers that the counting card has written into a prompt."""
    words = "visit|mood|hour|told|note|rule|deep|lore"
    return dict(re.findall(rf"\b({words}) (\d+)", text_of(request)))


@pytest.mark.parametrize("layout", ["cache", "sillytavern"])
async def test_what_a_card_counts_is_counted_once_a_turn(tmp_path: Path, layout: str) -> None:
    persona = write_card(tmp_path / "cards", **COUNTED)
    model = ScriptedModel("I see.")
    async with opened_app(tmp_path, model, persona=persona, conversation={"layout": layout}) as app:
        await app.say("Is the lamp lit tonight?")
        await app.say("Is the lamp lit now?")
    names = ("visit", "mood", "hour", "told", "note", "rule", "deep", "lore")
    assert counts(model.requests[0]) == dict.fromkeys(names, "1")
    assert counts(model.requests[1]) == dict.fromkeys(names, "2")
    assert "still visit 2" in text_of(model.requests[1])


@pytest.mark.parametrize("layout", ["cache", "sillytavern"])
async def test_an_answer_given_anew_counts_nothing_twice(tmp_path: Path, layout: str) -> None:
    persona = write_card(tmp_path / "cards", **COUNTED)
    model = ScriptedModel("I see.")
    settings: dict[str, Any] = {"persona": persona, "conversation": {"layout": layout}}
    async with opened_app(tmp_path, model, **settings) as app:
        await app.say("Is the lamp lit tonight?")
        await app.say("Is the lamp lit now?")
    async with opened_app(tmp_path, model, **settings) as app:
        for _ in range(2):
            receipt = await app.conversations.regenerate(PLACE, RecordingDelivery(), by=SAM)
            await receipt.outcome()
        await app.say("And is the lamp lit yet?")
    first, second, again, once_more, third = map(counts, model.requests)
    assert first["visit"] == "1"
    assert second == again == once_more
    assert set(third.values()) == {"3"}


async def test_an_answer_that_never_came_counts_nothing(tmp_path: Path) -> None:
    persona = write_card(tmp_path / "cards", **COUNTED)
    model = ScriptedModel([Script(text=""), "I see."])
    async with opened_app(tmp_path, model, persona=persona) as app:
        await app.say("Is the lamp lit tonight?")
        await app.say("Is the lamp lit now?")
    assert set(counts(model.requests[1]).values()) == {"1"}


async def test_words_of_people_in_a_card_are_not_taken_for_macros(tmp_path: Path) -> None:
    persona = write_card(
        tmp_path / "cards",
        description="They said: {{lastUserMessage}}",
        scenario="Of late: {{lastUserMessage}}",
    )
    for layout in ("cache", "sillytavern"):
        model = ScriptedModel("I see.")
        folder = tmp_path / layout
        async with opened_app(
            folder, model, persona=persona, conversation={"layout": layout}
        ) as app:
            await app.say("{{setvar::owner::me}}{{char}}")
            await app.say("{{getvar::owner}}")
        assert "They said: {{getvar::owner}}" in text_of(model.requests[1])
        assert "Of late: {{getvar::owner}}" in text_of(model.requests[1])


@pytest.mark.parametrize("layout", ["cache", "sillytavern"])
async def test_a_running_conversation_sends_what_prompt_show_prints(
    tmp_path: Path, layout: str
) -> None:
    book = {
        "entries": [
            {"keys": ["lamp"], "content": "The lamp is {{char}}'s.", "enabled": True,
             "insertion_order": 1, "extensions": {}},
            {"keys": ["lit"], "content": "It burns oil.", "enabled": True, "insertion_order": 2,
             "extensions": {"position": 4, "depth": 2, "role": 1}},
        ]
    }  # fmt: skip
    card = {
        "name": "Nell",
        "description": "{{char}} keeps the light for {{user}}.",
        "personality": "calm",
        "scenario": "a rock at sea",
        "mes_example": "<START>\n{{user}}: hi\n{{char}}: ahoy\n<START>\n{{char}}: a storm",
        "system_prompt": "Be Nell. {{original}}",
        "post_history_instructions": "Stay brief.",
        "character_book": book,
        "extensions": {
            "depth_prompt": {"prompt": "Deep.", "depth": 1},
            "acore": {"verbosity": 80, "frameworks": {"caring": 0.9}},
            "regex_scripts": [
                {"scriptName": "s", "findRegex": "/storm|oil/g", "replaceString": "gale",
                 "placement": [1, 2, 5], "promptOnly": True},
            ],
        },
    }  # fmt: skip
    persona = write_card(tmp_path / "cards", **card)
    model = ScriptedModel("The storm is near.", info=ModelInfo(
        provider="scripted" if layout == "cache" else "openrouter", name="m", context_tokens=4096
    ))  # fmt: skip
    async with opened_app(tmp_path, model, persona=persona, conversation={"layout": layout}) as app:
        await app.say("Was there a storm last night?")
        await app.say("Is the lamp lit for the storm?")
        entries = await app.conversations.recent(PLACE, 10)
        library = app.factory.prompts()
        nell = app.factory.library().find("nell")
    raw = nell.character.character_book
    assert raw is not None
    request = read_request(
        {"layout": layout, "context": 4096, "response": 120, "user": "Sam",
         "fill_chat": False, "decorators": "v3"},
        character=nell.character,
        chat=[
            ChatMessage(
                name=entry.message.author.display_name,
                role="assistant" if entry.message.author.persona else "user",
                content=entry.text,
            )
            for entry in entries[:-1]
        ],
        books=[card_lorebook(raw, name="Nell")],
        texts=layout_texts(library, auxiliary=style_text(nell, library)),
        count=EstimatedTokens().count,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        rng=random.Random(1),
    )  # fmt: skip
    printed = preview(request, scanner=LoreScanner()).arranged.messages
    sent = model.requests[1].messages
    assert [(m.role, m.name, m.source, m.content) for m in sent] == [
        (m.role, m.name, m.source, m.content) for m in printed
    ]
    assert "gale" in text_of(model.requests[1])
    assert "storm" not in text_of(model.requests[1]).replace("a storm", "")


async def test_the_style_of_a_character_reaches_the_model_and_limits_its_answers(
    tmp_path: Path,
) -> None:
    acore = {"verbosity": 80, "frameworks": {"caring": 0.9}}
    persona = write_card(tmp_path / "cards", extensions={"acore": acore})
    for layout in ("cache", "sillytavern"):
        model = ScriptedModel("I see.")
        async with opened_app(
            tmp_path / layout, model, persona=persona, conversation={"layout": layout}
        ) as app:
            await app.say("Hello there, dear Nell")
            await app.say("And what is new?")
        told = [
            [m.content for m in request.messages if m.source == "nsfw"]
            for request in model.requests
        ]
        assert told[0] == told[1]
        [style] = told[0]
        assert "about 60 words" in style
        assert style.startswith("Nell notices how people feel")
        assert [request.sampling.max_tokens for request in model.requests] == [120, 120]
        sources = [m.source for m in model.requests[1].messages]
        assert sources.index("nsfw") < sources.index("chatHistory")


async def test_sillytavern_layout_is_used_for_hosted_models_and_fits(tmp_path: Path) -> None:
    write_book(tmp_path, "town", [entry(0, "harbour", HARBOUR)])
    info = ModelInfo(provider="openrouter", name="m", context_tokens=1024)
    model = ScriptedModel("I see. " * 20, info=info)
    async with opened_app(
        tmp_path, model, lore=LoreSettings(books=("town",)), llm=LlmSettings(max_tokens=100)
    ) as app:
        for number in range(12):
            await app.say(f"Tell me more of the harbour, part {number}")
        explained = await account_of(app)
    last = [message.source for message in model.requests[-1].messages]
    assert explained["layout"] == "sillytavern"
    assert last.index("main") < last.index("worldInfoBefore") < last.index("charDescription")
    assert last[-1] in {"chatHistory", "jailbreak"}
    tokens = explained["prompt_tokens_estimated"]
    assert isinstance(tokens, int)
    assert tokens <= 1024 - 100
    dropped = explained["history_dropped"]
    assert isinstance(dropped, int)
    assert dropped > 0


async def test_layout_can_be_chosen(tmp_path: Path) -> None:
    model = ScriptedModel("I see.")
    chosen = ConversationSettings(layout="sillytavern")
    async with opened_app(tmp_path, model, conversation=chosen) as app:
        await app.say("Hello there, dear Mira")
        assert model.requests[0].messages[0].source == "main"


async def test_reading_ahead_reads_what_the_next_prompt_begins_with(tmp_path: Path) -> None:
    persona = write_card(
        tmp_path / "cards",
        scenario="A rock at sea, with {{user}}.",
        mes_example="<START>\n{{char}}: Ahoy, {{user}}.",
    )
    info = ModelInfo(provider="scripted", name="m", context_tokens=1024)
    model = ScriptedModel("I see what you mean by that. " * 3, info=info)
    async with opened_app(
        tmp_path, model, persona=persona, gate=UNLIMITED, llm=LlmSettings(max_tokens=100)
    ) as app:
        for number in range(20):
            await app.say(f"This is the remark number {number} of a longer talk")
        before = len(model.requests)
        app.conversations.prefill(PLACE, by=SAM)
        async with asyncio.timeout(5):
            while len(model.requests) < before + 2:  # noqa: ASYNC110  happens inside
                await asyncio.sleep(0.01)
        await app.say("And this is the next one")
    ahead, then = model.requests[-2].messages, model.requests[-1].messages
    assert model.requests[-2].prefill
    assert sum(message.source == "chatHistory" for message in ahead) > 3
    assert then[: len(ahead)] == ahead


async def test_the_beginning_of_a_cut_history_stays_put_in_a_running_conversation(
    tmp_path: Path,
) -> None:
    info = ModelInfo(provider="scripted", name="m", context_tokens=2048)
    model = ScriptedModel("I see what you mean by that. " * 4, info=info)
    async with opened_app(
        tmp_path,
        model,
        persona=write_card(tmp_path / "cards"),
        gate=UNLIMITED,
        llm=LlmSettings(max_tokens=100),
        conversation={"history_messages": 40},
    ) as app:
        for number in range(60):
            await app.say(f"This is the remark number {number} of a much longer talk by the fire")
    oldest = [
        next(m.content for m in request.messages if m.source == "chatHistory")
        for request in model.requests[-32:]
    ]
    assert len(model.requests) == 60
    assert len(set(oldest)) <= 9, "a beginning that moves every turn is read anew every turn"
