"""What settings exist: read from the models, for the loader and for the documentation."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

PREFIX = "ACORE_"
DELIMITER = "__"

_NOUNS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    SecretStr: "text",
}
_BOUNDS = ((Ge, "ge", "at least"), (Gt, "gt", "above"), (Le, "le", "at most"), (Lt, "lt", "below"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting: where it is found and what it accepts."""

    section: str
    name: str
    info: FieldInfo

    @property
    def path(self) -> str:
        """The name in files and messages, such as ``llm.model``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable, such as ``ACORE_LLM__MODEL``."""
        return f"{PREFIX}{self.section}{DELIMITER}{self.name}".upper()

    @property
    def optional(self) -> bool:
        """Whether it may be left empty."""
        return type(None) in get_args(self.info.annotation)

    @property
    def secret(self) -> bool:
        """Whether it must not lie in a settings file nor appear in a message."""
        return SecretStr in (self._annotation, *get_args(self._annotation))

    @property
    def live(self) -> bool:
        """Whether a reload changes it; the others change at the next start."""
        extra = self.info.json_schema_extra
        return isinstance(extra, dict) and extra.get("live") is True

    @property
    def listed(self) -> bool:
        """Whether it takes several values."""
        return _is_a(get_origin(self._annotation), Sequence, Set)

    @property
    def is_path(self) -> bool:
        """Whether it names a file or folder."""
        return self._annotation is Path

    @property
    def expectation(self) -> str:
        """What it accepts, in words, to follow "expects"."""
        words = _describe(self._annotation, self.info.metadata)
        return f"{words}, or nothing" if self.optional else words

    @property
    def _annotation(self) -> Any:  # noqa: ANN401 - an annotation can be any type form
        return _without_none(self.info.annotation)


def setting_fields(schema: type[BaseModel]) -> Mapping[str, SettingField]:
    """Return every setting of ``schema`` by its path, in the order of declaration."""
    fields = (
        SettingField(section=section, name=name, info=info)
        for section, model in sections(schema).items()
        for name, info in model.model_fields.items()
    )
    return {field.path: field for field in fields}


def sections(schema: type[BaseModel]) -> Mapping[str, type[BaseModel]]:
    """Return the sections of ``schema`` by name; raises ``TypeError`` for another field."""
    found: dict[str, type[BaseModel]] = {}
    for name, info in schema.model_fields.items():
        model = info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(name)
        found[name] = model
    return found


def _without_none(annotation: Any) -> Any:  # noqa: ANN401
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007


def _describe(annotation: Any, metadata: Sequence[object]) -> str:  # noqa: ANN401
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _describe(arguments[0], ())
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if _is_a(origin, Sequence, Set):
        return f"a list, each {_describe(arguments[0], ())}"
    if _is_a(origin, Mapping):
        return "a table"
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(kind, ()) for kind in arguments)
    limits = [
        f"{word} {getattr(item, attribute):g}"
        for item in metadata
        for kind, attribute, word in _BOUNDS
        if isinstance(item, kind)
    ]
    noun = _NOUNS.get(annotation, "a value of its own form")
    return f"{noun}, {' and '.join(limits)}" if limits else noun


def _is_a(origin: object, *kinds: type) -> bool:
    return isinstance(origin, type) and issubclass(origin, kinds)
