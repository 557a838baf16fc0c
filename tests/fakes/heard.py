"""What a reader gets of a model's answer."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatModel, ChatRequest, Ended, ModelEvent
from tests.fakes.model_requests import asking


@dataclass
class Heard:
    """What came of one stream: its events, and the error if it failed."""

    events: list[ModelEvent] = field(default_factory=list)
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "content")

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "reasoning")

    @property
    def calls(self) -> list[ToolCall]:
        return [event.call for event in self.events if event.kind == "tool_called"]

    @property
    def ended(self) -> Ended:
        """How it ended, which only an answer without an error did."""
        assert self.error is None, self.error
        last = self.events[-1]
        assert isinstance(last, Ended)
        return last

    @property
    def failed(self) -> ProviderError:
        """The error it ended in."""
        assert self.error is not None, "nothing failed"
        return self.error

    @property
    def fault(self) -> ProviderFault | None:
        return self.error.fault if self.error else None


async def hear(model: ChatModel, request: ChatRequest | None = None) -> Heard:
    """Read one answer to its end or failure, of which there is exactly one, and nothing after."""
    heard = Heard()
    try:
        async with aclosing(model.stream(request or asking())) as events:
            async for event in events:
                assert not any(isinstance(each, Ended) for each in heard.events)
                heard.events.append(event)
    except ProviderError as error:
        assert not any(isinstance(each, Ended) for each in heard.events)
        heard.error = error
    else:
        assert isinstance(heard.events[-1], Ended)
    return heard
