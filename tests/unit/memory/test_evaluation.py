"""The evaluation: LoCoMo's layout with its faults, and figures of what is recalled."""

import json
from typing import Any

import pytest

from services.domain.errors import InvalidRequest, ProviderError, ProviderFault, StorageError
from services.memory.embedders.plain_words import PlainWords
from services.memory.recall.evaluation import ABLATIONS, evaluate
from services.memory.recall.locomo import read_samples
from tests.fakes.hash_embedder import HashEmbedder


def turn(place, speaker, text, **more):
    return {"dia_id": place, "speaker": speaker, "text": text, **more}


def sample(**changes):
    conversation = {
        "speaker_a": "Ann",
        "speaker_b": "Bob",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            turn("D1:1", "Ann", "My violin lessons began"),
            turn("D1:2", "Bob", "Lovely"),
            turn("D1:3", "Ann", "", blip_caption="a violin on a chair"),
        ],
        "session_2_date_time": "9:00 am on 2 June, 2023",
        "session_2": [
            turn("D2:1", "Bob", "I adopted a greyhound"),
            turn("D2:2", "Ann", "What is its name?"),
            turn("D2:3", "Bob", "Comet, after the reindeer"),
        ],
        "session_10": [turn("D10:1", "Bob", "Goodbye")],
    }
    questions = [
        {"question": "What does Ann play, violin?", "category": 1, "evidence": ["D1:1; D1:3"]},
        {"question": "What did Bob adopt?", "category": 4, "evidence": ["D2:1"]},
        {"question": "Which greyhound did Ann adopt?", "category": 5, "evidence": ["D:2:01"]},
    ]
    return {"sample_id": "one", "conversation": conversation, "qa": questions, **changes}


def written(tmp_path, content):
    path = tmp_path / "given.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_sessions_are_in_their_order_with_captions_and_dates(tmp_path):
    (read,) = read_samples(written(tmp_path, [sample()]))
    assert [each.key for each in read.turns] == [
        *((1, 1), (1, 2), (1, 3)),
        *((2, 1), (2, 2), (2, 3)),
        (10, 1),
    ]
    assert read.turns[2].text == "[picture: a violin on a chair]"
    assert f"{read.turns[0].said_at:%Y-%m-%d %H:%M}" == "2023-05-08 13:56"
    assert all(a.said_at < b.said_at for a, b in zip(read.turns, read.turns[1:], strict=False))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (["D1:1", "D2:3"], {(1, 1), (2, 3)}),
        (["D1:1; D2:3"], {(1, 1), (2, 3)}),
        (["D1:1 D1:2 D2:1"], {(1, 1), (1, 2), (2, 1)}),
        (["D:1:02"], {(1, 2)}),
        (["D2:03"], {(2, 3)}),
        (["D1:2", "D", "D1:99", None], {(1, 2)}),
        ("D1:2", {(1, 2)}),
    ],
)
def test_malformed_evidence_is_split_and_cleaned(tmp_path, evidence, expected):
    given = sample(qa=[{"question": "?", "category": 2, "evidence": evidence}])
    (read,) = read_samples(written(tmp_path, [given]))
    assert read.questions[0].evidence == expected


def test_questions_without_evidence_do_not_count(tmp_path):
    given = sample()
    given["qa"] += [
        {"question": "a", "category": 3, "evidence": []},
        {"question": "b", "category": 3},
        {"question": "c", "category": 3, "evidence": ["D77:1"]},
    ]
    (read,) = read_samples(written(tmp_path, [given]))
    assert len(read.questions) == 3


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not JSON",
        "[" * 100_000,
        "7",
        "[]",
        '[{"conversation": {}, "qa": []}]',
        [3],
        [{"conversation": []}],
        [sample(qa={})],
        [sample(qa=["why?"])],
        [sample(conversation={"session_1": "text"})],
        [sample(conversation={"session_1": ["text"]})],
        [sample(conversation={"session_1": [{"text": "no speaker"}]})],
    ],
)
def test_what_is_not_in_the_layout_is_refused_in_one_sentence(tmp_path, content):
    with pytest.raises(InvalidRequest) as refused:
        read_samples(written(tmp_path, content))
    assert "given.json" in refused.value.user_message
    assert "\n" not in refused.value.user_message


async def measured(tmp_path, clock, embedder=None, **more):
    samples = read_samples(written(tmp_path, [sample(), sample(sample_id="two", qa=[])]))
    return await evaluate(
        samples, ks=(1, 2, 200), embedder=embedder or HashEmbedder(), clock=clock, **more
    )


async def test_figures_are_shares_of_evidence_in_percent(tmp_path, clock):
    figures = await measured(tmp_path, clock)
    assert figures["questions"] == 3
    assert figures["turns"] == 7
    assert figures["turn"]["200"] == figures["session"]["200"] == 100
    assert figures["by_category"]["1"] == {"1": 50, "2": 100, "200": 100}
    assert figures["by_category"]["4"]["1"] == 100
    assert set(figures["latency_ms"]) == {"p50", "p95"}
    assert figures["peak_mb"] > 10
    assert figures["tokens_per_recall"] > 10
    # One question has no answer, and with its words it scores higher than the two that have.
    assert figures["no_answer"]["auc_score"] == 0
    assert figures["no_answer"]["score_unanswerable"] > figures["no_answer"]["score_answerable"]


async def test_figures_are_the_same_every_time(tmp_path, clock):
    first, second = [await measured(tmp_path, clock) for _ in range(2)]
    assert {**first, "peak_mb": 0} == {**second, "peak_mb": 0}


async def test_the_ablation_takes_away_what_it_says(tmp_path, clock):
    figures = await measured(tmp_path, clock, ablation=True)
    assert set(figures["ablation"]) == set(ABLATIONS)
    assert all(set(recalls) == {"1", "2", "200"} for recalls in figures["ablation"].values())


async def test_an_answer_without_words_of_the_question_is_reached_by_its_neighbours(
    tmp_path, clock
):
    asked = {"question": "greyhound adopted name", "category": 4, "evidence": ["D2:3"]}
    samples = read_samples(written(tmp_path, [sample(qa=[asked])]))
    figures: Any = await evaluate(
        samples, ks=(3,), embedder=PlainWords(), clock=clock, ablation=True
    )
    assert figures["turn"]["3"] == 100
    assert figures["ablation"]["vectors alone"]["3"] == 0


async def test_an_embedder_that_fails_measures_nothing_instead_of_words(tmp_path, clock):
    embedder = HashEmbedder()
    embedder.failure = ProviderError("hash", ProviderFault.UNREACHABLE, "The embedder is away.")
    with pytest.raises(StorageError, match="away"):
        await measured(tmp_path, clock, embedder)


async def test_the_embedder_is_left_open(tmp_path, clock):
    embedder = HashEmbedder()
    await measured(tmp_path, clock, embedder)
    assert not embedder.closed
