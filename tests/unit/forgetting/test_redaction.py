"""What counts as quoting somebody, and what does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.memory.forgetting.redaction import (
    FORGOTTEN,
    Place,
    Quotes,
    redacted_json,
    telling_words,
)
from services.memory.forgetting.scanning import scan

HERE, THERE = "a:b:c", "a:b:d"


def at(number: int, conversation: str = HERE) -> Place:
    return Place(f"{number:03}", conversation, number)


def quotes_of(*texts: str) -> Quotes:
    quotes = Quotes()
    for number, text in enumerate(texts, start=10):
        quotes.add(text, at(number))
    return quotes


@pytest.mark.parametrize(
    ("said", "repeated", "left"),
    [
        (
            "my allotment grows purple kohlrabi beside the brewery",
            "Ha, MY ALLOTMENT grows *purple* kohlrabi, you say!",
            f"Ha, {FORGOTTEN}, you say!",
        ),
        (
            "ich züchte violetten Kohlrabi neben der Brauerei",
            "Er sagte: ICH ZÜCHTE violetten Kohlrabi neben der Brauerei.",
            f"Er sagte: {FORGOTTEN}.",
        ),
        ("私は紫色の蕪を古い醸造所で育てる", "彼は私は紫色の蕪を古い醸造所で育てると言った", None),
        (
            "call me at 555-0147 tomorrow",
            "The number was 555-0147?",
            f"The number was {FORGOTTEN}?",
        ),
        ("mail aly@tarnhelm.example please", "aly@tarnhelm.example it is", f"{FORGOTTEN} it is"),
        ("we moved to Tarnhelm last year", "How is Tarnhelm?", f"How is {FORGOTTEN}?"),
        ("Violet kohlrabi", "So violet kohlrabi then", f"So {FORGOTTEN} then"),
    ],
)
def test_quotations_are_taken_out(said: str, repeated: str, left: str | None) -> None:
    changed = quotes_of(said).redacted(repeated, at=at(50))
    assert changed is not None
    if left is not None:
        assert changed == left
    else:
        assert "紫色" not in changed


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("I do not know what to say about it", "I do not know what to say about that"),
        ("yes please", "Oh yes please!"),
        ("I live in Berlin with my dog", "Berlin is a fine place for a dog."),
        ("it was at 12:30 on 2026-05-01", "Come at 12:30 on 2026-05-01."),
        ("my allotment grows purple kohlrabi", "Purple kohlrabi is not my thing."),
        ("Sailing is my favourite thing to do", "Sailing again today?"),
    ],
)
def test_common_talk_quotes_nobody(said: str, other: str) -> None:
    assert quotes_of(said).redacted(other, at=at(50)) is None


def test_what_others_said_first_is_theirs() -> None:
    quotes = quotes_of("the crimson zeppelin leaves Tarnhelm at dawn precisely")
    assert quotes.redacted("The crimson zeppelin leaves Tarnhelm at dawn!", at=at(3)) is None
    assert quotes.redacted("The crimson zeppelin leaves Tarnhelm at dawn!", at=at(60)) is None
    assert quotes.needles("the crimson zeppelin leaves Tarnhelm at dawn") == []


def test_order_within_a_conversation_counts_and_between_them_time() -> None:
    quotes = Quotes()
    quotes.add("the crimson zeppelin leaves Tarnhelm at dawn", Place("500", HERE, 7))
    earlier_number_later_id = Place("900", HERE, 6)
    assert (
        quotes.redacted("crimson zeppelin leaves Tarnhelm at", at=earlier_number_later_id) is None
    )
    quotes = Quotes()
    quotes.add("the crimson zeppelin leaves Tarnhelm at dawn", Place("500", HERE, 7))
    assert quotes.redacted("crimson zeppelin leaves Tarnhelm at", at=Place("900", THERE, 1))


def test_words_of_documents_are_nobodys() -> None:
    quotes = quotes_of("tell me of the crimson zeppelin of Tarnhelm at dawn")
    quotes.disown("Chapter one: the crimson zeppelin of Tarnhelm at dawn.")
    assert quotes.redacted("Tarnhelm is old.", at=at(60)) is None
    assert all("zeppelin of Tarnhelm" not in one for one in quotes.needles("crimson zeppelin of"))


def test_an_answer_loses_the_telling_words_of_what_it_answers() -> None:
    words = telling_words(["I want to learn sailing near Kappeln"])
    assert quotes_of("x").redacted("Sailing, in Kappeln? I like it!", also=words) == (
        f"{FORGOTTEN}, in {FORGOTTEN}? I like it!"
    )


def test_json_is_redacted_inside_and_otherwise_the_same_object() -> None:
    quotes = quotes_of("my allotment grows purple kohlrabi beside the brewery")
    value = {"a": ["x", {"b": "my allotment grows purple kohlrabi!"}], "n": 3, "who": "web:a"}
    changed = redacted_json(value, quotes, {"web:a": "forgotten:forgotten"})
    assert changed == {
        "a": ["x", {"b": f"{FORGOTTEN}!"}],
        "n": 3,
        "who": "forgotten:forgotten",
    }
    same = {"a": [1, None, "x"]}
    assert redacted_json(same, quotes, {}) is same


def test_random_quotations_never_survive_and_random_talk_does() -> None:
    chance = random.Random(3)
    theirs = [f"zq{number}" for number in range(400)]
    others = [f"wv{number}" for number in range(400)]
    for _ in range(200):
        said = chance.choices(theirs, k=chance.randint(5, 30))
        start = chance.randrange(len(said) - 4)
        quoted = said[start : start + chance.randint(5, 9)]
        before, after = chance.choices(others, k=4), chance.choices(others, k=4)
        quotes = quotes_of(" ".join(said))
        changed = quotes.redacted(" ".join([*before, *quoted, *after]), at=at(50))
        assert changed == " ".join([*before, FORGOTTEN, *after])
        assert quotes.redacted(" ".join(before + after), at=at(50)) is None


def test_a_scan_finds_every_encoding_across_blocks(tmp_path: Path) -> None:
    text = "Grüße vom „Zeppelin“"
    forms = {
        "utf8": text.encode(),
        "utf16": text.encode("utf-16-le"),
        "json": b'{"t": "Gr\\u00fc\\u00dfe vom \\u201eZeppelin\\u201c"}',
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(b"\0" * (2**20 - 9) + content + b"\0" * 50)
    (tmp_path / "clean").write_bytes(b"\0" * 3_000_000)
    (tmp_path / "link").symlink_to(tmp_path / "utf8")
    found = scan(tmp_path, [text, "short"])
    assert (found.files, found.strings) == (4, 1)
    assert [name for name, _ in found.found] == ["json", "utf16", "utf8"]
    assert not found.clean
    assert scan(tmp_path, ["nothing of this kind"]).clean
