"""The words of an HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from services.memory.documents.chunking import Section

_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "head"})
_BLOCK_NAMES = """
    address article aside blockquote br dd div dl dt figure footer form header hr li main nav ol p
    pre section table tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LONGEST_HEADING = 200


def html_sections(text: str) -> Iterator[Section]:
    """Yield what a page says, one section per heading; scripts and styles are left out."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    yield from reader.sections()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._found: list[tuple[str, list[str]]] = [("", [])]
        self._heading: list[str] | None = None
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _HEADINGS:
            self._heading = []
        elif tag in _BLOCKS:
            self._found[-1][1].append("\n\n")
        elif tag in ("td", "th"):
            self._found[-1][1].append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _HEADINGS and self._heading is not None:
            title = " ".join("".join(self._heading).split())[:_LONGEST_HEADING]
            self._heading = None
            self._found.append((title, []))
        elif tag == "body":
            self._unseen = 0

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)
        elif not self._unseen:
            self._found[-1][1].append(data)

    def sections(self) -> Iterator[Section]:
        for heading, words in self._found:
            text = "".join(words).strip()
            if text or heading:
                yield Section(text=text or heading, heading=heading)
