"""Edge's online voices, in a process: the SDK, its connections and the decoding of MP3."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from typing import Any

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Job, required
from services.voice.engines.wire import Header
from services.voice.engines.workers.speaking import Piece, SpeakingEngine, Wanted
from services.voice.pcm import Samples

_CONNECT_SECONDS = 5
_RECEIVE_SECONDS = 10
# The service wants Hertz; this is between what men and women speak at.
_USUAL_PITCH_HZ = 165.0
_UNREACHABLE = (
    "Edge's voices cannot be reached; check the internet connection, or choose a local engine."
)
_REFUSING = "Edge's voices refuse to speak now; choose another voice or a local engine."


def open_edge(options: Header) -> SpeakingEngine:
    """Import the SDK; nothing is asked of the service yet."""
    sdk = required("edge_tts", engine="edge", package="edge-tts")
    required("av", engine="edge", package="av")
    if options["url"]:
        inside: Any = required("edge_tts.communicate", engine="edge", package="edge-tts")
        inside.WSS_URL = options["url"]
    return SpeakingEngine(EdgeVoices(sdk, default=options["voice"], proxy=options["proxy"]))


class EdgeVoices:
    """Streams from the service; the sound of a text starts before its end has arrived."""

    def __init__(self, sdk: Any, *, default: str, proxy: str | None) -> None:  # noqa: ANN401
        self._sdk = sdk
        self._default = default
        self._proxy = proxy
        self._listed: list[dict[str, str]] = []

    def speak(self, wanted: Wanted, job: Job, /) -> Iterator[Piece]:
        """Yield what has arrived, decoded."""
        decoder = Mp3Decoder()
        for data in _pumped(self._received(wanted), job):
            for samples in decoder.feed(data):
                yield Piece(samples=samples, rate=decoder.rate, pitched=True)
        for samples in decoder.flush():
            yield Piece(samples=samples, rate=decoder.rate, pitched=True)

    def voices(self) -> list[dict[str, str]]:
        """Ask the service for its voices, once."""
        if not self._listed:
            try:
                found = asyncio.run(self._sdk.list_voices(proxy=self._proxy))
            except Exception as error:
                raise _translated(error) from error
            self._listed = [
                {
                    "name": str(voice["ShortName"]),
                    "language": str(voice["Locale"]),
                    "description": str(voice.get("Gender", "")).casefold(),
                }
                for voice in found
            ]
        return self._listed

    async def _received(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        try:
            call = self._sdk.Communicate(
                wanted.text,
                wanted.voice or self._default,
                rate=f"{round((wanted.speed - 1) * 100):+d}%",
                pitch=f"{round((wanted.pitch - 1) * _USUAL_PITCH_HZ):+d}Hz",
                proxy=self._proxy,
                connect_timeout=_CONNECT_SECONDS,
                receive_timeout=_RECEIVE_SECONDS,
            )
            async with aclosing(call.stream()) as parts:
                async for part in parts:
                    if part["type"] == "audio":
                        yield part["data"]
        except (OSError, TimeoutError, ValueError, self._sdk.exceptions.EdgeTTSException) as error:
            raise _translated(error) from error
        except _client_errors() as error:
            raise _translated(error) from error


class Mp3Decoder:
    """MP3 as it arrives, cut anywhere, becomes mono samples; ``rate`` is known after the first."""

    def __init__(self) -> None:
        av = required("av", engine="edge", package="av")
        self._damaged: type[Exception] = av.error.InvalidDataError
        self._codec: Any = av.CodecContext.create("mp3float", "r")
        self.rate = 0

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield what can be decoded by now."""
        for packet in self._codec.parse(data):
            yield from self._decoded(packet)

    def flush(self) -> Iterator[Samples]:
        """Yield the rest."""
        for packet in self._codec.parse(b""):
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: Any) -> Iterator[Samples]:  # noqa: ANN401  the SDK's own class
        try:
            frames = self._codec.decode(packet)
        except self._damaged:
            return  # tags between the frames, or a frame that was cut
        for frame in frames:
            self.rate = int(frame.sample_rate)
            yield np.asarray(frame.to_ndarray(), np.float32).mean(axis=0)


def _pumped(parts: AsyncGenerator[bytes, None], job: Job) -> Iterator[bytes]:
    """Yield what a generator yields on an event loop of its own, which ends with the job."""
    arrived: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()

    async def pump() -> None:
        async with aclosing(parts):
            async for part in parts:
                arrived.put(part)

    task = loop.create_task(pump())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except BaseException as error:  # noqa: BLE001  it is raised where the parts are taken
            arrived.put(error)
        else:
            arrived.put(None)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def stop() -> None:
        with suppress(RuntimeError):  # the loop has closed by itself
            loop.call_soon_threadsafe(task.cancel)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        with job.stopping(stop):
            while (part := arrived.get()) is not None:
                job.check()
                if isinstance(part, BaseException):
                    raise part
                yield part
    finally:
        stop()
        thread.join(_CONNECT_SECONDS)


def _client_errors() -> tuple[type[Exception], ...]:
    client: type[Exception] = required("aiohttp", engine="edge", package="aiohttp").ClientError
    return (client,)


def _translated(error: Exception) -> ProviderError:
    name = type(error).__name__
    status = getattr(error, "status", None)
    refused = status is not None or name in ("NoAudioReceived", "ValueError")
    fault = ProviderFault.OVERLOADED if status in (403, 429, 503) else ProviderFault.UNREACHABLE
    if name in ("NoAudioReceived", "ValueError"):
        fault = ProviderFault.REJECTED
    sentence = _REFUSING if refused else _UNREACHABLE
    detail = f"{name} {status}" if status is not None else name
    return ProviderError("edge", fault, sentence, detail=detail)
