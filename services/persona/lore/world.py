"""Entries in the form of SillyTavern's world files."""

from __future__ import annotations

from collections.abc import Mapping

from services.persona.lore import fields
from services.persona.lore.entry import (
    DEFAULT_DEPTH,
    DEFAULT_ORDER,
    DEFAULT_WEIGHT,
    CharacterFilter,
    LoreEntry,
    Source,
    Uid,
)

SOURCES: Mapping[str, Source] = {
    "matchPersonaDescription": Source.PERSONA_DESCRIPTION,
    "matchCharacterDescription": Source.CHARACTER_DESCRIPTION,
    "matchCharacterPersonality": Source.PERSONALITY,
    "matchCharacterDepthPrompt": Source.DEPTH_PROMPT,
    "matchScenario": Source.SCENARIO,
    "matchCreatorNotes": Source.CREATOR_NOTES,
    "matchPersonality": Source.PERSONALITY,
    "matchDepthPrompt": Source.DEPTH_PROMPT,
}


def read_world_entry(raw: Mapping[str, object], *, uid: Uid) -> LoreEntry:
    """Return the entry; ``uid`` is its id unless it says so itself.

    Without ``selective`` the secondary keys do not count, and without ``useProbability`` there is
    no roll: only the editor's new entries have them on.
    """
    return LoreEntry(
        uid=fields.uid(raw.get("uid"), default=uid),
        keys=fields.words(raw.get("key")),
        secondary_keys=fields.words(raw.get("keysecondary")),
        comment=fields.text(raw.get("comment")),
        content=fields.text(raw.get("content")),
        constant=fields.flag(raw.get("constant")),
        vectorized=fields.flag(raw.get("vectorized")),
        selective=fields.flag(raw.get("selective")),
        logic=fields.whole(raw.get("selectiveLogic")),
        order=fields.number(raw.get("order"), default=DEFAULT_ORDER),
        position=fields.position(raw.get("position")),
        disabled=fields.flag(raw.get("disable")),
        exclude_recursion=fields.flag(raw.get("excludeRecursion")),
        prevent_recursion=fields.flag(raw.get("preventRecursion")),
        delay_until_recursion=fields.level(raw.get("delayUntilRecursion")),
        probability=fields.number(raw.get("probability"), default=100),
        use_probability=fields.flag(raw.get("useProbability")),
        depth=fields.whole(raw.get("depth"), default=DEFAULT_DEPTH),
        group=fields.text(raw.get("group")),
        group_override=fields.flag(raw.get("groupOverride")),
        group_weight=fields.number(raw.get("groupWeight"), default=DEFAULT_WEIGHT),
        scan_depth=fields.optional_whole(raw.get("scanDepth")),
        case_sensitive=fields.optional_flag(raw.get("caseSensitive")),
        match_whole_words=fields.optional_flag(raw.get("matchWholeWords")),
        use_group_scoring=fields.optional_flag(raw.get("useGroupScoring")),
        automation_id=fields.text(raw.get("automationId")),
        role=fields.role(raw.get("role")),
        sticky=fields.number(raw.get("sticky")),
        cooldown=fields.number(raw.get("cooldown")),
        delay=fields.number(raw.get("delay")),
        character_filter=fields.character_filter(raw.get("characterFilter")),
        ignore_budget=fields.flag(raw.get("ignoreBudget")),
        outlet_name=fields.text(raw.get("outletName")),
        sources=fields.sources(raw, SOURCES),
        triggers=frozenset(word.lower() for word in fields.words(raw.get("triggers"))),
        raw=raw,
    )


def world_fields(entry: LoreEntry) -> dict[str, object]:
    """Return everything an entry says, in SillyTavern's names."""
    known: dict[str, object] = {
        "uid": entry.uid,
        "key": list(entry.keys),
        "keysecondary": list(entry.secondary_keys),
        "comment": entry.comment,
        "content": entry.content,
        "constant": entry.constant,
        "vectorized": entry.vectorized,
        "selective": entry.selective,
        "selectiveLogic": int(entry.logic),
        "order": entry.order,
        "position": int(entry.position),
        "disable": entry.disabled,
        "excludeRecursion": entry.exclude_recursion,
        "preventRecursion": entry.prevent_recursion,
        "delayUntilRecursion": entry.delay_until_recursion,
        "probability": entry.probability,
        "useProbability": entry.use_probability,
        "depth": entry.depth,
        "group": entry.group,
        "groupOverride": entry.group_override,
        "groupWeight": entry.group_weight,
        "scanDepth": entry.scan_depth,
        "caseSensitive": entry.case_sensitive,
        "matchWholeWords": entry.match_whole_words,
        "useGroupScoring": entry.use_group_scoring,
        "automationId": entry.automation_id,
        "role": int(entry.role),
        "sticky": entry.sticky or None,
        "cooldown": entry.cooldown or None,
        "delay": entry.delay or None,
        "ignoreBudget": entry.ignore_budget,
        "outletName": entry.outlet_name,
        "triggers": sorted(entry.triggers),
    }
    if entry.character_filter != CharacterFilter():
        known["characterFilter"] = {
            "isExclude": entry.character_filter.exclude,
            "names": list(entry.character_filter.names),
            "tags": list(entry.character_filter.tags),
        }
    known.update({name: SOURCES[name] in entry.sources for name in list(SOURCES)[:6]})
    return known
