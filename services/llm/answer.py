"""One streamed answer while it arrives: its limits, its events, its usage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.domain.clock import Clock
from services.domain.replies import Usage
from services.llm.model import ChatRequest, Ended, ModelEvent, ToolCalled
from services.llm.normaliser import StreamNormaliser
from services.settings import LlmSettings

FINISH_SECONDS = 2.0
"""How long to wait for the usage of an answer that is otherwise complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCall:
    """A tool call a server sent as such; ``id`` is empty where it gave none."""

    name: str
    arguments: Mapping[str, object]
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of a streamed answer.

    ``begun`` says that a token came even if there is nothing to show yet, ``finish`` that the
    model has stopped and why, ``done`` that the server will send no more.
    """

    content: str = ""
    thinking: str = ""
    calls: Sequence[NativeCall] = ()
    begun: bool = False
    finish: Literal["", "stop", "length"] = ""
    done: bool = False
    usage: Usage | None = None


class StreamedAnswer:
    """Turns lines into events and watches the limits of ``settings``.

    ``over`` says that no more lines are wanted, ``complete`` that the server said so too.
    ``call_ids`` names the calls that come without a name of their own.
    """

    def __init__(
        self,
        request: ChatRequest,
        *,
        settings: LlmSettings,
        clock: Clock,
        opened_in_thought: bool,
        call_ids: Iterator[str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._prefill = request.prefill
        self._normaliser = StreamNormaliser(
            tools=[tool.name for tool in request.tools],
            opened_in_thought=opened_in_thought,
            call_ids=call_ids,
        )
        self._started = clock.monotonic()
        self._first: float | None = None
        self._latest = self._started
        self._characters = 0
        self._thought_characters = 0
        self._called: set[str] = set()
        self._finish: Literal["", "stop", "length"] = ""
        self._usage = Usage()
        self.over = False
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether a first token has come."""
        return self._first is not None

    @property
    def finishing(self) -> bool:
        """Whether the model has stopped, so that nothing but the usage is missing."""
        return bool(self._finish)

    @property
    def usage(self) -> Usage:
        """What the server counted; complete once ``over``."""
        return self._usage

    def patience(self) -> float:
        """Return how many seconds the next line may still take."""
        now = self._clock.monotonic()
        if self._first is None:
            due = self._started + self._settings.first_token_timeout_seconds
        else:
            due = min(
                self._latest + self._settings.stall_timeout_seconds,
                self._first + self._settings.max_answer_seconds,
            )
        if self.finishing:
            due = min(due, self._latest + FINISH_SECONDS)
        return max(0.0, due - now)

    def take(self, line: Line) -> list[ModelEvent]:
        """Return the events of the next line."""
        self._latest = self._clock.monotonic()
        shown = line.content or line.thinking or line.calls
        if self._first is None and (shown or line.begun or line.finish or line.done):
            self._first = self._latest
        content, thinking = self._within_limits(line.content, line.thinking)
        events: list[ModelEvent] = []
        if not self._prefill:
            events = self._normaliser.feed(content, thinking)
            events += map(self._native, line.calls)
        if self._finish != "length":
            self._finish = line.finish or self._finish
        self._usage = line.usage or self._usage
        if line.done:
            self.over = self.complete = True
        elif self.timed_out() and self.finishing:
            self.over = True
        elif self.timed_out():
            self.cut()
        return self._noted(events)

    def timed_out(self) -> bool:
        """Say whether the whole answer has taken too long."""
        longest = self._settings.max_answer_seconds
        return self._first is not None and self._clock.monotonic() - self._first >= longest

    def cut(self) -> None:
        """End the answer here, as if its length were reached."""
        self.over = True
        self._finish = "length"

    def rest(self) -> list[ModelEvent]:
        """Return what was held back until now; nothing may be taken afterwards.

        A call that the longest answer cut off is left out: half of what was to be written down or
        done is not what was asked for.
        """
        if self._prefill:
            return []
        events = self._normaliser.close()
        if self._finish == "length":
            events = [event for event in events if not isinstance(event, ToolCalled)]
        return self._noted(events)

    def ended(self) -> Ended:
        """Return the last event."""
        usage = replace(
            self._usage,
            first_token_seconds=None if self._first is None else self._first - self._started,
            seconds=self._clock.monotonic() - self._started,
        )
        return Ended(finish="tool_calls" if self._called else self._finish or "stop", usage=usage)

    def _native(self, call: NativeCall) -> ToolCalled:
        call_id = "" if call.id in self._called else call.id
        event = self._normaliser.call(call.name, call.arguments, call_id=call_id)
        self._called.add(event.call.id)
        return event

    def _within_limits(self, content: str, thinking: str) -> tuple[str, str]:
        """Cut answer and thought, each on its own, at the longest length allowed."""
        longest = self._settings.max_answer_characters
        kept = content[: longest - self._characters]
        thought = thinking[: longest - self._thought_characters]
        self._characters += len(kept)
        self._thought_characters += len(thought)
        if len(kept) < len(content) or len(thought) < len(thinking):
            self.cut()
        return kept, thought

    def _noted(self, events: list[ModelEvent]) -> list[ModelEvent]:
        self._called.update(event.call.id for event in events if isinstance(event, ToolCalled))
        return events
