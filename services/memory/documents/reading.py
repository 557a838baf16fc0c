"""Documents as sections: Markdown, plain text, PDF, HTML, Word and OpenDocument."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.memory.documents.chunking import Section

MARKDOWN = frozenset({".md", ".markdown"})
TEXT = frozenset({".txt", ".text", ".rst", ".log", ".csv", ".tsv", ".json", ".yaml", ".xml"})
PDF = frozenset({".pdf"})
HTML = frozenset({".html", ".htm", ".xhtml"})
OFFICE = frozenset({".docx", ".odt"})
READABLE = MARKDOWN | TEXT | PDF | HTML | OFFICE

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_HEADING_CHARACTERS = 200
_SNIFFED = 65_536
_MOST_CONTROLS = 0.005


def sections_of(path: Path) -> Iterator[Section]:
    """Yield what a file says, in order; raises ``InvalidRequest`` with a sentence if it cannot.

    Blocks, and for PDF takes much time and memory: meant for a process of its own.
    """
    kind = path.suffix.lower()
    if kind in PDF:
        yield from _pdf(path)
    elif kind in MARKDOWN:
        yield from _markdown(_text(path))
    elif kind in TEXT:
        yield Section(text=_text(path))
    elif kind in HTML:
        from services.memory.documents.html_text import html_sections  # noqa: PLC0415  few need it

        yield from html_sections(_text(path))
    elif kind in OFFICE:
        from services.memory.documents.office import office_sections  # noqa: PLC0415  few need it

        yield from office_sections(path)
    else:
        raise InvalidRequest(
            "document_kind",
            f"{path.name} is not a document acore reads: text, Markdown, PDF, HTML, Word (.docx) "
            "or OpenDocument (.odt).",
        )


def _text(path: Path) -> str:
    data = path.read_bytes()
    text = _decoded(data, path.name)
    if len(_CONTROLS.findall(text[:_SNIFFED])) > _MOST_CONTROLS * min(len(text), _SNIFFED):
        raise _not_text(path.name)
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _decoded(data: bytes, name: str) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if b"\x00" in data[:_SNIFFED]:
            raise _not_text(name) from error
    return data.decode("cp1252", errors="replace")


def _not_text(name: str) -> InvalidRequest:
    return InvalidRequest(
        "document_not_text", f"{name} is not text; save it as text, Markdown or PDF."
    )


def _markdown(text: str) -> Iterator[Section]:
    headings: dict[int, str] = {}
    lines: list[str] = []
    fenced = False

    def section() -> Iterator[Section]:
        if any(line.strip() for line in lines):
            path = " > ".join(headings[level] for level in sorted(headings))
            yield Section(text="\n".join(lines), heading=path[:_HEADING_CHARACTERS])
        lines.clear()

    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            yield from section()
            _enter(headings, len(heading[1]), heading[2])
        elif not fenced and _UNDERLINE.match(line) and _is_title(lines):
            title = lines.pop().strip()
            yield from section()
            _enter(headings, 1 if "=" in line else 2, title)
        else:
            lines.append(line)
    yield from section()


def _is_title(lines: list[str]) -> bool:
    return bool(lines) and bool(lines[-1].strip()) and (len(lines) < 2 or not lines[-2].strip())


def _enter(headings: dict[int, str], level: int, title: str) -> None:
    for deeper in [one for one in headings if one >= level]:
        del headings[deeper]
    headings[level] = title


def _pdf(path: Path) -> Iterator[Section]:
    from pypdf import PdfReader  # noqa: PLC0415  a megabyte of code that only PDF needs
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InvalidRequest(
                "document_locked", f"{path.name} asks for a password; save a copy without one."
            )
        found = False
        for number, page in enumerate(reader.pages, 1):
            text = page.extract_text()
            found = found or bool(text.strip())
            text = text.encode(errors="replace").decode()
            yield Section(text=_CONTROLS.sub("", text), page=number)
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InvalidRequest(
            "document_damaged", f"{path.name} is not a readable PDF; open and save it anew."
        ) from error
    if not found:
        raise InvalidRequest(
            "document_pictures", f"{path.name} holds no text, perhaps only scanned pictures."
        )
