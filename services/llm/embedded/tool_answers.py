"""One answer of a model that may call a tool: its first word decides, the rest follows from it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from services.llm.embedded.llama import Chunk, Fragment, Timings
from services.llm.embedded.tool_choice import (
    STOPS,
    continued,
    grammar,
    means_call,
    read_call,
    told,
    tools_of,
)
from services.llm.embedded.wire import ChatBody, JsonObject, sampling, templated
from services.llm.tool_text import CALL, SAY

Ask = Callable[[JsonObject], AsyncGenerator[Chunk, None]]

_FIRST_WORD: JsonObject = {
    "max_tokens": 1,
    "temperature": 0.0,
    "logprobs": True,
    "top_logprobs": 20,
}
_CERTAIN: JsonObject = {"temperature": 0.0}


async def answer_or_call(body: ChatBody, ask: Ask) -> AsyncGenerator[Chunk, None]:
    """Yield the answer of ``body``, in words or as one call of one of its tools.

    The probabilities of the first word decide. A call goes on from there, held to its tool's
    schema by a grammar; one that reaches the longest answer before its end is left out, and the
    answer is empty. Words go on from there after a tool's result. Before any, they are said as if
    there were no tools: only the last message is read again, which the next turn then finds in the
    cache, and neither the tools nor the examples colour what a character says.
    """
    tools = tools_of(body)
    explained = told(body, tools)
    first: dict[str, float] = {}
    cost = Timings()
    async with aclosing(ask({**templated(explained), **_FIRST_WORD})) as chunks:
        async for chunk in chunks:
            first |= _first_words(chunk)
            cost = chunk.timings or cost
            if chunk.prompt_progress is not None:
                yield chunk
    if tools and means_call(first):
        request = templated(continued(explained, CALL)) | sampling(body) | _CERTAIN
        answer = _called(ask({**request, "grammar": grammar(tools)}))
    elif body.messages[-1].role == "user":
        answer = ask(templated(told(body, ())) | sampling(body))
    else:
        request = templated(continued(explained, SAY)) | sampling(body)
        answer = _said(ask({**request, "stop": [*_stops(request), *STOPS]}))
    async with aclosing(answer) as chunks:
        async for chunk in chunks:
            yield _charged(chunk, cost)


async def _said(chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
    """Yield an answer in words without the white space between it and the first word."""
    begun = False
    async with aclosing(chunks):
        async for chunk in chunks:
            for choice in chunk.choices:
                if not begun and choice.delta.content:
                    choice.delta.content = choice.delta.content.lstrip()
                    begun = bool(choice.delta.content)
            yield chunk


async def _called(chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
    """Yield a call once it is whole, and nothing of its text."""
    text = ""
    async with aclosing(chunks):
        async for chunk in chunks:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                choice.delta.content = None
                call = read_call(text) if choice.finish_reason else None
                if call is not None:
                    function = Fragment.Function(
                        name=call.function.name, arguments=json.dumps(call.function.arguments)
                    )
                    choice.delta.tool_calls = (Fragment(function=function),)
            yield chunk


def _first_words(chunk: Chunk) -> dict[str, float]:
    return {
        each.token: each.logprob
        for choice in chunk.choices
        for place in (choice.logprobs.content if choice.logprobs else None) or ()
        for each in place.top_logprobs
    }


def _stops(request: JsonObject) -> list[object]:
    stop = request.get("stop")
    return stop if isinstance(stop, list) else [stop] if stop else []


def _charged(chunk: Chunk, cost: Timings) -> Chunk:
    """Return ``chunk`` with what the prompt cost, which was evaluated for the first word."""
    if chunk.timings is None:
        return chunk
    timings = chunk.timings.model_copy(
        update={
            "cache_n": cost.cache_n,
            "prompt_n": cost.prompt_n,
            "prompt_ms": cost.prompt_ms + chunk.timings.prompt_ms,
        }
    )
    return chunk.model_copy(update={"timings": timings})
