"""From any JSON that describes a character to the one normal form, ``chara_card_v3``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from services.persona.cards.books import book_of
from services.persona.cards.document import CardDocument
from services.persona.cards.foreign import adapt
from services.persona.cards.jsontree import freeze
from services.persona.cards.leniency import as_mapping, as_number
from services.persona.cards.limits import CardProblem
from services.persona.cards.repairs import Repairs
from services.persona.cards.versions import DEFAULT_VERSION, restored, version_put_away

V1_FIELDS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_STORY_FIELDS = V1_FIELDS[2:]  # a lorebook may have a name and a description, too
_TEXTS = (
    *V1_FIELDS,
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
_LISTS = ("alternate_greetings", "group_only_greetings")
_DATA_FIELDS = frozenset(
    (
        *_TEXTS,
        *_LISTS,
        "tags",
        "extensions",
        "character_book",
        "assets",
        "nickname",
        "creator_notes_multilingual",
        "source",
        "creation_date",
        "modification_date",
    )
)
_SPEC = "chara_card_v3"
_NEWEST = {"chara_card_v2": 2.0, "chara_card_v3": 3.0}


def normalise(value: object) -> CardDocument:
    """Return the document that ``value``, parsed JSON, describes; ``value`` may be changed.

    Reads V1, V2, V3 and later, and other programs' forms. A field of the wrong type is repaired
    where what was meant is clear, and a missing one filled in; fields that no specification
    knows stay. Raises ``CardProblem`` when ``value`` is no character.
    """
    if not isinstance(value, dict):
        raise CardProblem("card_unknown", "its JSON is not an object, so it is no character")
    repairs = Repairs()
    root, origin = _rooted(value, repairs)
    data = restored(cast("dict[str, object]", root["data"]))
    root["data"] = _data(data, repairs)
    if not str(cast("dict[str, object]", root["data"])["name"]).strip():
        repairs.say("The card names nobody.")
    return CardDocument(
        card=cast("Mapping[str, object]", freeze(root)), warnings=repairs.warnings, origin=origin
    )


def _rooted(root: dict[str, object], repairs: Repairs) -> tuple[dict[str, object], str]:
    data, spec = root.get("data"), root.get("spec")
    if spec == "lorebook_v3":
        raise _is_book()
    is_card = isinstance(spec, str) and spec.startswith("chara_card")
    if isinstance(data, dict) and (is_card or _describes(data) or _describes(root)):
        return _sectioned(root, data, repairs), spec if isinstance(spec, str) else "chara_card_v2"
    adapted = adapt(root)
    if adapted is not None:
        inner = adapted.card.get("data")
        if isinstance(inner, dict):
            return _sectioned(adapted.card, inner, repairs), adapted.origin
        return _gathered(adapted.card), adapted.origin
    if _describes(root):
        return _gathered(root), "chara_card_v1"
    if any(isinstance(each.get("entries"), (dict, list)) for each in (root, as_mapping(data))):
        raise _is_book()
    raise CardProblem(
        "card_unknown",
        "it has no `spec` and none of the fields of a character",
    )


def _describes(value: Mapping[str, object]) -> bool:
    fields = _STORY_FIELDS if isinstance(value.get("entries"), (dict, list)) else V1_FIELDS
    return any(isinstance(value.get(name), str) for name in fields)


def _is_book() -> CardProblem:
    return CardProblem("card_is_book", "it is a lorebook, not a character")


def _sectioned(
    root: dict[str, object], data: dict[str, object], repairs: Repairs
) -> dict[str, object]:
    earlier = version_put_away(data)
    if earlier is not None:
        root = {**root, "spec": _SPEC, "spec_version": earlier}
    version = _version(root, repairs)
    for name in V1_FIELDS:
        if name not in root:
            continue
        outer = root.pop(name)
        if name not in data:
            data[name] = outer
        elif isinstance(outer, str) and outer and outer != data[name]:
            repairs.say(f"`{name}` stood there twice; the one in `data` counts.")
    if "spec" not in root:
        repairs.say("The card did not say which specification it follows.")
        root = {"spec": _SPEC, "spec_version": version, **root}
    return {**root, "spec": _SPEC, "spec_version": version}


def _version(root: Mapping[str, object], repairs: Repairs) -> str:
    spec, said = root.get("spec"), root.get("spec_version")
    number = as_number(said)
    known = _NEWEST.get(spec) if isinstance(spec, str) else None
    newer_spec = known is None and isinstance(spec, str)
    if newer_spec or (number is not None and known is not None and number > known):
        repairs.say("The card follows a newer specification; what is unknown in it is kept.")
    if spec == "chara_card_v2" or number is None or number < _NEWEST[_SPEC]:
        return DEFAULT_VERSION
    return said if isinstance(said, str) else str(float(number))


def _gathered(root: dict[str, object]) -> dict[str, object]:
    data = {name: root.pop(name) for name in list(root) if name in _DATA_FIELDS}
    if "creator_notes" not in data and isinstance(root.get("creatorcomment"), str):
        data["creator_notes"] = root["creatorcomment"]
    extensions = data.get("extensions")
    own = dict(extensions) if isinstance(extensions, dict) else {}
    for name in ("talkativeness", "fav"):
        if root.get(name) is not None:
            own.setdefault(name, root[name])
    data["extensions"] = own
    card = {"spec": _SPEC, "spec_version": DEFAULT_VERSION, "data": data}
    return {**card, **{name: value for name, value in root.items() if name not in card}}


def _data(data: dict[str, object], repairs: Repairs) -> dict[str, object]:
    for name in _TEXTS:
        data[name] = repairs.text(data.get(name), name)
    for name in _LISTS:
        data[name] = repairs.texts(data.get(name), name)
    data["tags"] = repairs.words(data.get("tags"), "tags")
    data["extensions"] = repairs.mapping(data.get("extensions"), "extensions")
    if "source" in data:
        data["source"] = repairs.texts(data["source"], "source")
    if data.get("nickname") is not None:
        data["nickname"] = repairs.text(data["nickname"], "nickname")
    multilingual = data.get("creator_notes_multilingual")
    if not (multilingual is None or isinstance(multilingual, dict)):
        repairs.say("`creator_notes_multilingual` was no object and was left out.")
        del data["creator_notes_multilingual"]
    _mend_assets(data, repairs)
    if data.get("character_book") is not None:
        book = book_of(data["character_book"], repairs)
        if book is None:
            del data["character_book"]
        else:
            data["character_book"] = book
    return data


def _mend_assets(data: dict[str, object], repairs: Repairs) -> None:
    if "assets" not in data:
        return
    listed = data["assets"]
    if isinstance(listed, dict) and "uri" in listed:
        listed = [listed]
    if not isinstance(listed, list):
        if listed is not None:
            repairs.say("`assets` was no list and was left out.")
        del data["assets"]
        return
    kept = [asset for asset in listed if isinstance(asset, dict)]
    if len(kept) < len(listed):
        repairs.say("An entry of `assets` was no object and was left out.")
    data["assets"] = kept
