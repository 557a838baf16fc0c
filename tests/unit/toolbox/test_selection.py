"""Which tools a message calls for."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from pydantic import BaseModel

from services.people.timezones import found_zone
from services.toolbox.basics.tools import basic_tools
from services.toolbox.selection import ToolSelection
from services.toolbox.spec import ToolSpec
from tests.fakes.clock import ManualClock


class Nothing(BaseModel):
    pass


async def nothing(_given, _context):
    return ""


def tool(name, description="Does something.", keywords="", pattern=""):
    return ToolSpec(
        name=name,
        description=description,
        parameters=Nothing,
        handler=nothing,
        keywords=tuple(keywords.split()),
        pattern=pattern,
    )


BASICS = basic_tools(clock=ManualClock(), rng=random.Random(1), find_zone=found_zone)


def chosen(text, *, tools=BASICS, earlier="", most=8):
    fitting = ToolSelection().fitting(tools, text, earlier=earlier, most=most)
    return [one.name for one in fitting]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What is 17*23?", "calculate"),
        ("wie viel ist 12 mal 12", "calculate"),
        ("What's 15% of 80?", "percentage"),
        ("roll 2d6 please", "roll_dice"),
        ("Würfle mal", "roll_dice"),
        ("What time is it in Tokyo?", "time_in_zone"),
        ("Wie spät ist es?", "current_time"),
        ("How many days until Christmas?", "time_until"),
        ("convert 5 miles to km", "convert_distance"),
        ("How much is 100°F in celsius", "convert_temperature"),
        ("How many words are in this sentence?", "count_words"),
        ("tea or coffee? pick one", "random_choice"),
    ],
)
def test_a_request_brings_in_its_tool(text, wanted):
    assert wanted in chosen(text)


@pytest.mark.parametrize(
    "text",
    [
        "Good morning!",
        "I missed you today",
        "Tell me about your childhood",
        "haha that's great",
        "Do you like cats?",
        "Ich bin so müde",
        "My sister is visiting me",
        "I do not like that at all",
        "",
        "🎉",
    ],
)
def test_small_talk_brings_in_none(text):
    assert chosen(text) == []


def test_a_short_follow_up_keeps_what_was_asked_before_in_reach():
    assert "convert_distance" in chosen("and 10?", earlier="how far is 5 miles in km")
    long = "well that reminds me of my grandmother and her lovely little garden"
    assert chosen(long, earlier="how far is 5 miles in km") == []


def test_the_best_come_first_and_no_more_than_asked_for():
    kit = [tool(f"notes_{n}", keywords="note") for n in range(20)]
    kit.append(tool("note_search", keywords="note", pattern="note about"))
    kit += [tool(f"other_{n}") for n in range(1000)]
    names = chosen("show the note about rain", tools=kit, most=5)
    assert names[0] == "note_search"
    assert len(chosen("show the note", tools=kit, most=5)) == 5


def test_tools_that_share_one_word_with_the_best_are_left_out():
    kit = [tool(f"notes_{n}", keywords="note") for n in range(5)]
    kit.append(tool("find_note", keywords="note find"))
    kit += [tool(f"other_{n}") for n in range(50)]
    assert chosen("find my note", tools=kit) == ["find_note"]


def test_a_pattern_does_not_drive_out_what_a_rare_word_calls_for():
    kit = [tool("offset", pattern=r"in \d+ minutes"), tool("remind", keywords="reminder")]
    kit += [tool(f"other_x{n}") for n in range(50)]
    assert chosen("set a reminder in 5 minutes", tools=kit) == ["offset", "remind"]


def test_a_keyword_of_several_words_counts_only_where_they_stand_together():
    kit = [
        replace(tool("remind"), keywords=("remember to", "don't let me forget")),
        *(tool(f"other_{n}") for n in range(50)),
    ]
    assert chosen("I never remember birthdays, let me think", tools=kit) == []
    assert chosen("remember to water the plants", tools=kit) == ["remind"]
    assert chosen("Please don't let me forget the bread!", tools=kit) == ["remind"]


def test_words_that_only_hold_a_german_sentence_together_choose_nothing():
    assert chosen("Die Katze liegt auf der Bank") == []


def test_a_word_that_every_tool_shares_chooses_none_over_the_others():
    kit = [tool(f"alpha_{n}", "Works with things.") for n in range(10)]
    assert chosen("things", tools=kit) == []


def test_tools_that_come_and_go_are_found_and_forgotten():
    selection = ToolSelection()
    before = selection.fitting([tool("weather", keywords="rain")], "rain?", most=3)
    after = selection.fitting([tool("music", keywords="song")], "rain?", most=3)
    assert [one.name for one in before] == ["weather"]
    assert after == []


def test_enormous_messages_and_500_tools_do_not_take_long():
    kit = [tool(f"tool_{n}", f"Handles case {n} of {n * 7}.", f"word{n} case") for n in range(500)]
    selection = ToolSelection()
    selection.fitting(kit, "warm", most=8)
    started = time.perf_counter()
    found = selection.fitting(kit, "case word77 " + "x " * 1_000_000, most=8)
    assert found[0].name == "tool_77"
    assert time.perf_counter() - started < 1.0
