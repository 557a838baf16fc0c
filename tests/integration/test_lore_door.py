"""``main.py lore`` as scripts use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.lore import entry

MAIN = Path(__file__).parents[2] / "main.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A book, a card with a book, a chat and settings."""
    files = {
        "book.json": {
            "entries": {"1": entry(1, "dragon", comment="Drake"), "2": entry(2, "/dra.on/")}
        },
        "card.json": {
            "spec": "chara_card_v2",
            "spec_version": "2.0",
            "data": {
                "name": "Mira",
                "tags": ["sea"],
                "scenario": "An omen hangs over the sea.",
                "character_book": {
                    "entries": [
                        {
                            "keys": ["omen"],
                            "content": "{{char}} knows",
                            "enabled": True,
                            "insertion_order": 5,
                            "extensions": {"match_scenario": True},
                        }
                    ]
                },
            },
        },
        "chat.json": [{"name": "Ann", "role": "user", "content": "A dragon! 龙"}],
        "settings.json": {"tokens": "chars4", "budget": 500, "user": "Ann"},
        "bad.json": {"entries": 3},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


def lore(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), "lore", *arguments, "--data", str(folder / "data")],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


SCAN = ("scan", "--chat", "chat.json", "--settings", "settings.json", "--json", "--seed", "1")


def test_a_scan_of_books_and_a_card_is_one_json_object(folder):
    done = lore(folder, *SCAN, "--book", "book.json", "--card", "card.json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [one["uid"] for one in result["activated"]] == [0, 1, 2]
    assert [one["book"] for one in result["activated"]] == ["Mira", "book", "book"]
    assert (result["before"], result["after"]) == ([2, 1], [0])
    assert set(result) == {"activated", "before", "after", "at_depth", "other", "skipped", "tokens"}


def test_a_scan_can_be_read_by_people(folder):
    done = lore(folder, "scan", "--chat", "chat.json", "--book", "book.json")
    assert done.returncode == 0
    assert done.stdout.startswith("book #1 Drake: key 'dragon'\n")


def test_batches_answer_line_by_line(folder):
    request = {
        "id": 7,
        "books": [{"name": "w", "scope": "chat", "entries": {"1": entry(1, "龙")}}],
        "turns": [{"chat": [{"name": "A", "role": "user", "content": "龙"}]}],
    }
    lines = [json.dumps(request, ensure_ascii=False), "{", json.dumps(request)]
    (folder / "batch.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = lore(folder, "scan", "--batch", "batch.jsonl", "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [answer["id"] for answer in answers] == [7, None, 7]
    assert answers[0]["turns"][0]["before"] == [1]
    assert answers[0]["turns"] == answers[2]["turns"]


def test_books_are_converted_and_back(folder):
    assert lore(folder, "convert", "book.json", "--to", "v3", "-o", "v3.json").returncode == 0
    assert json.loads((folder / "v3.json").read_text())["spec"] == "lorebook_v3"
    assert (
        lore(folder, "convert", "v3.json", "--to", "sillytavern", "-o", "st.json").returncode == 0
    )
    entries = json.loads((folder / "st.json").read_text())["entries"]
    assert [one["key"] for one in entries.values()] == [["dragon"], ["/dra.on/"]]
    again = lore(folder, "convert", "book.json", "--to", "v3", "-o", "v3.json")
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("scan",), "Say which chat and which books"),
        ((*SCAN, "--book", "bad.json"), "has no entries"),
        ((*SCAN, "--book", "missing.json"), "cannot be read"),
        (("scan", "--book", "book.json", "--chat", "book.json"), "list of messages"),
        (("scan", "--batch", "missing.jsonl"), "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(folder, arguments, sentence):
    done = lore(folder, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
