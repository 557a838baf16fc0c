from services.domain.clock import SystemClock
from services.llm.embedded.answers import Answer
from services.llm.embedded.llama import Chunk


def chunk(delta: dict[str, object], **more: object) -> Chunk:
    return Chunk.model_validate({"choices": [{"delta": delta, **more}]})


def message(line: dict[str, object] | None) -> dict[str, object]:
    assert line is not None
    found = line["message"]
    assert isinstance(found, dict)
    return found


def test_cached_tokens_count_as_prompt_tokens():
    answer = Answer(model="m", clock=SystemClock())
    timings = {"cache_n": 90, "prompt_n": 10, "prompt_ms": 2, "predicted_n": 3, "predicted_ms": 1}
    answer.take(Chunk.model_validate({"timings": timings}))

    last = answer.last()

    assert last["prompt_eval_count"] == 100
    assert last["prompt_eval_cached"] == 90
    assert last["eval_count"] == 3
    assert last["prompt_eval_duration"] == 2_000_000


def test_chunks_that_say_nothing_are_not_streamed():
    answer = Answer(model="m", clock=SystemClock())

    assert answer.take(chunk({"role": "assistant", "content": None})) is None
    assert answer.take(Chunk(prompt_progress={"total": 9})) is None
    assert message(answer.take(chunk({"content": "Hi"}))) == {"role": "assistant", "content": "Hi"}


def test_thoughts_are_kept_apart_from_the_text():
    answer = Answer(model="m", clock=SystemClock())
    line = message(answer.take(chunk({"reasoning_content": "hm"})))

    assert line["thinking"] == "hm"
    assert line["content"] == ""


def test_tool_call_in_fragments_arrives_whole():
    answer = Answer(model="m", clock=SystemClock())
    for function in ({"name": "roll"}, {"arguments": '{"sides"'}, {"arguments": ": 6}"}):
        assert answer.take(chunk({"tool_calls": [{"index": 0, "function": function}]})) is None

    calls = [{"function": {"name": "roll", "arguments": {"sides": 6}}}]
    assert message(answer.calls())["tool_calls"] == calls


def test_call_with_broken_arguments_is_left_as_text_for_the_client_to_repair():
    answer = Answer(model="m", clock=SystemClock())
    answer.take(chunk({"tool_calls": [{"function": {"name": "roll", "arguments": "{6"}}]}))

    line = message(answer.calls())
    assert line["content"] == '<tool_call>{"name": "roll", "arguments": {6}</tool_call>'
    assert "tool_calls" not in line


def test_full_context_is_told_from_a_finished_answer():
    answer = Answer(model="m", clock=SystemClock(), chat=False)
    answer.take(chunk({"content": "so"}, finish_reason="length"))

    whole = answer.whole()
    assert whole["done_reason"] == "length"
    assert whole["response"] == "so"
    assert whole["done"] is True
