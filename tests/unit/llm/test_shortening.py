"""Prompts are cut where nothing that belongs together comes apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.domain.calls import ToolCall
from services.llm.model import PromptMessage, PromptRole
from services.llm.shortening import fitted, last_exchange
from services.llm.tokens import EstimatedTokens, prompt_tokens
from tests.fakes.model_requests import saying

SYSTEM, USER, ASSISTANT, TOOL = PromptRole
COUNTER = EstimatedTokens()


def called(number: int, results: int) -> list[PromptMessage]:
    calls = tuple(
        ToolCall(id=f"{number}.{n}", name="search", arguments={"q": "tea"}) for n in range(results)
    )
    given_back = [saying(TOOL, "Result " * 9, tool_call_id=call.id) for call in calls]
    return [saying(ASSISTANT, "", tool_calls=calls), *given_back]


TURNS = st.lists(
    st.one_of(
        st.builds(lambda n: [saying(USER, "word " * n)], st.integers(1, 40)),
        st.builds(lambda n: [saying(ASSISTANT, "word " * n)], st.integers(1, 40)),
        st.builds(lambda n: [saying(SYSTEM, "note " * n)], st.integers(1, 9)),
        st.builds(called, st.integers(0, 10**9), st.integers(1, 3)),
    ),
    min_size=1,
    max_size=12,
)


@given(TURNS, st.integers(0, 400))
def test_cut_keeps_calls_with_results_and_the_newest_and_the_budget(
    turns: list[list[PromptMessage]], budget: int
) -> None:
    messages = [saying(SYSTEM, "You are Mira."), *(message for turn in turns for message in turn)]
    kept = fitted(messages, budget=budget, counter=COUNTER)
    places = [next(n for n, each in enumerate(messages) if each is message) for message in kept]
    assert places == sorted(set(places))
    assert kept[0] is messages[0]
    assert kept[-1] is messages[-1]
    users = [message for message in messages if message.role is USER]
    assert not users or any(message is users[-1] for message in kept)
    offered = {call.id for message in kept for call in message.tool_calls}
    assert offered == {message.tool_call_id for message in kept if message.role is TOOL}
    at_least = fitted(messages, budget=0, counter=COUNTER)
    assert prompt_tokens(COUNTER, kept) <= max(budget, prompt_tokens(COUNTER, at_least))
    if prompt_tokens(COUNTER, messages) <= budget:
        assert kept == messages


def test_old_messages_go_first_without_holes() -> None:
    messages = [saying(SYSTEM, "You."), *(saying(USER, f"word {n} " * 20) for n in range(9))]
    budget = prompt_tokens(COUNTER, [messages[0], *messages[-3:]])
    assert fitted(messages, budget=budget, counter=COUNTER) == [messages[0], *messages[-3:]]


def test_question_of_a_long_tool_round_stays_although_its_first_results_go() -> None:
    question = saying(USER, "What about tea?")
    rounds = [message for number in range(6) for message in called(number, 1)]
    budget = prompt_tokens(COUNTER, [question, *rounds[-4:]])
    kept = fitted([question, *rounds], budget=budget, counter=COUNTER)
    assert kept == [question, *rounds[-4:]]


def test_last_exchange_without_a_question_is_the_last_round() -> None:
    system, old = saying(SYSTEM, "You."), saying(ASSISTANT, "Old.")
    rounds = called(1, 2)
    assert last_exchange([system, old, *rounds]) == [system, *rounds]
    assert last_exchange([]) == []
