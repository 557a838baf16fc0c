"""What the doors for cards, lorebooks, prompts and macros say to input that is no use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from frontends.console.card_files import LARGEST_NUMBER
from frontends.console.commandline import execute
from tests.fakes.lore import entry

ROOT = Path(__file__).parents[2]

FILES: dict[str, object] = {
    "card": {
        "spec": "chara_card_v2",
        "spec_version": "2.0",
        "data": {"name": "Mira", "description": "Waits.", "system_prompt": "Be {{char}}."},
    },
    "book": {"entries": {"1": entry(1, "dragon", content="Drake")}},
    "chat": [{"name": "Ann", "role": "user", "content": "A dragon!"}],
    "settings": {"tokens": "chars4"},
    "env": {"user": "Ann"},
}
SCAN = ("lore", "scan", "--json", "--book", "{book}", "--chat", "{chat}")
PROMPT = ("prompt", "show", "--json", "--card", "{card}", "--chat", "{chat}")
# {bad} is the file that is no use; an option given twice counts the second time.
DOORS: dict[str, Sequence[str]] = {
    "card show": ("card", "show", "{bad}", "--json"),
    "card export": ("card", "export", "{bad}", "--to", "png", "-o", "{out}"),
    "card import": ("card", "import", "{bad}"),
    "lore scan --book": (*SCAN, "--book", "{bad}"),
    "lore scan --card": (*SCAN, "--card", "{bad}"),
    "lore scan --chat": (*SCAN, "--chat", "{bad}"),
    "lore scan --settings": (*SCAN, "--settings", "{bad}"),
    "lore convert": ("lore", "convert", "{bad}", "--to", "v3", "-o", "{out}"),
    "prompt show --card": (*PROMPT, "--card", "{bad}"),
    "prompt show --book": (*PROMPT, "--book", "{bad}"),
    "prompt show --chat": (*PROMPT, "--chat", "{bad}"),
    "prompt show --settings": (*PROMPT, "--settings", "{bad}"),
    "prompt show --env": (*PROMPT, "--env", "{bad}"),
    "macro --env": ("macro", "Hi {{user}}", "--env", "{bad}"),
}
WANTS_LIST = {"lore scan --chat", "prompt show --chat"}
JSON_ONLY = {name for name in DOORS if name.rpartition(" ")[2] in {"--chat", "--settings", "--env"}}

BAD: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "binary": bytes(range(256)) * 8,
    "zeros": b"\0" * 64,
    "cut": b'{"name": "Mi',
    "null": b"null",
    "number": b"3",
    "text": b'"card"',
    "too deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "far too deep": b"[" * 100_000,
    "not a number": b'{"name": NaN, "entries": {}}',
    "infinite": b'{"name": 1e999, "entries": {}}',
    "endless number": b'{"name": 1' + b"0" * 5000 + b"}",
    "list of nothing": b"[null]",
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    paths = {name: tmp_path / f"{name}.json" for name in FILES}
    for name, path in paths.items():
        path.write_text(json.dumps(FILES[name]), encoding="utf-8")
    return {name: str(path) for name, path in paths.items()} | {
        "bad": str(tmp_path / "bad.json"),
        "out": str(tmp_path / "out"),
    }


Ask = Callable[[Sequence[str]], tuple[int, str, str]]


@pytest.fixture
def ask(files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command and returns its exit code and what it wrote."""

    async def launch(*_: object, **__: object) -> int:
        raise AssertionError("no frontend is wanted")

    def run(parts: Sequence[str]) -> tuple[int, str, str]:
        filled = [files.get(part[1:-1], part) for part in parts]
        code = execute([*filled, "--data", str(tmp_path / "data")], launch=launch)
        return code, *capsys.readouterr()

    return run


def assert_refused(outcome: tuple[int, str, str]) -> None:
    code, out, err = outcome
    assert code in {1, 2}, err
    assert out == ""
    assert err.count("\n") == 1, err
    assert "defect" not in err
    assert err.rstrip().endswith("."), err


def kept(tmp_path: Path) -> set[str]:
    """What lies beside the files of the test, but for the log."""
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith("data/logs/")}


@pytest.mark.parametrize("door", DOORS)
def test_file_that_is_no_use_is_one_sentence_and_leaves_nothing(
    door: str, ask: Ask, files: dict[str, str], tmp_path: Path
) -> None:
    for name, content in BAD.items():
        Path(files["bad"]).write_bytes(content)
        before = kept(tmp_path)
        outcome = ask(DOORS[door])
        assert_refused(outcome)
        assert kept(tmp_path) == before, name


@pytest.mark.parametrize("door", DOORS)
def test_path_that_leads_to_no_file_is_one_sentence(
    door: str, ask: Ask, files: dict[str, str], tmp_path: Path
) -> None:
    for path in (tmp_path / "none.json", tmp_path / ("a" * 400), tmp_path / "card.json" / "x"):
        files["bad"] = str(path)
        outcome = ask(DOORS[door])
        assert_refused(outcome)
        assert str(path) in outcome[2]
    files["bad"] = str(tmp_path)
    if door != "card import":
        assert_refused(ask(DOORS[door]))


@pytest.mark.parametrize("door", sorted(JSON_ONLY))
def test_json_of_the_wrong_shape_encoding_or_size_is_named(
    door: str, ask: Ask, files: dict[str, str]
) -> None:
    bad = Path(files["bad"])
    wrong = {"a": 1} if door in WANTS_LIST else [1]
    for content, said in (
        (json.dumps(wrong).encode(), "has to "),
        ('[{"role": "user", "content": "ü"}]'.encode("latin-1"), "is not UTF-8"),
        (b"[%d]" % (LARGEST_NUMBER + 1), "a number in it is too large"),
        (b'{"a": -1%s}' % (b"0" * 400), "a number in it is too large"),
        (b"", "is empty"),
        (b'{"user": NaN}', "is not valid JSON"),
    ):
        bad.write_bytes(content)
        outcome = ask(DOORS[door])
        assert_refused(outcome)
        assert said in outcome[2]


def test_device_without_end_is_read_up_to_the_limit(ask: Ask, files: dict[str, str]) -> None:
    files["bad"] = "/dev/zero"
    for door in ("lore convert", "lore scan --book", "card show"):
        assert_refused(ask(DOORS[door]))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("door", DOORS)
def test_file_that_may_not_be_read_is_one_sentence(
    door: str, ask: Ask, files: dict[str, str]
) -> None:
    Path(files["bad"]).write_text("{}")
    Path(files["bad"]).chmod(0)
    assert_refused(ask(DOORS[door]))


ODD: Sequence[object] = (
    None, -1, 9e15, "9" * 60, ["a", 1, None, {}], {"text": {"a": 1}, "depth": -1, "role": []},
)  # fmt: skip


@pytest.mark.parametrize("door", ["lore scan --settings", "prompt show --settings", "macro --env"])
def test_value_of_the_wrong_type_is_understood_or_refused_in_a_sentence(
    door: str, ask: Ask, files: dict[str, str]
) -> None:
    names = (
        "user", "scan_depth", "budget", "strategy", "names", "vectorized", "note", "persona",
        "group", "kind", "response", "texts", "lore", "variables", "chat", "now", "seed",
        "last_user_at", "decorators",
    )  # fmt: skip
    for name in names:
        for value in ODD:
            Path(files["bad"]).write_text(json.dumps({name: value}))
            code, out, err = ask(DOORS[door])
            assert code in {0, 1}, (name, value, err)
            assert bool(out) == (code == 0), (name, value)
            said = [line for line in err.splitlines() if not line.startswith("Not a setting")]
            assert len(said) == code, (name, value, err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*PROMPT, "--context", "0"), "leaves nothing of a context of 0."),
        ((*PROMPT, "--context", "-5"), "a number from 0"),
        ((*PROMPT, "--context", "1e5"), "invalid int value"),
        ((*PROMPT, "--now", "yesterday"), "ISO 8601"),
        ((*PROMPT, "--kind", "shout"), "invalid choice"),
        ((*PROMPT, "--unheard-of"), "unrecognized arguments"),
        (("lore", "scan", "--book"), "expected at least one argument"),
        (("card", "export", "{card}", "--to", "gif", "-o", "{out}"), "invalid choice"),
        (("card", "rollback", "mira", "0"), "mira"),
        (("card", "versions", "../../etc"), "no character"),
    ],
)
def test_argument_that_cannot_be_meant_is_named(
    arguments: Sequence[str], said: str, ask: Ask
) -> None:
    code, out, err = ask(arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err


@pytest.mark.parametrize(
    "write",
    [
        ("card", "export", "{card}", "--to", "json", "-o"),
        ("lore", "convert", "{book}", "--to", "v3", "-o"),
    ],
    ids=["card export", "lore convert"],
)
def test_output_is_there_whole_or_not_at_all(
    write: Sequence[str], ask: Ask, files: dict[str, str], tmp_path: Path
) -> None:
    before = kept(tmp_path)
    content = Path(files["env"]).read_bytes()
    for out, said in (
        (files["env"], "is there already"),
        (str(tmp_path), "is there already"),
        (str(tmp_path / "none" / "x.json"), "cannot be written"),
        (str(tmp_path / ("a" * 400)), "cannot be written"),
    ):
        outcome = ask((*write, out))
        assert_refused(outcome)
        assert said in outcome[2]
    for out in (str(tmp_path), "/dev/full"):
        assert_refused(ask((*write, out, "--force")))
    assert Path("/dev/full").is_char_device()
    assert kept(tmp_path) == before
    assert Path(files["env"]).read_bytes() == content
    assert ask((*write, files["env"], "--force"))[0] == 0
    assert Path(files["env"]).read_bytes() != content


def test_a_line_of_a_batch_that_is_no_text_spoils_only_itself(
    ask: Ask, files: dict[str, str]
) -> None:
    request = json.dumps({"id": 1, "books": [], "turns": []}).encode()
    Path(files["bad"]).write_bytes(b"\xef\xbb\xbf" + request + b"\n\xff{}\n" + request)
    code, out, err = ask(("lore", "scan", "--batch", "{bad}", "--json"))
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [answer["id"] for answer in answers] == [1, None, 1]


def main(arguments: str, *, line: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    command = f"{sys.executable} {ROOT / 'main.py'} {arguments} --data {cwd / 'data'}"
    return subprocess.run(
        ["/bin/bash", "-c", line.format(main=command)],
        cwd=cwd, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{main} <&-", b"Standard input is closed."),
        (r"printf '\xff' | {main}", b"Standard input is not UTF-8 text."),
    ],
)
def test_input_that_is_no_text_is_one_sentence(line: str, said: bytes, tmp_path: Path) -> None:
    done = main("macro -", line=line, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, b"", said)


def test_argument_that_is_no_text_is_still_expanded(tmp_path: Path) -> None:
    done = main("macro $'\\xff {{user}}'", line="{main}", cwd=tmp_path)
    assert (done.returncode, done.stdout.decode()) == (0, "\ufffd User\n"), done.stderr


def test_reader_that_leaves_a_batch_early_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text('{"id": 1, "turns": []}\n' * 20_000)
    line = "{main} | head -1; exit ${{PIPESTATUS[0]}}"
    done = main("lore scan --batch many.jsonl --json", line=line, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {"id": 1, "turns": []}


def test_chat_may_come_by_a_pipe(files: dict[str, str], tmp_path: Path) -> None:
    arguments = f"lore scan --book {files['book']} --chat <(cat {files['chat']})"
    done = main(arguments, line="{main}", cwd=tmp_path)
    assert done.stdout.startswith(b"book #1: key 'dragon'"), done.stderr
