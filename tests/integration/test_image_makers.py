"""Making pictures with each kind of server, well and badly behaved."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.domain.errors import (
    AcoreError,
    Busy,
    ConfigurationError,
    InvalidRequest,
    ProviderError,
    ProviderFault,
    TooMany,
)
from services.domain.ids import AuthorId, ConversationId
from services.images.engines import build_maker
from services.images.screening import KEPT_OUT, Standing
from services.images.service import ImageService, PictureWish
from services.settings import ImagesSettings
from tests.fakes.clock import ManualClock
from tests.fakes.picture_files import picture
from tests.fakes.picture_servers import TICKET, PictureServer, picture_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

SAM = AuthorId("test", "sam")
HERE = ConversationId("test", "local", "main")
ENGINES = ("automatic1111", "comfyui", "openai")


@dataclass
class Kept:
    sha256: str
    size: int


@pytest.fixture
async def server() -> AsyncIterator[PictureServer]:
    async with picture_server() as running:
        yield running


def service(
    server: PictureServer | None, engine: str, *, standing: Standing = "everybody", **more: Any
) -> ImageService:
    path = "/v1" if engine == "openai" else ""
    settings = ImagesSettings.model_validate(
        {
            "engine": engine,
            "base_url": None if server is None else server.url + path,
            "api_key": SecretStr("sk-planted"),
            "model": "sd15.safetensors",
            "size": "640x512",
            "steps": 11,
            "negative_prompt": "blurry",
            "timeout_seconds": 30,
            **more,
        }
    )

    async def screen(_prompt: str, _place: ConversationId) -> Standing:
        return standing

    async def put(content: bytes, media_type: str) -> Kept:
        return Kept(sha256=f"{media_type}:{len(content)}", size=len(content))

    return ImageService(
        settings,
        build=build_maker,
        screen=screen,
        put=put,
        clock=ManualClock(),
        rng=random.Random(1),
    )


def wish(prompt: str = "A lighthouse, at dusk", *, start: bytes | None = None) -> PictureWish:
    return PictureWish(prompt=prompt, by=SAM, place=HERE, start=start)


async def refused(images: ImageService, **more: Any) -> AcoreError:
    with pytest.raises(AcoreError) as error:
        await images.make(wish(**more))
    return error.value


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_picture_comes_back_as_the_server_made_it(
    engine: str, server: PictureServer
) -> None:
    made = await service(server, engine).make(wish())
    assert made.content == server.picture
    assert (made.media_type, made.name) == ("image/png", "a-lighthouse-at-dusk.png")
    assert set(server.keys) == {"Bearer sk-planted"}


async def test_automatic1111_is_told_everything(server: PictureServer) -> None:
    await service(server, "automatic1111").make(wish())
    path, body = server.sent[0]
    assert path == "/sdapi/v1/txt2img"
    assert (body["prompt"], body["width"], body["height"]) == ("A lighthouse, at dusk", 640, 512)
    assert (body["steps"], body["negative_prompt"]) == (11, f"blurry, {KEPT_OUT}")
    assert body["override_settings"] == {"sd_model_checkpoint": "sd15.safetensors"}


async def test_a_place_for_adults_keeps_nothing_out(server: PictureServer) -> None:
    await service(server, "automatic1111", standing="adults").make(wish())
    assert server.sent[0][1]["negative_prompt"] == "blurry"


async def test_a_picture_to_go_on_from_goes_along_scaled_down(server: PictureServer) -> None:
    images = service(server, "automatic1111")
    await images.make(wish(start=picture("JPEG", (3000, 600))))
    path, body = server.sent[0]
    assert path == "/sdapi/v1/img2img"
    assert base64.b64decode(body["init_images"][0]).startswith(b"\xff\xd8")
    assert (await refused(images, start=b"no picture")).code == "picture_unknown"
    for engine in ("comfyui", "openai"):
        told = await refused(service(server, engine), start=picture())
        assert told.code == "picture_start"


async def test_comfyui_runs_a_workflow_in_which_words_stay_words(
    server: PictureServer, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    node = {"class_type": "Text", "inputs": {"text": "best, %prompt%", "n": "%steps%", "m": [1]}}
    file.write_text(json.dumps({"1": node}))
    await service(server, "comfyui", workflow=file).make(wish('"}, %negative% {"x'))
    inputs = server.sent[0][1]["prompt"]["1"]["inputs"]
    assert inputs == {"text": 'best, "}, %negative% {"x', "n": 11, "m": [1]}
    assert [path for path, _ in server.sent[1:]] == [f"/history/{TICKET}"] * 3 + ["/view"]
    assert "subfolder=a+b" in server.site.asked[-1] or "subfolder=a%20b" in server.site.asked[-1]


async def test_comfyui_that_cannot_run_it_says_so(server: PictureServer) -> None:
    server.failed = True
    told = await refused(service(server, "comfyui"))
    assert isinstance(told, ProviderError)
    assert told.fault is ProviderFault.REJECTED


async def test_an_address_is_followed_on_the_same_server_alone(server: PictureServer) -> None:
    images = service(server, "openai")
    server.linked = f"{server.url}/v1/files/one.png"
    assert (await images.make(wish())).content == server.picture
    for elsewhere in ("http://169.254.169.254/v1/x.png", "file:///etc/passwd", f"{server.url}/x"):
        server.linked = elsewhere
        told = await refused(images)
        assert isinstance(told, ProviderError)
        assert told.fault is ProviderFault.MALFORMED


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500}, ProviderFault.SERVER_ERROR),
        ({"status": 401}, ProviderFault.UNAUTHORIZED),
        ({"status": 422}, ProviderFault.REJECTED),
        ({"status": 302}, ProviderFault.REJECTED),
        ({"raw": b"\x00garbage"}, ProviderFault.MALFORMED),
        ({"raw": b"[]"}, ProviderFault.MALFORMED),
        ({"raw": b'{"images": [7], "data": [7], "prompt_id": "../x"}'}, ProviderFault.MALFORMED),
        ({"claims": 2 * 10**9}, ProviderFault.MALFORMED),
        ({"picture": b"MZ no picture at all"}, ProviderFault.MALFORMED),
    ],
    ids=["500", "401", "422", "redirect", "garbage", "list", "shape", "2 GB", "no picture"],
)
async def test_what_a_server_does_wrong_becomes_one_sentence(
    engine: str, fault: dict[str, Any], expected: ProviderFault, server: PictureServer
) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    told = await refused(service(server, engine))
    assert isinstance(told, ProviderError)
    assert told.fault is expected
    assert "sk-planted" not in told.user_message + str(told.detail)
    assert told.user_message.endswith(".")


async def test_a_slow_server_is_given_up_and_its_queue_left(server: PictureServer) -> None:
    server.looks = 10**6
    told = await refused(service(server, "comfyui", timeout_seconds=0.5))
    assert isinstance(told, ProviderError)
    assert told.fault is ProviderFault.TIMEOUT
    assert ("/queue", {"delete": [TICKET]}) in server.sent


async def test_a_person_has_a_share_and_failures_do_not_count(server: PictureServer) -> None:
    images = service(server, "automatic1111", per_person=2)
    server.status = 500
    await refused(images)
    server.status = 200
    await images.make(wish())
    await images.make(wish())
    assert isinstance(await refused(images), TooMany)


async def test_pictures_are_made_one_at_a_time_and_few_wait(server: PictureServer) -> None:
    server.delay = 0.2
    images = service(server, "automatic1111")
    outcomes = await asyncio.gather(
        *(images.make(wish()) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, Busy) for one in outcomes) == 2


async def test_settings_that_cannot_work_say_what_is_missing(tmp_path: Path) -> None:
    assert (await refused(service(None, "none"))).code == "pictures_off"
    assert (await refused(service(None, "openai"))).code == "images_address"
    broken = tmp_path / "broken.json"
    broken.write_text("[]")
    for more in ({"model": None}, {"workflow": broken}):
        settings = ImagesSettings.model_validate(
            {"engine": "comfyui", "base_url": "http://127.0.0.1:1", **more}
        )
        with pytest.raises(ConfigurationError):
            build_maker(settings)


async def test_nobody_listening_is_told(server: PictureServer) -> None:
    images = service(server, "automatic1111", base_url="http://127.0.0.1:9")
    told = await refused(images)
    assert isinstance(told, ProviderError)
    assert told.fault is ProviderFault.UNREACHABLE


async def test_a_prompt_has_bounds(server: PictureServer) -> None:
    images = service(server, "automatic1111")
    for prompt in ("", " \n\x00 ", "x" * 1001):
        assert isinstance(await refused(images, prompt=prompt), InvalidRequest)
    assert server.sent == []
