"""Recursion, budget, delays and widening: which passes a scan makes and what they let in."""

from __future__ import annotations

import pytest

from tests.fakes.lore import Told, activated, book, entry, scan, skipped

EIGHT = "12345678"  # with its line end 9 units: 3 tokens of four


def chain(**second: object) -> list[dict[str, object]]:
    """Entry 1 is in the chat, 2 in what 1 says, 3 in what 2 says."""
    return [
        entry(1, "one", content="two"),
        entry(2, "two", content="three", **second),
        entry(3, "three"),
    ]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, [1, 2, 3]),
        ({"recursive": False}, [1]),
        ({"max_recursion_steps": 1}, [1]),
        ({"max_recursion_steps": 2}, [1, 2]),
    ],
)
def test_recursion_follows_what_entries_say(settings, found):
    assert activated(scan(chain(), "one", **settings)) == found


@pytest.mark.parametrize(
    ("second", "found"),
    [({"excludeRecursion": True}, [1]), ({"preventRecursion": True}, [1, 2])],
)
def test_entries_stay_out_of_recursion_or_do_not_feed_it(second, found):
    assert activated(scan(chain(**second), "one")) == found


def test_a_single_delay_level_opens_only_if_recursion_runs():
    delayed = entry(9, "one", delayUntilRecursion=True)
    assert activated(scan([entry(1, "one"), delayed], "one")) == [1, 9]
    assert activated(scan([delayed], "one")) == []
    assert activated(scan([entry(1, "one"), delayed], "one", recursive=False)) == [1]
    feeds_nothing = entry(1, "one", preventRecursion=True)
    assert activated(scan([feeds_nothing, delayed], "one")) == [1]


@pytest.mark.parametrize(
    ("settings", "steps"), [({}, [2, 2, 4]), ({"recursive": False}, [2, 2, 3])]
)
def test_of_several_levels_the_later_open_anyway_and_let_the_lower_in(settings, steps):
    entries = [
        entry(1, "one", delayUntilRecursion=1),
        entry(2, "one", delayUntilRecursion=2),
        entry(3, "one", delayUntilRecursion=3),
    ]
    result = scan(entries, "one", **settings)
    assert activated(result) == [1, 2, 3]
    assert [one.step for one in result.activated] == steps


def test_levels_open_one_at_a_time_after_recursion_found_nothing_more():
    entries = [
        entry(5, "one", content="two", delayUntilRecursion=5),
        entry(7, "two", delayUntilRecursion=7),
        entry(1, "one", delayUntilRecursion=1),
    ]
    result = scan(entries, "one")
    assert {one.uid: one.step for one in result.activated} == {5: 2, 1: 2, 7: 4}


def test_without_recursion_delayed_passes_see_activated_text_and_excluded_entries():
    entries = [
        entry(1, "one", content="two"),
        entry(2, "two", excludeRecursion=True),
        entry(3, "never", delayUntilRecursion=1),
        entry(4, "never", delayUntilRecursion=2),
    ]
    assert activated(scan(entries, "one", recursive=False)) == [1, 2]
    assert activated(scan(entries, "one")) == [1]


def test_reaching_the_budget_exactly_is_too_much():
    entries = [entry(1, "one", content=EIGHT)]
    assert activated(scan(entries, "one", budget=3)) == []
    assert activated(scan(entries, "one", budget=4)) == [1]


def test_the_budget_stops_at_the_first_that_does_not_fit_but_for_those_that_ignore_it():
    entries = [
        entry(1, "one", content=EIGHT),
        entry(2, "one", content=EIGHT * 10),
        entry(3, "one", content="x"),
        entry(4, "one", content=EIGHT * 10, ignoreBudget=True),
    ]
    result = scan(entries, "one", budget=10)
    assert activated(result) == [1, 4]
    assert skipped(result) == {2: "budget", 3: "budget"}
    assert result.overflowed


def test_recursion_text_counts_in_later_passes_and_prevented_text_does_not():
    first = entry(1, "one", content=f"two {EIGHT}")
    second = entry(2, "two", content=EIGHT)
    assert activated(scan([first, second], "one", budget=7)) == [1]
    assert activated(scan([first, second], "one", budget=8)) == [1, 2]
    third = entry(3, "one", content=EIGHT * 3, preventRecursion=True, order=10)
    assert activated(scan([first, second, third], "one", budget=11)) == [1, 3, 2]


def test_an_overflow_ends_recursion():
    entries = [entry(1, "one", content="two"), entry(2, "one", content=EIGHT * 9), entry(3, "two")]
    assert activated(scan(entries, "one", budget=9)) == [1]


def test_text_cut_by_the_budget_still_feeds_delayed_passes():
    entries = [
        entry(1, "one", content=EIGHT * 9, preventRecursion=True),
        entry(2, "one", content="two", order=50),
        entry(3, "two", content="x", order=40, delayUntilRecursion=2),
        entry(4, "never", delayUntilRecursion=1),
    ]
    result = scan(entries, "one", budget=20)
    assert result.overflowed
    assert [(one.uid, one.step) for one in result.activated] == [(1, 1), (2, 2), (3, 2)]


def test_macros_are_counted_filled_in():
    told = Told([book(entry(1, "one", content="{{x}}"))], {"budget": 4})
    result = told.scan("one", expand=lambda text: text.replace("{{x}}", EIGHT * 2))
    assert activated(result) == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"min_activations": 1}, [1]),
        ({"min_activations": 2}, [1, 2]),
        ({"min_activations": 9}, [1, 2, 3, 4]),
        ({"min_activations": 9, "min_activations_depth_max": 1}, [1, 2]),
        ({"min_activations": 9, "min_activations_depth_max": 2}, [1, 2, 3]),
        ({"min_activations": 9, "max_recursion_steps": 2}, [1, 2]),
    ],
)
def test_min_activations_widen_one_message_at_a_time_and_one_beyond_the_maximum(settings, found):
    entries = [entry(n, word) for n, word in enumerate(("one", "two", "three", "four"), 1)]
    settings = {"recursive": False, "scan_depth": 1, **settings}
    assert activated(scan(entries, "four", "three", "two", "one", **settings)) == found


def test_a_depth_below_zero_searches_nothing_and_widens_from_zero():
    entries = [entry(1, "two"), entry(2, "one"), entry(3, "two", scanDepth=-5)]
    assert activated(scan(entries, "two", "one", scan_depth=-(10**9))) == []
    found = scan(entries, "two", "one", scan_depth=-(10**9), min_activations=2)
    assert activated(found) == [2, 1]


def test_an_entry_s_own_depth_is_not_widened():
    entries = [entry(1, "old", scanDepth=1), entry(2, "old")]
    assert activated(scan(entries, "old", "new", "newest", scan_depth=1, min_activations=5)) == [2]


def test_widening_does_not_search_activated_text():
    entries = [entry(1, "new", content="omen"), entry(2, "omen", excludeRecursion=True)]
    result = scan(entries, "old", "new", scan_depth=1, min_activations=5)
    assert activated(result) == [1]


def test_recursion_goes_on_after_widening():
    entries = [entry(1, "old", content="omen"), entry(2, "omen")]
    result = scan(entries, "old", "new", scan_depth=1, min_activations=2)
    assert [(one.uid, one.step) for one in result.activated] == [(1, 2), (2, 3)]


def test_an_overflow_ends_widening():
    entries = [entry(1, "new", content=EIGHT * 9), entry(2, "old", content="x")]
    result = scan(entries, "old", "new", scan_depth=1, min_activations=2, budget=5)
    assert activated(result) == []


def test_a_failed_roll_stays_failed_and_feeds_nothing():
    entries = [entry(1, "one", probability=0, content="two"), entry(2, "two"), entry(3, "one")]
    result = scan(entries, "one")
    assert activated(result) == [3]
    assert skipped(result) == {1: "probability"}


def test_without_use_probability_there_is_no_roll():
    entries = [
        {"uid": 1, "key": ["one"], "content": "x", "probability": 0},
        entry(2, "one", probability=0, useProbability=False),
    ]
    assert activated(scan(entries, "one")) == [1, 2]
