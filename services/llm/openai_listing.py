"""What endpoints tell of their models."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.llm.byte_lines import MalformedLine
from services.llm.openai_faults import unreachable

if TYPE_CHECKING:
    from services.llm.openai_connection import OpenAiConnection

_ASK_SECONDS = 15.0
_BILLION, _MILLION = 10**9, 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedListing:
    """A model of an endpoint; ``None`` is what it does not say."""

    name: str
    context_tokens: int | None = None
    size_bytes: int | None = None
    parameters: str | None = None
    tools: bool | None = None
    vision: bool | None = None
    thinking: bool | None = None


async def list_models(connection: OpenAiConnection) -> list[HostedListing] | None:
    """Ask for the endpoint's models; ``None`` where it has no such list.

    llama.cpp is also asked for the context it really serves. Raises ``ProviderError``.
    """
    client = await connection.client()
    try:
        with connection.translated():
            async with asyncio.timeout(_ASK_SECONDS):
                listed = await client.document("/models")
                models = None if listed is None else _read_models(listed)
                if connection.endpoint.provider == "llamacpp" and models and len(models) == 1:
                    props = await client.document(f"{connection.root}/props")
                    models = [_with_props(models[0], props)]
    except TimeoutError as error:
        raise unreachable(connection.endpoint, "does not answer", "no answer to /models") from error
    return models


def _read_models(document: object) -> list[HostedListing]:
    found = document.get("data") if isinstance(document, Mapping) else document
    if not isinstance(found, list):
        raise MalformedLine
    return [
        _read_model(entry["id"], entry)
        for entry in found
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str) and entry["id"]
    ]


def _read_model(name: str, entry: Mapping[str, object]) -> HostedListing:
    meta = _mapping(entry, "meta")
    contexts = (
        _count(entry, "context_length"),
        _count(_mapping(entry, "top_provider"), "context_length"),
        _count(entry, "context_window"),
        _count(entry, "max_model_len"),
        _count(meta, "n_ctx") or _count(meta, "n_ctx_train"),
    )
    takes = entry.get("supported_parameters")
    inputs = _mapping(entry, "architecture").get("input_modalities")
    return HostedListing(
        name=name,
        context_tokens=min(filter(None, contexts), default=None),
        size_bytes=_count(meta, "size"),
        parameters=_parameters(_count(meta, "n_params")),
        tools="tools" in takes if isinstance(takes, list) else None,
        thinking=bool({"reasoning", "include_reasoning"} & {*map(str, takes)})
        if isinstance(takes, list)
        else None,
        vision="image" in inputs if isinstance(inputs, list) else None,
    )


def _with_props(model: HostedListing, props: object) -> HostedListing:
    if not isinstance(props, Mapping):
        return model
    served = _count(_mapping(props, "default_generation_settings"), "n_ctx")
    vision = _mapping(props, "modalities").get("vision")
    return replace(
        model,
        context_tokens=served or model.context_tokens,
        vision=vision if isinstance(vision, bool) else model.vision,
    )


def _mapping(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(source: Mapping[str, object], key: str) -> int | None:
    value = source.get(key)
    return value if isinstance(value, int) and value > 0 else None


def _parameters(count: int | None) -> str | None:
    if count is None:
        return None
    return f"{count / _BILLION:.1f}B" if count >= _BILLION else f"{count // _MILLION}M"
