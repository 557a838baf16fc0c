"""The life of the server's child process: listen, load, serve, and end with its parent."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from aiohttp import web

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError
from services.llm.embedded.engine import Engine, EngineOptions, knows_lark, version
from services.llm.embedded.llama import LlamaServer
from services.llm.embedded.models import ModelFile, check
from services.llm.embedded.prefixes import PrefixFiles, model_identity
from services.llm.embedded.routes import ModelCard, Routes, Unservable
from services.llm.embedded.slots import Slots

_LAST_ANSWERS_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOptions:
    """What the command line asked for; ``num_ctx`` is cut to what the model was trained for."""

    model: Path
    name: str | None
    num_ctx: int
    threads: int
    prefixes: Path


class Announcer:
    """Tells the parent what happens, one JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def say(self, event: str, **more: object) -> None:
        """Write one event."""
        self._out.write(json.dumps({"event": event, **more}) + "\n")
        self._out.flush()


async def serve(options: ChildOptions, listener: socket.socket, announcer: Announcer) -> int:
    """Serve until the process is ended; return 1 when the model cannot be loaded."""
    try:
        model = await asyncio.to_thread(check, options.model)
    except ProviderError as error:
        announcer.say("failed", message=error.user_message)
        return 1
    loaded: asyncio.Future[Slots] = asyncio.get_running_loop().create_future()
    card = await asyncio.to_thread(_card, options, model)
    app = Routes(card, loaded, SystemClock()).application()
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        announcer.say("listening", port=listener.getsockname()[1])
        began = time.perf_counter()
        prefixes = PrefixFiles(
            options.prefixes, stamp=f"{card.digest} {card.num_ctx} {card.version}"
        )
        try:
            engine = await asyncio.to_thread(_load, options, card, prefixes)
        except (RuntimeError, OSError) as error:
            return await _give_up(model, error, loaded, announcer)
        async with LlamaServer(engine.address, key=engine.key) as llama:
            loaded.set_result(Slots(llama, prefixes, chooses=card.chooses_tools))
            announcer.say("ready", load_seconds=round(time.perf_counter() - began, 3))
            await asyncio.Event().wait()
    finally:
        await runner.cleanup()
    return 0


def _card(options: ChildOptions, model: ModelFile) -> ModelCard:
    trained = model.header.context_length
    return ModelCard(
        name=options.name or model.name,
        path=model.path,
        header=model.header,
        num_ctx=min(options.num_ctx, trained) if trained else options.num_ctx,
        digest=model_identity(model.path),
        version=version(),
        bound_calls=knows_lark(),
    )


def _load(options: ChildOptions, card: ModelCard, prefixes: PrefixFiles) -> Engine:
    prefixes.open()
    return Engine(
        EngineOptions(
            model=card.path,
            num_ctx=card.num_ctx,
            threads=options.threads,
            prefixes=options.prefixes,
        )
    )


async def _give_up(
    model: ModelFile, error: Exception, loaded: asyncio.Future[Slots], announcer: Announcer
) -> int:
    message = (
        f"The model file {model.path} could not be loaded ({error}); it may be damaged, of a kind "
        "that is not supported, or too big for the memory: set ACORE_EMBEDDED__MODEL to another."
    )
    loaded.set_exception(Unservable(503, message))
    loaded.exception()  # nobody may be waiting, which is no mistake
    announcer.say("failed", message=message)
    await asyncio.sleep(_LAST_ANSWERS_SECONDS)
    return 1


def end_with_input() -> None:
    """End the process as soon as the parent's end of standard input is closed. Blocks."""
    while os.read(0, 4096):
        pass
    os._exit(0)
