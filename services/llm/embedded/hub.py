"""Fetching a model file over HTTP, going on where an earlier try was cut off."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Callable
from pathlib import Path

import aiofiles
import aiohttp

from services.domain.errors import ProviderError, ProviderFault

Progress = Callable[[int, int], None]

_CHUNK = 1 << 20
_TRIES_WITHOUT_GAIN = 5
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15.0, sock_read=60.0)


class _InterruptedError(Exception):
    """The transfer stopped early; what arrived is kept."""


async def download(
    url: str, target: Path, *, progress: Progress | None = None, pause: float = 1.0
) -> None:
    """Fetch ``url`` into ``target``, which appears only when it is complete.

    What has arrived lies in ``<target>.part`` and is kept when the transfer fails or is
    cancelled, so that the next try asks for the rest alone. A cut connection is tried again after
    ``pause`` seconds, until five tries in a row have brought nothing. ``progress`` hears the bytes
    present and the bytes expected (0 while unknown). Raises ``ProviderError`` with
    ``MODEL_MISSING`` when the server does not have the file and ``UNREACHABLE`` otherwise.
    """
    part = target.with_name(target.name + ".part")
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    fruitless = 0
    async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session:
        while True:
            before = await asyncio.to_thread(_size, part)
            try:
                await _transfer(session, url, part, progress or _ignore)
                break
            except (aiohttp.ClientError, TimeoutError, _InterruptedError) as error:
                gained = await asyncio.to_thread(_size, part) > before
                fruitless = 0 if gained else fruitless + 1
                if fruitless >= _TRIES_WITHOUT_GAIN:
                    raise _unreachable(url, error) from error
            except OSError as error:
                raise _not_written(target, error) from error
            await asyncio.sleep(pause)
    await asyncio.to_thread(_finish, part, target)


async def _transfer(
    session: aiohttp.ClientSession, url: str, part: Path, progress: Progress
) -> None:
    present, tag = await asyncio.to_thread(_state, part)
    headers = {"Accept-Encoding": "identity"}
    if present and tag:
        headers |= {"Range": f"bytes={present}-", "If-Range": tag}
    async with session.get(url, headers=headers) as response:
        if response.status == 416 and present == _whole(response):
            return
        if response.status >= 400:
            await asyncio.to_thread(_discard, part)
            raise _refusal(url, response.status)
        resumed = response.status == 206 and _first_byte(response) == present
        if not resumed:
            present = 0
            await asyncio.to_thread(_remember, part, response.headers.get("ETag", ""))
        total = _whole(response)
        progress(present, total)
        async with aiofiles.open(part, "ab" if resumed else "wb") as file:
            async for chunk in response.content.iter_chunked(_CHUNK):
                await file.write(chunk)
                present += len(chunk)
                progress(present, total)
    if total and present != total:
        if present > total:
            await asyncio.to_thread(_discard, part)
        raise _InterruptedError(f"{present} of {total} bytes")  # noqa: TRY003


def _whole(response: aiohttp.ClientResponse) -> int:
    """Return the size of the complete file, 0 when the server does not say."""
    if match := re.search(r"/(\d+)$", response.headers.get("Content-Range", "")):
        return int(match[1])
    return int(response.headers.get("Content-Length", 0)) if response.status == 200 else 0


def _first_byte(response: aiohttp.ClientResponse) -> int:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _refusal(url: str, status: int) -> Exception:
    if status in (416, 429) or status >= 500:
        return _InterruptedError(f"status {status}")
    return ProviderError(
        "embedded",
        ProviderFault.MODEL_MISSING,
        f"The model could not be fetched from {url} (status {status}); check its name.",
    )


def _unreachable(url: str, error: Exception) -> ProviderError:
    return ProviderError(
        "embedded",
        ProviderFault.UNREACHABLE,
        f"The model could not be fetched from {url}; check the network and try again, "
        "what has arrived is kept.",
        detail=str(error),
    )


def _not_written(target: Path, error: OSError) -> ProviderError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    return ProviderError(
        "embedded",
        ProviderFault.REJECTED,
        f"The model could not be written to {target.parent}: {reason}.",
    )


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _state(part: Path) -> tuple[int, str]:
    tag = _tag_file(part)
    return _size(part), tag.read_text() if tag.exists() else ""


def _remember(part: Path, tag: str) -> None:
    """Note which version the bytes are of; without a strong tag nothing can be resumed."""
    _discard(part)
    if tag and not tag.startswith("W/"):
        _tag_file(part).write_text(tag)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _finish(part: Path, target: Path) -> None:
    part.replace(target)
    _tag_file(part).unlink(missing_ok=True)


def _ignore(present: int, total: int) -> None:
    """Hear progress and do nothing."""
