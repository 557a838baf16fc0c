"""Lore scans: how long they take and how they grow, beside a plain loop over the keys."""

from __future__ import annotations

import csv
import gc
import json
import random
import string
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log10

from services.persona.lore.budget import chars4
from services.persona.lore.conversation import scan_lines
from services.persona.lore.entry import Lorebook, LoreEntry
from services.persona.lore.request import ChatLine, ScanRequest, ScanSettings
from services.persona.lore.scanner import LoreScanner
from tests.bench.results import FOLDER, Figure, median, percentile, report

SIZES = (100, 200, 500, 1_000, 2_000, 5_000, 10_000)
RUNS = 200
CHARACTERS = 4_000
HITS = 30
LEADING = 0.3
"""The share of entries whose content names another one."""

REQUESTS = 700
REGEXES = ("/\\b{}(?:s|es)?\\b(?!-)/i", "/\\b({})(?:s|es)?\\b(?!\\1)/i")
"""Keys that Python can try, and such that only V8 can."""

SERIES = ("plain keys", "10 % regex keys", "loop over keys")
COLOURS = {"plain keys": "#1f6f8b", "10 % regex keys": "#c06014", "loop over keys": "#888888"}


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds of many runs, and those of them in which the processor worked on it."""

    p50: float
    p99: float
    busy_p99: float


def word(rng: random.Random) -> str:
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(5, 9)))


def lorebook(size: int, regexes: float) -> Lorebook:
    """Entries with two keys of their own."""
    rng = random.Random(size)
    words = [word(rng) for _ in range(size * 2)]
    entries = []
    for n in range(size):
        own, second = words[2 * n], words[2 * n + 1]
        lead = words[2 * rng.randrange(size)] if rng.random() < LEADING else "salt"
        is_regex = rng.random() < regexes
        entries.append(
            LoreEntry(
                uid=n,
                keys=(REGEXES[n % 2].format(own) if is_regex else own, second),
                content=f"What {lead} was to the town nobody could say. " * 2,
                order=rng.randrange(100),
            )
        )
    return Lorebook(name="bench", entries=tuple(entries))


def chats(book: Lorebook, count: int) -> list[list[ChatLine]]:
    """Chats of ten messages, 4,000 characters together, that name some thirty entries."""
    rng = random.Random(5)
    named = [entry.keys[1] for entry in book.entries]
    made = []
    for _ in range(count):
        hits = set(rng.sample(range(570), HITS))
        words = [rng.choice(named) if n in hits else word(rng)[:6] for n in range(620)]
        text = " ".join(words)[:CHARACTERS]
        size = CHARACTERS // 10
        parts = [text[at : at + size] for at in range(0, CHARACTERS, size)]
        made.append([ChatLine(name="Ann", content=part) for part in parts])
    return made


def timed(run: Callable[[list[ChatLine]], object], given: Sequence[list[ChatLine]]) -> Span:
    for chat in given[:5]:
        run(chat)
    spans, busy = [], []
    gc.collect()
    for chat in given:
        began, worked = time.perf_counter(), time.process_time()
        run(chat)
        spans.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - worked) * 1000)
    return Span(median(spans), percentile(spans, 0.99), percentile(busy, 0.99))


def scanning(book: Lorebook) -> Callable[[list[ChatLine]], object]:
    scanner = LoreScanner()
    settings = ScanSettings(scan_depth=10, budget=20_000)

    def run(chat: list[ChatLine]) -> object:
        return scanner.scan(
            ScanRequest(
                books=[book],
                chat=chat,
                count_tokens=chars4,
                rng=random.Random(1),
                settings=settings,
            )
        )

    return run


def looping(book: Lorebook) -> Callable[[list[ChatLine]], object]:
    """The peer: each key looked for in the text, again in each pass; no rules beyond that."""

    def run(chat: list[ChatLine]) -> object:
        text = "\n".join(f"{line.name}: {line.content}" for line in chat).lower()
        found: list[LoreEntry] = []
        left = list(book.entries)
        while True:
            new = [entry for entry in left if any(key.lower() in text for key in entry.keys)]
            if not new:
                return found
            found += new
            done = {entry.uid for entry in new}
            left = [entry for entry in left if entry.uid not in done]
            text = "\n".join(entry.content for entry in new).lower()

    return run


def measure() -> dict[str, dict[int, Span]]:
    """Measure every series at every size, in turns."""
    spans: dict[str, dict[int, Span]] = {name: {} for name in SERIES}
    for size in SIZES:
        plain, mixed = lorebook(size, 0), lorebook(size, 0.1)
        given = chats(plain, RUNS)
        spans["plain keys"][size] = timed(scanning(plain), given)
        spans["10 % regex keys"][size] = timed(scanning(mixed), chats(mixed, RUNS // 3))
        spans["loop over keys"][size] = timed(looping(plain), given[: max(10, 20_000 // size)])
    return spans


def first_scan(size: int) -> float:
    """Return the milliseconds of a first scan, which reads and indexes the keys."""
    book = lorebook(size, 0)
    (chat,) = chats(book, 1)
    run = scanning(book)
    began = time.perf_counter()
    run(chat)
    return (time.perf_counter() - began) * 1000


def batch() -> list[str]:
    """Requests of one to three small books and one to three turns, as lines of JSON."""
    rng = random.Random(7)
    lines = []
    for number in range(REQUESTS):
        words = [word(rng) for _ in range(120)]
        books = [
            {
                "name": scope,
                "scope": scope,
                "entries": {str(uid): batch_entry(uid, words, rng) for uid in range(20)},
            }
            for scope in ("global", "character", "chat")[: rng.randint(1, 3)]
        ]
        chat = [
            {"name": "Ann", "role": "user", "content": " ".join(rng.choices(words, k=30))}
            for _ in range(6)
        ]
        turns = [{"chat": chat[: 2 * n]} for n in range(1, rng.randint(2, 4))]
        settings = {"tokens": "chars4", "budget": 400, "scan_depth": 4}
        request = {"id": number, "books": books, "settings": settings, "turns": turns}
        lines.append(json.dumps(request))
    return lines


def batch_entry(uid: int, words: Sequence[str], rng: random.Random) -> dict[str, object]:
    key = rng.choice(words)
    return {
        "uid": uid,
        "key": [REGEXES[uid % 2].format(key) if rng.random() < 0.1 else key, rng.choice(words)],
        "keysecondary": rng.choices(words, k=rng.randint(0, 1)),
        "content": " ".join(rng.choices(words, k=20)),
        "selective": True,
        "selectiveLogic": rng.randrange(4),
        "useProbability": True,
        "probability": rng.choice([100, 100, 50]),
        "order": 100,
        "position": rng.randrange(7),
        "group": rng.choice(["", "", "", "a", "a,b"]),
        "sticky": rng.choice([None, None, 2]),
        "delayUntilRecursion": rng.choice([False] * 9 + [True]),
    }


def batch_seconds() -> float:
    """Return how long a batch takes, with everything that has to be read and written."""
    lines = batch()
    began = time.perf_counter()
    for answer in scan_lines(
        iter(lines),
        scanner=LoreScanner(),
        rng=lambda: random.Random(1),
        now=datetime(2026, 1, 1, tzinfo=UTC),
        count_tokens=lambda: chars4,
    ):
        json.dumps(answer)
    return time.perf_counter() - began


def write_table(spans: Mapping[str, Mapping[int, Span]]) -> None:
    """Write all spans as CSV."""
    with (FOLDER / "lore_growth.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["series", "entries", "p50_ms", "p99_ms", "busy_p99_ms"])
        for name, by_size in spans.items():
            for size, span in by_size.items():
                rows.writerow(
                    [name, size, *(f"{ms:.3f}" for ms in (span.p50, span.p99, span.busy_p99))]
                )


def write_plot(spans: Mapping[str, Mapping[int, Span]]) -> None:
    """Draw the medians, both axes logarithmic."""

    def x(size: float) -> float:
        return 60 + (log10(size) - 2) * 240

    def y(ms: float) -> float:
        return 220 - (log10(max(ms, 0.01)) + 1) * 55

    marks = []
    for size in (100, 1_000, 10_000):
        marks.append(f'<text x="{x(size):.0f}" y="318" text-anchor="middle">{size:,}</text>')
    for ms in (0.1, 1, 10, 100):
        marks.append(f'<path d="M60 {y(ms):.0f}H540" stroke="#ddd"/>')
        marks.append(f'<text x="52" y="{y(ms) + 4:.0f}" text-anchor="end">{ms:g} ms</text>')
    for at, (name, by_size) in enumerate(spans.items()):
        points = " ".join(f"{x(size):.1f},{y(span.p50):.1f}" for size, span in by_size.items())
        line = f'fill="none" stroke="{COLOURS[name]}" stroke-width="2"'
        marks.append(f'<polyline points="{points}" {line}/>')
        marks.append(f'<text x="70" y="{30 + 16 * at}" fill="{COLOURS[name]}">{name}</text>')
    (FOLDER / "lore_growth.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 330" font-family="sans-serif" '
        f'font-size="12"><rect width="560" height="330" fill="white"/>{"".join(marks)}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    """Measure, print and write everything."""
    spans = measure()
    loop, plain, mixed = (spans[name] for name in ("loop over keys", *SERIES[:2]))
    wanted = [
        ("scan of 1,000 entries p50", plain[1000].p50, 2, loop[1000].p50),
        ("scan of 1,000 entries p99", plain[1000].p99, 6, None),
        ("scan of 1,000 entries p99, processor time", plain[1000].busy_p99, 6, None),
        ("scan of 1,000 entries, 10 % regex, p50", mixed[1000].p50, 15, None),
        ("scan of 10,000 entries p50", plain[10_000].p50, 15, loop[10_000].p50),
        ("loop over keys, 1,000 entries, p50", loop[1000].p50, None, None),
        ("loop over keys, 10,000 entries, p50", loop[10_000].p50, None, None),
        ("first scan of 1,000 entries", first_scan(1_000), None, None),
        ("first scan of 10,000 entries", first_scan(10_000), None, None),
    ]
    report(
        "lore",
        [
            Figure(name=name, value=value, unit="ms", target=target, baseline=baseline)
            for name, value, target, baseline in wanted
        ]
        + [Figure(name="batch of 700", value=batch_seconds(), unit="s", target=10)],
    )
    write_table(spans)
    write_plot(spans)


if __name__ == "__main__":
    main()
