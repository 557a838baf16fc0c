"""From starting the program to its prompt, and to the first words of the built-in model."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from services.net.wheels import installed_models
from tests.bench.results import Figure, median, report, rss_mb
from tests.fakes.pseudo_terminal import at_terminal
from tests.journeys.program import MAIN, Program, Running

STARTS = 7
TALK = ("Good evening, how was the sea?", "I had a long day.", "What do you do when it storms?")


async def to_prompt(folder: Path) -> list[Figure]:
    """Warm starts over one data folder, with a server configured so that no model is loaded."""
    env = {**os.environ, "OLLAMA_HOST": "http://127.0.0.1:9", "ACORE_LLM__EMBEDDED": "never"}
    spans, sizes = [], []
    for _ in range(STARTS + 1):
        began = time.perf_counter()
        program = (sys.executable, str(MAIN), "chat", "--data", str(folder))
        async with at_terminal(*program, env=env, cwd=folder) as terminal:
            await terminal.prompts()
            spans.append(time.perf_counter() - began)
            sizes.append(rss_mb(terminal.process.pid))
            terminal.type("/quit\r")
            await terminal.ends()
    return [
        Figure(name="start to first prompt", value=median(spans[1:]), unit="s", target=1.0),
        Figure(name="memory at the prompt", value=median(sizes[1:]), unit="MB", target=120),
    ]


async def first_words(folder: Path) -> list[Figure]:
    """A shipped character on the built-in model, its prompt prepared by ``main.py warm``."""
    if not any(installed_models().glob("qwen*.gguf")):
        return []
    cold: list[float] = []
    later: list[float] = []
    for n in range(3):
        program = Program(folder, data=folder / f"d{n}")
        async with program.chatting() as chat:
            for number, text in enumerate(TALK):
                seconds = await first_token(chat, text)
                (later if number else cold).append(seconds)
            await chat.leave()
    return [
        Figure(name="1.5B first token, process start on", value=median(cold), unit="s", target=6),
        Figure(name="1.5B first token, later turns", value=median(later), unit="s", target=1.5),
    ]


async def first_token(chat: Running, text: str) -> float:
    began = time.perf_counter()
    chat.type(text)
    await chat.until("text_delta")
    seconds = time.perf_counter() - began
    await chat.until("turn_finished")
    return seconds


async def main() -> None:
    """Measure both."""
    figures: list[Figure] = []
    for part in (to_prompt, first_words):
        with tempfile.TemporaryDirectory() as folder:
            figures += await part(Path(folder))
    report("start", figures)


if __name__ == "__main__":
    asyncio.run(main())
