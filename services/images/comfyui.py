"""Pictures by a ComfyUI server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress

from services.domain.errors import AcoreError, InvalidRequest, ProviderError, ProviderFault
from services.images.answers import listed, mapped
from services.images.comfyui_workflow import filled
from services.images.maker import PictureRequest
from services.net.configured import ConfiguredServer

_FIRST_LOOK = 0.1
_LAST_LOOK = 2.0
_TICKET = re.compile(r"[\w-]{1,64}")
_TAKE_BACK_SECONDS = 3.0


class ComfyUiMaker:
    """Queues a workflow, looks until it is done, and fetches the first picture it gave."""

    def __init__(
        self, server: ConfiguredServer, *, workflow: Mapping[str, object], model: str | None
    ) -> None:
        self._server = server
        self._workflow = workflow
        self._model = model

    async def make(self, request: PictureRequest, /) -> bytes:
        """Return a picture; raises ``ProviderError``, ``InvalidRequest`` with one to go on from.

        Waits as long as it takes: whoever calls sets the limit. What still waits in the server's
        queue then is taken back.
        """
        if request.start is not None:
            raise InvalidRequest(
                "picture_start", "This server cannot go on from a picture; describe what you want."
            )
        payload = {"prompt": filled(self._workflow, request, model=self._model or "")}
        answer = await self._server.post_json("prompt", payload)
        ticket = answer.get("prompt_id") if isinstance(answer, Mapping) else None
        if not isinstance(ticket, str) or not _TICKET.fullmatch(ticket):
            raise self._server.malformed()
        try:
            made = await self._made(ticket)
        except asyncio.CancelledError:
            await self._take_back(ticket)
            raise
        names = ("filename", "subfolder", "type")
        where = {name: str(made.get(name) or "") for name in names}
        return (await self._server.get("view", where)).body

    async def _made(self, ticket: str) -> Mapping[str, object]:
        pause = _FIRST_LOOK
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK)
            entry = mapped(await self._server.get_json(f"history/{ticket}"), ticket)
            if not entry:
                continue
            if mapped(entry, "status").get("status_str") == "error":
                raise ProviderError(
                    "comfyui",
                    ProviderFault.REJECTED,
                    "ComfyUI could not run its workflow; its owner has to look at the settings.",
                )
            for output in mapped(entry, "outputs").values():
                for picture in listed(output, "images"):
                    if isinstance(picture, Mapping) and picture.get("filename"):
                        return picture
            if mapped(entry, "status").get("completed", True):
                raise self._server.malformed()

    async def _take_back(self, ticket: str) -> None:
        with suppress(AcoreError, TimeoutError):
            async with asyncio.timeout(_TAKE_BACK_SECONDS):
                await self._server.post_json("queue", {"delete": [ticket]})
