"""Entries in the form of the books inside V2 and V3 cards."""

from __future__ import annotations

from collections.abc import Mapping

from services.persona.cards.leniency import as_mapping
from services.persona.lore import fields
from services.persona.lore.entry import (
    DEFAULT_DEPTH,
    DEFAULT_ORDER,
    DEFAULT_WEIGHT,
    CharacterFilter,
    LoreEntry,
    Position,
    Source,
    Uid,
)

SOURCES: Mapping[str, Source] = {
    "match_persona_description": Source.PERSONA_DESCRIPTION,
    "match_character_description": Source.CHARACTER_DESCRIPTION,
    "match_character_personality": Source.PERSONALITY,
    "match_character_depth_prompt": Source.DEPTH_PROMPT,
    "match_scenario": Source.SCENARIO,
    "match_creator_notes": Source.CREATOR_NOTES,
    "match_personality": Source.PERSONALITY,
    "match_depth_prompt": Source.DEPTH_PROMPT,
}


def read_card_entry(raw: Mapping[str, object], *, uid: Uid) -> LoreEntry:
    """Return the entry; ``uid`` is its id unless it has one itself.

    What the form has no field for is read from ``extensions``, where SillyTavern keeps it.
    ``use_regex`` and the entry's own ``case_sensitive`` do not count, as they do not there.
    """
    more = as_mapping(raw.get("extensions"))
    at = more.get("position")
    return LoreEntry(
        uid=fields.uid(raw.get("id"), default=uid),
        keys=fields.words(raw.get("keys")),
        secondary_keys=fields.words(raw.get("secondary_keys")),
        comment=fields.text(raw.get("comment")) or fields.text(raw.get("name")),
        content=fields.text(raw.get("content")),
        constant=fields.flag(raw.get("constant")),
        vectorized=fields.flag(more.get("vectorized")),
        selective=fields.flag(raw.get("selective")),
        logic=fields.whole(more.get("selectiveLogic")),
        order=fields.number(raw.get("insertion_order"), default=DEFAULT_ORDER),
        position=fields.position(at) if at is not None else _position(raw.get("position")),
        disabled=not fields.flag(raw.get("enabled"), default="enabled" not in raw),
        exclude_recursion=fields.flag(more.get("exclude_recursion")),
        prevent_recursion=fields.flag(more.get("prevent_recursion")),
        delay_until_recursion=fields.level(more.get("delay_until_recursion")),
        probability=fields.number(more.get("probability"), default=100),
        use_probability=fields.flag(more.get("useProbability"), default=True),
        depth=fields.whole(more.get("depth"), default=DEFAULT_DEPTH),
        group=fields.text(more.get("group")),
        group_override=fields.flag(more.get("group_override")),
        group_weight=fields.number(more.get("group_weight"), default=DEFAULT_WEIGHT),
        scan_depth=fields.optional_whole(more.get("scan_depth")),
        case_sensitive=fields.optional_flag(more.get("case_sensitive")),
        match_whole_words=fields.optional_flag(more.get("match_whole_words")),
        use_group_scoring=fields.optional_flag(more.get("use_group_scoring")),
        automation_id=fields.text(more.get("automation_id")),
        role=fields.role(more.get("role")),
        sticky=fields.number(more.get("sticky")),
        cooldown=fields.number(more.get("cooldown")),
        delay=fields.number(more.get("delay")),
        character_filter=fields.character_filter(more.get("character_filter")),
        ignore_budget=fields.flag(more.get("ignore_budget")),
        outlet_name=fields.text(more.get("outlet_name")),
        sources=fields.sources(more, SOURCES),
        triggers=frozenset(word.lower() for word in fields.words(more.get("triggers"))),
        priority=fields.number(raw.get("priority")),
        raw=raw,
    )


def _position(value: object) -> int:
    """Everything but ``before_char`` comes after the character."""
    return Position.BEFORE if value == "before_char" else Position.AFTER


def card_fields(entry: LoreEntry) -> dict[str, object]:
    """Return everything an entry says, in the names of V3; ``extensions`` holds SillyTavern's."""
    more: dict[str, object] = {
        "position": int(entry.position),
        "exclude_recursion": entry.exclude_recursion,
        "prevent_recursion": entry.prevent_recursion,
        "delay_until_recursion": entry.delay_until_recursion,
        "probability": entry.probability,
        "useProbability": entry.use_probability,
        "depth": entry.depth,
        "selectiveLogic": int(entry.logic),
        "group": entry.group,
        "group_override": entry.group_override,
        "group_weight": entry.group_weight,
        "scan_depth": entry.scan_depth,
        "case_sensitive": entry.case_sensitive,
        "match_whole_words": entry.match_whole_words,
        "use_group_scoring": entry.use_group_scoring,
        "automation_id": entry.automation_id,
        "role": int(entry.role),
        "vectorized": entry.vectorized,
        "sticky": entry.sticky or None,
        "cooldown": entry.cooldown or None,
        "delay": entry.delay or None,
        "ignore_budget": entry.ignore_budget,
        "outlet_name": entry.outlet_name,
        "triggers": sorted(entry.triggers),
    }
    if entry.character_filter != CharacterFilter():
        more["character_filter"] = {
            "isExclude": entry.character_filter.exclude,
            "names": list(entry.character_filter.names),
            "tags": list(entry.character_filter.tags),
        }
    more.update({name: SOURCES[name] in entry.sources for name in list(SOURCES)[:6]})
    return {
        "id": entry.uid,
        "keys": list(entry.keys),
        "secondary_keys": list(entry.secondary_keys),
        "comment": entry.comment,
        "content": entry.content,
        "constant": entry.constant,
        "selective": entry.selective,
        "insertion_order": entry.order,
        "enabled": not entry.disabled,
        "position": "before_char" if entry.position == Position.BEFORE else "after_char",
        "use_regex": any(key.startswith("/") for key in entry.keys),
        "extensions": more,
    }
