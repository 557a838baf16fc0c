"""Where an answer is cut for the voice: early, and never in the middle of what is one thing."""

from __future__ import annotations

import pytest

from services.voice.speaking.clauses import clause_ends, pieces, weight, word_ends
from services.voice.speaking.script import Script
from services.voice.speaking.wording import Wording


def script(*, longest: int = 200) -> Script:
    wording = Wording(lexicon=None, language="en")
    return Script(wording, first_weight=12, first_words=4, longest=longest)


def first(text: str, *, hurried: bool = False) -> tuple[str, str]:
    """Return the first clause cut as the text comes in letter by letter, and all written then."""
    written = script()
    for sign in text:
        written.write(sign)
        if written.cut_early(hurried=hurried):
            while (clause := written.take()) is not None:
                if clause.speech:
                    return clause.text, written.text
    return "", written.text


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("I would love to, but not today", "I would love to, "),
        ("Well, my dear friend, listen", "Well, my dear friend, "),
        ("That is the thing: it works", "That is the thing: "),
        ("I was thinking… perhaps later", "I was thinking… "),
        ("I was thinking... perhaps later", "I was thinking... "),
        ("It is not that – it is this", "It is not that – "),
        ("It is not that - it is this", "It is not that - "),
        ("It is not that—it is this", "It is not that—"),
        ("„Das glaube ich nicht“, sagte er", "„Das glaube ich nicht“, "),
        ('He said "well and good," then left', 'He said "well and good," '),
        ("今天天气很好，我们去公园吧", "今天天气很好，"),
        ("I thought of that,\nand then", "I thought of that,\n"),
    ],
)
def test_the_first_clause_is_taken_as_soon_as_what_follows_shows_it_is_one(text: str, clause: str):
    found, written = first(text)
    assert found == clause
    assert len(written) == len(clause) + 1


@pytest.mark.parametrize(
    "text",
    [
        "*waves at all of you, smiles broadly, and sits down*",
        "*waves at all of you, smiles broadly, and",
        "**this is very important, so listen**",
        "```\nfirst, second, third, and\nso on, and so on\n",
        "this is `code, and more, and more",
        "[the label of it, which is long](https://a.example/x, y)",
        "[the label of it, which is long](https://a.example",
        "[the label of it, which",
        "https://a.example/a,b;c:d—e，and",
        "it costs about 12,500.75",
        "it costs about 12, 500",
        "<a:party, popper, and more",
    ],
)
def test_nothing_is_cut_inside_what_is_one_thing(text: str):
    assert first(text) == ("", text)
    assert clause_ends(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "*he walks over to you slowly and sits",
        "```\none two three four five six",
        "`one two three four five six",
        "[one two three four five six",
        "one two three 10 000 000 units",
    ],
)
def test_haste_cuts_nothing_in_two_either(text: str):
    assert first(text, hurried=True) == ("", text)


def test_in_haste_all_whole_words_are_taken_once_there_are_four():
    assert first("I think that the cat sat", hurried=True)[0] == "I think that the "
    assert first("*nods* I think that the cat sat", hurried=True)[0] == "*nods* I think that the "


def test_in_haste_a_number_stays_with_its_unit():
    assert first("I have run for 5 km today", hurried=True)[0] == "I have run for 5 km "


def test_what_is_not_said_does_not_make_a_clause_long_enough():
    assert first("*smiles and waves* Oh, my dear friend, hello")[0] == (
        "*smiles and waves* Oh, my dear friend, "
    )


def test_ends_stay_where_they_are_when_more_text_comes():
    text = "One, two (three, four): [five, six](seven), *eight, nine* 10, 000, eleven `a, b`, ok"
    whole = clause_ends(text)
    for length in range(len(text)):
        assert set(clause_ends(text[:length])) <= set(whole)


def test_a_long_sentence_is_cut_at_clauses_and_joined_is_what_it_was():
    sentence = "it goes on and on, as such things do, " * 20 + "and ends."
    cut = pieces(sentence, longest=200)
    assert "".join(cut) == sentence
    assert all(weight(piece) <= 200 for piece in cut)
    assert all(piece.endswith(", ") for piece in cut[:-1])


def test_a_long_sentence_without_clauses_is_cut_between_words():
    sentence = "and so it goes " * 40 + "on."
    cut = pieces(sentence, longest=200)
    assert "".join(cut) == sentence
    assert all(weight(piece) <= 200 for piece in cut)


def test_a_long_thing_that_is_one_stays_one():
    code = "see ```" + "a, b, c, " * 60 + "``` and that is all, I think, of it."
    assert "".join(pieces(code, longest=200)) == code
    assert not any("a, b" in piece and "```" not in piece for piece in pieces(code, longest=200))
    assert pieces("x" * 900, longest=200) == ["x" * 900]


def test_words_end_before_neither_numbers_nor_list_marks():
    assert word_ends("take chapter 3. and then") == [5, 20]
    assert word_ends("this is it - or that") == [5, 8, 16]


@pytest.mark.parametrize("lead", ["", "Hello. "])
def test_an_action_of_several_sentences_is_not_read_aloud(lead: str):
    written = script()
    sentences = ["*She leans back.", "Her eyes narrow.", "A smile appears.*", "So it is you."]
    written.write(lead + " ".join(sentences))
    for sentence in [lead.strip(), *sentences]:
        written.end_sentence(sentence)
    said = []
    while (clause := written.take()) is not None:
        said.append(clause.speech)
    assert [speech for speech in said if speech] == [*filter(None, [lead.strip()]), sentences[-1]]


def test_an_asterisk_that_was_never_closed_silences_its_line_only():
    written = script()
    lines = ["*She leans back. And sits.\n", "So it is you."]
    written.write("".join(lines))
    written.end_sentence("*She leans back.")
    written.end_sentence("And sits.")
    written.end_sentence("So it is you.")
    said = []
    while (clause := written.take()) is not None:
        said.append(clause.speech)
    assert [speech for speech in said if speech] == ["So it is you."]


def test_an_action_that_never_ends_is_not_believed_for_ever():
    written = script()
    sentences = ["*She leans back.", *["And on it goes for a while."] * 20]
    written.write(" ".join(sentences))
    for sentence in sentences:
        written.end_sentence(sentence)
    said = []
    while (clause := written.take()) is not None:
        said.append(clause.speech)
    assert not any(said[:10])
    assert all(said[12:])


def test_a_sentence_that_was_never_written_is_ignored():
    written = script()
    written.write("One thing. Another thing.")
    written.end_sentence("Something else.")
    written.end_sentence("One thing.")
    assert written.take() is not None
    assert written.take() is None
