"""What the pipeline itself costs, with a model that takes no or a known time."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import tempfile
import time
from pathlib import Path

from services.conversation.gate import Gate
from services.conversation.inbound import Addressing, Fired, Inbound
from services.domain.clock import SystemClock
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, TextPart
from services.domain.people import Author
from services.domain.replies import InterruptReason, ReplyEvent, TextDelta
from services.persona.library import CharacterLibrary
from services.settings import GateSettings
from tests.bench.lag import watched_loop
from tests.bench.results import Figure, median, percentile, report, rss_mb
from tests.fakes.app import CHARACTERS, PLACE, App, opened_app
from tests.fakes.recording import RecordingDelivery, RecordingSink
from tests.fakes.scripted_model import Script, ScriptedModel

UNLIMITED = {"user_limit": 10**9, "channel_limit": 10**9}
REPLY = "That sounds like a good evening. The kettle is on again. What did you make of it?"


class StampedSink(RecordingSink):
    """Notes when the first text arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.first: float | None = None

    async def emit(self, event: ReplyEvent, /) -> None:
        if self.first is None and isinstance(event, TextDelta):
            self.first = time.perf_counter()
        await super().emit(event)


def place(channel: str) -> ConversationId:
    """A room of its own."""
    return ConversationId("test", "room", channel)


def lag(during: str, late: list[float]) -> Figure:
    """How late the loop was."""
    value = percentile(late, 0.99) * 1000
    return Figure(name=f"loop lag p99, {during}", value=value, unit="ms", target=20)


async def overhead(folder: Path) -> list[Figure]:
    """Replies at 200 messages of history with a model that answers at once."""
    model = ScriptedModel(REPLY)
    async with opened_app(folder, model, gate=UNLIMITED) as app, watched_loop() as late:
        for n in range(110):
            await app.say(f"Message number {n} of a longer evening by the fire")
        model.requests.clear()
        whole, first = [], []
        for n in range(300):
            sink = StampedSink()
            began = time.perf_counter()
            await app.say(f"Again number {n}", RecordingDelivery([sink]))
            whole.append((time.perf_counter() - began) * 1000)
            first.append(((sink.first or began) - began) * 1000)
        calls = len(model.requests) / 300
    return [
        Figure(name="overhead per reply p50", value=median(whole), unit="ms", target=5),
        Figure(name="overhead per reply p99", value=percentile(whole, 0.99), unit="ms", target=20),
        Figure(name="first-token overhead p50", value=median(first), unit="ms", target=5),
        Figure(name="generation calls per reply", value=calls, unit="calls", target=1),
        lag("replies", late),
    ]


async def crowd(folder: Path) -> list[Figure]:
    """Twenty conversations at once with a model that takes 0.2 s."""
    model = ScriptedModel(Script(text=REPLY, first_token_seconds=0.2))
    spans = []
    async with opened_app(folder, model, gate=UNLIMITED) as app, watched_loop() as late:
        for _ in range(5):
            began = time.perf_counter()
            await asyncio.gather(*(app.say("Hello", place=place(f"c{n}")) for n in range(20)))
            spans.append(time.perf_counter() - began)
    return [
        Figure(name="20 at once, 0.2 s model", value=median(spans), unit="s", target=0.35),
        lag("crowd", late),
    ]


async def endurance(folder: Path) -> list[Figure]:
    """200 conversations of 20 turns: memory after the warm-up stays flat."""
    model = ScriptedModel(REPLY)
    async with opened_app(folder, model, gate=UNLIMITED) as app, watched_loop() as late:
        await talk(app, model, range(60), turns=20)
        gc.collect()
        warm = rss_mb()
        await talk(app, model, range(60, 200), turns=20)
        gc.collect()
        grown = rss_mb() - warm
    per = grown * 1024 / 140
    return [
        Figure(name="growth, 140 conversations x 20", value=grown, unit="MB"),
        Figure(name="growth per conversation", value=per, unit="kB", target=100),
        lag("endurance", late),
    ]


async def flat(folder: Path) -> list[Figure]:
    """The same with sessions that leave memory: growth between two equal rounds."""
    model = ScriptedModel(REPLY)
    short = {"idle_seconds": 0.2}
    sizes = []
    async with opened_app(folder, model, gate=UNLIMITED, conversation=short) as app:
        for batch in range(4):
            await talk(app, model, range(batch * 50, batch * 50 + 50), turns=20)
            await asyncio.sleep(0.5)
            gc.collect()
            sizes.append(rss_mb())
    growth = (sizes[-1] - sizes[1]) / sizes[1] * 100
    return [Figure(name="memory, last vs second quarter", value=growth, unit="%", target=5)]


async def talk(app: App, model: ScriptedModel, numbers: range, *, turns: int) -> None:
    for turn in range(turns):
        await asyncio.gather(*(app.say(f"Turn {turn}", place=place(f"e{n}")) for n in numbers))
        model.requests.clear()


async def interruption(folder: Path) -> list[Figure]:
    """From the interrupt to the last event that reaches the person."""
    model = ScriptedModel(Script(text="Word after word after word. " * 200, token_seconds=0.002))
    spans = []
    async with opened_app(folder, model, gate=UNLIMITED) as app:
        for n in range(60):
            delivery = RecordingDelivery()
            receipt = await app.post(f"Talk {n}", delivery)
            while len(delivery.events) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            began = time.perf_counter()
            app.conversations.stop(PLACE, InterruptReason.USER_STOP)
            await receipt.outcome()
            spans.append((time.perf_counter() - began) * 1000)
    silence = percentile(spans, 0.95)
    return [Figure(name="interrupt to silence p95", value=silence, unit="ms", target=20)]


async def decisions() -> list[Figure]:
    """The gate with 10,000 active people in 500 channels."""
    rng = random.Random(7)
    library = CharacterLibrary(CHARACTERS, default="mira")
    async with library:
        present = library.all()
    gate = Gate(GateSettings(), clock=SystemClock(), rng=rng)
    people = [Author(id=AuthorId("x", str(n)), display_name=f"P{n}") for n in range(10_000)]
    texts = ["the robot went to the computer", "Mira, are you there?", "so anyway " * 12]
    clock, spans = SystemClock(), []
    delivery = RecordingDelivery()
    for n in range(60_000):
        message = Message(
            id=MessageId(str(n)),
            conversation=ConversationId("x", "g", str(rng.randrange(500))),
            author=people[n % 10_000],
            parts=(TextPart(text=texts[n % 3]),),
            created_at=clock.now(),
        )
        inbound = Inbound(message=message, delivery=delivery, addressing=Addressing())
        began = time.perf_counter()
        decision = gate.consider(inbound, present=present)
        spans.append((time.perf_counter() - began) * 1000)
        if isinstance(decision, Fired) and decision.reservation is not None:
            decision.reservation.confirm()
    warm = spans[10_000:]
    slow = percentile(warm, 0.99)
    return [
        Figure(name="gate decision p50, 10,000 people", value=median(warm), unit="ms"),
        Figure(name="gate decision p99, 10,000 people", value=slow, unit="ms", target=0.2),
    ]


async def main() -> None:
    """Run every part in its own folder."""
    figures: list[Figure] = []
    for part in (overhead, crowd, endurance, flat, interruption):
        with tempfile.TemporaryDirectory() as folder:
            figures += await part(Path(folder))
    figures += await decisions()
    report("pipeline", figures)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    asyncio.run(main())
