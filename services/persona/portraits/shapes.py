"""What a picture of a character is made of: a palette and a list of shapes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SIZE = 512
"""Width and height of a picture in pixels; shapes are placed in these."""

_MOST_SHAPES = 200
_MOST_POINTS = 64
_MOST_DOTS = 300

Coordinate = Annotated[float, Field(ge=-SIZE, le=2 * SIZE)]
Point = tuple[Coordinate, Coordinate]
Length = Annotated[float, Field(gt=0, le=SIZE)]
Points = Annotated[tuple[Point, ...], Field(min_length=2, max_length=_MOST_POINTS)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Shape(_Part):
    """``fill`` names a colour of the palette; ``mirror`` draws the shape on both sides."""

    fill: str
    mirror: bool = False


class Sky(_Part):
    """The whole picture, from the colour ``top`` to the colour ``bottom``."""

    draw: Literal["sky"]
    top: str
    bottom: str


class Glow(_Shape):
    """Light that fades towards its edge."""

    draw: Literal["glow"]
    at: Point
    radius: Length


class Oval(_Shape):
    """An ellipse around ``at``; ``size`` is half its width and height, ``turn`` in degrees."""

    draw: Literal["oval"]
    at: Point
    size: tuple[Length, Length]
    turn: float = Field(0.0, ge=-360, le=360)


class Area(_Shape):
    """A closed outline, with corners if it is not ``smooth``."""

    draw: Literal["area"]
    points: Points
    smooth: bool = True


class Line(_Shape):
    """A stroke with round ends."""

    draw: Literal["line"]
    points: Points
    width: Length
    smooth: bool = True


class Dots(_Shape):
    """Small discs scattered over the rectangle ``within``, the same for the same ``seed``."""

    draw: Literal["dots"]
    within: tuple[Coordinate, Coordinate, Coordinate, Coordinate]
    count: int = Field(ge=1, le=_MOST_DOTS)
    size: tuple[Length, Length]
    seed: int = 0


Shape = Annotated[Sky | Glow | Oval | Area | Line | Dots, Field(discriminator="draw")]


class Portrait(_Part):
    """A picture: colours by name, and what is drawn, the first thing at the back."""

    palette: dict[str, Colour]
    shapes: Annotated[tuple[Shape, ...], Field(max_length=_MOST_SHAPES)]
