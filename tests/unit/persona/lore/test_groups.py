"""Inclusion groups."""

from __future__ import annotations

import random

import pytest

from services.persona.lore.effects import TimedEffects
from tests.fakes.lore import Told, activated, book, entry, scan, skipped


def member(uid: int, *keys: str, group: str = "g", **fields: object) -> dict[str, object]:
    """A member of a group that wins unless something speaks against it."""
    return entry(uid, *(keys or ("key",)), group=group, groupWeight=0, **fields)


def test_the_first_in_the_list_wins_when_no_weight_counts():
    result = scan([member(1), member(2, order=200), member(3)], "key")
    assert activated(result) == [2]
    assert skipped(result) == {1: "group 'g'", 3: "group 'g'"}


def test_weights_decide_by_chance():
    entries = [
        entry(1, "key", group="g", groupWeight=1),
        entry(2, "key", group="g", groupWeight=99),
    ]
    told = Told([book(*entries)])
    wins = [activated(told.scan("key", rng=random.Random(n)))[0] for n in range(300)]
    assert 270 < wins.count(2) < 300


def test_the_override_with_the_highest_order_wins():
    entries = [
        member(1, order=300),
        member(2, groupOverride=True),
        member(3, groupOverride=True, order=150),
    ]
    assert activated(scan(entries, "key")) == [3]


@pytest.mark.parametrize(
    ("logic", "secondary", "winner"),
    [
        (0, ["a", "b"], 2),
        (3, ["a", "b"], 2),
        (3, ["a"], 2),
        (1, ["a", "nowhere"], 1),
        (2, ["nowhere"], 1),
    ],
)
def test_scores_count_primary_and_wanted_secondary_keys(logic, secondary, winner):
    entries = [
        member(1),
        member(2, keysecondary=secondary, selectiveLogic=logic),
    ]
    assert activated(scan(entries, "key a b", use_group_scoring=True)) == [winner]


def test_an_entry_s_own_scoring_wins_over_the_setting():
    entries = [member(1), member(2, "key", "other")]
    assert activated(scan(entries, "key other")) == [1]
    assert activated(scan(entries, "key other", use_group_scoring=True)) == [2]
    own = [member(1, useGroupScoring=True), member(2, "key", "other")]
    assert activated(scan(own, "key other")) == [2]
    immune = [member(1, useGroupScoring=False), member(2, "key", "other")]
    assert activated(scan(immune, "key other", use_group_scoring=True)) == [1]


def test_scoring_reads_keys_raw_and_those_of_constants():
    entries = [member(1, "{{user}}", "key"), member(2, "key", "other")]
    told = Told([book(*entries)], {"use_group_scoring": True})
    assert activated(told.scan("key other", expand=lambda t: t.replace("{{user}}", "key"))) == [2]
    constant = [member(1), member(2, "key", "other", constant=True)]
    assert activated(scan(constant, "key other", use_group_scoring=True)) == [2]
    untrimmed = [member(1), member(2, "key ", " other")]
    assert activated(scan(untrimmed, "key other", use_group_scoring=True)) == [2]
    assert activated(scan(untrimmed, "other key", use_group_scoring=True)) == [1]
    regexes = [member(1), member(2, "/k.y/", "/oth(?=er)/")]
    assert activated(scan(regexes, "key other", use_group_scoring=True)) == [2]


def test_secondary_keys_that_all_have_to_match_count_all_or_not_at_all():
    wanted = ["other", "missing"]
    entries = [member(1, "key"), member(2, "key", constant=True, keysecondary=wanted)]
    entries[1]["selectiveLogic"] = 3
    assert activated(scan(entries, "key other", use_group_scoring=True)) == [1]
    assert activated(scan(entries, "key other missing", use_group_scoring=True)) == [2]


def test_a_group_won_earlier_in_the_scan_stays_closed():
    entries = [member(1, content="two"), member(2, "two")]
    assert activated(scan(entries, "key")) == [1]


def test_won_compares_the_whole_group_text():
    winner_of_two = [member(1, group="a,b", content="two"), member(2, "two", group="a")]
    assert activated(scan(winner_of_two, "key")) == [1, 2]
    winner_of_one = [member(1, group="a", content="two"), member(2, "two", group="a,b")]
    assert activated(scan(winner_of_one, "key")) == [1]


def test_a_winner_that_fails_its_roll_still_removes_its_rivals_for_the_pass():
    entries = [
        member(1, order=200, probability=0),
        member(2),
        entry(3, "key", content="x"),
    ]
    result = scan(entries, "key")
    assert [(one.uid, one.step) for one in result.activated] == [(3, 1), (2, 2)]
    assert activated(scan(entries[:2], "key")) == []


def test_losing_in_two_groups_drops_nobody_else():
    entries = [
        member(1, group="a", order=300),
        member(2, group="b", order=200),
        member(3, group="a,b", order=100),
        entry(4, "key", order=50),
    ]
    assert activated(scan(entries, "key")) == [1, 2, 4]


def test_an_entry_that_lost_in_one_group_still_competes_in_the_next():
    entries = [
        member(1, group="a", order=300),
        member(2, group="a,b", order=200),
        member(3, group="b", order=100),
    ]
    assert activated(scan(entries, "key")) == [1]


def test_groups_named_by_numbers_are_settled_first():
    entries = [
        entry(1, "key", group="z", groupWeight=0),
        entry(2, "key", group="z,2", groupWeight=0),
        entry(3, "key", group="2", groupWeight=0),
    ]
    assert activated(scan(entries, "key")) == [1]


def test_a_sticky_member_wins_outright_and_several_all_stay():
    entries = [
        member(1, "one", sticky=5, order=10),
        member(2, "two", sticky=5, order=20),
        member(3, order=300, groupOverride=True),
    ]
    told = Told([book(*entries)], {"scan_depth": 1})
    assert activated(told.scan("one")) == [1]
    other = Told([book(*entries)], {"scan_depth": 1})
    assert activated(other.scan("two")) == [2]
    told.timed = TimedEffects(sticky={**told.timed.sticky, **other.timed.sticky})
    assert activated(told.scan("one", "key")) == [2, 1]
