"""Models in packages are found without running them, and not taken when they are others."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.packaged_models import PIPER_JOE, WHISPER_TINY_EN, PackagedModel


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    folder = tmp_path / "weights_for_a_test"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('it was run')")
    (folder / "data" / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    return PackagedModel(
        label="Test",
        requirement="weights-for-a-test==1.0",
        module=folder.name,
        inside="data",
        files={"model.bin": sha256(b"weights").hexdigest()},
    )


def test_it_is_found_and_never_run(model: PackagedModel):
    assert (model.verified() / "model.bin").read_bytes() == b"weights"
    assert model.module not in sys.modules


def test_another_file_is_not_taken(model: PackagedModel):
    folder = model.folder()
    assert folder is not None
    (folder / "model.bin").write_bytes(b"other weights")
    with pytest.raises(ProviderError, match="weights-for-a-test") as caught:
        model.verified()
    assert caught.value.fault is ProviderFault.MALFORMED
    (folder / "model.bin").unlink()
    with pytest.raises(ProviderError) as caught:
        model.verified()
    assert caught.value.fault is ProviderFault.MODEL_MISSING


def test_a_package_that_is_absent_is_named():
    absent = PackagedModel(
        label="None", requirement="no-such==1", module="no_such_weights", inside="data", files={}
    )
    assert absent.folder() is None
    with pytest.raises(ProviderError, match="no-such==1") as caught:
        absent.verified()
    assert caught.value.fault is ProviderFault.MODEL_MISSING


@pytest.mark.parametrize("model", [WHISPER_TINY_EN, PIPER_JOE], ids=lambda model: model.module)
def test_the_models_installed_here_are_the_right_ones(model: PackagedModel):
    if model.folder() is None:
        pytest.skip(f"{model.requirement} is not installed")
    assert model.verified() == model.folder()
