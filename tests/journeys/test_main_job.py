"""What a person does first: talk to a character, leave, come back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.fakes.ollama_server import FakeOllama
from tests.fakes.pseudo_terminal import CTRL_D, at_terminal
from tests.journeys.program import (
    MAIN,
    SMALL_MODEL,
    TERMINALS,
    Event,
    Program,
    migrated,
    said,
    spoken,
)

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not SMALL_MODEL.exists(), reason="the small model is not installed"),
]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("blank"))


@pytest.fixture
def fresh(tmp_path: Path) -> Program:
    """Nothing configured but which built-in model, and how short its answers are."""
    return Program(
        tmp_path,
        ACORE_EMBEDDED__MODEL=SMALL_MODEL.stem,
        ACORE_LLM__MAX_TOKENS="24",
        ACORE_LLM__TEMPERATURE="0",
    )


@pytest.fixture
async def asking(tmp_path: Path, blank: Path) -> AsyncIterator[tuple[Program, FakeOllama]]:
    """A scripted server instead of the built-in model."""
    shutil.copytree(blank, tmp_path / "data")
    async with FakeOllama().running() as server:
        yield Program(tmp_path).asking(server.url), server


def check_answer(events: Sequence[Event]) -> str:
    """See that one answer keeps the promised grammar, and return its text."""
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "turn_started"
    assert kinds[-1] == "turn_finished"
    assert set(kinds[1:-1]) == {"text_delta", "sentence_ready"}
    assert len({event["turn"] for event in (events[0], events[-1])}) == 1
    text: str = events[-1]["reply"]["text"]
    assert text.strip()
    assert text == spoken(events)
    shown, announced = "", ""
    for event in events[1:-1]:
        if event["kind"] == "text_delta":
            shown += event["text"]
        else:
            announced += event["text"]
            assert squeezed(shown).startswith(squeezed(announced)), "announced before it was shown"
    assert squeezed(announced) == squeezed(text)
    indexes = [event["index"] for event in events if event["kind"] == "sentence_ready"]
    assert indexes == list(range(1, len(indexes) + 1))
    return text


def squeezed(text: str) -> str:
    return "".join(text.split())


def answers(events: Sequence[Event]) -> list[list[Event]]:
    """Cut a talk's events after each answer."""
    found: list[list[Event]] = [[]]
    for event in events:
        found[-1].append(event)
        if event["kind"] in TERMINALS:
            found.append([])
    assert not found.pop()
    return found


async def test_two_messages_on_a_fresh_machine_are_remembered_by_the_next_process(
    fresh: Program,
) -> None:
    first = await fresh.run("chat", "--json", typed=b"Hello\nWhat is your name?\n")
    assert (first.code, first.complaints) == (0, "")
    talk = answers(first.events)
    assert len(talk) == 2
    replies = [check_answer(events) for events in talk]

    second = await fresh.run("chat", "--json", "--message", "/history")
    assert (second.code, second.kinds) == (0, ["history"])
    assert said(second.events[0]["entries"]) == [
        ("human", "Hello"),
        ("persona", replies[0]),
        ("human", "What is your name?"),
        ("persona", replies[1]),
    ]


async def test_run_without_a_terminal_is_a_chat_on_standard_input(fresh: Program) -> None:
    ended = await fresh.run("run", typed=b"Hello\n\nAnd you?\n")
    assert (ended.code, ended.complaints) == (0, "")
    history = (await fresh.run("chat", "--json", "--message", "/history")).events[0]["entries"]
    assert [text for kind, text in said(history) if kind == "human"] == ["Hello", "And you?"]
    replies = [text for kind, text in said(history) if kind == "persona"]
    assert ended.out == "".join(f"{reply}\n" for reply in replies)


async def test_first_start_names_the_model_and_the_way_to_ollama(fresh: Program) -> None:
    program = [sys.executable, MAIN, "run", "--data", fresh.data]
    async with at_terminal(*program, env=fresh.env, cwd=fresh.folder) as terminal:
        line = await terminal.shows(r"[^\r\n]*OLLAMA_HOST[^\r\n]*")
        assert SMALL_MODEL.stem in line[0]
        await terminal.say("Hello")
        await terminal.shows(r"Mira: [A-Z][^\r\n]*\r\n")
        await terminal.prompts()
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0
        assert "Traceback" not in terminal.text


async def test_second_process_puts_the_first_ones_talk_into_the_prompt(
    asking: tuple[Program, FakeOllama],
) -> None:
    program, server = asking
    assert (await program.say("The tide turns at nine.")).code == 0
    assert (await program.say("When does it turn?")).code == 0
    contents = [message["content"] for message in server.chats[-1].body["messages"]]  # type: ignore[attr-defined]
    positions = [
        next(at for at, text in enumerate(contents) if words in text)
        for words in ("The tide turns at nine.", "Hello there.", "When does it turn?")
    ]
    assert positions == sorted(positions)
    assert len(server.chats) == 2


async def test_conversations_do_not_hear_of_each_other(
    asking: tuple[Program, FakeOllama],
) -> None:
    program, server = asking
    other = ("--conversation", "console:local:other")
    await program.say("Here I am")
    await program.say("Elsewhere I am", *other)
    assert "Here I am" not in str(server.chats[-1].body)
    here = (await program.say("/history")).events[0]["entries"]
    there = (await program.say("/history", *other)).events[0]["entries"]
    assert [text for _, text in said(here)] == ["Here I am", "Hello there."]
    assert [text for _, text in said(there)] == ["Elsewhere I am", "Hello there."]


async def test_chosen_character_answers_and_stays(asking: tuple[Program, FakeOllama]) -> None:
    program, server = asking
    first = await program.say("Hello", "--persona", "orin")
    assert (first.code, first.events[0]["persona_name"]) == (0, "Orin")
    assert "Orin" in str(server.chats[-1].body)
    again = await program.say("Hello again")
    assert again.events[0]["persona_name"] == "Orin"
    assert again.events[-1]["reply"]["persona"] == "orin"
    elsewhere = await program.say("Hello", "--conversation", "console:local:other")
    assert elsewhere.events[0]["persona_name"] == "Mira"
