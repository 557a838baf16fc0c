"""The lore engine beside a slow one that follows the rules one by one."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.persona.lore.request import ChatLine
from tests.fakes.lore import Told, book
from tests.fakes.lore_model import Model

WORDS = [
    "sea",
    "sea",
    "Sea",
    "ea",
    "tide",
    "sea salt",
    "moon",
    "sun",
    "{",
    " ",
    "",
    "/s(ea|un)/i",
    "/TIDE/",
    "/^Ann/",
    "/a/b/",
]
POSITIONS = {"before": 0, "after": 1, "ANTop": 2, "EMBottom": 6}
words = st.sampled_from(WORDS)
switch = st.sampled_from([False, False, True])
own_switch = st.sampled_from([None, None, True, False])
length = st.sampled_from([None, None, 0, 1, 3])
FILTERS = [
    {"isExclude": False, "names": ["Bo"], "tags": []},
    {"isExclude": True, "names": ["Bo"], "tags": []},
    {"isExclude": False, "names": ["Cy"], "tags": []},
]


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Entries as the editor makes them, with everything that has an influence."""
    fields = {
        "key": st.lists(words, max_size=2),
        "keysecondary": st.lists(words, max_size=2),
        "selective": st.sampled_from([True, True, False]),
        "selectiveLogic": st.integers(0, 3),
        "content": st.lists(words, max_size=6).map(" ".join),
        "constant": switch,
        "order": st.sampled_from([100, 100, 100, 1, 50]),
        "position": st.sampled_from([0, 0, 1, 2, 4, 6]),
        "disable": st.sampled_from([False] * 9 + [True]),
        "excludeRecursion": switch,
        "preventRecursion": switch,
        "delayUntilRecursion": st.sampled_from([False] * 6 + [True, 1, 2, 3]),
        "probability": st.sampled_from([100, 100, 100, 50, 0]),
        "useProbability": st.sampled_from([True, True, False]),
        "depth": st.integers(0, 2),
        "role": st.integers(0, 2),
        "group": st.sampled_from(["", "", "", "", "a", "b", "a,b", "a, b", "2"]),
        "groupOverride": switch,
        "groupWeight": st.sampled_from([100, 0, 10]),
        "scanDepth": st.sampled_from([None, None, None, 0, 1, 3]),
        "caseSensitive": own_switch,
        "matchWholeWords": own_switch,
        "useGroupScoring": own_switch,
        "sticky": length,
        "cooldown": length,
        "delay": st.sampled_from([None, None, None, 2]),
        "ignoreBudget": st.sampled_from([False] * 9 + [True]),
        "characterFilter": st.sampled_from([None] * 6 + FILTERS),
    }
    listed = draw(st.lists(st.fixed_dictionaries(fields), max_size=8))
    return [{"uid": uid, **one} for uid, one in enumerate(listed)]


scopes = st.sampled_from(["global", "character", "chat", "persona"])
scan_settings = st.fixed_dictionaries(
    {
        "scan_depth": st.integers(0, 3),
        "budget": st.sampled_from([1000, 60, 20, 5]),
        "recursive": st.sampled_from([True, True, False]),
        "case_sensitive": switch,
        "match_whole_words": st.booleans(),
        "include_names": st.booleans(),
        "max_recursion_steps": st.sampled_from([0, 0, 0, 1, 2, 3]),
        "min_activations": st.sampled_from([0, 0, 2, 6]),
        "min_activations_depth_max": st.sampled_from([0, 0, 1, 2]),
        "use_group_scoring": st.booleans(),
        "strategy": st.integers(0, 2),
        "char": st.just("Bo"),
    }
)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(scopes, entries()), min_size=1, max_size=3),
    scan_settings,
    st.lists(st.lists(words, max_size=4).map(" ".join), min_size=8, max_size=8),
    st.lists(st.integers(0, 8), min_size=1, max_size=4),
    st.integers(0, 999),
)
def test_the_engine_does_what_the_rules_say(books, wanted, texts, lengths, seed):
    named = [(f"b{n}", scope, listed) for n, (scope, listed) in enumerate(books)]
    model = Model(named, wanted)
    told = Told([book(*its, name=name, scope=scope) for name, scope, its in named], wanted)
    chat = [("Bo" if n % 2 else "Ann", text) for n, text in enumerate(texts)]
    for turn, count in enumerate(lengths):
        said = [ChatLine(name=name, content=text) for name, text in chat[:count]]
        result = told.scan(
            chat=said,
            rng=random.Random(seed + turn),
            character_names=frozenset({"Bo"}),
        )
        scan = model.scan(chat[:count], random.Random(seed + turn))
        assert _names(result.activated) == scan.activated
        found = {"before": result.before, "after": result.after, **result.other}
        for place, number in POSITIONS.items():
            assert _names(found.get(place, ())) == scan.place(number), place
        at_depth = [(block.depth, block.role, _names(block.entries)) for block in result.at_depth]
        assert at_depth == scan.at_depth()


def _names(entries: Any) -> list[tuple[str, Any]]:
    return [(one.book, one.uid) for one in entries]
