"""The words of Word (.docx) and OpenDocument (.odt) files, read from the XML inside."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, XMLPullParser

from services.domain.errors import InvalidRequest
from services.memory.documents.chunking import Section

_INSIDE = {".docx": "word/document.xml", ".odt": "content.xml"}
_MOST_BYTES = 64 * 2**20
_MOST_MEMBERS = 5_000
_CHUNK = 1 << 16
_LONGEST_HEADING = 200

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    SyntaxError,  # of XML
    RuntimeError,  # asks for a password
    ValueError,
    NotImplementedError,
)
_PARAGRAPHS = frozenset({f"{_WORD}p", f"{_TEXT}p", f"{_TEXT}h"})


def office_sections(path: Path) -> Iterator[Section]:
    """Yield what a document says, one section per heading. Blocks.

    Nothing but its text is unpacked, and no more than 64 MB of it. Raises ``InvalidRequest``.
    """
    kind = path.suffix.lower()
    paragraph = _word_paragraph if kind == ".docx" else _open_paragraph
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > _MOST_MEMBERS:
                raise _damaged(path)
            with archive.open(_INSIDE[kind]) as inside:
                heading = ""
                lines: list[str] = []
                for element in _elements(inside, path):
                    found = paragraph(element)
                    if found is None:
                        continue
                    text, is_heading = found
                    if is_heading and text:
                        if lines:
                            yield Section(text="\n\n".join(lines), heading=heading)
                        heading, lines = text[:_LONGEST_HEADING], []
                    elif text:
                        lines.append(text)
                if lines or heading:
                    yield Section(text="\n\n".join(lines) or heading, heading=heading)
    except _UNREADABLE as error:
        raise _damaged(path) from error


def _elements(inside: IO[bytes], path: Path) -> Iterator[Element]:
    """Yield the paragraphs' elements; what was yielded is emptied afterwards."""
    parser: XMLPullParser[Element] = XMLPullParser(["end"])
    read = 0
    while chunk := inside.read(_CHUNK):
        read += len(chunk)
        if read > _MOST_BYTES:
            raise InvalidRequest(
                "document_large", f"{path.name} unpacks to more than {_MOST_BYTES >> 20} MB."
            )
        if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
            raise _damaged(path)
        parser.feed(chunk)
        for event in parser.read_events():
            element: object = tuple(event)[-1]
            if isinstance(element, Element) and element.tag in _PARAGRAPHS:
                yield element
                element.clear()
    parser.close()


def _word_paragraph(element: Element) -> tuple[str, bool] | None:
    if element.tag != f"{_WORD}p":
        return None
    words = []
    for part in element.iter():
        if part.tag == f"{_WORD}t":
            words.append(part.text or "")
        elif part.tag in (f"{_WORD}tab", f"{_WORD}br", f"{_WORD}cr"):
            words.append(" ")
    style = element.find(f"{_WORD}pPr/{_WORD}pStyle")
    name = "" if style is None else (style.get(f"{_WORD}val") or "").lower()
    heads = name.startswith(("heading", "title", "berschrift", "überschrift", "titel"))
    return "".join(words).strip(), heads


def _open_paragraph(element: Element) -> tuple[str, bool] | None:
    if element.tag not in (f"{_TEXT}p", f"{_TEXT}h"):
        return None
    return " ".join("".join(element.itertext()).split()), element.tag == f"{_TEXT}h"


def _damaged(path: Path) -> InvalidRequest:
    return InvalidRequest(
        "document_damaged", f"{path.name} is not a readable document; open and save it anew."
    )
