"""Which picture a character has: the one its card describes, or one made up from its name."""

from __future__ import annotations

import colorsys
import hashlib
import logging
import random

from pydantic import ValidationError

from services.persona.cards.document import CardDocument
from services.persona.cards.jsontree import thaw
from services.persona.cards.leniency import as_mapping
from services.persona.portraits.shapes import Portrait

logger = logging.getLogger(__name__)

FIELD = "portrait"
"""Where under ``extensions.acore`` a card describes its picture."""


def portrait_of(document: CardDocument) -> Portrait:
    """Return the picture a card describes, or one made up from the character's name."""
    raw = as_mapping(document.extensions.get("acore")).get(FIELD)
    if raw is not None:
        try:
            return Portrait.model_validate(thaw(raw))
        except ValidationError as error:
            logger.warning("portrait left out", extra={"problems": error.error_count()})
    return made_up(document.name)


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
