"""Long answers become several messages that read well and lose nothing."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from frontends.discord.pages import LIMIT, paginate

WORDS = st.lists(
    st.sampled_from(
        ["word ", "A sentence. ", "\n", "\n\n", "```py\n", "```\n", "x" * 300, "🦊", "```", " "]
    ),
    max_size=60,
).map("".join)


def width(text):
    return len(text.encode("utf-16-le")) // 2


@given(WORDS, st.integers(60, 400), st.sampled_from(["", "**Mira:** "]))
@settings(max_examples=300)
def test_pages_fit_and_cover_everything_in_order(text, limit, lead):
    pages = paginate(text, lead=lead, limit=limit)
    assert all(width(page.content) <= limit for page in pages)
    assert all(page.content.strip() for page in pages)
    spans = [(page.start, page.end) for page in pages]
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    covered = text[spans[0][0] : spans[-1][1]] if spans else ""
    assert covered.strip() == text.strip()


@given(WORDS, st.integers(60, 400))
@settings(max_examples=300)
def test_code_blocks_are_closed_on_every_page_they_touch(text, limit):
    for page in paginate(text, limit=limit)[:-1]:
        assert len(re.findall("```", page.content)) % 2 == 0


@given(WORDS, st.integers(60, 400), st.data())
@settings(max_examples=300)
def test_pages_already_shown_stay_as_they_are_when_more_is_written(text, limit, data):
    shorter = text[: data.draw(st.integers(0, len(text)))]
    before, after = paginate(shorter, limit=limit), paginate(text, limit=limit)
    assert after[: max(0, len(before) - 1)] == before[:-1]


def test_breaks_are_made_where_it_reads_best():
    paragraphs = ("a " * 400).strip() + "\n\n" + ("b " * 400).strip() + "\n\n" + "c " * 400
    assert [page.content[0] for page in paginate(paragraphs)] == ["a", "c"]
    sentences = "This is a sentence of some length. " * 100
    assert all(page.content.endswith("length.") for page in paginate(sentences))
    assert not any("wor\n" in page.content for page in paginate("word " * 1000))


def test_a_code_block_that_fits_a_page_is_not_cut():
    text = "words " * 200 + "\n```py\n" + "code\n" * 200 + "```\nafter"
    first, second = paginate(text)
    assert "```" not in first.content
    assert second.content.startswith("```py\ncode")
    assert second.content.endswith("after")


def test_a_long_code_block_keeps_its_language_on_every_page():
    pages = paginate("```rust\n" + "let x = 1;\n" * 600 + "```")
    assert len(pages) > 3
    assert all(page.content.startswith("```rust\n") for page in pages)
    assert all(len(page.content) <= LIMIT for page in pages)


def test_blank_text_makes_no_message():
    assert paginate("  \n\n ") == []
