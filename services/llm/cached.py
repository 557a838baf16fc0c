"""Answers to repeatable requests, kept in memory and given again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import astuple, dataclass, replace
from enum import Enum

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.domain.replies import Usage
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    Ended,
    ModelEvent,
    ModelInfo,
    PromptMessage,
    ReasoningDelta,
)
from services.llm.wrapper import ModelWrapper
from services.observability.metrics import Metrics

LARGEST_ANSWER = 64 * 1024
"""Characters of text, thought and tool calls beyond which an answer is not kept."""

Answer = tuple[ModelEvent, ...]


class _Nothing(Enum):
    """Why a call that others waited for left no answer."""

    GIVEN_UP = "given up"
    UNFIT = "unfit to be kept"


Outcome = Answer | ProviderError | _Nothing


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    until: float


class AnswerCache:
    """The ``entries`` answers last used, each for ``seconds``; 0 entries keep none.

    Lives in memory only. ``metrics`` get ``answer_cache_hits`` and ``answer_cache_misses``.
    """

    def __init__(
        self, entries: int, seconds: float, clock: Clock, *, metrics: Metrics | None = None
    ) -> None:
        self._entries = entries
        self._seconds = seconds
        self._clock = clock
        self._metrics = metrics
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asked: dict[tuple[str, int], asyncio.Future[Outcome]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def on(self) -> bool:
        """Whether answers are kept at all."""
        return self._entries > 0

    def get(self, key: str) -> Answer | None:
        """Return the answer kept under ``key`` unless it is too old."""
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._clock.monotonic():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def put(self, key: str, answer: Answer) -> None:
        """Keep ``answer``, dropping the one not used for longest when full."""
        self._kept[key] = _Kept(answer, self._clock.monotonic() + self._seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget every answer."""
        self._kept.clear()

    def asked(self, key: tuple[str, int]) -> asyncio.Future[Outcome] | None:
        """Return the outcome to come of a call that is being made for ``key``."""
        return self._asked.get(key)

    def begin(self, key: tuple[str, int]) -> asyncio.Future[Outcome]:
        """Announce that ``key`` is being asked; ``end`` must follow."""
        self._asked[key] = asyncio.get_running_loop().create_future()
        return self._asked[key]

    def end(self, key: tuple[str, int], asked: asyncio.Future[Outcome], outcome: Outcome) -> None:
        """Tell those who wait what came of ``asked``; only the first outcome counts."""
        if not asked.done():
            asked.set_result(outcome)
            del self._asked[key]

    def note(self, *, hit: bool) -> None:
        """Count a request that was, or was not, answered from here."""
        if self._metrics is None:
            return
        if hit:
            self._metrics.count("answer_cache_hits")
        else:
            self._metrics.count("answer_cache_misses")


class CachedModel(ModelWrapper):
    """Gives kept answers to the same request again.

    Only for requests that are ``repeatable`` and deterministic: at temperature 0, or with a seed.
    The same request means the same endpoint, model, messages with pictures and tool calls,
    sampling, tools, schema, reasoning switch and version of the persona. Only complete, non-empty
    answers of up to ``LARGEST_ANSWER`` characters are kept. A kept answer comes in fewer pieces,
    with a ``Usage`` of zero: nothing was spent.

    Of calls with the same request and priority at the same time one is made. Its answer or
    ``ProviderError`` is everybody's; when its reader leaves, one of the others asks.
    """

    def __init__(self, inner: ChatModel, cache: AnswerCache, endpoint: str) -> None:
        super().__init__(inner)
        self._cache = cache
        self._endpoint = endpoint

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; raises what the model inside raises."""
        key = self._key(request)
        if key is None:
            async with aclosing(self._inner.stream(request)) as events:
                async for event in events:
                    yield event
            return
        answer = await self._known(key, request)
        self._cache.note(hit=isinstance(answer, tuple))
        if isinstance(answer, tuple):
            for event in answer:
                yield event
            return
        source = self._ask(key, request) if answer is None else self._inner.stream(request)
        async with aclosing(source) as events:
            async for event in events:
                yield event

    def _key(self, request: ChatRequest) -> str | None:
        deterministic = request.sampling.temperature == 0 or request.sampling.seed is not None
        if not (self._cache.on and request.repeatable and deterministic) or request.prefill:
            return None
        return request_key(request, self._inner.info, self._endpoint)

    async def _known(self, key: str, request: ChatRequest) -> Answer | _Nothing | None:
        """Return the answer kept or being made elsewhere; ``None`` when it is ours to ask for."""
        while True:
            answer = self._cache.get(key)
            if answer is not None:
                return answer
            asked = self._cache.asked((key, request.priority))
            if asked is None:
                return None
            outcome = await asyncio.shield(asked)
            if isinstance(outcome, ProviderError):
                raise outcome
            if outcome is not _Nothing.GIVEN_UP:
                return outcome

    async def _ask(self, key: str, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask the model inside, keep its answer and tell those who wait for it."""
        flight = key, int(request.priority)
        outcome: Outcome = _Nothing.GIVEN_UP
        recording = _Recording()
        asked = self._cache.begin(flight)
        try:
            async with aclosing(self._inner.stream(request)) as events:
                async for event in events:
                    recording.take(event)
                    if event.kind == "ended":
                        outcome = recording.answer() or _Nothing.UNFIT
                        if isinstance(outcome, tuple):
                            self._cache.put(key, outcome)
                        self._cache.end(flight, asked, outcome)
                    yield event
        except ProviderError as error:
            outcome = error
            raise
        finally:
            self._cache.end(flight, asked, outcome)


class _Recording:
    """The events of one answer, neighbouring deltas joined."""

    def __init__(self) -> None:
        self._events: list[ModelEvent] = []
        self._pieces: list[str] = []
        self._kind: type[ContentDelta | ReasoningDelta] = ContentDelta
        self._size = 0
        self._said = False

    def take(self, event: ModelEvent) -> None:
        """Add an event; nothing more is recorded of an answer that grew too large."""
        if isinstance(event, ContentDelta | ReasoningDelta):
            self._grow(len(event.text))
            if type(event) is not self._kind:
                self._join()
                self._kind = type(event)
            self._pieces.append(event.text)
            self._said |= event.kind == "content" and not event.text.isspace()
        elif event.kind == "tool_called":
            self._grow(len(str(event.call.arguments)))
            self._join()
            self._events.append(event)
            self._said = True
        else:
            self._join()
            self._events.append(replace(event, usage=Usage()))

    def answer(self) -> Answer | None:
        """Return the whole answer, or ``None`` when it should not be kept."""
        last = self._events[-1]
        complete = isinstance(last, Ended) and last.finish != "length"
        fits = self._size <= LARGEST_ANSWER
        return tuple(self._events) if complete and fits and self._said else None

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > LARGEST_ANSWER:
            self._events.clear()
            self._pieces.clear()

    def _join(self) -> None:
        if self._pieces:
            self._events.append(self._kind(text="".join(self._pieces)))
            self._pieces.clear()


def request_key(request: ChatRequest, info: ModelInfo, endpoint: str) -> str | None:
    """Return a digest of all that decides the answer; ``None`` when a part of it is not JSON."""
    parts = {
        "endpoint": [endpoint, info.provider, info.name, info.context_tokens],
        "messages": [_message(message) for message in request.messages],
        "sampling": astuple(request.sampling),
        "tools": [[tool.name, tool.description, tool.parameters] for tool in request.tools],
        "schema": request.schema,
        "think": request.think,
        "persona": request.persona_version,
    }
    try:
        text = json.dumps(parts, default=_plain)
    except (TypeError, ValueError):
        return None
    return hashlib.blake2b(text.encode("ascii"), digest_size=32).hexdigest()


def _message(message: PromptMessage) -> Sequence[object]:
    return (
        message.role,
        message.content,
        message.name,
        _digests(message.images),
        [(call.id, call.name, call.arguments) for call in message.tool_calls],
        message.tool_name,
        message.tool_call_id,
    )


def _digests(images: Iterable[bytes]) -> Sequence[str]:
    return [hashlib.blake2b(image, digest_size=32).hexdigest() for image in images]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
