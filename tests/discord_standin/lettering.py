"""Text in the one font that Pillow brings, and small drawn signs for what it lacks."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from PIL import ImageDraw, ImageFont

Font: TypeAlias = ImageFont.FreeTypeFont
Draw: TypeAlias = ImageDraw.ImageDraw
Color: TypeAlias = tuple[int, int, int]

_REPLACED: Final = str.maketrans(
    {
        "\u2014": "-",
        "\u2013": "-",
        "\u2022": "\u00b7",
        "\u00df": "ss",
        "\u00e6": "ae",
        "\u00f8": "o",
    }
)
_UNSEEN: Final = ("\ufe0f", "\u200d", "\u200b")
_NOT_IN_ANY_FONT: Final = "\U0010ffff"


@functools.cache
def font(size: int) -> Font:
    """Return Pillow's own font."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def width_of(text: str, size: int) -> int:
    """Return how wide ``write`` makes a text, in pixels."""
    return sum(_advance(letter, size) for letter in _letters(text))


def write(
    draw: Draw, at: tuple[int, int], text: str, size: int, color: Color, *, bold: bool = False
) -> int:
    """Write one line from its upper left corner on, and return where it ends."""
    x, y = at
    run = ""
    for letter in [*_letters(text), ""]:
        if letter and _has(letter):
            run += letter
            continue
        if run:
            draw.text((x, y), run, fill=color, font=font(size))
            if bold:
                draw.text((x + 1, y), run, fill=color, font=font(size))
            x += round(font(size).getlength(run))
            run = ""
        if letter:
            _sign(draw, (x, y), letter, size, color)
            x += _advance(letter, size)
    return x


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Return the lines a text takes; words too long for one are cut."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if width_of(longer, size) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while width_of(line, size) > width:
                cut = _fitting(line, size, width)
                lines.append(line[:cut])
                line = line[cut:]
        lines.append(line)
    return lines


def _fitting(text: str, size: int, width: int) -> int:
    return max(1, next(n for n in range(len(text), -1, -1) if width_of(text[:n], size) <= width))


def _letters(text: str) -> list[str]:
    """Return what is to be drawn: letters as the font has them, and signs."""
    found = []
    for letter in text.translate(_REPLACED):
        if letter in _UNSEEN:
            continue
        plain = unicodedata.normalize("NFKD", letter)
        base = "".join(each for each in plain if not unicodedata.combining(each))
        if not _has(letter) and base and all(_has(each) for each in base):
            found += list(base)
        else:
            found.append(letter)
    return found


@functools.cache
def _has(letter: str) -> bool:
    if letter == " ":
        return True
    return bytes(font(16).getmask(letter)) != bytes(font(16).getmask(_NOT_IN_ANY_FONT))


def _advance(letter: str, size: int) -> int:
    return round(font(size).getlength(letter)) if _has(letter) else round(size * 1.1)


Points: TypeAlias = list[tuple[float, float]]
_RIGHT: Final[Points] = [(0.2, 0.1), (0.85, 0.5), (0.2, 0.9)]
_LEFT: Final[Points] = [(0.8, 0.1), (0.15, 0.5), (0.8, 0.9)]
_SHAPES: Final[Mapping[str, list[Points]]] = {
    "\u25b6": [_RIGHT],
    "\u25c0": [_LEFT],
    "\u23e9": [[(0.0, 0.15), (0.5, 0.5), (0.0, 0.85)], [(0.5, 0.15), (1.0, 0.5), (0.5, 0.85)]],
    "\u23f9": [[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]],
    "\u270f": [[(0.0, 1.0), (0.1, 0.7), (0.75, 0.05), (0.95, 0.25), (0.3, 0.9)]],
    "\U0001f5d1": [
        [(0.1, 0.15), (0.9, 0.15), (0.9, 0.28), (0.1, 0.28)],
        [(0.35, 0.0), (0.65, 0.0), (0.65, 0.15), (0.35, 0.15)],
        [(0.18, 0.36), (0.82, 0.36), (0.74, 1.0), (0.26, 1.0)],
    ],
    "\u2705": [[(0.0, 0.5), (0.15, 0.38), (0.4, 0.62), (0.85, 0.1), (1.0, 0.22), (0.4, 0.95)]],
    "\u274c": [
        [(0.05, 0.2), (0.2, 0.05), (0.95, 0.8), (0.8, 0.95)],
        [(0.8, 0.05), (0.95, 0.2), (0.2, 0.95), (0.05, 0.8)],
    ],
    "\u26a0": [[(0.5, 0.0), (1.0, 0.95), (0.0, 0.95)]],
}
_LETTERED: Final = {"\u2754": "?", "\u2753": "?", "\u2755": "!", "\u2757": "!"}


def _circling(draw: Draw, box: tuple[float, float, float, float], color: Color) -> None:
    left, top, right, bottom = box
    side = right - left
    draw.arc(box, 40, 320, fill=color, width=max(2, round(side / 7)))
    tip = [(right + side * 0.1, top + side * 0.12), (right, bottom - side * 0.5)]
    draw.polygon([*tip, (right - side * 0.42, top + side * 0.36)], fill=color)


_DRAWN: Final[Mapping[str, Callable[[Draw, tuple[float, float, float, float], Color], None]]] = {
    "\U0001f501": _circling,
    "\U0001f504": _circling,
}


def _sign(draw: Draw, at: tuple[int, int], letter: str, size: int, color: Color) -> None:
    """Draw a sign the font lacks; one nobody drew yet is a frame."""
    side = size * 0.8
    left, top = at[0] + size * 0.1, at[1] + size * 0.18
    if letter in _LETTERED:
        write(draw, (round(left + side * 0.25), at[1]), _LETTERED[letter], size, color, bold=True)
    elif letter in _DRAWN:
        _DRAWN[letter](draw, (left, top, left + side, top + side), color)
    elif letter in _SHAPES:
        for shape in _SHAPES[letter]:
            draw.polygon([(left + x * side, top + y * side) for x, y in shape], fill=color)
    else:
        draw.rounded_rectangle((left, top, left + side, top + side), side / 4, outline=color)
