"""A model that needs no weights and takes exactly as long as it is told, for measuring."""

from __future__ import annotations

import asyncio
import random
import re
import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from services.domain.errors import InvalidRequest
from services.domain.replies import Usage
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    Ended,
    Health,
    ModelEvent,
    ModelInfo,
    ModelListing,
    PromptRole,
)
from services.settings import LlmSettings

NAME = "stub"

_CONTEXT = 8192
_MOST_WORDS = 3
_MOST_MILLISECONDS = 60_000.0
_MOST_RATE = 10_000.0
_LONG = re.compile(r"\b(?:long|story|everything)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w'-]+")
_TOKEN = re.compile(r"\s*\S{1,6}")

# As people and models begin when they are spoken to: three to five words, then a comma.
_OPENINGS = (
    "Let me think, {about} is not an easy one.",
    "Oh, I like that, {about} takes me back.",
    "That is a good one, because {about} is often on my mind.",
    "I see what you mean, {about} never lets me go.",
    "To be honest, {about} always comes down to the same thing.",
    "Well, here it is, {about} was never far from my mind.",
)
_REMARKS = (
    "I would take it slowly and see what the morning brings.",
    "Most people find that a short walk helps more than they expect.",
    "There is a small garden behind the house where it is always quiet.",
    "My neighbour keeps three old clocks, and none of them agree.",
    "It rained last night, so the streets are still shining.",
    "Bread tastes best when somebody else gets up early to bake it.",
    "The train leaves at nine, but it is hardly ever on time.",
    "In the end it is the little things that we remember.",
    "Somebody once told me that patience is only a kind of attention.",
    "The library is open until late, and the chairs by the window are free.",
    "I have a list of songs that nobody else seems to know.",
    "When the lights go on across the river, the day feels finished.",
)
_FEW, _MANY = 2, 10


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model answers: seconds to the first token, and tokens a second from then on."""

    first_token: float
    tokens_per_second: float


def read_pace(text: str, /) -> Pace:
    """Read ``FIRST_TOKEN_MS,TOKENS_PER_S``; raises ``InvalidRequest``."""
    try:
        milliseconds, rate = map(float, text.split(","))
    except ValueError:
        milliseconds = rate = -1.0
    if not (0 <= milliseconds <= _MOST_MILLISECONDS and 0 < rate <= _MOST_RATE):
        raise InvalidRequest(
            "stub_model",
            "Give milliseconds to the first token and tokens per second: --stub-model 150,40.",
        )
    return Pace(milliseconds / 1000, rate)


def answer_to(question: str, /) -> str:
    """Return the answer to a question, always the same: three sentences in plain English.

    The first repeats the end of the question. Asked for a story, or for something long, it has
    eleven sentences.
    """
    words = _WORD.findall(question)
    chance = random.Random(zlib.crc32(" ".join(words).casefold().encode()))
    about = " ".join(words[-_MOST_WORDS:]) or "nothing"
    count = _MANY if _LONG.search(question) else _FEW
    opening = chance.choice(_OPENINGS).format(about=about)
    return " ".join([opening, *chance.sample(_REMARKS, count)])


def tokens_of(text: str, /) -> Iterator[str]:
    """Yield a text in pieces as models make them: up to six letters, with the space before."""
    for found in _TOKEN.finditer(text):
        yield found.group()


class StubModel:
    """A ``ChatModel`` that gives ``answer_to`` the last message at a ``Pace``.

    What must be JSON is an empty object.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._info = ModelInfo(provider=NAME, name=NAME, context_tokens=_CONTEXT)

    @property
    def info(self) -> ModelInfo:
        """What there is to know."""
        return self._info

    async def open(self) -> ModelInfo:
        """Return what there is to know."""
        return self._info

    async def probe(self) -> Health:
        """Say that all is well."""
        return Health(ok=True, detail="The stub answers.")

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer at the pace; each token when it is due, whatever the ones before took."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pace.first_token
        tokens = [] if request.prefill else list(tokens_of(_answer(request)))
        for token in tokens:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += 1 / self._pace.tokens_per_second
            yield ContentDelta(text=token)
        yield Ended(finish="stop", usage=Usage(completion_tokens=len(tokens)))


def _answer(request: ChatRequest) -> str:
    if request.schema is not None:
        return "{}"
    asked = (each for each in reversed(request.messages) if each.role is PromptRole.USER)
    return answer_to(next((each.content for each in asked), ""))


class StubModels:
    """Stands where the catalog of models does; whatever is asked for, the stub answers."""

    def __init__(self, pace: Pace) -> None:
        self._model = StubModel(pace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def get(self, name: str | None = None, *, fallbacks: Sequence[str] = ()) -> ChatModel:
        """Return the stub."""
        return self._model

    async def available(self) -> list[ModelListing]:
        """List the stub."""
        return [ModelListing(name=NAME, endpoint=NAME)]

    def endpoints(self) -> list[str]:
        """Name where it runs."""
        return [NAME]

    def describe(self) -> str:
        """Say what answers."""
        return "A stub answers, for measuring."

    def reconfigure(self, settings: LlmSettings) -> None:
        """Have nothing to change."""
