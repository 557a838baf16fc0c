"""Passages: whole sentences, bounded, never over a heading, nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from services.memory.documents.chunking import LONGEST, Section, passages_of


def texts(*sections):
    return [passage.text for passage in passages_of(sections)]


def test_sentences_are_never_cut_when_they_fit():
    sentences = [f"Sentence number {n} talks about the harbour at some length." for n in range(80)]
    found = texts(Section(text=" ".join(sentences)))
    assert len(found) > 3
    for passage in found:
        assert passage.startswith("Sentence number")
        assert passage.endswith("length.")


def test_abbreviations_do_not_end_sentences():
    text = "Dr. Vale met Mr. Stone, e.g. on Sundays. " * 40
    for passage in texts(Section(text=text)):
        assert passage.startswith("Dr. Vale")
        assert passage.endswith("Sundays.")


def test_a_passage_never_reaches_over_a_heading_or_a_page():
    found = list(
        passages_of(
            [
                Section(text="Short.", heading="A"),
                Section(text="Also short.", heading="B"),
                Section(text="Third.", page=7),
            ]
        )
    )
    assert [(one.heading, one.page, one.text) for one in found] == [
        ("A", None, "Short."),
        ("B", None, "Also short."),
        ("", 7, "Third."),
    ]
    assert [one.position for one in found] == [0, 1, 2]


def test_a_wall_of_letters_is_cut_anyway():
    found = texts(Section(text="x" * 5 * LONGEST))
    assert "".join(found) == "x" * 5 * LONGEST
    assert max(map(len, found)) <= LONGEST


def test_chinese_is_cut_at_its_own_stops():
    found = texts(Section(text="今天我们去海边散步，看到了很多船。" * 200))
    assert len(found) > 2
    assert all(one.endswith("。") for one in found)


words = st.text(alphabet="abc .!?\n\u00e9\u3002", max_size=4000)


@given(words)
def test_nothing_is_lost_and_no_passage_is_too_long(text):
    found = texts(Section(text=text))
    assert all(0 < len(one) <= LONGEST for one in found)
    joined = "".join("".join(found).split())
    position = 0
    for letter in "".join(text.split()):
        position = joined.find(letter, position)
        assert position >= 0
