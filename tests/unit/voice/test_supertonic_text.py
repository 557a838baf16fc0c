"""What Supertonic's networks are given for a text, by the version of the release."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.voice.engines.supertonic_files import read_config, read_indexer
from services.voice.engines.supertonic_text import SupertonicText
from tests.fakes.tiny_supertonic import ROWS, STEP, tiny_supertonic


def given(folder: Path, text: str, language: str | None = None) -> str:
    """Return the text that the numbers stand for."""
    numbers = SupertonicText(read_indexer(folder), read_config(folder)).numbers(text, language)
    return "".join(chr(number + 0x1F) for number in numbers)


@pytest.fixture
def third(tmp_path: Path) -> Path:
    return tiny_supertonic(tmp_path / "3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "<en>Hello.</en>"),
        ("Hello ?", "<en>Hello?</en>"),
        ("“It’s” a naïve — idea…", '<en>"It\'s" a naive - idea...</en>'),
        ("a_b [c] 你好", "<en>a b c.</en>"),
        ("你好", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_characters_are_levelled_and_unknown_ones_left_out(third: Path, text: str, said: str):
    assert given(third, text) == said


@pytest.mark.parametrize(
    ("release", "language", "tag"),
    [
        (("v1.7.3", "opensource-multilingual"), "de-DE", "de"),
        (("v1.7.3", "opensource-multilingual"), "zh", "na"),
        (("v1.6.0", "opensource-multilingual"), "fr-CA", "fr"),
        (("v1.6.0", "opensource-multilingual"), "de", "en"),
        (("", ""), "de", "de"),
        (("v1.5.0", "opensource-en"), "fr", None),
    ],
)
def test_the_language_is_told_as_the_release_understands_it(
    tmp_path: Path, release: tuple[str, str], language: str, tag: str | None
):
    version, split = release
    folder = tiny_supertonic(tmp_path, version=version, split=split)
    said = "Hello." if tag is None else f"<{tag}>Hello.</{tag}>"
    assert given(folder, "Hello", language) == said


def test_sizes_of_the_latent_are_those_of_the_release(third: Path):
    config = read_config(third)
    assert (config.rate, config.step_samples, config.rows) == (44100, STEP, ROWS)
