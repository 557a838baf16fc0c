"""Changing settings while an answer streams: how long a reload takes, and what it costs."""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from frontends.console.invocation import SettingsSource
from frontends.following import appliers, check_default
from services.domain.ids import ConversationId
from services.reloading import Reloading
from services.settings import Settings
from tests.bench.lag import watched_loop
from tests.bench.results import Figure, median, percentile, report
from tests.fakes.app import App, opened_app
from tests.fakes.recording import RecordingDelivery
from tests.fakes.scripted_model import Script, ScriptedModel

RELOADS = 20
ANSWERS = 4
WORDS = 400
TEMPERATURES = (0.5, 0.7)


def reloading_of(app: App, source: SettingsSource, settings: Settings) -> Reloading:
    """Reload what the launcher reloads."""
    return Reloading(
        settings,
        load=source.load,
        checks=[lambda loaded: check_default(loaded, app.factory)],
        appliers=appliers(app.factory),
        announce=lambda code, text: None,
    )


async def reloads_while_streaming(folder: Path) -> list[Figure]:
    """Reload between the words of four answers, each time with another temperature."""
    source = SettingsSource(config=None, overrides={}, environ={}, cwd=folder)
    answer = Script(text="word " * WORDS, token_seconds=0.005)
    spans: list[float] = []
    rng = random.Random(3)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(opened_app(folder / "data", ScriptedModel(answer)))
        reloading = reloading_of(app, source, app.factory.settings())
        late = await stack.enter_async_context(watched_loop())
        talks = [RecordingDelivery() for _ in range(ANSWERS)]
        receipts = [
            await app.post(f"Question {n}", talk, place=_place(n)) for n, talk in enumerate(talks)
        ]
        await asyncio.sleep(0.5)
        assert all(talk.sink.text for talk in talks)
        for number in range(RELOADS):
            temperature = TEMPERATURES[number % len(TEMPERATURES)]
            (folder / "config.toml").write_text(f"[llm]\ntemperature = {temperature}\n")
            began = time.perf_counter()
            done = await reloading.reload()
            spans.append(time.perf_counter() - began)
            assert done.applied == ("llm.temperature",), done
            await asyncio.sleep(rng.uniform(0.0, 0.02))
        assert not any(talk.events[-1].kind == "turn_finished" for talk in talks)
        outcomes = [await receipt.outcome() for receipt in receipts]
    whole = [
        outcome.terminals[0].kind == "turn_finished" and talk.sink.text.count("word") == WORDS
        for outcome, talk in zip(outcomes, talks, strict=True)
    ]
    return [
        Figure(
            name="reload while 4 answers stream", value=median(spans) * 1e3, unit="ms", target=100
        ),
        Figure(name="slowest reload", value=max(spans) * 1e3, unit="ms"),
        Figure(name="loop lag meanwhile, p99", value=percentile(late, 0.99) * 1e3, unit="ms"),
        Figure(name="answers dropped", value=whole.count(False), unit="", target=0),
    ]


def _place(number: int) -> ConversationId:
    return ConversationId("test", "local", f"room{number}")


async def main() -> None:
    """Measure."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        figures = await reloads_while_streaming(Path(folder))
    report("process", figures)


if __name__ == "__main__":
    asyncio.run(main())
