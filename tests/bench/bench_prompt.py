"""What assembling a prompt costs, and how much of it a server has read before."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dependency_injector import providers

from services.domain.replies import TurnFinished, Usage
from services.factory import ServiceFactory
from services.llm.catalog import ModelCatalog
from services.llm.embedded.catalog import SMALL
from services.llm.model import ChatModel
from services.llm.tokens import EstimatedTokens
from services.net.wheels import installed_models
from services.persona.assembly.layouts import Layout
from services.persona.assembly.material import ChatMessage
from services.persona.assembly.preview import preview
from services.persona.assembly.reading import read_request
from services.persona.assembly.wording import layout_texts
from services.persona.cards.personas import read_persona
from services.persona.lore.books import card_lorebook
from services.persona.lore.scanner import LoreScanner
from services.persona.prompts import PromptLibrary
from services.settings import LlmSettings
from tests.bench.results import Figure, median, percentile, report
from tests.fakes.app import CHARACTERS, App, settings_in
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import ScriptedModel

SLUG = "sefa"
PROMPTS = Path(__file__).parents[2] / "prompts"
MODEL = installed_models() / SMALL.file_name
ROUNDS = 200
SEEDED = 60
ANSWER = 80
# (layout, context, turns); the default context of the built-in server is 4096
CASES: Sequence[tuple[Literal["cache", "sillytavern"], int, int]] = (
    ("cache", 4096, 20),
    ("sillytavern", 4096, 8),
)
WORDS = re.findall(
    r"\S+",
    """
    lamp rope mirror pepper needle tea seed map umbrella price gift thief mule road market bread
    festival promise secret Pell Hask Ninefold Otterwick Saltstair Vigil Brindle Quarrelbridge
    Lowmarket evening river story bridge morning weather window table winter letter
    """,
)


def remark(rng: random.Random, words: int) -> str:
    """Return something to say in which some keys of the book occur."""
    picked = [rng.choice(WORDS) for _ in range(words // 4)]
    return " ".join(f"and then the {word} came" for word in picked).capitalize() + "."


def cost(layout: Layout) -> list[float]:
    """Milliseconds for scan, gathering and order, the chat new in every round."""
    persona = read_persona(CHARACTERS / SLUG / "card.json")
    raw = persona.character.character_book
    assert raw is not None
    book = card_lorebook(raw, name=SLUG)
    assert len(book.entries) >= 66
    rng = random.Random(1)
    chat = [
        ChatMessage(
            name=persona.name if n % 2 else "Sam",
            role="assistant" if n % 2 else "user",
            content=remark(rng, 40),
        )
        for n in range(200 + ROUNDS)
    ]
    scanner, count = LoreScanner(), EstimatedTokens().count
    texts = layout_texts(PromptLibrary(PROMPTS))
    spans = []
    for n in range(ROUNDS):
        began = time.perf_counter()
        request = read_request(
            {"layout": layout, "context": 8192},
            character=persona.character,
            chat=chat[n : n + 200],
            books=[book],
            texts=texts,
            count=count,
            now=datetime(2026, 1, 1, tzinfo=UTC),
            rng=rng,
        )
        shown = preview(request, scanner=scanner)
        spans.append((time.perf_counter() - began) * 1000)
        assert shown.arranged.dropped_history > 0
        assert shown.lore is not None
        assert shown.lore.activated
    return spans


class Seeding:
    """A catalog whose answers are scripted until the history is long enough."""

    def __init__(self, real: ModelCatalog) -> None:
        self.real = real
        self.scripted: ChatModel | None = None

    async def get(self, name: str | None = None, *, fallbacks: Sequence[str] = ()) -> ChatModel:
        if self.scripted is None:
            return await self.real.get()
        await self.scripted.open()
        return self.scripted

    def reconfigure(self, settings: LlmSettings) -> None:
        self.real.reconfigure(settings)

    async def __aenter__(self) -> Seeding:
        await self.real.__aenter__()
        return self

    async def __aexit__(self, *leaving: object) -> None:
        await self.real.__aexit__(None, None, None)


def shelf(folder: Path) -> Path:
    """A folder with the one character, whose answers are kept short."""
    shutil.copytree(CHARACTERS / SLUG, folder / SLUG)
    file = folder / SLUG / "card.json"
    card = json.loads(file.read_text(encoding="utf-8"))
    card["data"]["extensions"]["acore"]["model"] = {"max_tokens": ANSWER}
    file.write_text(json.dumps(card), encoding="utf-8")
    return folder


async def usages(
    folder: Path, layout: Literal["cache", "sillytavern"], *, context: int, turns: int
) -> list[Usage]:
    """What the built-in server counted in the turns of a conversation beyond the budget."""
    settings = settings_in(
        folder / "data",
        persona={"characters": shelf(folder / "characters"), "default": SLUG},
        conversation={"layout": layout},
        llm={"embedded": "always"},
        embedded={"model": str(MODEL), "num_ctx": context, "prefixes": folder / "prefixes"},
        gate={"user_limit": 10**9, "channel_limit": 10**9},
    )
    factory = ServiceFactory(settings=settings)
    seeding = Seeding(factory.models())
    factory.models.override(providers.Object(seeding))
    rng = random.Random(3)
    found = []
    async with factory.lifespan():
        app = App(factory, ScriptedModel(""))
        for _ in range(SEEDED):
            seeding.scripted = ScriptedModel(remark(rng, 60))
            await app.say(remark(rng, 30))
        seeding.scripted = None
        # The first turn reads everything; what counts is what stays read.
        for turn in range(turns + 1):
            delivery = RecordingDelivery()
            await app.say(remark(rng, 30), delivery)
            (ended,) = [event for event in delivery.events if isinstance(event, TurnFinished)]
            if turn:
                found.append(ended.usage)
    return found


def reused(counted: Sequence[Usage]) -> list[float]:
    """The share of each prompt, in percent, that the server had read before.

    The built-in server counts what it found in its cache among the tokens of the prompt.
    """
    return [100 * usage.cached_tokens / max(1, usage.prompt_tokens) for usage in counted]


def reuse() -> list[Figure]:
    """Both layouts on the built-in server; nothing without its model."""
    if not MODEL.exists():
        return []
    figures = []
    for layout, context, turns in CASES:
        with tempfile.TemporaryDirectory() as folder:
            counted = asyncio.run(usages(Path(folder), layout, context=context, turns=turns))
        case = f"{layout}, {context} tokens"
        whole = sum(usage.prompt_tokens for usage in counted)
        figures += [
            Figure(
                name=f"{case}: prompt read before, median of {turns} turns",
                value=median(reused(counted)),
                unit="%",
                target=70 if layout == "cache" else None,
                better="higher",
            ),
            Figure(
                name=f"{case}: the same of all turns together",
                value=100 * sum(usage.cached_tokens for usage in counted) / whole,
                unit="%",
                better="higher",
            ),
            Figure(
                name=f"{case}: prompt",
                value=median([usage.prompt_tokens for usage in counted]),
                unit="tokens",
            ),
        ]
    return figures


def main() -> None:
    """Measure and report."""
    layouts: tuple[Layout, ...] = ("sillytavern", "cache")
    figures = []
    for layout in layouts:
        spans = cost(layout)
        figures += [
            Figure(
                name=f"assembly, 66 entries, 200 messages, {layout}, p50",
                value=median(spans),
                unit="ms",
                target=5,
            ),
            Figure(name=f"assembly, {layout}, p99", value=percentile(spans, 0.99), unit="ms"),
        ]
    report("prompt", [*figures, *reuse()])


if __name__ == "__main__":
    main()
