"""Whatever is said in whatever order: one value at a time, nothing twice, the last word counts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.ids import ConversationId, MessageId, PersonaId, PersonId
from services.memory.learning.contradictions import resolve
from services.memory.learning.fact import Fact, Party, Telling, fact_from
from services.memory.learning.memory_block import MemoryBlockFilter
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.learning.timeline import Statement, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
SAID = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["Bonn", "Cork", "Lyon"]), st.booleans()),
    max_size=14,
)
LIKED = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["likes", "dislikes"]),
        st.sampled_from(["tea", "Tea", "rain"]),
    ),
    max_size=14,
)


def statements(said):
    return [
        Statement(id=f"{at:03}", said_at=START + timedelta(days=day), value=value, ends=ends)
        for at, (day, value, ends) in enumerate(said)
    ]


@given(SAID)
def test_intervals_of_one_thing_never_overlap(said):
    found = statements(said)
    settled = settle(found)
    spans = sorted(
        (each.said_at, settled.intervals[each.id].valid_to or datetime.max.replace(tzinfo=UTC))
        for each in found
        if not each.ends and each.id in settled.intervals
    )
    assert all(start <= end for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    assert set(settled.intervals) | set(settled.repeats) == {each.id for each in found}


@given(SAID, st.randoms(use_true_random=False))
def test_the_order_of_telling_does_not_matter(said, chance):
    found = statements(said)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert settle(found) == settle(shuffled)


def learnt(said):
    stored: dict[str, Fact] = {}
    for at, (day, slot, value) in enumerate(said):
        finding = Finding(
            slot=slot, value=value, kind=FactKind.FACT, sentence="{who}: it.", quote="it"
        )
        told = Telling(
            teller=Party(name="Anna", person=PersonId("anna")),
            persona=PersonaId("mira"),
            conversation=ConversationId("console", "local", "x"),
            message=MessageId(str(at)),
            said_at=START + timedelta(days=day, seconds=at if day == 30 else 0),
        )
        fact = fact_from(finding, told, id=f"{at:03}", audience=1, now=START)
        resolution = resolve(fact, list(stored.values()))
        for each in (*resolution.changed, resolution.fact):
            stored[each.id] = each
    return list(stored.values())


@given(LIKED)
@example(
    [(2, "dislikes", "tea"), (1, "likes", "tea"), (0, "dislikes", "tea")]
    + [(1, "dislikes", "tea")] * 2
)
@example(
    [
        (2, "dislikes", "tea"),
        (1, "likes", "tea"),
        (0, "dislikes", "tea"),
        (1, "dislikes", "tea"),
        (1, "likes", "tea"),
    ]
)
def test_nothing_stands_twice_and_tastes_never_contradict(said):
    standing = [each for each in learnt(said) if each.standing]
    assert len({each.digest for each in standing}) == len(standing)
    assert len({each.track for each in standing}) == len(standing)


@given(LIKED)
def test_the_last_word_on_each_taste_stands(said):
    said = sorted(said, key=lambda each: each[0])
    last: dict[str, tuple[int, str]] = {}
    for day, slot, value in said:
        if day >= last.get(value.lower(), (-1, ""))[0]:
            last[value.lower()] = (day, slot)
    standing = {each.value.lower(): each.slot for each in learnt(said) if each.standing}
    assert standing == {value: slot for value, (_, slot) in last.items()}


@given(
    st.lists(
        st.sampled_from(
            ["```", "json", "\n", '{"memories"', ": [", "]}", "{", "}", "Hi", " ", '"', "`", "\\"]
        ),
        max_size=14,
    ),
    st.integers(1, 5),
)
def test_memory_blocks_are_taken_out_whatever_the_chunks(pieces, size):
    answer = "".join(pieces)
    whole, chunked = MemoryBlockFilter(), MemoryBlockFilter()
    shown = whole.feed(answer) + whole.close()
    parts = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert "".join(chunked.feed(part) for part in parts) + chunked.close() == shown
    assert chunked.blocks == whole.blocks
    assert "```json\n" + '{"memories"' not in shown
