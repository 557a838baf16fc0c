"""Delivering one reply: generate, show, store, conclude."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from services.conversation.answers import AnswerSource
from services.conversation.generation import (
    Done,
    GenerationEvent,
    NeedsConfirmation,
    Text,
    empty_answer,
)
from services.conversation.lanes import Lanes, Writes
from services.conversation.ledger import Confirmation, Ending, Failure, Ledger, TurnResult
from services.conversation.sentences import SentenceSplitter
from services.conversation.speech_text import to_speech
from services.conversation.turn import Turn
from services.domain.errors import AcoreError, ProviderError
from services.domain.messages import BlobPart
from services.domain.replies import (
    AlternativeAdded,
    ConfirmationRequested,
    PartAdded,
    SentenceReady,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnStarted,
    Usage,
)
from services.lifecycle import Lull
from services.memory.learning.memory_block import Suggestion
from services.observability.logging import turn_id
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

_UNEXPECTED = "Something went wrong inside; the details are in the log. Please try again."


@dataclass(slots=True)
class _Stage:
    """What one turn has shown so far, and the means to show more."""

    turn: Turn
    lanes: Lanes
    writes: Writes
    splitter: SentenceSplitter = field(default_factory=SentenceSplitter)
    sentences: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    parts: list[BlobPart] = field(default_factory=list)
    spoken: int = 0
    usage: Usage = field(default_factory=Usage)


class TurnRunner:
    """Runs turns; holds no state between them."""

    def __init__(
        self,
        *,
        answers: AnswerSource,
        ledger: Ledger,
        metrics: Metrics,
        lane_events: int,
        lull: Lull,
        suggest: Callable[[Suggestion], None] | None = None,
    ) -> None:
        self._answers = answers
        self._ledger = ledger
        self._metrics = metrics
        self._lane_events = lane_events
        self._lull = lull
        self._suggest = suggest

    def foresee(self, text: str, /) -> None:
        """Begin to prepare a turn that answers ``text``; returns at once."""
        self._answers.foresee(text)

    async def run(self, turn: Turn) -> TurnResult:
        """Deliver one reply and return how it ended and what was stored.

        The turn is stored as open before the first delta, each sentence before it is announced,
        and the whole before the terminal event. ``turn.interrupt`` stops the answer and keeps what
        was shown. Raises only if the runner itself is cancelled.
        """
        token = turn_id.set(turn.brief.turn)
        try:
            logger.info("turn begun", extra={"persona": turn.persona.id})
            with self._lull.broken():
                result = await self._run(turn)
            logger.info("turn ended", extra={"outcome": result.terminal.kind})
            return result
        finally:
            turn_id.reset(token)

    async def _run(self, turn: Turn) -> TurnResult:
        try:
            await self._ledger.open(turn)
            async with turn.delivery.open(turn.brief) as sinks:
                stage = _Stage(turn, Lanes(sinks, size=self._lane_events), Writes())
                error, cut = await self._perform(stage)
                result = await self._conclude(stage, error, cut=cut)
                await stage.lanes.emit(result.terminal)
                return result
        except Exception as error:  # the delivery itself failed: there is nobody to show it to
            return await self._commit(turn, Ending(written="", failure=as_failure(error)))

    async def _perform(self, stage: _Stage) -> tuple[Exception | None, bool]:
        """Generate and pump until the answer is out or fails; True when it was cut short."""
        async with asyncio.TaskGroup() as group:
            pumps = [group.create_task(lane.pump()) for lane in stage.lanes.all]
            writing = group.create_task(stage.writes.run())
            generation = group.create_task(self._generate(stage, pumps))
            stage.turn.bind(generation)
            try:
                await asyncio.wait([generation])
            finally:
                for pump in pumps:
                    pump.cancel()
                stage.writes.close()
            await writing
        if generation.cancelled():
            return None, True
        return generation.result(), False

    async def _generate(self, stage: _Stage, pumps: list[asyncio.Task[None]]) -> Exception | None:
        turn, lanes = stage.turn, stage.lanes
        failure: Exception | None = None
        try:
            await lanes.broadcast(_started(turn))
            if turn.brief.alternatives:
                count = turn.brief.alternatives + 1
                await lanes.broadcast(AlternativeAdded(index=count - 1, count=count))
            async with aclosing(self._answers.stream(turn)) as events:
                async for event in events:
                    await self._show(stage, event)
            await self._announce(stage, stage.splitter.flush())
            if not "".join(stage.text).strip() and not stage.parts:
                failure = empty_answer(turn.brief.persona_name)
        except Exception as error:  # what the user is told is decided in one place, below
            failure = error
        for lane in lanes.all:
            await lane.offer(None)
        if pumps:
            await asyncio.wait(pumps)
        return failure

    async def _show(
        self,
        stage: _Stage,
        event: GenerationEvent,
    ) -> None:
        match event:
            case Text():
                await self._say(stage, event.text)
            case ToolStarted() | ToolFinished():
                await stage.lanes.broadcast(event)
            case PartAdded():
                stage.parts.append(event.part)
                await stage.lanes.broadcast(event)
            case NeedsConfirmation():
                asked = await stage.writes.do(lambda: self._ledger.propose(stage.turn, event.call))
                question = await self._answers.cleaned(stage.turn, asked.question)
                await self._request(stage, replace(asked, question=question))
            case Done():
                stage.usage = event.usage
                stage.turn.explanation["model_calls"] = event.calls
                stage.turn.explanation["cut_by_length"] = event.cut
                self._pass_on(stage.turn, event.memories)

    def _pass_on(self, turn: Turn, memories: Sequence[str]) -> None:
        """Hand the memory blocks of an answer to whoever checks them."""
        if self._suggest is None or turn.brief.trigger is None:
            return
        for block in memories:
            self._suggest(
                Suggestion(
                    conversation=turn.brief.conversation,
                    persona=turn.persona.id,
                    trigger=turn.brief.trigger.id,
                    block=block,
                )
            )

    async def _say(self, stage: _Stage, text: str) -> None:
        stage.text.append(text)
        sentences = stage.splitter.feed(text)
        if sentences:
            await self._save(stage, sentences)
        await stage.lanes.broadcast(TextDelta(text=text))
        stage.turn.shown = True
        await self._ready(stage, sentences)

    async def _announce(self, stage: _Stage, sentences: list[str]) -> None:
        if sentences:
            await self._save(stage, sentences)
            await self._ready(stage, sentences)

    async def _save(self, stage: _Stage, sentences: list[str]) -> None:
        stage.sentences.extend(sentences)
        so_far, count = "".join(stage.sentences), len(stage.sentences)
        await stage.writes.do(lambda: self._ledger.checkpoint(stage.turn, so_far, count))

    async def _ready(self, stage: _Stage, sentences: list[str]) -> None:
        for sentence in sentences:
            if not (text := sentence.strip()):
                continue
            stage.spoken += 1
            await stage.lanes.broadcast(
                SentenceReady(index=stage.spoken, text=text, speech_text=to_speech(text))
            )

    async def _request(self, stage: _Stage, asked: Confirmation) -> None:
        lead = "\n" if stage.text and not stage.text[-1].endswith("\n") else ""
        await self._say(stage, lead + asked.question)
        await stage.lanes.broadcast(
            ConfirmationRequested(
                action=asked.action,
                tool=asked.tool,
                arguments=asked.arguments,
                question=asked.question,
            )
        )

    async def _conclude(self, stage: _Stage, error: Exception | None, *, cut: bool) -> TurnResult:
        turn = stage.turn
        if cut and turn.reason is not None:
            written, heard = await stage.lanes.abort(turn.reason, stage.sentences)
            ending = Ending(
                written=written,
                heard=heard,
                parts=tuple(stage.parts) if written.strip() else (),
                usage=stage.usage,
                interrupted=turn.reason,
            )
        elif error is not None:
            failure = self._failure(error, begun=bool(stage.text))
            ending = Ending(
                written=stage.lanes.shown(),
                parts=tuple(stage.parts),
                usage=stage.usage,
                failure=failure,
            )
        else:
            ending = Ending(
                written="".join(stage.text), parts=tuple(stage.parts), usage=stage.usage
            )
        return await self._commit(turn, ending)

    def _failure(self, error: Exception, *, begun: bool) -> Failure:
        failure = as_failure(error)
        excuse = self._answers.excuse()
        if excuse is None or begun or not isinstance(error, ProviderError):
            return failure
        return replace(failure, user_message=excuse)

    async def _commit(self, turn: Turn, ending: Ending) -> TurnResult:
        try:
            result = await self._ledger.commit(turn, ending)
        except AcoreError as error:
            logger.exception("turn could not be stored")
            terminal = TurnFailed(
                turn=turn.brief.turn,
                code=error.code,
                user_message=error.user_message,
                delivered=ending.written,
            )
            result = TurnResult(terminal, None)
        self._metrics.count("turns", outcome=result.terminal.kind)
        return result


def as_failure(error: Exception) -> Failure:
    """Return what people are told about ``error``; the log gets the rest."""
    if isinstance(error, AcoreError):
        logger.warning("turn failed", extra={"code": error.code})
        return Failure(error.code, error.user_message)
    logger.error("turn failed unexpectedly", exc_info=error)
    return Failure("internal", _UNEXPECTED)


def _started(turn: Turn) -> TurnStarted:
    return TurnStarted(
        turn=turn.brief.turn,
        conversation=turn.brief.conversation,
        persona=turn.persona.id,
        persona_name=turn.persona.name,
    )
