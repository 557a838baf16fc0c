"""The door ``prompt show``, from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[2]


def prompt_show(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py", "prompt", "show", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "card": {
            "spec": "chara_card_v2",
            "spec_version": "2.0",
            "data": {
                "name": "Mira",
                "description": "{{char}} waits for {{user}}.",
                "mes_example": "{{char}}: Tea? 茶\n{{user}}: Please.",
                "post_history_instructions": "Short.",
            },
        },
        "book": {
            "entries": {"7": {"uid": 7, "key": ["kettle"], "content": "It sings.", "position": 1}}
        },
        "chat": [{"name": "Sam", "role": "user", "content": "The kettle?"}],
        "settings": {"note": "NOTE", "tokens": "chars4", "unheard_of": 1},
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return {name: tmp_path / f"{name}.json" for name in contents}


def test_json_holds_messages_and_tokens_by_source(files: dict[str, Path]) -> None:
    done = prompt_show(
        "--card", files["card"], "--book", files["book"], "--chat", files["chat"],
        "--settings", files["settings"], "--user", "Kim", "--seed", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "unheard_of" in done.stderr
    answer = json.loads(done.stdout)
    shown = [(each["role"], each["name"], each["source"]) for each in answer["messages"]]
    assert shown == [
        ("system", None, "main"),
        ("system", None, "charDescription"),
        ("system", None, "worldInfoAfter"),
        ("system", None, "dialogueExamples"),
        ("system", "example_assistant", "dialogueExamples"),
        ("system", "example_user", "dialogueExamples"),
        ("system", None, "newChat"),
        ("system", None, "authorsNote"),
        ("user", None, "chatHistory"),
        ("system", None, "jailbreak"),
    ]
    assert answer["messages"][1]["content"] == "Mira waits for Kim."
    assert answer["messages"][4]["content"] == "Tea? 茶"
    assert set(answer["tokens"]) == {source for _, _, source in shown}
    assert answer["lore"] == [{"book": "book", "uid": 7}]


def test_people_see_the_messages_and_a_meter(files: dict[str, Path]) -> None:
    done = prompt_show("--card", files["card"], "--chat", files["chat"], "--layout", "cache")
    assert done.returncode == 0, done.stderr
    assert "── user · chatHistory\nThe kettle?" in done.stdout
    assert "░" in done.stdout or "\\u2591" in done.stdout


@pytest.mark.parametrize(
    ("option", "content"),
    [("--chat", "{}"), ("--chat", "[[["), ("--settings", "[]"), ("--card", "{}")],
)
def test_bad_files_are_refused_in_one_sentence(
    files: dict[str, Path], tmp_path: Path, option: str, content: str
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(content, encoding="utf-8")
    given = {"--card": files["card"], "--chat": files["chat"]} | {option: bad}
    done = prompt_show(*(part for pair in given.items() for part in pair))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
