"""Turning what was fetched into text, in a process of its own that a bad page may take down.

Run as ``python -m services.search.extracting``: a line of JSON ``{"kind", "charset", "url"}`` and
then the page come in, one line of JSON goes out: ``{"title", "text"}``, or ``{}`` when the page
cannot be read.
"""

from __future__ import annotations

import asyncio
import io
import json
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from services.domain.errors import Refused
from services.net.bodies import Fetched
from services.search.cleaning import one_line
from services.search.values import Page

if TYPE_CHECKING:
    from asyncio.subprocess import Process

_MODULE = "services.search.extracting"
_ROOT = Path(__file__).parents[2]
_MEMORY = 1 << 30
_SECONDS = 15.0
_AT_ONCE = 3
_MOST_CHARACTERS = 60_000
_LONGEST_TITLE = 200
_MOST_PAGES = 40


class Extractor:
    """Reads pages, three at a time; each has ``seconds``, a gigabyte and an empty environment."""

    def __init__(self, *, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def page(self, fetched: Fetched) -> Page:
        """Return the title and the main text, up to 60,000 characters.

        Raises ``Refused`` for a page without text or one that takes too much time or memory.
        Cancelled, it ends the reading.
        """
        head = {"kind": fetched.kind, "charset": fetched.charset, "url": fetched.url}
        async with self._turns:
            try:
                said = await self._read(json.dumps(head).encode() + b"\n" + fetched.body)
            except (TimeoutError, OSError) as error:
                raise _unreadable() from error
        return _page(fetched.url, said)

    async def _read(self, request: bytes) -> bytes:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=_ROOT,
            env={"LANG": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                said, _ = await child.communicate(request)
        finally:
            await _ended(child)
        return said


def _page(url: str, said: bytes) -> Page:
    try:
        found = json.loads(said)
        page = Page(url=url, title=str(found["title"]), text=str(found["text"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error
    if not any(each.isalnum() for each in page.text):
        raise Refused("page_empty", "That page holds no text that can be read.")
    return page


async def _ended(child: Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _unreadable() -> Refused:
    return Refused("page_unreadable", "That page cannot be read: it is damaged or too much.")


def _html(fetched: Fetched) -> tuple[str, str]:
    from trafilatura import bare_extraction, html2txt, load_html  # noqa: PLC0415  only for HTML

    source = fetched.text() if fetched.charset else fetched.body
    tree = load_html(source)
    if tree is None:  # a fragment, which browsers show as well
        source = f"<html>{fetched.text()}</html>"
        tree = load_html(source)
    if tree is None:
        return "", ""
    title = tree.findtext(".//title") or tree.findtext(".//h1") or ""
    found = bare_extraction(tree, url=fetched.url, include_comments=False, with_metadata=False)
    text = "" if found is None or isinstance(found, dict) else found.text or ""
    return title, text or str(html2txt(source))


def _pdf(fetched: Fetched) -> tuple[str, str]:
    from pypdf import PdfReader  # noqa: PLC0415  only PDF needs it

    reader = PdfReader(io.BytesIO(fetched.body))
    title = reader.metadata.title if reader.metadata is not None else None
    texts: list[str] = []
    for page in reader.pages[:_MOST_PAGES]:
        texts.append(page.extract_text())
        if sum(map(len, texts)) > _MOST_CHARACTERS:
            break
    return title or "", "\n\n".join(texts)


def _plain(fetched: Fetched) -> tuple[str, str]:
    return "", fetched.text()


_READERS: Mapping[str, Callable[[Fetched], tuple[str, str]]] = {
    "text/html": _html,
    "application/xhtml+xml": _html,
    "application/pdf": _pdf,
}


def main() -> None:
    """Answer the one request on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    head = json.loads(sys.stdin.buffer.readline())
    fetched = Fetched(
        url=head["url"],
        kind=head["kind"],
        charset=head["charset"],
        body=sys.stdin.buffer.read(),
    )
    answer: dict[str, str] = {}
    with suppress(Exception):  # damaged files raise anything at all
        title, text = _READERS.get(fetched.kind, _plain)(fetched)
        answer = {
            "title": one_line(title, _LONGEST_TITLE),
            "text": _printable(text)[:_MOST_CHARACTERS].strip(),
        }
    sys.stdout.write(json.dumps(answer))


def _printable(text: str) -> str:
    """Return ``text`` without control characters and halves of characters."""
    kept = "".join(each for each in text if each.isprintable() or each in "\n\t")
    return kept.encode(errors="ignore").decode()


if __name__ == "__main__":
    main()
