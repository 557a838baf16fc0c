"""What a card holds for acore alone, under ``data.extensions.acore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_MOST_NAMES = 64


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(max_length=_MOST_NAMES)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class VoiceFields(_Fields):
    """How the character sounds; ``speed`` is a factor, ``pitch`` in semitones."""

    engine: str | None = None
    voice: str | None = None
    speed: float = Field(1.0, ge=0.25, le=4.0)
    pitch: float = Field(0.0, ge=-24.0, le=24.0)


class ModelFields(_Fields):
    """What the character asks of the language model."""

    model: str | None = None
    fallbacks: Names = ()
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    max_tokens: int | None = Field(None, ge=1)


class EvolutionFields(_Fields):
    """What the character gains after so many messages."""

    messages: int = Field(ge=1)
    tone: str = ""
    quirks: Names = ()
    knowledge: Names = ()


class AcoreFields(_Fields):
    """Every field acore knows; each has a default."""

    id: str | None = Field(None, min_length=1, max_length=64, pattern=r"^[\w.:-]+$")
    aliases: Names = ()
    tools: Names | None = None
    voice: VoiceFields = VoiceFields()
    model: ModelFields = ModelFields()
    behaviors: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    knowledge: Names = ()
    frameworks: Mapping[str, Annotated[float, Field(ge=0.0, le=1.0)]] = Field(default_factory=dict)
    evolution: tuple[EvolutionFields, ...] = ()
    activities: Mapping[str, Names] = Field(default_factory=dict)
    verbosity: int | None = Field(None, ge=50, le=500)


def read_fields(raw: object) -> tuple[AcoreFields, tuple[str, ...]]:
    """Return the fields in ``raw`` and a sentence for each that was wrong and is left out."""
    if not isinstance(raw, Mapping):
        said = () if raw is None else ("`extensions.acore` is no object and is left out.",)
        return AcoreFields(), said
    kept = dict(raw)
    warnings: list[str] = []
    while True:
        try:
            return AcoreFields.model_validate(kept), tuple(warnings)
        except ValidationError as error:
            for where in sorted({_place(problem["loc"]) for problem in error.errors()}):
                _drop(kept, where)
                field = ".".join(where)
                warnings.append(f"`extensions.acore.{field}` is wrong and is left out.")


def _place(location: tuple[int | str, ...]) -> tuple[str, ...]:
    deep = location[0] in {"voice", "model"} and len(location) > 1
    return tuple(str(part) for part in location[: 2 if deep else 1])


def _drop(kept: dict[str, object], where: tuple[str, ...]) -> None:
    outer, *inner = where
    value = kept.get(outer)
    if inner and isinstance(value, Mapping) and inner[0] in value:
        kept[outer] = {name: part for name, part in value.items() if name != inner[0]}
    else:
        kept.pop(outer, None)
