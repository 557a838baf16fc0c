"""A character card in its one normal form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import cast

from services.persona.cards.jsontree import dump, freeze, thaw
from services.persona.cards.leniency import as_mapping, as_number, as_text
from services.persona.character import DepthPrompt, InjectionRole

_DEFAULT_TALKATIVENESS = 0.5
_DEFAULT_DEPTH = 4
_ROLES: Mapping[object, InjectionRole] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    0: "system",
    1: "user",
    2: "assistant",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAsset:
    """One line of the card's ``assets``: a picture, sound or other file, and where it is."""

    type: str
    uri: str
    name: str
    ext: str


DEFAULT_ASSET = CardAsset(type="icon", uri="ccdefault:", name="main", ext="png")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDocument:
    """The ``chara_card_v3`` object, deeply read-only, with every field it came with.

    Two documents are equal when their cards are. ``origin`` names the form the card was read
    from; ``warnings`` are sentences about what had to be repaired.
    """

    card: Mapping[str, object]
    warnings: tuple[str, ...] = field(default=(), compare=False)
    origin: str = field(default="chara_card_v3", compare=False)

    @property
    def data(self) -> Mapping[str, object]:
        """The card's ``data`` object."""
        return as_mapping(self.card["data"])

    @property
    def extensions(self) -> Mapping[str, object]:
        """What applications keep in the card."""
        return as_mapping(self.data["extensions"])

    def text(self, name: str) -> str:
        """Return a text field of ``data``; empty when it is not there."""
        return as_text(self.data.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts of ``data``; empty when it is not there."""
        return _texts(self.data.get(name))

    @property
    def name(self) -> str:
        """The full name; may be empty."""
        return self.text("name")

    @property
    def called(self) -> str:
        """What ``{{char}}`` becomes: the nickname if there is one."""
        return self.text("nickname") or self.name

    @property
    def talkativeness(self) -> float:
        """How likely the character speaks in a group, 0 to 1; 0.5 unless the card says so."""
        number = as_number(self.extensions.get("talkativeness"))
        return _DEFAULT_TALKATIVENESS if number is None else float(min(1, max(0, number)))

    @property
    def group_only_greetings(self) -> tuple[str, ...]:
        """Greetings for groups: the card's own list, else the one older cards keep."""
        return self.texts("group_only_greetings") or _texts(self.extensions.get("group_greetings"))

    @property
    def depth_prompt(self) -> DepthPrompt | None:
        """Text placed inside the history, if the card has any; depth 4 and system by default."""
        raw = as_mapping(self.extensions.get("depth_prompt"))
        prompt = as_text(raw.get("prompt"))
        if not prompt.strip():
            return None
        depth = as_number(raw.get("depth"))
        return DepthPrompt(
            prompt=prompt,
            depth=_DEFAULT_DEPTH if depth is None else max(0, int(depth)),
            role=_role(raw.get("role")),
        )

    @property
    def world(self) -> str:
        """The name of the lorebook the card is linked to; empty without one."""
        return as_text(self.extensions.get("world"))

    @property
    def regex_scripts(self) -> tuple[Mapping[str, object], ...]:
        """The card's text replacements, as they stand in it."""
        raw = self.extensions.get("regex_scripts")
        return _mappings(raw)

    @property
    def character_book(self) -> Mapping[str, object] | None:
        """The lorebook in the card, as it stands in it."""
        book = self.data.get("character_book")
        return book if isinstance(book, Mapping) else None

    @property
    def assets(self) -> tuple[CardAsset, ...]:
        """The card's files; a card that lists none has one icon, its own picture."""
        listed = self.data.get("assets")
        if listed is None:
            return (DEFAULT_ASSET,)
        return tuple(
            CardAsset(
                type=as_text(asset.get("type")),
                uri=as_text(asset.get("uri")),
                name=as_text(asset.get("name")),
                ext=as_text(asset.get("ext")),
            )
            for asset in _mappings(listed)
        )

    @property
    def icon(self) -> CardAsset | None:
        """The main icon: the one called main, else the first."""
        icons = [asset for asset in self.assets if asset.type == "icon"]
        return next((icon for icon in icons if icon.name == "main"), icons[0] if icons else None)

    def with_data(self, **fields: object) -> CardDocument:
        """Return a copy with these fields of ``data`` set."""
        card = {**self.card, "data": {**self.data, **fields}}
        return CardDocument(
            card=cast("Mapping[str, object]", freeze(card)),
            warnings=self.warnings,
            origin=self.origin,
        )

    def without(self, name: str) -> CardDocument:
        """Return a copy that lacks this field of ``data``."""
        data = {each: value for each, value in self.data.items() if each != name}
        return replace(self, card=MappingProxyType({**self.card, "data": MappingProxyType(data)}))

    def with_extension(self, name: str, value: object) -> CardDocument:
        """Return a copy with ``extensions[name]`` set."""
        return self.with_data(extensions={**self.extensions, name: value})

    def plain(self) -> dict[str, object]:
        """Return the card as plain dicts and lists, free to change."""
        return cast("dict[str, object]", thaw(self.card))

    def as_json(self, *, indent: int | None = None) -> bytes:
        """Return the card as UTF-8 JSON."""
        return dump(self.card, indent=indent)


def _role(value: object) -> InjectionRole:
    number = as_number(value)
    named = value.strip().lower() if isinstance(value, str) and number is None else number
    return _ROLES.get(named, "system")


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def _mappings(value: object) -> tuple[Mapping[str, object], ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))
