"""Pictures of characters, drawn from a palette and a list of shapes.

``python -m services.persona.portraits`` draws the shipped ones again.
"""

from __future__ import annotations

import argparse
import colorsys
import hashlib
import io
import logging
import math
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from PIL import Image, ImageColor, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.domain.errors import InvalidRequest
from services.persona.cards.document import CardDocument
from services.persona.cards.files import read_bounded
from services.persona.cards.jsontree import thaw
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card

logger = logging.getLogger(__name__)

SIZE = 512
"""Width and height of a picture in pixels; shapes are placed in these."""

FIELD = "portrait"
"""Where under ``extensions.acore`` a card describes its picture."""

_SCALE = 3
_CURVE_STEPS = 10
_OVAL_STEPS = 72
_EDGE = 180
"""What Pillow's radial gradient holds where it touches the sides; its corners hold 255."""

_MOST_SHAPES = 200
_MOST_POINTS = 64
_MOST_DOTS = 300
_SHIPPED = Path(__file__).parents[2] / "characters"

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


def portrait_of(document: CardDocument) -> Portrait:
    """Return the picture a card describes, or one made up from the character's name."""
    raw = as_mapping(document.extensions.get("acore")).get(FIELD)
    if raw is not None:
        try:
            return Portrait.model_validate(thaw(raw))
        except ValidationError as error:
            logger.warning("portrait left out", extra={"problems": error.error_count()})
    return made_up(document.name)


def draw(portrait: Portrait) -> bytes:
    """Return the picture as PNG, of ``SIZE`` by ``SIZE``; the same for the same portrait.

    A colour that is not in the palette is black. Blocking, about 0.2 s.
    """
    canvas = _Canvas(portrait.palette)
    for shape in portrait.shapes:
        canvas.add(shape)
    out = io.BytesIO()
    canvas.image.reduce(_SCALE).save(out, "PNG", optimize=True)
    return out.getvalue()


def made_up(name: str) -> Portrait:
    """Return a paper-cut picture for a character without one; the same for the same name."""
    rng = random.Random(hashlib.sha256(name.encode("utf-8", "replace")).digest())
    hue, apart = rng.random(), rng.choice((0.08, 0.42, 0.5, 0.58))
    palette = {
        "top": _tone(hue, 0.45, 0.82),
        "bottom": _tone(hue + 0.06, 0.25, 0.97),
        "disc": _tone(hue + 0.1, 0.1, 1.0) + "c0",
        "near": _tone(hue - 0.04, 0.5, 0.62),
        "coat": _tone(hue + apart, 0.5, 0.55),
        "fold": _tone(hue + apart, 0.55, 0.42),
        "face": _tone(hue + apart, 0.16, 0.95),
        "shade": _tone(hue + apart, 0.26, 0.84),
        "hair": _tone(hue + apart, 0.6, 0.3),
    }
    shapes = [*_setting(rng), *_bust(rng)]
    return Portrait.model_validate({"palette": palette, "shapes": shapes})


def _tone(hue: float, saturation: float, value: float) -> str:
    parts = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _setting(rng: random.Random) -> list[dict[str, object]]:
    x, y = rng.randint(110, 400), rng.randint(90, 170)
    hills = [(-60, 420), (90, rng.randint(300, 380)), (260, rng.randint(350, 410))]
    hills += [(430, rng.randint(300, 380)), (580, 420), (580, 620), (-60, 620)]
    return [
        {"draw": "sky", "top": "top", "bottom": "bottom"},
        {"draw": "oval", "fill": "disc", "at": (x, y), "size": (78, 78)},
        {"draw": "area", "fill": "near", "points": hills},
    ]


def _bust(rng: random.Random) -> list[dict[str, object]]:
    """Return head and shoulders without a face, in one of a few cuts of hair."""
    coat = [(256, 372), (330, 384), (420, 424), (470, 560), (42, 560), (92, 424), (182, 384)]
    behind = {
        "long": [(256, 92), (352, 130), (372, 250), (372, 400), (140, 400), (140, 250), (160, 130)],
        "round": [
            (256, 84),
            (366, 120),
            (392, 230),
            (330, 310),
            (182, 310),
            (120, 230),
            (146, 120),
        ],
        "short": [(256, 104), (340, 134), (356, 230), (256, 260), (156, 230), (172, 134)],
    }
    fringe = [(164, 222), (176, 140), (256, 104), (336, 140), (348, 222)]
    fringe += [(rng.randint(200, 312), rng.randint(150, 185))]
    return [
        {"draw": "area", "fill": "hair", "points": behind[rng.choice(sorted(behind))]},
        {"draw": "line", "fill": "shade", "points": [(256, 300), (256, 390)], "width": 70},
        {"draw": "area", "fill": "coat", "points": coat},
        {"draw": "area", "fill": "fold", "points": [(222, 376), (290, 376), (256, 452)]},
        {"draw": "oval", "fill": "face", "at": (256, 232), "size": (86, 102)},
        {"draw": "area", "fill": "hair", "points": fringe},
    ]


class _Canvas:
    """A picture in the making, larger than it will be so that edges become soft."""

    def __init__(self, palette: dict[str, str]) -> None:
        self._colours = {
            name: ImageColor.getcolor(colour, "RGBA") for name, colour in palette.items()
        }
        self.image = Image.new("RGB", (SIZE * _SCALE, SIZE * _SCALE))
        self._pen = ImageDraw.Draw(self.image, "RGBA")

    def add(self, shape: Shape) -> None:
        """Draw over what is there."""
        if isinstance(shape, Sky):
            self._sky(shape)
            return
        for side in (False, True) if shape.mirror else (False,):
            self._draw(shape, mirrored=side)

    def _draw(self, shape: Glow | Oval | Area | Line | Dots, *, mirrored: bool) -> None:
        colour = self._colour(shape.fill)

        def scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
            return [((SIZE - x if mirrored else x) * _SCALE, y * _SCALE) for x, y in points]

        match shape:
            case Glow():
                self._glow(scaled([shape.at])[0], shape.radius * _SCALE, colour)
            case Oval():
                self._pen.polygon(scaled(_around(shape.at, shape.size, shape.turn)), fill=colour)
            case Area():
                points = list(_curve(shape.points, closed=True)) if shape.smooth else shape.points
                self._pen.polygon(scaled(points), fill=colour)
            case Line():
                points = list(_curve(shape.points, closed=False)) if shape.smooth else shape.points
                self._line(scaled(points), shape.width * _SCALE, colour)
            case Dots():
                for at, radius in _scattered(shape):
                    dot = scaled(_around(at, (radius, radius), 0.0))
                    self._pen.polygon(dot, fill=colour)

    def _colour(self, name: str) -> tuple[int, int, int, int]:
        red, green, blue, alpha = self._colours.get(name, (0, 0, 0, 255))  # type: ignore[misc]
        return red, green, blue, alpha

    def _sky(self, sky: Sky) -> None:
        top, bottom = self._colour(sky.top), self._colour(sky.bottom)
        column = Image.new("RGB", (1, SIZE))
        for y in range(SIZE):
            red, green, blue = (
                (top[part] * (SIZE - 1 - y) + bottom[part] * y) // (SIZE - 1) for part in range(3)
            )
            column.putpixel((0, y), (red, green, blue))
        self.image.paste(column.resize(self.image.size, Image.Resampling.NEAREST))

    def _glow(
        self, at: tuple[float, float], radius: float, colour: tuple[int, int, int, int]
    ) -> None:
        fading = [max(0, _EDGE - n) * colour[3] // _EDGE for n in range(256)]
        light = Image.radial_gradient("L").point(fading)
        side = round(2 * radius)
        mask = light.resize((side, side), Image.Resampling.BILINEAR)
        self.image.paste(colour[:3], (round(at[0] - radius), round(at[1] - radius)), mask)

    def _line(
        self,
        points: Sequence[tuple[float, float]],
        width: float,
        colour: tuple[int, int, int, int],
    ) -> None:
        """Draw one stroke; where its pieces meet, a translucent one is no darker."""
        mask = Image.new("L", self.image.size)
        pen = ImageDraw.Draw(mask)
        pen.line(points, fill=colour[3], width=round(width), joint="curve")
        for x, y in (points[0], points[-1]):
            half = width / 2
            pen.ellipse((x - half, y - half, x + half, y + half), fill=colour[3])
        self.image.paste(colour[:3], (0, 0), mask)


def _around(
    at: tuple[float, float], size: tuple[float, float], turn: float
) -> list[tuple[float, float]]:
    """Return the outline of an ellipse."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    outline = []
    for step in range(_OVAL_STEPS):
        angle = math.tau * step / _OVAL_STEPS
        x, y = size[0] * math.cos(angle), size[1] * math.sin(angle)
        outline.append((at[0] + x * cos - y * sin, at[1] + x * sin + y * cos))
    return outline


def _curve(points: Sequence[tuple[float, float]], *, closed: bool) -> Iterator[tuple[float, float]]:
    """Yield a Catmull-Rom spline through ``points``."""
    count = len(points)

    def point(index: int) -> tuple[float, float]:
        return points[index % count] if closed else points[min(max(index, 0), count - 1)]

    for start in range(count if closed else count - 1):
        before, here, there, after = (point(start + step) for step in (-1, 0, 1, 2))
        for step in range(_CURVE_STEPS):
            t = step / _CURVE_STEPS
            yield (
                _between(before[0], here[0], there[0], after[0], t),
                _between(before[1], here[1], there[1], after[1], t),
            )
    if not closed:
        yield points[-1]


def _between(before: float, here: float, there: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * here
        + (there - before) * t
        + (2 * before - 5 * here + 4 * there - after) * t**2
        + (3 * here - before - 3 * there + after) * t**3
    )


def _scattered(dots: Dots) -> Iterator[tuple[tuple[float, float], float]]:
    rng = random.Random(dots.seed)
    left, top, right, bottom = dots.within
    for _ in range(dots.count):
        at = (left + (right - left) * rng.random(), top + (bottom - top) * rng.random())
        yield at, dots.size[0] + (dots.size[1] - dots.size[0]) * rng.random()


def shipped(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield where each picture of the characters in ``folder`` belongs, and the picture.

    Raises ``InvalidRequest`` for a card that cannot be read.
    """
    limits = CardLimits()
    for path in sorted(folder.glob("*/card.json")):
        card = read_card(read_bounded(path, limits=limits), name=str(path), limits=limits)
        yield path.with_name("avatar.png"), draw(portrait_of(card.document))


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the pictures of the characters in a folder; 1 when a card cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m services.persona.portraits")
    parser.add_argument("folder", nargs="?", type=Path, default=_SHIPPED)
    folder = parser.parse_args(arguments).folder
    try:
        for path, picture in shipped(folder):
            path.write_bytes(picture)
            sys.stdout.write(f"{path}: {len(picture)} bytes\n")
    except InvalidRequest as error:
        sys.stderr.write(f"{error.user_message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
