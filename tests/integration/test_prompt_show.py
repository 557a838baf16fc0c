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


ENVIRONMENT = {
    "user": "Kim", "now": "2026-03-01T09:30", "variables": {"tide": "high"}, "chatId": "c1",
    "description": "another",
}  # fmt: skip
SETTINGS = {
    "persona": {"text": "{{user}} rows.", "place": "at_depth", "depth": 1, "role": "user"},
    "note": {"text": "Rain at {{time}}.", "place": "in_chat", "depth": 0, "role": "assistant"},
    "main": "Main for {{char}}.",
    "post_history": "After all, tide {{getvar::tide}}.",
    "group_nudge": "Only {{char}}.",
    "continue_nudge": "Go on: {{lastChatMessage}}",
    "impersonate": "As {{user}}.",
    "card_overrides": False,
    "tokens": "chars4",
}


def asked(files: dict[str, Path], tmp_path: Path, *arguments: str) -> list[tuple[str, str, str]]:
    """What is shown with all of a settings file and an environment, by role and source."""
    for name, content in (("all", SETTINGS), ("env", ENVIRONMENT)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    done = prompt_show(
        "--card", files["card"], "--chat", files["chat"], "--settings", tmp_path / "all.json",
        "--env", tmp_path / "env.json", "--json", *arguments,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "Left to the card or the chat: description.\n"
    messages = json.loads(done.stdout)["messages"]
    return [(each["role"], each["source"], each["content"]) for each in messages]


def test_settings_and_environment_reach_every_part(files: dict[str, Path], tmp_path: Path) -> None:
    shown = asked(files, tmp_path)
    assert shown[0] == ("system", "main", "Main for Mira.")
    assert ("system", "charDescription", "Mira waits for Kim.") in shown
    assert shown[-4:] == [
        ("user", "personaDescription", "Kim rows."),
        ("user", "chatHistory", "The kettle?"),
        ("assistant", "authorsNote", "Rain at 9:30 AM."),
        ("system", "jailbreak", "After all, tide high."),
    ]


def test_flags_win_over_settings_and_settings_over_the_environment(
    files: dict[str, Path], tmp_path: Path
) -> None:
    shown = asked(files, tmp_path, "--now", "2026-03-01T18:05", "--user", "Lee")
    assert ("assistant", "authorsNote", "Rain at 6:05 PM.") in shown
    assert ("system", "charDescription", "Mira waits for Lee.") in shown


@pytest.mark.parametrize(
    ("kind", "group", "ends"),
    [
        ("normal", (), ["jailbreak"]),
        ("normal", ("--group", "Mira", "Juno"), ["groupNudge", "jailbreak"]),
        ("continue", ("--group", "Mira", "Juno"), ["groupNudge", "continueNudge", "jailbreak"]),
        ("impersonate", ("--group", "Mira", "Juno"), ["jailbreak", "impersonate"]),
    ],
)
def test_kind_and_group_decide_how_a_prompt_ends(
    files: dict[str, Path], tmp_path: Path, kind: str, group: tuple[str, ...], ends: list[str]
) -> None:
    sources = [source for _, source, _ in asked(files, tmp_path, "--kind", kind, *group)]
    assert sources[-len(ends) :] == ends
    nudges = {"groupNudge", "continueNudge", "impersonate"}
    assert nudges & set(sources) == nudges & set(ends)


def test_limits_of_the_settings_hold_for_cards_and_books(
    files: dict[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[persona]\nmax_card_mb = 1\n[lore]\nmax_entries = 1\n", encoding="utf-8")
    many = {"entries": {n: {"uid": n, "key": ["x"], "content": "y"} for n in range(2)}}
    large = {"entries": {"1": {"uid": 1, "key": ["x"], "content": "y" * 1_100_000}}}
    for content, said in ((many, "entries"), (large, "larger than 1 MB")):
        files["book"].write_text(json.dumps(content), encoding="utf-8")
        done = prompt_show(
            "--config", config, "--card", files["card"], "--book", files["book"],
            "--chat", files["chat"],
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr


def test_the_style_of_a_character_is_in_the_auxiliary_prompt(files: dict[str, Path]) -> None:
    card = json.loads(files["card"].read_text(encoding="utf-8"))
    card["data"]["extensions"] = {"acore": {"verbosity": 80, "frameworks": {"caring": 0.9}}}
    files["card"].write_text(json.dumps(card), encoding="utf-8")
    done = prompt_show("--card", files["card"], "--chat", files["chat"], "--json")
    assert done.returncode == 0, done.stderr
    (style,) = [m for m in json.loads(done.stdout)["messages"] if m["source"] == "nsfw"]
    assert "about 60 words" in style["content"]
    assert "{{" not in style["content"]


@pytest.mark.parametrize("layout", ["sillytavern", "cache"])
def test_a_context_too_small_for_the_fixed_parts_is_said_in_a_sentence(
    files: dict[str, Path], layout: str
) -> None:
    done = prompt_show(
        "--card", files["card"], "--chat", files["chat"], "--context", "40", "--layout", layout,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["total"] <= answer["budget"] == 20
    named = ", ".join(dict.fromkeys(answer["refused"]))
    assert done.stderr == f"No room at all for {named}; allow more context.\n"


@pytest.mark.parametrize(
    ("context", "said"), [("0", "leaves nothing"), ("-1", "context"), ("9" * 400, "context")]
)
def test_a_context_that_is_none_is_refused(files: dict[str, Path], context: str, said: str) -> None:
    done = prompt_show("--card", files["card"], "--chat", files["chat"], "--context", context)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_environment_has_a_time_zone_and_the_chat_its_times(
    files: dict[str, Path], tmp_path: Path
) -> None:
    settings = {"main": "{{time}} {{idle_duration}} {{maxPrompt}} {{lastMessage}}"}
    chat = [
        {"name": "Sam", "role": "user", "content": "Hi.", "at": "2026-03-01T06:30:00Z"},
        {"name": "Sam", "role": "user", "content": "So?", "at": "2026-03-01T09:30:00Z"},
        {"name": "", "role": "system", "content": "noted", "hidden": True},
    ]
    env = {"now": "2026-03-01T09:30:00Z", "timezone": "Asia/Tokyo", "maxPrompt": 9}
    files["settings"].write_text(json.dumps(settings), encoding="utf-8")
    files["chat"].write_text(json.dumps(chat), encoding="utf-8")
    (tmp_path / "env.json").write_text(json.dumps(env), encoding="utf-8")
    done = prompt_show(
        "--card", files["card"], "--chat", files["chat"], "--settings", files["settings"],
        "--env", tmp_path / "env.json", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    messages = json.loads(done.stdout)["messages"]
    assert messages[0]["content"] == "6:30 PM 3 hours 9 So?"
    assert [m["content"] for m in messages if m["source"] == "chatHistory"] == ["Hi.", "So?"]
