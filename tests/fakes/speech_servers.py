"""Servers of speech on loopback: OpenAI's routes, and Edge's websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from services.domain.audio import AudioClip
from services.voice.engines.wav import clip_of, wav_of
from tests.fakes.voice_engines import sine


@dataclass(slots=True)
class SpeechServer:
    """Answers like an OpenAI-compatible server of voices; every character is 60 ms of tone.

    ``status`` refuses every call with it. ``first_seconds`` pass before the first byte, and
    ``cut_after`` bytes the connection breaks. ``raw`` is sent in place of speech.
    """

    status: int = 200
    rate: int = 24000
    first_seconds: float = 0.0
    cut_after: int | None = None
    raw: bytes | None = None
    voices: object = field(default_factory=lambda: {"voices": ["af_heart", {"id": "bm_george"}]})
    transcript: dict[str, Any] = field(default_factory=lambda: {"text": " Hello  there.\n"})
    asked: list[dict[str, Any]] = field(default_factory=list)
    heard: list[tuple[AudioClip, dict[str, str]]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self, None]:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/audio/speech", self._speech)
        app.router.add_get("/v1/audio/voices", self._voices)
        app.router.add_post("/v1/audio/transcriptions", self._transcription)
        async with serving(app) as address:
            self.url = f"{address}/v1"
            yield self

    def _note(self, request: web.Request) -> None:
        self.keys.append(request.headers.get("Authorization"))
        if self.status >= 400:
            raise _Refusal(self.status)

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        try:
            self._note(request)
        except _Refusal as refusal:
            return web.json_response({"error": {"message": "no"}}, status=refusal.status)
        pcm = sine(220, len(body["input"]) * 0.06 / body["speed"], self.rate)
        sound = pcm
        if body["response_format"] == "wav":
            sound = wav_of(AudioClip(pcm=pcm, rate=self.rate))
        sound = self.raw if self.raw is not None else sound
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            await asyncio.sleep(self.first_seconds)
            for at in range(0, len(sound), 1001):
                if self.cut_after is not None and at >= self.cut_after and request.transport:
                    request.transport.abort()
                    break
                await response.write(sound[at : at + 1001])
                await asyncio.sleep(0)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return response

    async def _voices(self, request: web.Request) -> web.Response:
        if self.voices is None:
            return web.Response(status=404)
        return web.json_response(self.voices)

    async def _transcription(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        if not isinstance(file, web.FileField):
            return web.Response(status=400)
        clip = clip_of(file.file.read())
        self.heard.append((clip, {k: str(v) for k, v in form.items() if k != "file"}))
        try:
            self._note(request)
            await asyncio.sleep(self.first_seconds)
        except _Refusal as refusal:
            return web.Response(status=refusal.status)
        except asyncio.CancelledError:
            self.left.set()
            raise
        return web.json_response(self.transcript if any(clip.pcm) else {"text": ""})


class _Refusal(Exception):  # noqa: N818
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class EdgeServer:
    """Speaks Edge's protocol: two text messages in, MP3 in binary messages out, then its end.

    ``status`` refuses the connection, ``silent`` sends no sound, ``first_seconds`` pass before it.
    """

    mp3: bytes = b""
    status: int = 101
    silent: bool = False
    first_seconds: float = 0.0
    part_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self, None]:
        app = web.Application()
        app.router.add_get("/edge", self._speak)
        async with serving(app) as address:
            self.url = f"{address.replace('http', 'ws', 1)}/edge?key=none"
            yield self

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            await socket.receive_str()
            self.asked.append(await socket.receive_str())
            await asyncio.sleep(self.first_seconds)
            await socket.send_str("Path:turn.start\r\n\r\n{}")
            head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
            for at in range(0, 0 if self.silent else len(self.mp3), 700):
                data = self.mp3[at : at + 700]
                await socket.send_bytes(len(head).to_bytes(2, "big") + head + data)
                await asyncio.sleep(self.part_seconds)
            await socket.send_str("Path:turn.end\r\n\r\n{}")
            await socket.close()
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return socket


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[str, None]:
    """Serve on any free port of 127.0.0.1 inside the context."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
