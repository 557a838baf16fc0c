"""How fast cards are imported, and what a library of 2,000 costs at the start and afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from services.persona.cards.importing import CardImporter
from services.persona.cards.limits import CardLimits
from services.persona.cards.normalising import normalise
from services.persona.cards.shelves import cards_in
from services.persona.cards.writing import write_card
from services.persona.library import CharacterLibrary
from tests.bench.bench_cards import card, picture
from tests.bench.lag import watched_loop
from tests.bench.results import Figure, median, percentile, report

IMPORTED = 200
KEPT = 2_000
LOOKS = 20


def import_all(folder: Path, chance: random.Random) -> Figure:
    """Cards a second from a folder of PNGs into the library, with versions kept."""
    drawn = [picture(chance) for _ in range(6)]
    source = folder / "in"
    source.mkdir()
    for number in range(IMPORTED):
        raw = card(chance, entries=10, characters=9_000)
        document = normalise(raw).with_data(name=f"N {number}")
        data = write_card(document, to="png", picture=drawn[number % len(drawn)])
        (source / f"{number}.png").write_bytes(data)
    importer = CardImporter(
        into=folder / "data" / "characters",
        shelves=(),
        ids=UlidSource(SystemClock(), chance),
        limits=CardLimits(),
    )
    os.sync()  # else what was written just now is measured
    began = time.perf_counter()
    for path in cards_in(source):
        importer.take(path)
    rate = IMPORTED / (time.perf_counter() - began)
    return Figure(
        name="cards imported a second", value=rate, unit="/s", target=150, better="higher"
    )


async def keep_many(folder: Path, chance: random.Random) -> list[Figure]:
    """Start-up, a look for changes, a changed card, and how late the loop is meanwhile."""
    shelf = folder / "many"
    for number in range(KEPT):
        own = {"acore": {"id": f"n{number}"}}
        raw = card(chance, entries=10, characters=9_000)
        document = normalise(raw).with_data(name=f"N {number}", extensions=own)
        (shelf / f"n{number}").mkdir(parents=True)
        (shelf / f"n{number}" / "card.json").write_bytes(document.as_json(indent=2))
    library = CharacterLibrary(shelf, default="n0", own=shelf)
    began = time.perf_counter()
    await library.reload()
    opened = time.perf_counter() - began
    looks = []
    async with watched_loop() as late:
        for _ in range(LOOKS):
            began = time.perf_counter()
            await library.look_again()
            looks.append(time.perf_counter() - began)
    changed = shelf / "n7" / "card.json"
    changed.write_bytes(changed.read_bytes() + b"\n")
    await library.look_again()
    began = time.perf_counter()
    await library.look_again()
    return [
        Figure(name=f"opening {KEPT:,} characters", value=opened, unit="s"),
        Figure(name=f"looking at {KEPT:,} for changes", value=median(looks) * 1000, unit="ms"),
        Figure(name="loop late meanwhile p99", value=percentile(late, 0.99) * 1000, unit="ms"),
        Figure(
            name=f"taking over one of {KEPT:,}",
            value=(time.perf_counter() - began) * 1000,
            unit="ms",
        ),
    ]


def main() -> None:
    """Measure and report."""
    chance = random.Random(4)
    with tempfile.TemporaryDirectory() as name:
        figures = [import_all(Path(name), chance)]
        report("library", [*figures, *asyncio.run(keep_many(Path(name), chance))])


if __name__ == "__main__":
    main()
