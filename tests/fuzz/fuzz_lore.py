"""Coverage-guided fuzzing of lorebooks: python -m tests.fuzz.fuzz_lore BOOK|BATCH|REGEX.

Needs atheris; further arguments are libFuzzer's, such as ``-max_total_time=60``.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import atheris  # type: ignore[import-untyped,unused-ignore]

with atheris.instrument_imports(
    include=[
        "services.persona.lore",
        "services.persona.macros",
        "services.persona.javascript_subset",
        "services.persona.javascript_literals",
        "json",
    ]
):
    from services.domain.errors import InvalidRequest
    from services.persona.javascript_literals import needed
    from services.persona.javascript_regex import JavaScriptRegex, RegexEngine, Verdict
    from services.persona.javascript_subset import translated
    from services.persona.lore.books import as_json, as_sillytavern, as_v3, read_book_file
    from services.persona.lore.conversation import scan_lines
    from services.persona.lore.scanner import LoreScanner
    from tests.fakes.lore import Told, entry

ENGINE = RegexEngine()
SCANNER = LoreScanner(tester=ENGINE)
_MOST_ENTRIES = 50
_MOST_MB = 500
_TEXTS = ("sea tide", "a" * 30, "", "\x01Ann: Sea\n\x01Bo: 9_-")


def judge_book(data: bytes) -> None:
    """Read, scan and write ``data``; anything but that or a refusal is a finding."""
    try:
        book = read_book_file(data, name="book", most_entries=_MOST_ENTRIES)
    except InvalidRequest as refusal:
        judge_sentence(refusal.user_message)
        return
    for decorators in ("sillytavern", "v3"):
        Told([book], {"decorators": decorators, "budget": 50}).scan("The sea", "of tides")
    for write in (as_sillytavern, as_v3):
        written = read_book_file(as_json(write(book)), name="book")
        if len(written.entries) != len(book.entries):
            raise AssertionError("what was written reads differently")


def judge_batch(data: bytes) -> None:
    """Answer ``data`` as one line of a batch."""
    line = data.decode("utf-8", "surrogateescape").replace("\n", " ")
    for answer in scan_lines(
        iter([line]),
        scanner=SCANNER,
        rng=lambda: random.Random(1),
        now=datetime(2026, 1, 1, tzinfo=UTC),
        count_tokens=lambda: len,
        most_entries=_MOST_ENTRIES,
    ):
        json.dumps(answer, allow_nan=False)
        if "error" in answer:
            judge_sentence(str(answer["error"]))


def judge_regex(data: bytes) -> None:
    """Compare what is said about an expression without V8 with what V8 says."""
    flags, _, source = data.decode("latin-1").partition("/")
    flags = "".join(sorted({flag for flag in flags if flag in "imsuy"}))
    pattern, needs = translated(source, flags), needed(source, flags)
    if pattern is None and needs is None:
        return
    regex = JavaScriptRegex(source, flags)
    for text in _TEXTS:
        (verdict,) = ENGINE._test_all([(regex, text)])
        if not verdict.decided:
            if verdict is Verdict.INVALID and pattern is not None:
                raise AssertionError("an expression that is none was taken for one")
            continue
        is_match = verdict is Verdict.MATCH
        if pattern is not None and (pattern.search(text) is not None) is not is_match:
            raise AssertionError(f"{regex} means something else on {text!r}")
        if is_match and needs is not None and not any(each in text.lower() for each in needs):
            raise AssertionError(f"{regex} does not need {needs}")


def judge_sentence(sentence: str) -> None:
    """A refusal is one sentence on one line."""
    if "\n" in sentence or not sentence.endswith(".") or len(sentence) > 400:
        raise AssertionError(sentence)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "BOOK": judge_book,
    "BATCH": judge_batch,
    "REGEX": judge_regex,
}


def seeds(target: str) -> list[bytes]:
    """Return sound inputs to start from."""
    fields = {"group": "a,b", "sticky": 2, "role": 1, "position": 4, "probability": 50}
    listed = [
        entry(1, "sea", "/t[ie]d+e?s/i", content="{{user}} tide", **fields),
        entry(2, "tide", keysecondary=["of"], content="@@depth 2\n@@@activate\nx", order=5),
    ]
    world = {"entries": {str(one["uid"]): one for one in listed}}
    if target == "BOOK":
        card = {"keys": ["sea"], "content": "x", "extensions": {"position": 4, "depth": 1}}
        v3 = {"spec": "lorebook_v3", "data": {"entries": [card], "token_budget": 4}}
        agnai = {"kind": "memory", "entries": [{"keywords": ["sea"], "entry": "x"}]}
        kobold = {"wi": [{"key": "sea, tide", "keyanti": "moon", "content": "x"}]}
        return [json.dumps(one).encode() for one in (world, v3, agnai, kobold)]
    if target == "BATCH":
        chat = [{"name": "Ann", "role": "user", "content": "The sea"}]
        patch = {"entries": {"1": {"content": "new"}}, "scan_depth": 1}
        request = {
            "id": 1,
            "books": [{"name": "w", "scope": "chat", **world}],
            "settings": {"budget": 99, "tokens": "chars4", "min_activations": 1},
            "turns": [{"chat": chat}, {"chat": chat * 2, "patch": patch}],
        }
        return [json.dumps(request).encode()]
    return [
        b"i/\\bse?a(?:s|x)?\\b(?!-)",
        b"/a+|(?<=t)ide{1,2}$",
        b"my/^[^a-z\\d]*?(x|y)+",
        b"u/(?<n>sea)\\.\\/",
    ]


def main() -> None:
    """Fuzz the target named on the command line until a finding or the time's end."""
    target, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(target)):
            (Path(corpus) / f"{number}").write_bytes(data)
        limits = ["-timeout=5", f"-rss_limit_mb={_MOST_MB}", "-max_len=4000"]
        atheris.Setup([sys.argv[0], corpus, *limits, *options], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
