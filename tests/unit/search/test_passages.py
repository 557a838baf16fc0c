"""Which parts of pages are shown to the model."""

from __future__ import annotations

from services.search.passages import best_passages

FILLER = "Nothing of interest happens in this long paragraph about the weather of old. " * 12


def test_what_bears_on_the_question_is_found_deep_in_a_page():
    text = f"Start of page.\n\n{FILLER}\n\n{FILLER}\n\nThe tower is 330 metres tall.\n\n{FILLER}"
    [chosen] = best_passages("How tall is the tower?", [text], characters=1200, share=1200)
    assert any("330 metres" in passage for passage in chosen)
    assert sum(map(len, chosen)) <= 1200


def test_inflections_count_and_each_text_keeps_its_share():
    one = "\n\n".join(f"Reminders of kind {number} are delivered. {FILLER}" for number in range(9))
    two = f"{FILLER}\n\nDelivering a reminder takes a second."
    first, second = best_passages("delivery of reminder", [one, two], characters=5000, share=2000)
    assert sum(map(len, first)) <= 2000
    assert any("takes a second" in passage for passage in second)


def test_texts_without_a_match_give_their_beginning_and_empty_ones_nothing():
    assert best_passages("zebra", ["A quiet harbour.", ""], characters=100, share=100) == [
        ["A quiet harbour."],
        [],
    ]
