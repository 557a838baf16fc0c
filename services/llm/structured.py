"""Typed answers: a model's JSON, checked, with one chance to repair it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatModel, ChatRequest, ContentDelta, PromptMessage, PromptRole

Answer = TypeVar("Answer", bound=BaseModel)

_SHOWN_PROBLEMS = 5
_SHOWN_ANSWER = 2000
_BOUNDS = {
    "string": (("maxLength", "enum", "const"),),
    "array": (("maxItems",),),
    "integer": (
        ("minimum", "exclusiveMinimum", "enum", "const"),
        ("maximum", "exclusiveMaximum", "enum", "const"),
    ),
    "number": (
        ("minimum", "exclusiveMinimum", "enum", "const"),
        ("maximum", "exclusiveMaximum", "enum", "const"),
    ),
}


class UnboundedSchemaError(TypeError):
    """An answer type lets a model write without end; give its fields bounds."""


async def ask_typed(model: ChatModel, request: ChatRequest, answer: type[Answer]) -> Answer:
    """Ask for JSON of the shape of ``answer`` and return it checked.

    A wrong answer is shown to the model once, with what is wrong and twice the tokens if it was
    cut off. Raises ``ProviderError`` (``MALFORMED``) when the second is wrong too, and
    ``UnboundedSchemaError`` when a string, number or array of ``answer`` has no bounds: grammars
    let small models fill those for ever.
    """
    request = replace(request, schema=_bounded_schema(answer))
    text, cut_off = await _ask(model, request)
    try:
        return answer.model_validate_json(_json_in(text))
    except ValidationError as error:
        problems = _problems(error)
    text, _ = await _ask(model, _repair_request(request, text, problems, cut_off=cut_off))
    try:
        return answer.model_validate_json(_json_in(text))
    except ValidationError as error:
        raise ProviderError(
            model.info.provider,
            ProviderFault.MALFORMED,
            f"The model {model.info.name} did not answer in the form asked for; "
            "try again, or choose a larger model.",
            detail=f"{answer.__name__}: {_problems(error)}"[:200],
        ) from error


async def _ask(model: ChatModel, request: ChatRequest) -> tuple[str, bool]:
    """Return the answer's text and whether it was cut off."""
    text: list[str] = []
    cut_off = False
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            if isinstance(event, ContentDelta):
                text.append(event.text)
            elif event.kind == "ended":
                cut_off = event.finish == "length"
    return "".join(text), cut_off


def _repair_request(
    request: ChatRequest, text: str, problems: str, *, cut_off: bool
) -> ChatRequest:
    sampling = request.sampling
    if cut_off:
        sampling = replace(sampling, max_tokens=sampling.max_tokens * 2)
    wrong = PromptMessage(
        role=PromptRole.ASSISTANT, content=text[:_SHOWN_ANSWER] or "{}", source="repair"
    )
    ask = PromptMessage(
        role=PromptRole.USER,
        content=f"That was not in the form asked for: {problems}. Answer again with JSON only.",
        source="repair",
    )
    return replace(request, messages=(*request.messages, wrong, ask), sampling=sampling)


def _json_in(text: str) -> str:
    """Cut away what models put around JSON although they were told not to."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def _problems(error: ValidationError) -> str:
    """Say where and what, without the values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}"
        for each in found[:_SHOWN_PROBLEMS]
    )


@functools.lru_cache(maxsize=128)
def _bounded_schema(answer: type[BaseModel]) -> Mapping[str, object]:
    schema = answer.model_json_schema()
    unbounded = sorted(set(_unbounded(schema, answer.__name__)))
    if unbounded:
        raise UnboundedSchemaError(", ".join(unbounded))
    return schema


def _unbounded(part: object, path: str) -> Iterator[str]:
    """Yield the paths of what has no bounds."""
    if isinstance(part, list):
        for each in part:
            yield from _unbounded(each, path)
    elif isinstance(part, Mapping):
        kind = part.get("type")
        groups = _BOUNDS.get(kind, ()) if isinstance(kind, str) else ()
        if not all(any(bound in part for bound in group) for group in groups):
            yield path
        if kind == "object" and part.get("additionalProperties") and "maxProperties" not in part:
            yield path
        for key, value in part.items():
            named = key in {"properties", "$defs"} and isinstance(value, Mapping)
            if named:
                for name, each in value.items():
                    yield from _unbounded(each, f"{path}.{name}")
            elif key in {"items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties"}:
                yield from _unbounded(value, path)
