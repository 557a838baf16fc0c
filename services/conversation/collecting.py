"""Asks the context sources, all at once and under one deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.conversation.sources import (
    ContextBlock,
    ContextSource,
    ForeseeingSource,
    needs_of,
    needs_of_text,
)
from services.domain.replies import TurnBrief
from services.observability.metrics import Metrics

Render = Callable[[Sequence[str]], str]
Count = Callable[[str], int]

logger = logging.getLogger(__name__)


class Contributor(Protocol):
    """Whoever gives pieces of context; see ``ContextSource``."""

    @property
    def name(self) -> str:
        """A stable name, shown in ``why``."""
        ...

    @property
    def priority(self) -> int:
        """Higher is kept longer."""
        ...


@dataclass(slots=True)
class Collected:
    """What sources gave, why they were asked, and why others gave nothing."""

    blocks: list[tuple[Contributor, ContextBlock]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def fitted(self, budget: int, *, render: Render, count: Count) -> str:
        """Return the text of those blocks that fit into ``budget`` tokens, by their priority.

        The others are left out.
        """
        chosen: list[tuple[Contributor, ContextBlock]] = []
        text = ""
        for source, block in sorted(self.blocks, key=lambda pair: -pair[0].priority):
            longer = render([each.text.strip() for _, each in (*chosen, (source, block))])
            if count(longer) <= budget:
                chosen.append((source, block))
                text = longer
            else:
                self.left_out[source.name] = "no room"
        self.blocks = chosen
        return text

    @property
    def names(self) -> str:
        """The sources that gave something, as a prompt names its parts."""
        return "+".join(dict.fromkeys(source.name for source, _ in self.blocks))


class Collecting:
    """Asks those sources a message deserves; a slow or failing one is left out and counted."""

    def __init__(self, sources: Sequence[ContextSource], *, metrics: Metrics) -> None:
        self._sources = tuple(sources)
        self._metrics = metrics

    def foresee(self, text: str, /) -> None:
        """Let those sources that will be asked about ``text`` begin; returns at once."""
        needs = needs_of_text(text)
        for source in self._sources:
            if source.serves in needs and isinstance(source, ForeseeingSource):
                source.foresee(text)

    async def collect(self, brief: TurnBrief, deadline: float) -> Collected:
        """Return what came within ``deadline`` seconds."""
        needs = needs_of(brief)
        collected = Collected()
        chosen = []
        for source in self._sources:
            if (reason := needs.get(source.serves)) is None:
                collected.left_out[source.name] = "not needed for this message"
            else:
                collected.asked[source.name] = reason
                chosen.append(source)
        if not chosen:
            return collected
        async with asyncio.TaskGroup() as group:
            tasks = {group.create_task(_ask(source, brief)): source for source in chosen}
            _, late = await asyncio.wait(tasks, timeout=deadline)
            for task in late:
                task.cancel()
        for task, source in tasks.items():
            blocks = None if task in late else task.result()
            if blocks is None:
                collected.left_out[source.name] = "too slow" if task in late else "failed"
                self._metrics.count("context_source_dropped", source=source.name)
            else:
                collected.blocks.extend((source, block) for block in blocks if block.text.strip())
        return collected


async def _ask(source: ContextSource, brief: TurnBrief) -> Sequence[ContextBlock] | None:
    try:
        return await source.collect(brief)
    except Exception:
        logger.exception("context source failed", extra={"source": source.name})
        return None
