"""Reading documents in a process of its own, so that none can stall or take down acore.

Run as ``python -m services.memory.documents.extraction``: one absolute path a line comes in, as a
JSON string, and for each come lines of JSON: ``{"p": [position, heading, page, text]}`` per
passage, and at last ``{"end": passages}`` or ``{"problem": sentence}``.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.memory.documents.chunking import Passage, passages_of
from services.memory.documents.reading import sections_of

_MEMORY = 1536 * 2**20
_LINE = 2**20
_SILENCE_SECONDS = 120.0
_NICENESS = 10
_MODULE = "services.memory.documents.extraction"
_ROOT = Path(__file__).parents[3]


class Extractor:
    """A child process that reads documents, one at a time; ``silence`` is in seconds.

    A document that takes the child down, or too long without a passage, is refused and the next
    one gets a new child.
    """

    def __init__(self, *, silence: float = _SILENCE_SECONDS) -> None:
        self._silence = silence
        self._child: asyncio.subprocess.Process | None = None

    async def read(self, path: Path) -> AsyncGenerator[Passage, None]:
        """Yield the passages of the file at an absolute path, in order.

        Raises ``InvalidRequest`` when it cannot be read; what came before the error is to be
        thrown away. Not for two files at once.
        """
        refused = InvalidRequest(
            "document_fatal", f"{path.name} cannot be read: it takes too much time or memory."
        )
        done = False
        try:
            child = await self._started()
            if child.stdin is None or child.stdout is None:
                raise refused
            child.stdin.write(json.dumps(str(path)).encode() + b"\n")
            await child.stdin.drain()
            async with aclosing(_answers(child.stdout, self._silence)) as answers:
                async for answer in answers:
                    if "p" not in answer:
                        done = True
                        if problem := answer.get("problem"):
                            raise InvalidRequest("document_unreadable", str(problem))
                        return
                    yield _passage(answer["p"])
            raise refused
        except (OSError, TimeoutError, ValueError) as error:
            raise refused from error
        finally:
            if not done:
                await self.close()

    async def close(self) -> None:
        """End the child; idempotent."""
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=_ROOT,
                limit=_LINE,
                start_new_session=True,
            )
        return self._child


@asynccontextmanager
async def extractor() -> AsyncGenerator[Extractor, None]:
    """Enter for an extractor whose child ends with the block."""
    found = Extractor()
    try:
        yield found
    finally:
        await found.close()


async def _answers(
    stream: asyncio.StreamReader, silence: float
) -> AsyncGenerator[dict[str, object], None]:
    while True:
        async with asyncio.timeout(silence):
            line = await stream.readline()
        if not line.endswith(b"\n"):
            return
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("an answer is an object")  # noqa: TRY003, TRY004
        yield answer


def _passage(parts: object) -> Passage:
    if not isinstance(parts, list) or len(parts) != 4:
        raise ValueError("a passage has four parts")  # noqa: TRY003
    position, heading, page, text = parts
    return Passage(position=position, heading=heading, page=page, text=text)


def _answer(path: Path) -> Iterator[dict[str, object]]:
    count = 0
    try:
        for passage in passages_of(sections_of(path)):
            count += 1
            yield {"p": [passage.position, passage.heading, passage.page, passage.text]}
    except InvalidRequest as error:
        yield {"problem": error.user_message}
    except OSError as error:
        yield {"problem": f"{path.name} cannot be read: {error.strerror}."}
    except (MemoryError, RecursionError):
        yield {"problem": f"{path.name} cannot be read: it takes too much memory."}
    else:
        yield {"end": count}


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(_NICENESS)
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        for answer in _answer(Path(json.loads(line))):
            out.write(json.dumps(answer, ensure_ascii=True).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    _serve()
