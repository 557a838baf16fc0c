"""Reminder times: how many phrasings are understood, how many wrongly, and how fast."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from datetime import datetime

from services.reminders.when import LONGEST_TEXT, ParsedReminder, parse_reminder
from tests.bench.results import Figure, median, percentile, report
from tests.unit.reminders.phrasings import ASK, Phrasing, phrasings

ROUNDS = 20


def parse(row: Phrasing) -> ParsedReminder:
    return parse_reminder(row.said, now=row.now, zone=row.zone)


def timed(table: Sequence[Phrasing]) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each parse, and those in which the processor worked on it."""
    spans, busy = [], []
    gc.collect()
    for _ in range(ROUNDS):
        for row in table:
            began, worked = time.perf_counter(), time.thread_time()
            parse(row)
            busy.append((time.thread_time() - worked) * 1000)
            spans.append((time.perf_counter() - began) * 1000)
    return spans, busy


def is_right(row: Phrasing, parsed: ParsedReminder) -> bool:
    return (
        row.when != ASK
        and parsed.when is not None
        and parsed.when.isoformat() == datetime.fromisoformat(row.when).isoformat()
        and (parsed.rrule, parsed.text) == (row.rrule, row.text)
    )


def longest() -> float:
    """Return the milliseconds of the longest text that is read, all of it nearly a time."""
    said = ("5m" * LONGEST_TEXT)[:LONGEST_TEXT]
    row = phrasings()[0]
    began = time.perf_counter()
    parse_reminder(said, now=row.now, zone=row.zone)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Parse the table, judge and time it."""
    table = phrasings()
    answers = [parse(row) for row in table]
    asked = sum(answer.ask is not None for answer in answers)
    right = sum(is_right(row, answer) for row, answer in zip(table, answers, strict=True))
    clear = sum(row.when != ASK for row in table)
    spans, busy = timed(table)
    report(
        "reminders",
        [
            Figure(name="phrasings", value=len(table), unit="rows", target=200, better="higher"),
            Figure(
                name="clear ones understood",
                value=100 * right / clear,
                unit="%",
                target=100,
                better="higher",
            ),
            Figure(name="asked back", value=asked, unit="rows"),
            Figure(name="wrong guesses", value=len(table) - right - asked, unit="rows", target=0),
            Figure(name="parse p50", value=median(spans), unit="ms"),
            Figure(name="parse p99", value=percentile(spans, 0.99), unit="ms", target=5),
            Figure(
                name="parse p99, processor time", value=percentile(busy, 0.99), unit="ms", target=5
            ),
            Figure(name="2,000 characters of near times", value=longest(), unit="ms"),
        ],
    )


if __name__ == "__main__":
    main()
