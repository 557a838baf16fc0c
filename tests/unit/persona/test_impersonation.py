"""A character's name on a platform cannot be taken for a person's or the platform's own."""

from __future__ import annotations

import pytest

from services.persona.impersonation import mixed_words_folded, shown_name, skeleton


@pytest.mark.parametrize(
    "name",
    [
        "Mia",
        "mia",
        "MIA",
        "Мiа",
        "Ｍｉａ",
        "M\u200bia",
        "Mía",
        "M.i.a",
        "𝓜𝓲𝓪",
        "M1a",
        " Mia ",
        "ᴍɪᴀ",
    ],
)
def test_a_name_that_looks_like_somebody_here_is_marked(name: str) -> None:
    assert shown_name(name, taken=["Kim", "Mia"]).endswith(" (character)")


@pytest.mark.parametrize("name", ["Mira", "Мария", "好子", "Mia Stone", "🦊", "Zoë"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert shown_name(name, taken=["Mia", "Анна", "🐺"]) == name


@pytest.mark.parametrize(
    "name",
    [
        "Admin", "Server Admin", "moderat0r", "Mod_Bot", "A\u200bdmin", "\u202eAdmin",
        "ＳＹＳＴＥＭ", "m o d e r a t o r", "Оfficiаl Support", "Clyde", "[STAFF] Mia",
        "everyone", "Mod-Mail",
    ],
)  # fmt: skip
def test_nobody_speaks_for_the_place(name: str) -> None:
    assert shown_name(name, taken=[]).endswith(" (character)")


@pytest.mark.parametrize("name", ["Modest Mouse", "Systematic", "Staffan", "Adminius", "Theresa"])
def test_reserved_words_inside_longer_ones_are_names(name: str) -> None:
    assert shown_name(name, taken=[]) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Discordia", "Dis-cordia"),
        ("DISCORD", "DIS-CORD (character)"),
        ("Bonnie & Clydette", "Bonnie & Cly-dette"),
        ("Ｄｉｓｃｏｒｄｉａ", "Dis-cordia"),
        ("Dis\u200bcordia", "Dis-cordia"),
    ],
)
def test_what_discord_refuses_is_broken_up(name: str, shown: str) -> None:
    assert shown_name(name, taken=[]) == shown


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u2060", "\u3164", "\x00\x07", "\u0301", "```"])
def test_nothing_to_show_still_gives_a_name(name: str) -> None:
    assert shown_name(name, taken=[]) == "Character"
    assert shown_name(name, taken=["character"]) == "Character (character)"


def test_long_names_are_cut_and_keep_their_mark() -> None:
    assert shown_name("x" * 200, taken=[]) == "x" * 80
    marked = shown_name("x" * 200, taken=["x" * 80])
    assert marked == "x" * 68 + " (character)"


def test_somebody_called_like_a_marked_character_is_not_mistaken_either() -> None:
    assert shown_name("Mia", taken=["Mia", "mia (character)"]) == "Mia (character 2)"


def test_emoji_that_are_joined_stay_joined() -> None:
    assert shown_name("👩\u200d🚀 Ada", taken=[]) == "👩\u200d🚀 Ada"
    assert shown_name("Ad\u200da", taken=[]) == "Ada"


def test_only_words_that_mix_scripts_are_folded() -> None:
    assert mixed_words_folded("bаd словo сор bad") == "bad cлobo сор bad"
    assert skeleton("Сор") == skeleton("cop")
