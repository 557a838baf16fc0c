"""llama.cpp's answer retold in Ollama's words."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from services.domain.clock import Clock
from services.llm.embedded.llama import Chunk, Fragment, Timings
from services.llm.embedded.wire import JsonObject


@dataclass(slots=True)
class _Call:
    name: str = ""
    arguments: str = ""


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer in the making, of ``/api/chat`` or, with ``chat`` off, of ``/api/generate``.

    The last line says ``prompt_eval_count``, all tokens of the prompt as Ollama counts them, and
    beyond Ollama ``prompt_eval_cached``, how many of those were found in the prompt cache.
    """

    model: str
    clock: Clock
    chat: bool = True
    waited_ns: int = 0
    _text: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _calls: dict[int, _Call] = field(default_factory=dict)
    _timings: Timings = field(default_factory=Timings)
    _finish: str = "stop"
    _began: int = field(default_factory=time.perf_counter_ns)

    def take(self, chunk: Chunk) -> JsonObject | None:
        """Take in ``chunk``; return the line to stream for it, if it says anything."""
        self._timings = chunk.timings or self._timings
        text, thought = "", ""
        for choice in chunk.choices:
            text += choice.text or choice.delta.content or ""
            thought += choice.delta.reasoning_content or ""
            for fragment in choice.delta.tool_calls:
                self._collect(fragment)
            self._finish = choice.finish_reason or self._finish
        self._text.append(text)
        self._thoughts.append(thought)
        return self._line(text, thought) if text or thought else None

    def calls(self) -> JsonObject | None:
        """Return the line with the tool calls, ``None`` when there were none."""
        calls, broken = self._parsed()
        return self._line(broken, "", calls) if calls or broken else None

    def last(self) -> JsonObject:
        """Return the line that ends a stream."""
        return self._line("", "") | self._end()

    def whole(self) -> JsonObject:
        """Return the answer of a request that was not streamed."""
        calls, broken = self._parsed()
        text = "".join(self._text) + broken
        return self._line(text, "".join(self._thoughts), calls) | self._end()

    def empty(self, reason: str, timings: Timings | None = None) -> JsonObject:
        """Return the whole answer of a request that wanted no text."""
        self._timings = timings or self._timings
        return self._line("", "") | self._end() | {"done_reason": reason}

    def _collect(self, fragment: Fragment) -> None:
        call = self._calls.setdefault(fragment.index, _Call())
        call.name += fragment.function.name or ""
        call.arguments += fragment.function.arguments or ""

    def _parsed(self) -> tuple[list[JsonObject], str]:
        """Return the calls, and as text those whose arguments are no JSON object."""
        calls: list[JsonObject] = []
        broken = ""
        for call in self._calls.values():
            try:
                arguments = json.loads(call.arguments or "{}")
            except ValueError:
                arguments = None
            if isinstance(arguments, dict):
                calls.append({"function": {"name": call.name, "arguments": arguments}})
            else:
                inside = f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}'
                broken += f"<tool_call>{inside}</tool_call>"
        return calls, broken

    def _line(self, text: str, thought: str, calls: list[JsonObject] | None = None) -> JsonObject:
        line: JsonObject = {
            "model": self.model,
            "created_at": self.clock.now().isoformat(),
            "done": False,
        }
        extra: JsonObject = {"thinking": thought} if thought else {}
        if calls:
            extra["tool_calls"] = calls
        if self.chat:
            return line | {"message": {"role": "assistant", "content": text, **extra}}
        return line | {"response": text, **extra}

    def _end(self) -> JsonObject:
        timings = self._timings
        return {
            "done": True,
            "done_reason": "length" if self._finish == "length" else "stop",
            "total_duration": time.perf_counter_ns() - self._began + self.waited_ns,
            "load_duration": self.waited_ns,
            "prompt_eval_count": timings.cache_n + timings.prompt_n,
            "prompt_eval_cached": timings.cache_n,
            "prompt_eval_duration": int(timings.prompt_ms * 1e6),
            "eval_count": timings.predicted_n,
            "eval_duration": int(timings.predicted_ms * 1e6),
        }
