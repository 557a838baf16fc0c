"""Whatever a line of a batch holds, it is answered."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.persona.lore.conversation import scan_lines
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.wire import SETTINGS

SCANNER = LoreScanner()
NUMBERS = [
    "order",
    "position",
    "selectiveLogic",
    "probability",
    "depth",
    "role",
    "groupWeight",
    "scanDepth",
    "sticky",
    "cooldown",
    "delay",
    "delayUntilRecursion",
]
SWITCHES = [
    "selective",
    "disable",
    "excludeRecursion",
    "preventRecursion",
    "useProbability",
    "groupOverride",
    "caseSensitive",
    "matchWholeWords",
    "useGroupScoring",
    "ignoreBudget",
    "matchScenario",
]
TEXTS = ["comment", "outletName", "group", "name", "triggers", "characterFilter", "extensions"]
CARD = ["id", "keys", "secondary_keys", "enabled", "insertion_order", "case_sensitive"]

keys = st.sampled_from(
    ["sea", "", " ", "/", "//", "/(/", "/sea/q", "/a+b/", "{{user}}", "{{", "\x01"]
)
texts = keys | st.sampled_from(
    ["@@depth x\n@@@activate", "@@", "{{setvar::a::{{char}}}}", "\ud800"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 5)
    | st.sampled_from([10**400, -(10**25), 1e308, 0.5, "1e999", "7", "-1", "true", "chars4"])
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
numbers = st.sampled_from([1, 2, 10**400, 10**400, -(10**400), 1e308, -1, 0.5, "1e999"])
entries = st.dictionaries(
    st.sampled_from(["uid", "key", "content", *NUMBERS, *SWITCHES, *TEXTS, *CARD]),
    values,
    max_size=9,
) | st.fixed_dictionaries(
    {
        "key": st.lists(keys, max_size=3),
        "keysecondary": st.lists(keys, max_size=2),
        "content": texts,
        "constant": st.sampled_from([True, True, False]),
        "group": st.sampled_from(["a", "a", "a,b", ""]),
    },
    optional={
        "uid": values,
        **dict.fromkeys(NUMBERS, numbers),
        **dict.fromkeys(SWITCHES, st.booleans() | values),
    },
)
listed = st.lists(entries | values, max_size=4) | st.dictionaries(texts, entries, max_size=4)
books = st.fixed_dictionaries(
    {"entries": listed},
    optional={
        "name": values,
        "scope": st.sampled_from(["global", "chat", "character"]) | values,
        "scan_depth": values,
        "token_budget": values,
        "recursive_scanning": values,
        "spec": st.just("lorebook_v3"),
        "data": st.fixed_dictionaries({"entries": listed}),
    },
)
messages = st.fixed_dictionaries({}, optional={"name": values, "role": values, "content": values})
wanted = st.dictionaries(st.sampled_from(sorted(SETTINGS)) | texts, values, max_size=6)
patches = st.dictionaries(
    st.sampled_from(["settings", "entries", "books", "book", "uid", "0", "content"]) | texts,
    values | wanted | st.dictionaries(texts, entries, max_size=2),
    max_size=3,
)
turns = st.fixed_dictionaries(
    {"chat": st.lists(messages, max_size=3) | values}, optional={"patch": patches | values}
)
requests = st.fixed_dictionaries(
    {"turns": st.lists(turns | values, max_size=3) | values},
    optional={
        "id": values,
        "books": st.lists(books | values, max_size=3) | values,
        "settings": wanted | values,
    },
)


sound_requests = st.fixed_dictionaries(
    {
        "books": st.lists(
            st.fixed_dictionaries(
                {"entries": st.lists(entries, min_size=1, max_size=4)},
                optional={"scan_depth": numbers, "token_budget": numbers},
            ),
            min_size=1,
            max_size=2,
        ),
        "settings": st.dictionaries(
            st.sampled_from(["budget", "scan_depth", "min_activations", "max_recursion_steps"]),
            numbers,
        ),
        "turns": st.lists(
            st.integers(1, 4).map(lambda n: {"chat": [{"name": "A", "content": "sea"}] * n}),
            min_size=1,
            max_size=2,
        ),
    }
)


def answered(*lines: str) -> list[dict[str, Any]]:
    return list(
        scan_lines(
            iter(lines),
            scanner=SCANNER,
            rng=lambda: random.Random(1),
            now=datetime(2026, 1, 1, tzinfo=UTC),
            count_tokens=lambda: len,
        )
    )


@settings(max_examples=300)
@given(sound_requests)
def test_whatever_an_entry_holds_it_is_scanned(request):
    (answer,) = answered(json.dumps(request))
    json.dumps(answer, allow_nan=False)
    assert len(answer["turns"]) == len(request["turns"])


@settings(max_examples=300)
@given(requests)
def test_every_request_has_an_answer_or_a_sentence(request):
    (answer,) = answered(json.dumps(request))
    assert answer["id"] == request.get("id")
    assert ("turns" in answer) is not ("error" in answer)
    json.dumps(answer, allow_nan=False)
    if "error" in answer:
        sentence = str(answer["error"])
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 300


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_every_line_has_an_answer_or_a_sentence(line):
    for answer in answered(line):
        json.dumps(answer)
