"""Lorebooks, macros and layouts as they reach the model in a running conversation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.conversation.lore_search import LOREBOOKS
from services.domain.people import Role
from services.llm.model import ChatRequest, ModelInfo
from services.people.scopes import Asker, Scope
from services.settings import ConversationSettings, LlmSettings, LoreSettings, PersonaSettings
from tests.fakes.app import PLACE, SAM, App, opened_app
from tests.fakes.scripted_model import ScriptedModel

HARBOUR = "The harbour was built in 1702."
BELL = "The bell rings at noon."


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
    assert last[-1] in {"history", "jailbreak"}
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
