"""What scripted servers of language models share: answers as data, faults, and what was asked."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self

from aiohttp import web

NEVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one chat call is answered; every ``*_after`` counts content pieces.

    ``thinking`` comes before the pieces, ``tool_calls`` after them. ``write_bytes`` cuts what is
    sent into packets of so many bytes, also in the middle of a character; ``packet_delay`` is the
    pause between them. ``dropped`` closes the connection without a word.
    """

    pieces: Sequence[str] = ("Hello", " there", ".")
    thinking: Sequence[str] = ()
    tool_calls: Sequence[tuple[str, object]] = ()
    done_reason: str = "stop"
    prompt_tokens: int = 20
    cached_tokens: int | None = None
    status: int = 200
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    delay_first: float = 0.0
    delay_each: float = 0.0
    stall_after: int | None = None
    cut_after: int | None = None
    end_after: int | None = None
    error_after: int | None = None
    raw_after: tuple[int, bytes] | None = None
    endless: bool = False
    write_bytes: int | None = None
    packet_delay: float = 0.0
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call the server received."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]


class Gone(Exception):  # noqa: N818
    """The answer ends here, without its rest."""


@dataclass(slots=True)
class ModelServer(ABC):
    """``answers`` are given in order, ``default`` afterwards; times are the event loop's.

    ``asked`` is set at the first call, ``busy`` once a chat call is being answered, ``left`` once
    a client left in the middle.
    """

    answers: deque[Answer] = field(default_factory=deque)
    default: Answer = field(default_factory=Answer)
    requests: list[Request] = field(default_factory=list)
    disconnects: list[float] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    peers: set[object] = field(default_factory=set)
    active: int = 0
    most_active: int = 0
    url: str = ""

    chat_path: ClassVar[str]
    prefix: ClassVar[str] = ""

    @abstractmethod
    def _routes(self) -> Iterable[web.RouteDef]:
        """Return what the server answers to."""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[Self, None]:
        """Serve on 127.0.0.1 inside the context; ``url`` ends in ``prefix``."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_routes(self._routes())
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{self.prefix}"
            yield self
        finally:
            await runner.cleanup()

    @property
    def port(self) -> int:
        """The port served on last."""
        return int(self.url.removesuffix(self.prefix).rpartition(":")[2])

    @property
    def connections(self) -> int:
        """How many connections the calls came by."""
        return len(self.peers)

    @property
    def chats(self) -> list[Request]:
        """The chat calls received."""
        return [request for request in self.requests if request.path == self.chat_path]

    async def _note(self, request: web.Request) -> dict[str, object]:
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        text = await request.text()
        body: dict[str, object] = json.loads(text) if text else {}
        self.asked.set()
        self.requests.append(Request(path=request.path, headers=dict(request.headers), body=body))
        return body

    def _next_answer(self, request: web.Request) -> Answer:
        answer = self.answers.popleft() if self.answers else self.default
        if answer.dropped and request.transport is not None:
            request.transport.abort()
        return answer

    async def _send(
        self,
        request: web.Request,
        answer: Answer,
        parts: AsyncIterable[bytes],
        *,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        """Stream ``parts`` as ``answer`` says, and note who leaves before the end."""
        self.active += 1
        self.busy.set()
        self.most_active = max(self.most_active, self.active)
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            await asyncio.sleep(answer.delay_first)
            async for part in parts:
                for packet in _packets(part, answer.write_bytes):
                    await response.write(packet)
                    if answer.packet_delay:
                        await asyncio.sleep(answer.packet_delay)
        except Gone:
            pass
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects.append(asyncio.get_running_loop().time())
            self.left.set()
            raise
        finally:
            self.active -= 1
        return response


async def fail_at(answer: Answer, count: int, request: web.Request) -> None:
    """Do what is to happen after ``count`` pieces; raises ``Gone`` when nothing may follow."""
    if answer.stall_after == count:
        await asyncio.sleep(NEVER)
    if answer.cut_after == count:
        if request.transport is not None:
            request.transport.abort()
        raise Gone
    if answer.end_after == count:
        raise Gone


def _packets(data: bytes, size: int | None) -> list[bytes]:
    size = size or len(data)
    return [data[start : start + size] for start in range(0, len(data), size)]
