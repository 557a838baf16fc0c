"""Shown names are never anybody's, never empty, never too long and never refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.persona.impersonation import shown_name, skeleton

pytestmark = pytest.mark.property

PIECES = st.sampled_from(
    [
        "Mia", "Мiа", "mod", "admin", "Discord", "dis", "cord", "cly", "de", " ", "\u200b",
        "\u200d", "\u202e", "\u0301", "(character)", "👩", "ﬁ", "ｄ", "\n", "@", "-",
        "xx" * 30, "\u3164", "1",
    ]
)  # fmt: skip
NAMES = st.one_of(st.text(max_size=100), st.lists(PIECES, max_size=8).map("".join))


@given(NAMES, st.lists(NAMES, max_size=5))
def test_a_shown_name_is_nobodys_and_is_accepted(name: str, taken: list[str]) -> None:
    shown = shown_name(name, taken=taken)
    assert 1 <= len(shown) <= 80
    assert shown == shown.strip()
    assert skeleton(shown) not in {skeleton(each) for each in taken}
    for form in (shown, unicodedata.normalize("NFKC", shown)):
        assert "discord" not in form.casefold()
        assert "clyde" not in form.casefold()
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"}]


@given(NAMES, st.sampled_from(["\u200b", "\u2060", "\u00ad", "\ufeff"]), st.data())
def test_invisible_characters_make_no_other_name(
    name: str, invisible: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(name)))
    assert skeleton(name[:at] + invisible + name[at:]) == skeleton(name)
