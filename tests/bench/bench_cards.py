"""How fast cards are read: typical ones by the hundred, and a large one."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable

from PIL import Image

from services.persona.cards.limits import CardLimits
from services.persona.cards.normalising import normalise
from services.persona.cards.personas import persona_of
from services.persona.cards.reading import read_card
from services.persona.cards.writing import write_card
from tests.bench.results import Figure, median, percentile, report
from tests.fakes.card_files import book, charx, entry, v3

LIMITS = CardLimits()
TYPICAL = 60
ROUNDS = 5
_SYLLABLES = ("ka", "lo", "mi", "ren", "tas", "vel", "dor", "ith", "une", "bra", "凛")


def words(chance: random.Random, characters: int) -> str:
    """About so many characters of text that does not repeat itself."""
    text: list[str] = []
    while sum(map(len, text)) + len(text) < characters:
        text.append("".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))))
    return " ".join(text)


def picture(chance: random.Random) -> bytes:
    """A PNG of 512 by 768 pixels that packs about as well as a drawing, some 500 kB."""
    out = io.BytesIO()
    noise = Image.frombytes("RGB", (320, 480), chance.randbytes(320 * 480 * 3))
    noise.resize((512, 768)).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def card(chance: random.Random, *, entries: int, characters: int) -> dict[str, object]:
    """A card with a lorebook whose entries share ``characters`` with its description."""
    part = characters // (entries + 2)
    lore = (
        entry(id=number, keys=words(chance, 30).split(), content=words(chance, part))
        for number in range(entries)
    )
    return v3(
        name=words(chance, 12),
        description=words(chance, part),
        first_mes=words(chance, part),
        character_book=book(*lore),
        extensions={"talkativeness": "0.5", "depth_prompt": {"prompt": "", "depth": 4}},
    )


def timed(work: Callable[[bytes], object], files: list[bytes]) -> list[float]:
    """Seconds that ``work`` takes for each file, over all rounds."""
    spans = []
    for _ in range(ROUNDS):
        for data in files:
            began = time.perf_counter()
            work(data)
            spans.append(time.perf_counter() - began)
    return spans


def take_in(data: bytes) -> object:
    """Read, normalise and check a card, and make its persona."""
    file = read_card(data, name="card", limits=LIMITS)
    return persona_of(file.document, slug="card", version="1")


def main() -> None:
    """Measure and report."""
    chance = random.Random(4)
    drawn = [picture(chance) for _ in range(6)]
    documents = [normalise(card(chance, entries=10, characters=9_000)) for _ in range(TYPICAL)]
    typical = [
        write_card(document, to="png", picture=drawn[number % len(drawn)])
        for number, document in enumerate(documents)
    ]
    large = normalise(card(chance, entries=66, characters=170_000))
    size = len(large.as_json())
    spans = timed(take_in, typical)
    large_png = timed(take_in, [write_card(large, to="png", picture=drawn[0])] * 10)
    large_json = timed(take_in, [large.as_json()] * 10)
    archives = timed(take_in, [charx(large.plain(), {"assets/i.png": drawn[0]})] * 10)
    report(
        "cards",
        [
            Figure(
                name=f"typical cards a second ({len(typical[0]) // 1024} kB PNG)",
                value=1 / (sum(spans) / len(spans)),
                unit="/s",
                target=150,
                better="higher",
            ),
            Figure(name="typical card, p99", value=percentile(spans, 0.99) * 1000, unit="ms"),
            Figure(
                name=f"card of {size // 1024} kB in a PNG",
                value=median(large_png) * 1000,
                unit="ms",
                target=15,
            ),
            Figure(
                name=f"card of {size // 1024} kB as JSON",
                value=median(large_json) * 1000,
                unit="ms",
                target=15,
            ),
            Figure(
                name=f"card of {size // 1024} kB in a CHARX",
                value=median(archives) * 1000,
                unit="ms",
                target=15,
            ),
        ],
    )


if __name__ == "__main__":
    main()
