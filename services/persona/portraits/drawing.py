"""Draws pictures of characters."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Sequence

from PIL import Image, ImageColor, ImageDraw

from services.persona.portraits.shapes import (
    SIZE,
    Area,
    Dots,
    Glow,
    Line,
    Oval,
    Portrait,
    Shape,
    Sky,
)

_SCALE = 3
_CURVE_STEPS = 10
_OVAL_STEPS = 72
_EDGE = 180
"""What Pillow's radial gradient holds where it touches the sides; its corners hold 255."""


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
