"""Scans as JSON: settings, chats and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast, get_args

from services.domain.errors import InvalidRequest
from services.persona.cards.leniency import as_mapping
from services.persona.lore import fields
from services.persona.lore.entry import Source
from services.persona.lore.request import ChatLine, Decorators, ScanSettings, Strategy
from services.persona.lore.result import Activation, ScanResult

SETTINGS = frozenset(
    {
        "scan_depth",
        "budget",
        "recursive",
        "case_sensitive",
        "match_whole_words",
        "include_names",
        "max_recursion_steps",
        "min_activations",
        "min_activations_depth_max",
        "use_group_scoring",
        "strategy",
        "decorators",
        "user",
        "char",
        "tokens",
        "trigger",
        "tags",
        "names",
        "injected",
        "vectorized",
        "greeting",
        "user_icon",
        *(source.value for source in Source),
    }
)
"""The names that settings may have."""

_STRATEGIES = {strategy.name.lower(): strategy for strategy in Strategy}


def read_settings(raw: Mapping[str, object]) -> ScanSettings:
    """Return the settings of a scan; what is missing or null is as SillyTavern ships it.

    A budget of 0 sets no limit. Raises ``InvalidRequest`` for a strategy or a kind of decorators
    that does not exist.
    """
    shipped = ScanSettings()
    budget = fields.whole(raw.get("budget"))
    return ScanSettings(
        scan_depth=fields.whole(raw.get("scan_depth"), default=shipped.scan_depth),
        budget=budget if budget > 0 else None,
        recursive=fields.flag(raw.get("recursive"), default=shipped.recursive),
        case_sensitive=fields.flag(raw.get("case_sensitive"), default=shipped.case_sensitive),
        match_whole_words=fields.flag(
            raw.get("match_whole_words"), default=shipped.match_whole_words
        ),
        include_names=fields.flag(raw.get("include_names"), default=shipped.include_names),
        max_recursion_steps=fields.whole(raw.get("max_recursion_steps")),
        min_activations=fields.whole(raw.get("min_activations")),
        min_activations_depth_max=fields.whole(raw.get("min_activations_depth_max")),
        use_group_scoring=fields.flag(raw.get("use_group_scoring")),
        strategy=_strategy(raw.get("strategy")),
        decorators=_decorators(raw.get("decorators")),
    )


def read_chat(raw: object) -> tuple[ChatLine, ...]:
    """Return a chat from a list of messages, oldest first; raises ``InvalidRequest``."""
    if not isinstance(raw, (list, tuple)):
        raise InvalidRequest("lore_chat", "The chat has to be a list of messages.")
    lines = []
    for at, message in enumerate(raw, 1):
        if not isinstance(message, Mapping):
            raise InvalidRequest("lore_chat", f"Message {at} of the chat is not an object.")
        lines.append(
            ChatLine(
                name=fields.text(message.get("name")),
                content=fields.text(message.get("content")),
                role=fields.text(message.get("role")),
            )
        )
    return tuple(lines)


def result_as_json(result: ScanResult) -> dict[str, object]:
    """Return a result as it is printed."""
    return {
        "activated": [_activation(one) for one in result.activated],
        "before": _uids(result.before),
        "after": _uids(result.after),
        "at_depth": [
            {"depth": block.depth, "role": int(block.role), "uids": _uids(block.entries)}
            for block in result.at_depth
        ],
        "other": {name: _uids(entries) for name, entries in result.other.items()},
        "skipped": [
            {"book": skip.book, "uid": skip.uid, "reason": skip.reason} for skip in result.skipped
        ],
        "tokens": result.tokens,
    }


def result_as_text(result: ScanResult) -> str:
    """Return a result for people."""
    lines = [
        f"{one.book} #{one.uid} {one.entry.comment}".rstrip() + f": {one.reason}"
        for one in result.activated
    ] or ["No entry is activated."]
    if result.skipped:
        lines.append("Skipped:")
        lines += [f"  {skip.book} #{skip.uid}: {skip.reason}" for skip in result.skipped]
    lines.append(f"{result.tokens} tokens")
    return "\n".join(lines) + "\n"


def _activation(one: Activation) -> dict[str, object]:
    entry = one.entry
    return {
        "book": one.book,
        "uid": entry.uid,
        "comment": entry.comment,
        "position": int(entry.position),
        "depth": entry.depth,
        "role": int(entry.role),
        "order": entry.order,
        "reason": one.reason if one.step == 1 else f"{one.reason}, pass {one.step}",
    }


def _uids(entries: Iterable[Activation]) -> Sequence[object]:
    return [one.uid for one in entries]


def _strategy(value: object) -> Strategy:
    if value is None:
        return Strategy.CHARACTER_FIRST
    if isinstance(value, str) and value.strip().lower() in _STRATEGIES:
        return _STRATEGIES[value.strip().lower()]
    try:
        return Strategy(fields.whole(value, default=-1))
    except ValueError as error:
        raise InvalidRequest(
            "lore_strategy",
            "The strategy has to be 0 (evenly), 1 (character first) or 2 (global first).",
        ) from error


def _decorators(value: object) -> Decorators:
    if value is None:
        return ScanSettings().decorators
    for known in get_args(Decorators):
        if value == known:
            return cast("Decorators", known)
    raise InvalidRequest("lore_decorators", "Decorators are auto, sillytavern or v3.")


def source_texts(raw: Mapping[str, object]) -> dict[Source, str]:
    """Return the texts beside the chat that settings bring, under ``sources`` or by themselves."""
    grouped = as_mapping(raw.get("sources"))
    texts = {}
    for source in Source:
        value = raw.get(source.value, grouped.get(source.value))
        if value is not None:
            texts[source] = fields.text(value)
    return texts
