"""One answer of a built-in model that may call a tool."""

import math
from contextlib import aclosing

from services.llm.embedded.llama import Chunk
from services.llm.embedded.tool_answers import answer_or_call
from services.llm.embedded.wire import ChatBody

BODY = ChatBody.model_validate(
    {
        "model": "m",
        "messages": [{"role": "user", "content": "Roll a die."}],
        "tools": [{"type": "function", "function": {"name": "roll", "description": "Rolls."}}],
        "options": {"num_predict": 50, "temperature": 0.8, "stop": ["Sam:"]},
    }
)


class Llama:
    """Says a first word with some probability of a call, then pieces of text."""

    def __init__(self, *pieces, call=0.99, finish="stop"):
        self.pieces, self.call, self.finish = pieces, call, finish
        self.requests = []
        self.closed = 0

    async def __call__(self, request):
        self.requests.append(request)
        try:
            if "logprobs" in request:
                yield Chunk(prompt_progress={"total": 40})
                yield self.first_word()
                yield Chunk.model_validate({"timings": {"cache_n": 30, "prompt_n": 10}})
                return
            for piece in self.pieces:
                yield Chunk.model_validate({"choices": [{"delta": {"content": piece}}]})
            yield Chunk.model_validate(
                {
                    "choices": [{"delta": {}, "finish_reason": self.finish}],
                    "timings": {"cache_n": 40, "prompt_n": 2, "predicted_n": len(self.pieces)},
                }
            )
        finally:
            self.closed += 1

    def first_word(self):
        weighed = [
            {"token": "CALL", "logprob": math.log(self.call)},
            {"token": "S", "logprob": math.log(1 - self.call)},
        ]
        places = {"content": [{"top_logprobs": weighed}]}
        return Chunk.model_validate(
            {"choices": [{"delta": {"content": "CALL"}, "logprobs": places}]}
        )


async def heard(llama, body=BODY):
    """The answer's text, its calls, how it finished and what it cost."""
    text, calls, finish, timings = "", [], None, None
    async with aclosing(answer_or_call(body, llama)) as chunks:
        async for chunk in chunks:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                calls += [(c.function.name, c.function.arguments) for c in choice.delta.tool_calls]
                finish = choice.finish_reason or finish
            timings = chunk.timings or timings
    return text, calls, finish, timings


async def test_a_call_comes_whole_and_nothing_of_its_text():
    llama = Llama(' {"name": "roll", ', '"arguments": {}}')
    text, calls, _, timings = await heard(llama)

    assert (text, calls) == ("", [("roll", "{}")])
    assert (timings.cache_n, timings.prompt_n, timings.predicted_n) == (30, 10, 2)
    word, call = llama.requests
    assert word["max_tokens"] == 1
    assert call["messages"][-1] == {"role": "assistant", "content": "CALL:"}
    assert call["messages"][:-1] == word["messages"]
    assert call["temperature"] == 0.0
    assert "roll" in call["grammar"]


async def test_talk_is_answered_as_if_there_were_no_tools():
    llama = Llama("It", " rains.", call=0.1)
    text, calls, _, timings = await heard(llama)

    assert (text, calls) == ("It rains.", [])
    said = llama.requests[1]
    assert said["messages"] == [{"role": "user", "content": "Roll a die."}]
    assert (said["temperature"], said["stop"]) == (0.8, ["Sam:"])
    assert "grammar" not in said
    assert timings.prompt_n == 10


async def test_after_a_result_the_answer_goes_on_from_where_the_model_decided():
    call = {"function": {"name": "roll", "arguments": {}}}
    round_made = [
        {"role": "user", "content": "Roll a die."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "4"},
    ]
    body = ChatBody.model_validate({**BODY.model_dump(), "messages": round_made})
    llama = Llama(" ", " A", " four.", call=0.1)
    text, calls, _, _ = await heard(llama, body)

    assert (text, calls) == ("A four.", [])
    word, said = llama.requests
    assert said["messages"] == [*word["messages"], {"role": "assistant", "content": "SAY:"}]
    assert said["stop"][0] == "Sam:"
    assert "\nCALL:" in said["stop"]


async def test_half_a_call_is_left_out():
    text, calls, finish, _ = await heard(Llama(' {"name": "roll", "argu', finish="length"))
    assert (text, calls, finish) == ("", [], "length")


async def test_who_stops_listening_stops_the_model():
    llama = Llama(" a", " b", call=0.1)
    async with aclosing(answer_or_call(BODY, llama)) as chunks:
        async for chunk in chunks:
            if any(choice.delta.content for choice in chunk.choices):
                break
    assert llama.closed == 2
