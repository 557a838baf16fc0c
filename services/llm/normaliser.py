"""Turns whatever a model streams into answer text, thought and tool calls."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.domain.calls import ToolCall
from services.llm.held_call import HeldCall, HeldFence, HeldMark, HeldObject, HeldTag
from services.llm.model import ContentDelta, ModelEvent, ReasoningDelta, ToolCalled
from services.llm.tool_text import CALL, SAY

_THOUGHT = ("think", "thinking", "reasoning", "thought")
_THOUGHT_OPENERS = tuple(f"<{name}>" for name in _THOUGHT)
_THOUGHT_CLOSERS = tuple(f"</{name}>" for name in _THOUGHT)
_CALL_OPENERS = ("<tool_call>", "<function_call>")
_CONTROL = (
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|begin_of_text|>",
    "<|end|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|python_tag|>",
    "<|assistant|>",
    "<|user|>",
    "<|system|>",
    "</s>",
    "<end_of_turn>",
    "<start_of_turn>",
)
_TAG_CHARACTERS = max(map(len, (*_CALL_OPENERS, *_CONTROL, *_THOUGHT_CLOSERS)))
_FENCE = "```"
_WHITESPACE = re.compile(r"\s*")
_LEAD_CHARACTERS = 8192
_SPECIAL = re.compile("<")
_SPECIAL_WITH_TOOLS = re.compile(rf"[<`]|{CALL}|C(?:A(?:LL?)?)?$")


@dataclass(slots=True)
class _Output:
    """Events in order, neighbours of one kind joined."""

    events: list[ModelEvent]

    def content(self, text: str) -> None:
        last = self.events[-1] if self.events else None
        if isinstance(last, ContentDelta):
            self.events[-1] = ContentDelta(text=last.text + text)
        elif text:
            self.events.append(ContentDelta(text=text))

    def reasoning(self, text: str) -> None:
        last = self.events[-1] if self.events else None
        if isinstance(last, ReasoningDelta):
            self.events[-1] = ReasoningDelta(text=last.text + text)
        elif text:
            self.events.append(ReasoningDelta(text=text))


class StreamNormaliser:
    """Reads one answer as it arrives, in pieces of any size, with the same result for any cutting.

    Thought between ``<think>`` tags (also ``thinking``, ``reasoning``, ``thought``, any case) never
    becomes content, closed or not; a tag right after a backtick is a quotation and stays text.
    Tool calls written as text (``CALL:``, tags, fenced blocks, bare JSON at the start) become calls
    when they name one of ``tools``; other text comes out unchanged, except that control tokens are
    dropped, and so is a ``SAY:`` at the start and white space between it, a thought or a call and
    the first visible text. Only what may still
    become a tag or a call is held back: a few characters, or up to 8192 of what looks like a call.

    ``opened_in_thought`` is for models whose prompt ends inside a thought, so that only the closing
    tag is ever written. ``call_ids`` names the calls.
    """

    def __init__(
        self,
        *,
        tools: Collection[str] = (),
        opened_in_thought: bool = False,
        call_ids: Iterator[str] | None = None,
    ) -> None:
        self._tools = frozenset(tools)
        self._thinking = opened_in_thought
        self._call_ids = call_ids or (f"call_{number}" for number in itertools.count(1))
        self._special = _SPECIAL_WITH_TOOLS if self._tools else _SPECIAL
        self._tags = (*_THOUGHT_OPENERS, *_THOUGHT_CLOSERS, *_CONTROL)
        if self._tools:
            self._tags += _CALL_OPENERS
        self._buffer = ""
        self._at = 0
        self._previous = ""
        self._lead = ""
        self._visible = False
        self._after_block = opened_in_thought
        self._in_code = False
        self._held: HeldCall | None = None
        self._ended = False
        self._out = _Output([])

    def feed(self, content: str = "", thinking: str = "") -> list[ModelEvent]:
        """Take the next piece of the answer and of the separately sent thought."""
        if thinking:
            self._out.reasoning(thinking)
        if content:
            self._buffer += content
            self._drain()
        return self._taken()

    def call(self, name: str, arguments: Mapping[str, object], *, call_id: str = "") -> ToolCalled:
        """Return the event of a call the provider sent as such, named by ``call_id`` if given."""
        call = ToolCall(id=call_id or next(self._call_ids), name=name, arguments=arguments)
        return ToolCalled(call=call)

    def close(self) -> list[ModelEvent]:
        """Decide what is still held back; nothing may be fed afterwards."""
        self._ended = True
        self._drain()
        if not self._after_block:
            self._out.content(self._lead)
        self._lead = ""
        return self._taken()

    def _taken(self) -> list[ModelEvent]:
        events, self._out = self._out.events, _Output([])
        return events

    def _drain(self) -> None:
        moved = True
        while moved and self._at < len(self._buffer):
            if self._thinking:
                moved = self._read_thought()
            elif self._held is not None:
                moved = self._read_held(self._held)
            elif not self._visible:
                moved = self._read_start()
            else:
                moved = self._read_text()
        self._buffer = self._buffer[self._at :]
        self._at = 0

    def _advance(self, count: int) -> str:
        """Consume ``count`` characters and return them."""
        taken = self._buffer[self._at : self._at + count]
        self._at += count
        self._previous = taken[-1:] or self._previous
        return taken

    def _show(self, count: int) -> None:
        text = self._advance(count)
        if not self._visible:
            self._visible = True
            if not self._after_block:
                self._out.content(self._lead)
            self._lead = ""
        self._out.content(text)

    def _read_thought(self) -> bool:
        start = self._buffer.find("<", self._at)
        if start != self._at:
            end = len(self._buffer) if start < 0 else start
            self._out.reasoning(self._advance(end - self._at))
            return True
        tag = self._tag(_THOUGHT_CLOSERS)
        if tag is None:
            return False
        if tag:
            self._advance(len(tag))
            self._thinking = False
            self._after_block = True
        else:
            self._out.reasoning(self._advance(1))
        return True

    def _read_start(self) -> bool:
        """Read while nothing visible has come: white space waits, bare JSON may be a call."""
        space = _WHITESPACE.match(self._buffer, self._at)
        if space is not None and space.group():
            self._lead += self._advance(len(space.group()))
            if len(self._lead) > _LEAD_CHARACTERS:
                self._show(0)
            return True
        if self._tools and self._buffer[self._at] in "{[":
            self._held = HeldObject(self._tools)
            return True
        said = self._stands(SAY) if self._tools else False
        if said:
            self._advance(len(SAY))
            self._after_block = True
        return said or (said is not None and self._read_text())

    def _stands(self, mark: str) -> bool | None:
        """Say whether ``mark`` stands here, ``None`` while it may still come."""
        rest = self._buffer[self._at : self._at + len(mark)]
        if rest == mark:
            return True
        return None if mark.startswith(rest) and not self._ended else False

    def _read_text(self) -> bool:
        special = self._special.search(self._buffer, self._at)
        start = special.start() if special else len(self._buffer)
        if start > self._at:
            self._show(start - self._at)
            return True
        match self._buffer[start]:
            case "`":
                return self._read_backtick()
            case "C":
                return self._read_mark()
            case _:
                return self._read_tag()

    def _read_mark(self) -> bool:
        stands = self._stands(CALL)
        if stands:
            self._held = HeldMark(self._tools)
        elif stands is False:
            self._show(1)
        return stands is not None

    def _read_tag(self) -> bool:
        tag = self._tag(self._tags) if self._previous != "`" else ""
        if tag is None:
            return False
        if tag in _CALL_OPENERS:
            self._held = HeldTag(self._tools, tag)
        elif tag in _CONTROL:
            self._advance(len(tag))
        elif tag:
            self._advance(len(tag))
            self._thinking = tag in _THOUGHT_OPENERS
            self._after_block = True
        else:
            self._show(1)
        return True

    def _tag(self, tags: Sequence[str]) -> str | None:
        """Return which tag stands here, ``""`` for none, ``None`` while it may become one."""
        rest = self._buffer[self._at : self._at + _TAG_CHARACTERS].lower()
        may_become = False
        for tag in tags:
            if rest.startswith(tag):
                return tag
            may_become = may_become or tag.startswith(rest)
        return None if may_become and not self._ended else ""

    def _read_backtick(self) -> bool:
        run = self._buffer[self._at : self._at + len(_FENCE)]
        if self._previous != "`" and run == _FENCE and not self._in_code:
            self._held = HeldFence(self._tools)
        elif self._previous != "`" and run == _FENCE:
            self._in_code = False
            self._show(len(_FENCE))
        elif self._previous == "`" or self._ended or not _FENCE.startswith(run):
            self._show(1)
        else:
            return False
        return True

    def _read_held(self, held: HeldCall) -> bool:
        verdict = held.decide(self._buffer[self._at :], ended=self._ended)
        if verdict is None:
            return False
        self._held = None
        if verdict.calls is None:
            self._in_code = self._in_code or held.opener == _FENCE
            self._show(verdict.length)
            return True
        self._advance(verdict.length)
        self._after_block = True
        self._out.events.extend(self.call(each.name, each.arguments) for each in verdict.calls)
        return True
