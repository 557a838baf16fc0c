"""What the core asks of a language model, whoever serves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal, Protocol

from services.domain.calls import ToolCall
from services.domain.calls import ToolSchema as ToolSchema
from services.domain.replies import Usage


class Priority(IntEnum):
    """Who goes first when a server is busy; lower goes first.

    A waiting CONVERSATION call cancels a running PREFILL or BACKGROUND call of the same provider.
    BACKGROUND calls wait for the provider to be idle and never evict a conversation's prompt cache.
    """

    CONVERSATION = 0
    PREFILL = 1
    BACKGROUND = 2


class PromptRole(StrEnum):
    """Roles of the chat format every provider understands."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage:
    """One message of a prompt. ``source`` names what put it there, for budgets and ``why``."""

    role: PromptRole
    content: str
    source: str
    name: str | None = None
    images: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str | None = None
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen; ``None`` leaves a value to the model's own default."""

    max_tokens: int = 512
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One generation. ``schema`` bounds the answer to JSON of that shape.

    ``think`` switches the reasoning of models that have it; ``None`` leaves it alone.
    ``prefill`` marks a warm-up: only the prompt's evaluation matters, no text is wanted.
    ``repeatable`` says that an earlier answer to the same request will do; ``persona_version``
    tells apart requests of different versions of a character. Servers are shared fairly among
    ``tenant`` values: the place, such as a guild, on whose behalf the call is made.
    """

    messages: Sequence[PromptMessage]
    tools: Sequence[ToolSchema] = ()
    schema: Mapping[str, object] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    think: bool | None = None
    priority: Priority = Priority.CONVERSATION
    prefill: bool = False
    repeatable: bool = False
    persona_version: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    """Thought that is never shown."""

    text: str
    kind: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentDelta:
    """Answer text."""

    text: str
    kind: Literal["content"] = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """A complete tool call."""

    call: ToolCall
    kind: Literal["tool_called"] = "tool_called"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The stream is over, always the last event. ``finish`` is why the model stopped.

    ``model`` names the one that answered, where several could have.
    """

    finish: Literal["stop", "length", "tool_calls"]
    usage: Usage
    model: str = ""
    kind: Literal["ended"] = "ended"


ModelEvent = ReasoningDelta | ContentDelta | ToolCalled | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What is known of a model. ``context_tokens`` is the ``num_ctx`` every call is sent with.

    It is constant for the life of the process; prompts are packed for exactly this budget.
    """

    provider: str
    name: str
    context_tokens: int
    tools: bool = False
    vision: bool = False
    thinking: bool = False
    size_bytes: int | None = None
    parameters: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListing:
    """A model an endpoint has.

    ``memory_bytes`` is what a running one holds, ``on_gpu_bytes`` the part of it on a GPU,
    ``until`` when the server lets it go, in the server's own words.
    """

    name: str
    endpoint: str = "ollama"
    size_bytes: int | None = None
    context_tokens: int | None = None
    running: bool = False
    memory_bytes: int | None = None
    on_gpu_bytes: int | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a model can answer now; ``detail`` is one sentence for people."""

    ok: bool
    detail: str


class ChatModel(Protocol):
    """A model that answers chat prompts.

    ``stream`` yields deltas and calls, then exactly one ``Ended``; it raises ``ProviderError``
    before or in the middle. Closing the generator closes the connection at once, which stops the
    server's work. ``open`` must have completed before ``info`` or ``stream`` are used.
    """

    @property
    def info(self) -> ModelInfo:
        """What is known of the model since ``open``."""
        ...

    async def open(self) -> ModelInfo:
        """Ask the server about the model once; later calls return the same answer.

        Raises ``ProviderError`` (``UNREACHABLE``, ``MODEL_MISSING``), after which it may be tried
        again.
        """
        ...

    def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request`` piece by piece."""
        ...

    async def probe(self) -> Health:
        """Say whether the server answers and has the model; never raises."""
        ...


class TokenCounter(Protocol):
    """Counts tokens without asking a server and without downloads; errs on the high side."""

    def count(self, text: str, /) -> int:
        """Return an estimate of ``text``'s tokens for the model in use."""
        ...
