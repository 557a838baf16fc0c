"""What differs between the endpoints that speak OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Extra = Mapping[str, object]

_EFFORT: Mapping[bool, Sequence[Extra]] = {
    False: ({"reasoning_effort": "none"}, {"reasoning_effort": "minimal"}),
    True: ({"reasoning_effort": "medium"},),
}
_TEMPLATE: Mapping[bool, Sequence[Extra]] = {
    False: ({"chat_template_kwargs": {"enable_thinking": False}},),
    True: ({"chat_template_kwargs": {"enable_thinking": True}},),
}
_ROUTER: Mapping[bool, Sequence[Extra]] = {
    False: ({"reasoning": {"enabled": False}},),
    True: ({"reasoning": {"enabled": True}},),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedKind:
    """One kind of endpoint.

    ``thinking`` says how reasoning is switched, the first wording tried first; ``sampling`` which
    body name a ``Sampling`` field has beyond those all kinds take. ``takes_first`` is for servers
    that run few models, so that the first one will do. The ``*_variable`` names are what people set
    in the environment.
    """

    title: str
    address: str
    key_variable: str
    address_variable: str
    prefix: str
    thinking: Mapping[bool, Sequence[Extra]]
    sampling: Mapping[str, str] = field(default_factory=dict)
    takes_first: bool = False


KINDS: Mapping[str, HostedKind] = {
    "openai": HostedKind(
        title="OpenAI",
        address="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        address_variable="OPENAI_BASE_URL",
        prefix="ACORE_OPENAI__",
        thinking=_EFFORT,
    ),
    "openrouter": HostedKind(
        title="OpenRouter",
        address="https://openrouter.ai/api/v1",
        key_variable="OPENROUTER_API_KEY",
        address_variable="ACORE_OPENROUTER__BASE_URL",
        prefix="ACORE_OPENROUTER__",
        thinking=_ROUTER,
        sampling={"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"},
    ),
    "requesty": HostedKind(
        title="Requesty",
        address="https://router.requesty.ai/v1",
        key_variable="REQUESTY_API_KEY",
        address_variable="ACORE_REQUESTY__BASE_URL",
        prefix="ACORE_REQUESTY__",
        thinking=_EFFORT,
    ),
    "vllm": HostedKind(
        title="vLLM",
        address="http://127.0.0.1:8000/v1",
        key_variable="ACORE_VLLM__API_KEY",
        address_variable="ACORE_VLLM__BASE_URL",
        prefix="ACORE_VLLM__",
        thinking=_TEMPLATE,
        sampling={"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"},
        takes_first=True,
    ),
    "llamacpp": HostedKind(
        title="llama.cpp",
        address="http://127.0.0.1:8080/v1",
        key_variable="ACORE_LLAMACPP__API_KEY",
        address_variable="ACORE_LLAMACPP__BASE_URL",
        prefix="ACORE_LLAMACPP__",
        thinking=_TEMPLATE,
        sampling={"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty"},
        takes_first=True,
    ),
}


def kind_of(provider: str) -> HostedKind:
    """Return the kind called ``provider``; one nobody knows is treated as OpenAI's own API."""
    return KINDS.get(provider, KINDS["openai"])
