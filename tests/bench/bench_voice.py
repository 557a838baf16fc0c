"""Talking to the program over synthetic speech in real time: how soon, how well, how politely.

``main.py talk`` runs as a process of its own with the packaged small models; the model is a stub
of 150 ms to the first token and 40 tokens a second, unless ``--real`` asks for the installed one.
All speech is synthetic. A run takes 20 minutes; each figure is the median over the runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.domain.audio import AudioClip
from services.voice.engines.model_catalog import WHISPER_TINY_EN
from services.voice.engines.process_engines import faster_whisper
from tests.bench.results import Figure, median, percentile, report
from tests.bench.voice_corpus import RATE, REMARK_EVERY, Corpus, Item, corpus

MAIN = Path(__file__).parents[2] / "main.py"
STUB = "150,40"
KINDS = ("complete", "paused", "short", "remarks", "interruption")

_OWN_VARIABLES = ("ACORE_", "OLLAMA_", "LLM_", "DATABASE_PATH")
_SLACK = 120.0
_LONGEST_FILE = 120.0
_NEVER = 10_000.0
_WORD = re.compile(r"[a-z']+")

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A file of the corpus and what happened while it was played; times in milliseconds."""

    item: Item
    events: Sequence[Event]

    def of(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    def first(self, name: str, *, after: float = 0.0, before: float = float("inf")) -> float | None:
        """Return when an event came first after a moment."""
        times = (event["t_ms"] for event in self.of(name))
        return min((t for t in times if after <= t < before), default=None)

    @property
    def ends(self) -> float:
        return self.item.ends * 1000

    @property
    def held(self) -> bool:
        return any(turn["ending"] == "timeout" for turn in self.of("turn_decided"))

    @property
    def early(self) -> bool:
        """Whether a sound was answered with before the speaker was done."""
        began = self.first("first_audio")
        return began is not None and began < self.ends

    @property
    def decided_early(self) -> bool:
        decided = self.first("turn_decided")
        return decided is not None and decided < self.ends

    @property
    def answers(self) -> int:
        return len(self.of("first_audio"))

    def speaking(self, at: float) -> bool:
        """Say whether the bot is in the middle of an answer at a moment."""
        edges = [e for e in self.events if e["event"] in ("first_audio", "last_audio")]
        before = [e for e in edges if e["t_ms"] <= at]
        return bool(before) and before[-1]["event"] == "first_audio"

    @property
    def wait(self) -> float | None:
        """Return how long after the last word the answer to it is heard."""
        began = self.first("first_audio", after=self.ends)
        return None if began is None else began - self.ends

    @property
    def understood(self) -> str:
        """Return all that was taken for turns; one that goes on holds what it goes on with."""
        texts: list[str] = []
        for turn in self.of("turn_decided"):
            if turn["continues"] and texts:
                texts.pop()
            texts.append(turn["text"])
        return " ".join(texts)


async def talked(items: Sequence[Item], made: Corpus, *, real: bool) -> list[Heard]:
    """Let the program hear files one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(MAIN), "talk", "--data", f"{folder}/data", "--json"]
        command += [] if real else ["--stub-model", STUB]
        command += ["--wav", *(str(made.path(item)) for item in items)]
        env = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_VARIABLES)}
        # What is said twice must not be quicker the second time.
        env |= {"ACORE_VOICE__CLIPS_MB": "0", "MALLOC_ARENA_MAX": "2"}
        process = await asyncio.create_subprocess_exec(
            *command, env=env, cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(_SLACK + _LONGEST_FILE * len(items)):
                out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        sys.stderr.write(f"the program ended with {process.returncode}\n")
    events = [json.loads(line) for line in out.decode().splitlines()]
    by_file = {str(made.path(item)): item for item in items}
    return [
        Heard(item=item, events=[event for event in events if event["file"] == file])
        for file, item in by_file.items()
    ]


def waits(heard: Iterable[Heard]) -> list[float]:
    """Return the waits of those that were answered."""
    return [each.wait for each in heard if each.wait is not None]


def spread(
    name: str, values: Sequence[float], p50: float | None, p95: float | None
) -> list[Figure]:
    """Return the two usual figures of some milliseconds."""
    if not values:
        return []
    return [
        Figure(name=f"{name}, p50", value=median(values), unit="ms", target=p50),
        Figure(name=f"{name}, p95", value=percentile(values, 0.95), unit="ms", target=p95),
    ]


def share(name: str, found: Iterable[bool], target: float | None = None) -> Figure:
    """Return how many in a hundred are so."""
    flags = list(found)
    value = 100 * sum(flags) / max(1, len(flags))
    return Figure(name=f"{name} (of {len(flags)})", value=value, unit="%", target=target)


def count(name: str, found: Iterable[bool], target: float | None = None) -> Figure:
    """Return how many are so."""
    flags = list(found)
    return Figure(name=f"{name} (of {len(flags)})", value=sum(flags), unit="", target=target)


def of_complete(heard: Sequence[Heard]) -> list[Figure]:
    """How soon whole utterances are answered."""
    prompt = [each for each in heard if not each.held]
    figures = spread("complete: end of speech to first audio, overall", waits(heard), 650, 1500)
    figures += spread("complete: the same, not held", waits(prompt), None, 900)
    for voice in ("piper", "kokoro"):
        some = [each for each in heard if each.item.voice.startswith(voice)]
        if some:
            figures += spread(f"complete: the same, said by {voice}", waits(some), None, None)
            figures.append(share(f"complete: held, said by {voice}", (e.held for e in some)))
    return [
        *figures,
        share("complete: held", (each.held for each in heard), 10),
        count("complete: without an answer", (not each.answers for each in heard), 0),
        count("complete: answered twice", (each.answers > 1 for each in heard), 0),
    ]


def of_paused(heard: Sequence[Heard]) -> list[Figure]:
    """Whether pauses of 400 to 900 ms in mid-sentence are waited for."""
    return [
        share("mid-pause: answered early", (each.early for each in heard), 20),
        share("mid-pause: decided early, taken back or not", (e.decided_early for e in heard)),
        count("mid-pause: answered twice", (each.answers > 1 for each in heard), 0),
        count("mid-pause: without an answer", (not each.answers for each in heard), 0),
        *spread("mid-pause: end of speech to first audio", waits(heard), None, None),
    ]


def of_short(heard: Sequence[Heard]) -> list[Figure]:
    """Whether single words are answered."""
    return [
        count("short words: without an answer", (not each.answers for each in heard), 0),
        *spread("short words: end of speech to first audio", waits(heard), None, None),
    ]


def of_remarks(heard: Sequence[Heard]) -> list[Figure]:
    """What back-channels of 200 to 700 ms do to an answer."""
    stopped, resumed, ducked, unheard = [], [], [], []
    for each in heard:
        for spoken in each.item.spoken[1:]:
            begins = spoken.begins * 1000
            until = begins + REMARK_EVERY * 900
            unheard.append(not each.speaking(begins))
            if unheard[-1]:
                continue
            if (soft := each.first("ducked", after=begins, before=until)) is not None:
                ducked.append(soft - begins)
            at = each.first("interrupted", after=begins, before=until)
            stopped.append(at is not None)
            if at is not None:
                again = each.first("resumed", after=at, before=until)
                resumed.append(_NEVER if again is None else again - at)
    return [
        count("back-channels: stopped the bot", stopped, 1),
        count("back-channels: said when the bot was silent, left out", unheard),
        *spread("back-channels: onset to ducked", ducked, None, 150),
        *spread("back-channels: stopped to resumed", resumed, None, 1500),
    ]


def of_interruptions(heard: Sequence[Heard]) -> list[Figure]:
    """How soon the bot falls silent for somebody who has something to say."""
    ducked, stopped, missed = [], [], []
    for each in heard:
        begins = each.item.spoken[1].begins * 1000
        soft = each.first("ducked", after=begins)
        silent = each.first("interrupted", after=begins)
        missed.append(silent is None)
        ducked += [] if soft is None else [soft - begins]
        stopped += [] if silent is None else [silent - begins]
    return [
        count("interruptions: not heeded", missed, 0),
        *spread("interruptions: onset to ducked", ducked, None, 150),
        *spread("interruptions: onset to stopped", stopped, None, 900),
    ]


FIGURES = {
    "complete": of_complete,
    "paused": of_paused,
    "short": of_short,
    "remarks": of_remarks,
    "interruption": of_interruptions,
}


def words(text: str) -> list[str]:
    """Return the words to compare."""
    return _WORD.findall(text.lower())


def errors(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Return the least number of words to put in, take out or replace."""
    row = list(range(len(found) + 1))
    for line, word in enumerate(wanted, start=1):
        last, row[0] = row[0], line
        for column, other in enumerate(found, start=1):
            kept = last + (word != other)
            last = row[column]
            row[column] = min(kept, last + 1, row[column - 1] + 1)
    return row[-1]


def error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the word error rate of (wanted, found) texts in percent."""
    wrong = total = 0
    for wanted, found in pairs:
        wrong += errors(words(wanted), words(found))
        total += len(words(wanted))
    return 100 * wrong / max(1, total)


async def word_errors(made: Corpus) -> list[Figure]:
    """Compare Whisper's short windows with its full one over the same clips."""
    folder = WHISPER_TINY_EN.folder()
    if folder is None:
        return []
    rates: dict[bool, float] = {}
    for short in (True, False):
        ears = faster_whisper(folder, short_windows=short)
        await ears.open()
        try:
            pairs = []
            for item in made.of("complete", "paused", "short"):
                clip = AudioClip(pcm=made.sound(item), rate=RATE)
                pairs.append((item.text, (await ears.transcribe(clip)).text))
        finally:
            await ears.close()
        rates[short] = error_rate(pairs)
    return [
        Figure(
            name="word errors, short window",
            value=rates[True],
            unit="%",
            target=rates[False] + 2,
            baseline=rates[False],
        ),
        Figure(name="word errors, full window of 30 s", value=rates[False], unit="%"),
    ]


def of_turns(heard: Sequence[Heard]) -> list[Figure]:
    """How well turns were understood, from beginning to end."""
    pairs = [(each.item.text, each.understood) for each in heard]
    return [Figure(name="word errors, turns as decided", value=error_rate(pairs), unit="%")]


def middle(runs: Sequence[Sequence[Figure]]) -> list[Figure]:
    """Return the medians of what every run measured."""
    found: dict[str, list[Figure]] = {}
    for figures in runs:
        for figure in figures:
            found.setdefault(figure.name, []).append(figure)
    return [
        replace(some[0], value=median([each.value for each in some])) for some in found.values()
    ]


def keep(told: Iterable[Heard], log: Path) -> None:
    """Write down every event, to look at."""
    with log.open("w") as out:
        for each in told:
            out.writelines(
                json.dumps({"item": each.item.name, **event}) + "\n" for event in each.events
            )


async def one_run(
    made: Corpus, kinds: Sequence[str], *, real: bool, log: Path | None
) -> list[Figure]:
    """Play the files of some kinds and measure."""
    figures: list[Figure] = []
    told: list[Heard] = []
    for kind in kinds:
        heard = await talked(made.of(kind), made, real=real)
        figures += FIGURES[kind](heard)
        told += heard
    if log is not None:
        keep(told, log)
    plain = [each for each in told if each.item.kind in ("complete", "paused", "short")]
    return [*figures, *(of_turns(plain) if plain else ())]


async def measure(options: argparse.Namespace) -> list[Figure]:
    """Make the corpus, play it as often as asked, and compare the windows once."""
    made = await corpus(options.corpus)
    kinds = [kind for kind in KINDS if not options.parts or kind in options.parts]
    runs = [
        await one_run(made, kinds, real=options.real, log=options.log) for _ in range(options.runs)
    ]
    figures = middle(runs)
    if not options.parts and not options.real:
        figures += await word_errors(made)
    return figures


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(KINDS)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--real", action="store_true", help="let the installed model answer")
    parser.add_argument("--corpus", type=Path, help="folder to keep the corpus in")
    parser.add_argument("--log", type=Path, help="file for the events of the last run")
    options = parser.parse_args()
    figures = asyncio.run(measure(options))
    area = "voice_real" if options.real else "voice"
    report(area if not options.parts else f"{area}_part", figures)
    load = os.getloadavg()[1]
    sys.stdout.write(f"All speech is synthetic. Load of the last five minutes: {load:.1f}.\n")


if __name__ == "__main__":
    main()
