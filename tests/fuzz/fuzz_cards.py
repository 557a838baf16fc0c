"""Coverage-guided fuzzing of the card readers: python -m tests.fuzz.fuzz_cards PNG|ZIP|JSON|WEBP.

Needs atheris; further arguments are libFuzzer's, such as ``-max_total_time=60``.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import atheris  # type: ignore[import-untyped,unused-ignore]

with atheris.instrument_imports(include=["services.persona.cards", "zipfile", "json"]):
    from services.domain.errors import InvalidRequest
    from services.persona.cards.limits import CardLimits
    from services.persona.cards.reading import read_card
    from services.persona.cards.writing import write_card
    from tests.fakes import card_files as made

LIMITS = CardLimits(card_mb=1, inflated_mb=1, archive_mb=2, archive_files=50, text_chunks=100)
_MOST_MB = 200


def judge(data: bytes) -> None:
    """Read ``data``; anything but a card or a refusal in one sentence is a finding."""
    try:
        file = read_card(data, name="card", limits=LIMITS)
    except InvalidRequest as refusal:
        if "\n" in refusal.user_message or not refusal.user_message.endswith("."):
            raise AssertionError(refusal.user_message) from refusal
        return
    written = write_card(file.document, to="json")
    if read_card(written, name="card", limits=CardLimits()).document != file.document:
        raise AssertionError("what was written reads differently")


def as_png_text(data: bytes) -> None:
    """Fuzz what stands in a PNG's text, behind sound checksums."""
    kind = (b"tEXt", b"zTXt", b"iTXt")[data[0] % 3] if data else b"tEXt"
    judge(made.png(made.chunk(kind, b"chara\0" + data[1:])))
    judge(made.png(made.text("ccv3", None, raw=data[1:], kind=kind)))


def as_zip(data: bytes) -> None:
    """Fuzz a whole archive and the card in a sound one."""
    judge(b"PK\x03\x04" + data)
    judge(made.archive({"card.json": data, "assets/i.png": made.png()}))
    judge(made.archive({"manifest.json": b'{"characters":["c"]}', "c": data}))


def as_exif(data: bytes) -> None:
    """Fuzz what stands in a WEBP's metadata."""
    judge(made.webp(exif=data))
    judge(made.webp(exif=made.exif(data)))


def as_png(data: bytes) -> None:
    """Fuzz a whole PNG and the texts in a sound one."""
    judge(made.SIGNATURE + data)
    as_png_text(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "PNG": as_png,
    "ZIP": as_zip,
    "JSON": lambda data: judge(b"{" + data),
    "WEBP": as_exif,
}


def seeds(target: str) -> list[bytes]:
    """Return sound files to start from, as the target takes them."""
    lore = made.book(made.entry(content="@@depth 1\nBees."))
    cards = [made.v1(), made.v2(character_book=lore), made.v3(assets=[], nickname="A")]
    if target == "PNG":
        whole = [made.png(made.text("chara", card)) for card in cards]
        texts = [b"\0" + base64.b64encode(made.as_json(card)) for card in cards]
        return [data.removeprefix(made.SIGNATURE) for data in whole] + texts
    if target == "ZIP":
        archives = [made.charx(card, {"assets/i.png": made.png()}) for card in cards]
        archives.append(made.byaf({"name": "A", "persona": "b"}, [{"narrative": "n"}]))
        return [data.removeprefix(b"PK\x03\x04") for data in archives]
    if target == "JSON":
        return [made.as_json(card)[1:] for card in cards]
    return [made.exif(made.as_json(card)) for card in cards] + [made.as_json(cards[0])]


def main() -> None:
    """Fuzz the target named on the command line until a finding or the time's end."""
    target, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(target)):
            (Path(corpus) / f"{number}").write_bytes(data)
        limits = ["-timeout=5", f"-rss_limit_mb={_MOST_MB + 300}", "-max_len=20000"]
        atheris.Setup([sys.argv[0], corpus, *limits, *options], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
