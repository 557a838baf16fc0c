"""Macros: what each becomes, and what must stay as it is written."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import InvalidRequest
from services.persona.macros.engine import LONGEST, expand
from services.persona.macros.environment import ChatLine, MacroEnvironment
from services.persona.macros.reading import read_environment

NOW = datetime(2026, 11, 21, 15, 4, 5, tzinfo=UTC)


def environment(**given) -> MacroEnvironment:
    known = MacroEnvironment(user="Sam", char="Mira", now=NOW, rng=random.Random(7))
    return replace(known, **given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{char}} and {{USER}}", "Mira and Sam"),
        ("<BOT> <char> <User>", "Mira Mira Sam"),
        ("{{ char }}", "Mira"),
        ("{{{char}}}", "{Mira}"),
        ("{{group}} {{charIfNotGroup}} <GROUP>", "Mira Mira Mira"),
        ("{{unknown::{{char}}}} {{what}}", "{{unknown::Mira}} {{what}}"),
        ("{{ open {{char}}", "{{ open Mira"),
        ("closed }} {{char}}", "closed }} Mira"),
        ("{{}} {{ }}", "{{}} {{ }}"),
        ("{{// two\nlines {{char}}}}kept", "kept"),
        ("{{comment: gone}}kept", "kept"),
        ("{{hidden_key:x}}", "{{hidden_key:x}}"),
        ("{{noop}}{{banned \"word\"}}x", "x"),
        ("{{reverse:abc}} {{reverse::{{user}}}}", "cba maS"),
        ("a{{newline}}b{{space::3}}c", "a\nb   c"),
        ("a\n\n{{trim}}\n\nb", "ab"),
        ("{{trim}}  a  {{/trim}}", "a"),
        ("{{roll bad}}|{{roll:0d6}}", "|"),
        ("{{time}}, {{date}}", "3:04 PM, November 21, 2026"),
        ("{{weekday}} {{isodate}} {{isotime}}", "Saturday 2026-11-21 15:04"),
        ("{{datetimeformat DD.MM.YYYY HH:mm:ss}}", "21.11.2026 15:04:05"),
        ("{{datetimeformat [on] dddd, Do}}", "on Saturday, 21st"),
        ("{{time_UTC-4}} {{time::UTC+2}}", "11:04 AM 5:04 PM"),
        ("{{timeDiff::2026-01-01::2025-12-30}}", "in 2 days"),
        ("{{timeDiff::2025-12-30::2026-01-01}}", "2 days ago"),
        ("{{idle_duration}}", "just now"),
        ("{{setvar::hp::9}}{{getvar::hp}}", "9"),
        ("{{setvar::hp::9}}{{incvar::hp}} {{decvar::hp}}", "10 9"),
        ("{{addvar::hp::2}}{{addvar::hp::0.5}}{{getvar::hp}}", "2.5"),
        ("{{setvar::s::a}}{{addvar::s::b}}{{getvar::s}}", "ab"),
        ("{{getvar::none}}|{{setglobalvar::g::1}}{{getglobalvar::g}}", "|1"),
        ("{{.hp = 5}}{{.hp}} {{.hp += 2}}{{.hp}} {{.hp++}}", "5 7 8"),
        ("{{$g = x}}{{$g}} {{.none ?? y}}", "x y"),
        ("{{setvar::x}} hello {{user}} {{/setvar}}[{{getvar::x}}]", "[hello Sam]"),
        ("{{if {{char}}}}yes{{else}}no{{/if}}", "yes"),
        ("{{if !{{getvar::none}}}}yes{{/if}}", "yes"),
        ("{{if 0}}yes{{else}}no{{/if}}{{if off}}yes{{/if}}", "no"),
        ("{{if 1}}{{if 0}}a{{else}}b{{/if}}{{else}}c{{/if}}", "b"),
        ("{{if .hp}}yes{{else}}no{{/if}}", "no"),
        ("{{ setvar::hp::9 }}[{{ getvar::hp }}]{{setvar::s:: a }}[{{getvar::s}}]", "[9][ a ]"),
        ("{{IF 1}}yes{{ELSE}}no{{/IF}} {{ Reverse:ab }}", "yes ba"),
        ("{{setvar::x::a::b}}{{getvar::x}} {{GetVar::X}}", "a::b "),
        ("{{incvar::n}} {{decvar::m}} {{addglobalvar::g::2}}{{getglobalvar::g}}", "1 -1 2"),
        ("{{persona}}[{{description}}{{charVersion}}{{charPrompt}}]", "[]"),
        ("{{random}}|{{random::}}|{{random::one}}|{{pick:one}}", "||one|one"),
        ("{{lastMessage}}|{{lastMessageId}}|{{lastSwipeId}}|{{input}}|{{outlet::N}}", "||||"),
        ("{{{{char}}}} {{{{{char}}}}}", "{{Mira}} {{{Mira}}}"),
        ("{{else}}{{/if}} {{if 1}}open {{/trim}}", "{{else}}{{/if}} {{if 1}}open {{/trim}}"),
        ("\\{\\{char\\}\\}", "\\{\\{char\\}\\}"),
    ],
)  # fmt: skip
def test_macro_becomes(text: str, expected: str) -> None:
    assert expand(text, environment()) == expected


def test_the_branch_not_taken_changes_nothing() -> None:
    known = environment()
    assert expand("{{if 0}}{{setvar::x::1}}{{else}}{{setvar::y::2}}{{/if}}", known) == ""
    assert known.local == {"y": "2"}


def test_values_are_expanded_where_they_stand() -> None:
    known = environment(values={"description": "{{char}} is kind to {{user}}"})
    assert expand("{{description}}. {{if description}}yes{{/if}}", known) == (
        "Mira is kind to Sam. yes"
    )


def test_a_value_that_names_itself_ends() -> None:
    known = environment(values={"description": "a {{description}}"})
    assert expand("{{description}}", known).endswith("{{description}}")


def test_original_is_filled_in_once_and_only_in_overrides() -> None:
    assert expand("{{original}}|{{original}}", environment(original="Main")) == "Main|"
    assert expand("{{original}}", environment()) == "{{original}}"


def test_a_name_with_braces_is_never_expanded_again() -> None:
    assert expand("{{user}}", environment(user="{{char}}")) == "{{char}}"


def test_random_takes_its_items_and_keeps_escaped_commas() -> None:
    seen = {expand("{{random:a\\,b, c}}", environment(rng=random.Random(n))) for n in range(20)}
    assert seen == {"a,b", "c"}
    seen = {expand("{{random::x,y::z}}", environment(rng=random.Random(n))) for n in range(20)}
    assert seen == {"x,y", "z"}


def test_pick_is_stable_in_a_chat_and_differs_by_place() -> None:
    text = " ".join(["{{pick::a::b::c::d}}"] * 30)
    first = expand(text, environment(chat_id="one"))
    assert first == expand(text, environment(chat_id="one", rng=random.Random(99)))
    assert first != expand(text, environment(chat_id="two"))
    assert len(set(first.split())) > 1


def test_pick_differs_between_texts_that_one_text_names() -> None:
    items = "::".join(map(str, range(1000)))
    values = {"description": f"{{{{pick::{items}}}}} a", "scenario": f"{{{{pick::{items}}}}} b"}
    known = environment(values=values, chat_id="one")
    first, second = expand("{{description}}|{{scenario}}", known).split("|")
    assert first.removesuffix(" a") != second.removesuffix(" b")


@pytest.mark.parametrize(("dice", "low", "high"), [("6", 1, 6), ("d20", 1, 20), ("2d6+1", 3, 13)])
def test_dice_stay_within_their_bounds(dice: str, low: int, high: int) -> None:
    rolls = [
        int(expand(f"{{{{roll:{dice}}}}}", environment(rng=random.Random(n)))) for n in range(300)
    ]
    assert (min(rolls), max(rolls)) == (low, high)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=44), "a few seconds"),
        (timedelta(seconds=80), "a minute"),
        (timedelta(minutes=44), "44 minutes"),
        (timedelta(minutes=50), "an hour"),
        (timedelta(hours=21), "21 hours"),
        (timedelta(hours=30), "a day"),
        (timedelta(days=20), "20 days"),
        (timedelta(days=40), "a month"),
        (timedelta(days=100), "3 months"),
        (timedelta(days=400), "a year"),
        (timedelta(days=1000), "3 years"),
    ],
)
def test_idle_time_is_said_in_words(ago: timedelta, words: str) -> None:
    assert expand("{{idle_duration}}", environment(last_user_at=NOW - ago)) == words


def test_chat_macros_skip_hidden_messages() -> None:
    chat = [
        ChatLine(name="Sam", text="hi", is_user=True),
        ChatLine(name="Mira", text="hello", is_user=False),
        ChatLine(name="Mira", text="secret", is_user=False, hidden=True),
    ]
    text = "{{lastMessage}} {{lastUserMessage}} {{lastCharMessage}} {{lastMessageId}}"
    assert expand(text, environment(chat=chat)) == "hello hi hello 1"


def test_what_the_environment_tells_goes_before_what_would_be_found() -> None:
    chat = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "no", "hidden": True},
    ]
    given = {"lastSwipeId": 4, "charVersion": "1.2", "systemPrompt": "Be {{char}}.", "chat": chat}
    known = read_environment({**given, "char": "Mira", "maxPrompt": 4096, "swipe": 2}, now=NOW)
    text = "{{lastSwipeId}} {{currentSwipeId}} {{maxPrompt}} {{char_version}} {{charPrompt}}"
    assert expand(text, known) == "4 2 4096 1.2 Be Mira."
    assert expand("{{lastMessage}}", known) == "hi"
    told = read_environment({"lastMessage": "{{char}}?", "chat": chat}, now=NOW)
    assert expand("{{lastMessage}}", told) == "{{char}}?", "a message is nobody's macro"


def test_the_clock_is_that_of_the_zone() -> None:
    text = "{{isodate}} {{isotime}} {{time_UTC+0}}"
    for now in ("2024-07-01T22:30:00Z", "2024-07-02T00:30:00", 1719873000, 1719873000000):
        known = read_environment({"now": now, "timezone": "Europe/Berlin"}, now=NOW)
        assert expand(text, known) == "2024-07-02 00:30 10:30 PM"


def test_idle_time_counts_from_the_user_message_before_the_newest() -> None:
    chat = [
        {"role": "user", "content": "a", "at": "2026-11-21T12:04:05Z"},
        {"role": "assistant", "content": "b", "at": "2026-11-21T12:05:05Z"},
        {"role": "user", "content": "c", "at": "2026-11-21T15:04:05Z"},
    ]
    assert expand("{{idle_duration}}", read_environment({"chat": chat}, now=NOW)) == "3 hours"
    assert expand("{{idle_duration}}", read_environment({"chat": chat[:1]}, now=NOW)) == "just now"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"now": "soon"}, "now"),
        ({"now": 1e300}, "now"),
        ({"now": "9999-12-31T23:59:59Z"}, "now"),
        ({"lastUserAt": "never"}, "last_user_at"),
        ({"timezone": "No/Where"}, "No/Where"),
        ({"variables": [1]}, "variables"),
        ({"chat": "hi"}, "chat"),
        ({"outlets": 1}, "outlets"),
    ],
)
def test_a_wrong_environment_is_one_sentence(given: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named) as refusal:
        read_environment(given, now=NOW)
    assert refusal.value.user_message.count(".") == 1


def test_doubling_variables_cannot_fill_the_memory() -> None:
    text = "{{setvar::x::" + "a" * 1000 + "}}" + "{{addvar::x::{{getvar::x}}}}" * 60
    known = environment()
    expand(text + "{{getvar::x}}" * 100, known)
    assert len(str(known.local["x"])) <= 100_000
    assert len(expand("{{getvar::x}}" * 100, known)) < 2 * LONGEST


SIZE = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "{{" * (SIZE // 2),
        "}}" * (SIZE // 2),
        "{" * (SIZE + 1),
        "{{ " * (SIZE // 3),
        "{{if x}}" * 20_000,
        "{{if 1}}" * 10_000 + "{{/if}}" * 10_000,
        "{{setvar::x}}" * 8_000 + "{{/setvar}}" * 8_000,
        "{{a}}" * 20_000 + "{{/b}}" * 20_000,
        "{{if 1}}{{/x}}" * 14_000,
        "{{//" * (SIZE // 4),
        "{{" + " " * SIZE + "}}",
        "\n" * SIZE + "{{x}}",
        "\n" * (SIZE // 2) + "{{trim}}" + "\n" * (SIZE // 2),
        "{{newline::1000}}" * 10_000,
        "{{datetimeformat " + "[" * SIZE + "}}",
        "{{pick::a::b}}" * 14_000,
        "{{roll:10000d6}}" * 12_000,
        "{{setvar::x::" + "1" * 90_000 + "x}}{{addvar::x::1}}",
        "{{reverse::{{if 1}}" * 5_000 + "{{/if}}}}" * 5_000,
    ],
    ids=lambda text: f"{text[:16]!r}",
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.perf_counter()
    expand(text, environment())
    assert time.perf_counter() - started < 5.0


@pytest.mark.parametrize("levels", [40, 10_000])
def test_the_innermost_of_deeply_nested_macros_counts(levels: int) -> None:
    expanded = expand("{{" * levels + "char" + "}}" * levels, environment())
    assert expanded == "{{" * (levels - 1) + "Mira" + "}}" * (levels - 1)


def test_blocks_nested_beyond_every_sense_are_text_and_no_crash() -> None:
    nested = "{{if 1}}" * 60 + "x" + "{{/if}}" * 60
    assert expand(nested, environment()) == "{{if 1}}" * 12 + "x" + "{{/if}}" * 12
    assert expand("{{if 1}}a{{/if}}" * 3 + nested[:8] + "b{{/if}}", environment()) == "aaab"


def test_texts_that_name_each_other_end_soon() -> None:
    known = environment(
        values={
            "description": "{{personality}}" * 1000,
            "personality": "{{scenario}}" * 1000,
            "scenario": "{{persona}}" * 1000,
            "persona": "{{noop}}" * 1000,
        }
    )
    started = time.perf_counter()
    assert expand("{{description}}" * 10, known) == ""
    assert time.perf_counter() - started < 10.0


def test_nested_values_do_not_exhaust_the_stack() -> None:
    def wrapped(inner: str) -> str:
        return "{{reverse:" * 40 + inner + "}}" * 40

    names = ["description", "personality", "scenario", "persona"]
    values = {name: wrapped(f"{{{{{inner}}}}}") for name, inner in pairwise(names)}
    assert "{{scenario}}" in expand(wrapped("{{description}}"), environment(values=values))


@pytest.mark.parametrize(
    "text",
    [
        "{{roll:" + "1" * 5000 + "d6}}",
        "{{roll:1d6+" + "9" * 5000 + "}}",
        "{{roll:1d" + "9" * 5000 + "}}",
    ],
)
def test_numbers_with_thousands_of_digits_are_no_dice(text: str) -> None:
    assert expand(text, environment()) == ""
    assert len(expand("{{newline::" + "9" * 5000 + "}}", environment())) == 1000


def test_a_text_longer_than_what_macros_may_add_keeps_its_end() -> None:
    text = "{{char}}" + "a" * LONGEST + "{{if 1}}" + "b" * LONGEST + "{{/if}}end"
    assert expand(text, environment()) == text.replace("{{char}}", "Mira").replace(
        "{{if 1}}", ""
    ).replace("{{/if}}", "")


PIECES = st.sampled_from(
    ["{{", "}}", "{", "}", "::", ":", "char", "if", "/if", "else", "setvar", "trim", " ", "x",
     "random", ",", "!", ".", "$", "//", "\n", "pick", "roll", "d6", "="]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_text_breaks_the_engine(text: str) -> None:
    expanded = expand(text, environment())
    assert isinstance(expanded, str)
    assert "\x00" not in expanded


@given(st.text(alphabet=st.characters(blacklist_characters="{}<>"), max_size=60))
def test_text_without_braces_is_untouched(text: str) -> None:
    assert expand(text, environment()) == text
