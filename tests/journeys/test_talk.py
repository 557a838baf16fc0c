"""Talking aloud to the program over recordings, with the packaged small models."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from frontends.console.talking.stub_model import answer_to
from services.voice.engines.model_catalog import PIPER_JOE, WHISPER_TINY_EN
from services.voice.engines.process_engines import piper
from services.voice.pcm import Samples, from_pcm, to_pcm
from services.voice.synthesis import Voice
from tests.journeys.program import Ended, Event, Program

SPOKEN = {
    "question": "What do you think about rainy mornings?",
    "story": "Tell me a long story about the sea.",
    "objection": "No wait, that is not what I meant.",
}
PATIENCE = 150.0
RATE = 48_000

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(2 * PATIENCE),
    pytest.mark.skipif(
        PIPER_JOE.folder() is None or WHISPER_TINY_EN.folder() is None,
        reason="the packaged voice models are not installed",
    ),
]


Sound = tuple[Samples, int]


async def said() -> Mapping[str, Sound]:
    """Return the sentences and their rates, said by Piper."""
    folder = PIPER_JOE.folder()
    assert folder is not None
    engine = piper([folder], noise=0.0)
    found: dict[str, Sound] = {}
    for name, text in SPOKEN.items():
        pcm, rate = b"", 0
        async with aclosing(engine.synthesize(text, voice=Voice())) as frames:
            async for frame in frames:
                pcm, rate = pcm + frame.pcm, frame.rate
        found[name] = from_pcm(pcm), rate
    await engine.close()
    return found


@pytest.fixture(scope="module")
def spoken() -> Mapping[str, Sound]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, said()).result(timeout=PATIENCE)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr("tests.journeys.program.PATIENCE", PATIENCE)
    return Program(tmp_path)


def recorded(path: Path, *parts: Sound | float) -> Path:
    """Write sounds and pauses, in seconds, one after the other."""
    rate = next(part[1] for part in parts if isinstance(part, tuple))
    samples = [
        np.zeros(round(part * rate), np.float32) if isinstance(part, float) else part[0]
        for part in parts
    ]
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(to_pcm(np.concatenate(samples)))
    return path


def seconds(sound: Sound) -> float:
    return len(sound[0]) / sound[1]


def loudness(path: Path, start_ms: float, end_ms: float) -> float:
    """How loud a recording of the bot is between two moments, 0 to 1."""
    with wave.open(str(path), "rb") as reader:
        assert (reader.getframerate(), reader.getnchannels()) == (RATE, 2)
        reader.setpos(round(start_ms * RATE / 1000))
        heard = from_pcm(reader.readframes(round((end_ms - start_ms) * RATE / 1000)))
    return float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0


def named(ended: Ended, name: str, *, file: Path | None = None) -> list[Event]:
    return [
        event
        for event in ended.events
        if event["event"] == name and file in (None, Path(event["file"]))
    ]


def words(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split()}


async def test_each_recording_is_a_conversation_of_its_own_and_is_answered_aloud(
    program, spoken, tmp_path
):
    question = spoken["question"]
    first = recorded(tmp_path / "first one.wav", 0.5, question, 0.1)
    second = recorded(tmp_path / "second.wav", 1.0, question)
    out = tmp_path / "out.wav"
    ended = await program.run(
        "talk", "--json", "--stub-model", "150,40", "--out", str(out),
        "--wav", str(first), str(second),
    )  # fmt: skip
    assert ended.code == 0, ended.complaints
    for file, lead in ((first, 0.5), (second, 1.0)):
        of = lambda name, file=file: named(ended, name, file=file)  # noqa: E731
        begins, ends = lead * 1000, (lead + seconds(question)) * 1000
        assert of("speech_start")[0]["t_ms"] == pytest.approx(begins, abs=250)
        assert of("speech_start")[0]["told_ms"] >= of("speech_start")[0]["t_ms"]
        assert of("speech_end")[-1]["t_ms"] == pytest.approx(ends, abs=400)
        [decided] = of("turn_decided")
        assert decided["ending"] in {"complete", "timeout"}
        assert len(words(decided["text"]) & words(SPOKEN["question"])) >= 5
        assert of("transcript")[-1]["text"] == decided["text"]
        [began], [over] = of("first_audio"), of("last_audio")
        assert ends - 100 < decided["t_ms"] < began["t_ms"] < over["t_ms"]
        assert " ".join(each["text"] for each in of("clause")) == answer_to(decided["text"])
        assert not of("error")
    files = [event["file"] for event in ended.events]
    assert files == sorted(files, key=[str(first), str(second)].index)
    [began] = named(ended, "first_audio", file=first)
    [over] = named(ended, "last_audio", file=first)
    assert loudness(out, 0, began["t_ms"] - 50) == 0
    assert loudness(out, began["t_ms"], over["t_ms"]) > 0.01
    assert loudness(out, over["t_ms"] + 100, over["t_ms"] + 500) == 0


async def test_an_answer_gets_softer_and_stops_for_somebody_who_objects(program, spoken, tmp_path):
    story, objection = spoken["story"], spoken["objection"]
    file = recorded(tmp_path / "objection.wav", 0.3, story, 6.0, objection)
    begins = (0.3 + seconds(story) + 6.0) * 1000
    out = tmp_path / "out.wav"
    ended = await program.run(
        "talk", "--json", "--stub-model", "150,40", "--out", str(out), "--wav", str(file)
    )
    assert ended.code == 0, ended.complaints
    first, again = named(ended, "first_audio")
    softer = next(event for event in named(ended, "ducked") if event["t_ms"] >= begins - 100)
    [stopped] = named(ended, "interrupted")
    assert first["t_ms"] < begins < stopped["t_ms"] < again["t_ms"]
    assert begins - 100 <= softer["t_ms"] <= stopped["t_ms"]
    assert named(ended, "last_audio")[0]["whole"] is False
    assert loudness(out, begins - 2000, begins) > 0.01
    assert loudness(out, stopped["t_ms"] + 100, again["t_ms"] - 50) == 0
    decided = named(ended, "turn_decided")[-1]
    assert words(decided["text"]) >= {"not", "what"}


async def test_people_read_sentences(program, spoken, tmp_path):
    file = recorded(tmp_path / "in.wav", spoken["question"])
    ended = await program.run(
        "talk", "--stub-model", "0,200", "--persona", "Mira", "--wav", str(file)
    )
    assert ended.code == 0, ended.complaints
    assert "Getting ready" in ended.out
    assert "in.wav" in ended.out
    assert "rainy mornings" in ended.out
    assert "Mira: " in ended.out
    assert "silent again" in ended.out


@pytest.mark.parametrize("held", [b"", b"OggS and so on", b"RIFF\0\0\0\0WAVEfmt "])
async def test_what_is_no_recording_is_said_before_anything_starts(program, tmp_path, held):
    file = tmp_path / "in.wav"
    file.write_bytes(held)
    ended = await program.run("talk", "--json", "--wav", str(file))
    assert ended.code == 1
    assert "in.wav" in ended.one_sentence()
    assert ended.out == ""


async def test_wrong_arguments_are_said_in_one_sentence(program, spoken, tmp_path):
    file = str(recorded(tmp_path / "in.wav", spoken["question"]))
    for arguments, told in (
        ((), "--wav"),
        (("--wav", file, "--mic"), "not allowed"),
        (("--wav", file, "--stub-model", "fast"), "--stub-model 150,40"),
        (("--wav", file, "--persona", "Nobody At All"), "Nobody At All"),
        (("--wav", file, "--out", str(tmp_path / "no" / "out.wav")), "cannot be written"),
    ):
        ended = await program.run("talk", *arguments)
        assert ended.code == 1, ended.complaints
        assert told in ended.complaints
        assert ended.complaints.count("\n") == 1


async def test_without_ears_it_says_what_to_choose(program, spoken, tmp_path):
    file = recorded(tmp_path / "in.wav", spoken["question"])
    program.env["ACORE_VOICE__EARS"] = "none"
    ended = await program.run("talk", "--json", "--stub-model", "0,200", "--wav", str(file))
    assert ended.code == 1
    assert "voice.ears" in ended.one_sentence()
