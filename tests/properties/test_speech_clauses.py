"""However an answer is chunked, cut and interrupted, what was heard is its beginning."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.conversation.sentences import SentenceSplitter
from services.voice.mixing.heard import Heard
from services.voice.speaking.clauses import clause_ends, pieces, weight, word_ends
from services.voice.speaking.playback import Playback
from services.voice.speaking.script import Clause, Script
from services.voice.speaking.wording import Wording
from tests.fakes.speaking_stage import SpeakingStage, speaking_stage
from tests.fakes.voice_engines import FakeSpeech
from tests.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.property

PIECES = st.sampled_from(
    [
        ". ", "! ", "?", "... ", "…", "。", "，", "\n", "\n\n", " ", ", ", ": ", " - ", "—", "```",
        "`", "*", "**", "*waves, and smiles* ", "*He sits. She stands.* ", '"', "(", ")", "[", "](",
        "Mr", "e.g", "The", "she said", "Well", "word", "3", "10 000", "12,5", "5 km", "- ",
        "😀", "https://a.b/c,d", "[a, b](http://c.d)", "好", "你好", "<b>",
        "long word run " * 5, "x" * 40,
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=80))
SPLITS = st.lists(st.integers(0, 400), max_size=10)


def chunked(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def scripted(text: str, cuts: list[int], early: list[bool]) -> tuple[Script, list[Clause]]:
    """Return the clauses of an answer that came in chunks, with early cuts here and there."""
    script = Script(
        Wording(lexicon=None, language="en"), first_weight=12, first_words=4, longest=60
    )
    splitter = SentenceSplitter()
    for place, chunk in enumerate(chunked(text, cuts)):
        script.write(chunk)
        if place < len(early):
            script.cut_early(hurried=early[place])
        for sentence in splitter.feed(chunk):
            script.end_sentence(sentence.strip())
    for sentence in splitter.flush():
        script.end_sentence(sentence.strip())
    script.finish()
    clauses = []
    while (clause := script.take()) is not None:
        clauses.append(clause)
    return script, clauses


def sentence_ends(text: str) -> list[int]:
    """Return where the words of each sentence end."""
    splitter = SentenceSplitter()
    ends, start = [], 0
    for sentence in [*splitter.feed(text), *splitter.flush()]:
        if sentence.strip():
            ends.append(start + len(sentence.rstrip()))
        start += len(sentence)
    return ends


@given(TEXTS, SPLITS, st.lists(st.booleans(), max_size=10))
def test_the_clauses_are_the_answer_and_each_stretch_comes_once(
    text: str, cuts: list[int], early: list[bool]
):
    script, clauses = scripted(text, cuts, early)
    assert "".join(clause.text for clause in clauses) == text == script.text
    for clause in clauses:
        assert text[clause.start : clause.end] == clause.text


@given(TEXTS)
@example('，". ')
def test_ends_once_told_stay(text: str):
    for ends in (clause_ends, word_ends):
        whole = set(ends(text))
        for length in range(len(text)):
            assert set(ends(text[:length])) <= whole


@given(TEXTS, st.integers(1, 80))
def test_pieces_lose_nothing_and_are_short_where_they_can_be(text: str, longest: int):
    cut = pieces(text, longest=longest)
    assert "".join(cut) == text
    places = {*clause_ends(text), *word_ends(text)}
    start = 0
    for piece in cut:
        inside = any(start < place < start + len(piece) for place in places)
        assert weight(piece) <= longest or not inside
        start += len(piece)


@given(
    TEXTS,
    SPLITS,
    st.lists(st.booleans(), max_size=10),
    st.lists(st.tuples(st.floats(0.01, 9), st.booleans(), st.booleans()), max_size=12),
    st.integers(0, 12),
    st.floats(0, 10),
)
def test_what_was_heard_ends_at_a_word_of_the_clause_that_was_cut(
    text: str,
    cuts: list[int],
    early: list[bool],
    sounds: list[tuple[float, bool, bool]],
    whole: int,
    seconds: float,
):
    script, clauses = scripted(text, cuts, early)
    playback = Playback()
    sounding = []
    sayable = [clause for clause in clauses if clause.speech]
    for clause, (length, complete, silent) in zip(sayable, sounds, strict=False):
        if not silent:
            made = playback.begin(clause, at=0.0)
            made.seconds, made.whole = length, complete
            sounding.append(made)
    delivered = playback.delivered(script, Heard(clauses=whole, seconds=seconds))
    assert delivered.characters is not None
    assert delivered.sentences is not None
    heard = text[: delivered.characters]
    assert heard == heard.rstrip()
    whole = min(whole, len(sounding))
    latest = sounding[min(whole, len(sounding) - 1)].clause.end if sounding else 0
    said = [made.clause for made in sounding[:whole] if made.whole]
    assert len(heard) <= latest
    if said:
        assert heard.startswith(text[: said[-1].end].rstrip())
    ends = [end for end in sentence_ends(text) if end <= len(heard)]
    assert delivered.sentences == len(ends)
    more = playback.delivered(script, Heard(clauses=whole, seconds=seconds + 1))
    assert more.characters is not None
    assert more.characters >= delivered.characters


@settings(max_examples=40)
@given(TEXTS, SPLITS, st.integers(0, 120), st.sampled_from([None, 0, 2]))
def test_interrupted_anywhere_it_was_the_beginning_and_it_falls_silent(
    text: str, cuts: list[int], blocks: int, fails_after: int | None
):
    async def interrupted() -> None:
        engine = FakeSpeech(seconds_per_character=0.02, rate=8000, fails_after=fails_after)
        async with speaking_stage(engine) as stage:
            played = await _write(stage, text, cuts, blocks)
            await stage.play(0.02 * (blocks - played))
            delivered = await stage.abort()
            heard = text[: delivered.characters]
            assert heard == heard.rstrip()
            assert stage.clauses or not heard
            after = stage.track.heard.clauses
            assert all(clause.text.strip() in heard for clause in stage.clauses[:after]) or (
                stage.failures
            )
            await stage.play(0.1)
            assert stage.mixer.read() is None
            assert engine.active == 0

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(interrupted())


@settings(max_examples=25)
@given(TEXTS, SPLITS, st.sampled_from([None, 0, 2]))
def test_it_is_always_heard_to_its_end(text: str, cuts: list[int], fails_after: int | None):
    async def heard_out() -> None:
        engine = FakeSpeech(seconds_per_character=0.02, rate=8000, fails_after=fails_after)
        async with speaking_stage(engine) as stage:
            await _write(stage, text, cuts, 0)
            await stage.drain()
            assert stage.track.pending == 0
            assert stage.sink.whole == (not stage.failures)
            if stage.sink.whole:
                assert [clause.speech_text for clause in stage.clauses] == [
                    said for said, _ in engine.said
                ]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(heard_out())


async def _write(stage: SpeakingStage, text: str, cuts: list[int], blocks: int) -> int:
    """Write the text in chunks with a block of sound after each; return how many there were."""
    played = 0
    for chunk in chunked(text, cuts):
        await stage.write(chunk)
        if played < blocks:
            await stage.play(0.02)
            played += 1
    await stage.finish()
    return played
