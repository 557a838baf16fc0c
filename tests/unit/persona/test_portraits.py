"""Portraits: the same for the same card, and never an obstacle."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from services.persona.cards.document import CardDocument
from services.persona.cards.normalising import normalise
from services.persona.portraits.__main__ import main
from services.persona.portraits.drawing import draw
from services.persona.portraits.making import made_up, portrait_of
from services.persona.portraits.shapes import SIZE, Portrait
from tests.fakes.card_files import as_json, v3

CHARACTERS = Path(__file__).parents[3] / "characters"


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def one(*shapes: Mapping[str, object]) -> Image.Image:
    palette = {"red": "#ff0000", "blue": "#0000ff", "veil": "#ffffff80"}
    return picture(draw(Portrait.model_validate({"palette": palette, "shapes": shapes})))


def document(portrait: object) -> CardDocument:
    return normalise(json.loads(as_json(v3(extensions={"acore": {"portrait": portrait}}))))


SKY = {"draw": "sky", "top": "red", "bottom": "blue"}


def test_a_sky_goes_from_one_colour_to_the_other() -> None:
    drawn = one(SKY)
    assert drawn.size == (SIZE, SIZE)
    assert drawn.getpixel((0, 0)) == drawn.getpixel((SIZE - 1, 0)) == (255, 0, 0)
    assert drawn.getpixel((0, SIZE - 1)) == (0, 0, 255)


@pytest.mark.parametrize(
    "shape",
    [
        {"draw": "oval", "fill": "blue", "at": [100, 200], "size": [20, 30], "turn": 40},
        {"draw": "area", "fill": "blue", "points": [[80, 180], [120, 180], [120, 220], [80, 220]]},
        {"draw": "line", "fill": "blue", "points": [[60, 200], [100, 200], [140, 200]], "width": 9},
        {"draw": "glow", "fill": "blue", "at": [100, 200], "radius": 60},
        {
            "draw": "dots",
            "fill": "blue",
            "within": [100, 200, 100, 200],
            "count": 3,
            "size": [5, 5],
        },
    ],
    ids=lambda shape: shape["draw"],
)
def test_a_shape_is_where_it_was_put_and_on_the_other_side_if_mirrored(
    shape: dict[str, object],
) -> None:
    base = {"draw": "sky", "top": "red", "bottom": "red"}
    alone, both = one(base, shape), one(base, {**shape, "mirror": True})
    other_side = (SIZE - 1 - 100, 200)
    for drawn in (alone, both):
        red, _, blue = drawn.getpixel((100, 200))  # type: ignore[misc]
        assert blue > 240 > red
    assert alone.getpixel(other_side) == (255, 0, 0)
    red, _, blue = both.getpixel(other_side)  # type: ignore[misc]
    assert blue > 240 > red
    assert both.getpixel((256, 40)) == (255, 0, 0)


def test_a_glow_ends_without_an_edge() -> None:
    base = {"draw": "sky", "top": "red", "bottom": "red"}
    drawn = one(base, {"draw": "glow", "fill": "blue", "at": [256, 256], "radius": 100})
    assert drawn.getpixel((256 - 98, 256))[0] > 245  # type: ignore[index]
    assert drawn.getpixel((256 - 95, 256 - 95)) == (255, 0, 0)


def test_a_translucent_line_is_no_darker_where_it_bends() -> None:
    points = [[100, 100], [200, 300], [110, 110]]
    shape = {"draw": "line", "fill": "veil", "points": points, "width": 12, "smooth": False}
    drawn = one({"draw": "sky", "top": "red", "bottom": "red"}, shape)
    assert drawn.getpixel((150, 200)) == drawn.getpixel((190, 280))


def test_a_character_without_a_portrait_gets_one_by_its_name() -> None:
    plain = document(None)
    assert portrait_of(plain) == made_up("Ada")
    assert draw(made_up("Ada")) == draw(made_up("Ada"))
    drawn = {draw(made_up(name)) for name in ("Ada", "Bo", "猫", "", "\ud800")}
    assert len(drawn) == 5
    assert max(map(len, drawn)) < 60_000


@pytest.mark.parametrize(
    "wrong",
    [
        "a cat",
        {"palette": {}, "shapes": [{"draw": "cat"}]},
        {"palette": {"a": "red; rm"}, "shapes": []},
        {"palette": {}, "shapes": [SKY] * 1000},
        {"palette": {}, "shapes": [{"draw": "oval", "fill": "a", "at": [1e9, 0], "size": [1, 1]}]},
        {"palette": {}, "shapes": [{"draw": "glow", "fill": "a", "at": [0, 0], "radius": 1e9}]},
        {"palette": {}, "shapes": [{"draw": "line", "fill": "a", "points": [], "width": 1}]},
    ],
)
def test_a_wrong_portrait_gives_way_to_a_made_up_one(wrong: object) -> None:
    assert portrait_of(document(wrong)) == made_up("Ada")


def test_an_unknown_colour_is_black() -> None:
    assert one({"draw": "sky", "top": "no", "bottom": "no"}).getpixel((9, 9)) == (0, 0, 0)


@pytest.mark.timeout(60)
def test_the_largest_portrait_is_drawn_in_seconds() -> None:
    shape = {"draw": "glow", "fill": "red", "at": [256, 256], "radius": SIZE, "mirror": True}
    line = {"draw": "line", "fill": "veil", "points": [[0, 0], [9, 9]], "width": 9, "mirror": True}
    started = time.process_time()
    one(*[shape] * 60, *[line] * 60)
    assert time.process_time() - started < 20


def test_the_command_draws_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(CHARACTERS / "mira", tmp_path / "mira")
    (tmp_path / "mira" / "avatar.png").unlink()
    assert main([str(tmp_path)]) == 0
    drawn = picture((tmp_path / "mira" / "avatar.png").read_bytes())
    assert drawn.tobytes() == picture((CHARACTERS / "mira" / "avatar.png").read_bytes()).tobytes()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("[]")
    assert main([str(tmp_path)]) == 1
    assert "card.json" in capsys.readouterr().err
