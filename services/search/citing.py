"""Holding an answer to its sources."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from services.search.values import FoundAnswer, Source

_MARK = re.compile(r"\s?[\[【]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*(?:†[^\]】]*)?[\]】](?!\()")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\(([^()\s]*)[^()]{0,300}\)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_REMOVED = "(link removed)"


def held_to_sources(text: str, sources: Sequence[Source]) -> FoundAnswer:
    """Return ``text`` with only such citations and links as lead to ``sources``.

    Citations of other numbers are taken out; links and pictures become their text, and addresses
    that are no source's are removed, so that no page can have people led elsewhere.
    """
    known = {source.number for source in sources}
    cited: set[int] = set()

    def mark(found: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", found[1])]
        real = [number for number in dict.fromkeys(numbers) if number in known]
        cited.update(real)
        space = " " if found[0][0].isspace() and real else ""
        return space + "".join(f"[{number}]" for number in real)

    plain = _LINK.sub(lambda link: _text_of(link, known), text)
    addresses = {source.url.rstrip("/") for source in sources}
    plain = _ADDRESS.sub(lambda found: _kept(found[0], addresses), plain)
    checked = _MARK.sub(mark, plain).strip()
    used = tuple(source for source in sources if source.number in cited)
    return FoundAnswer(text=checked, sources=used or tuple(sources), cites=bool(used))


def _text_of(link: re.Match[str], known: Collection[int]) -> str:
    text = link[1].strip()
    return f"[{text}]" if text.isdecimal() and int(text) in known else text


def _kept(address: str, known: Collection[str]) -> str:
    end = address.rstrip(".,;:!?")
    return address if end.rstrip("/") in known else _REMOVED + address[len(end) :]
