"""Whatever bytes arrive, a card is read or refused in one sentence: no crash, no hang."""

from __future__ import annotations

import base64
import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import InvalidRequest
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.writing import write_card
from tests.fakes.card_files import (
    SIGNATURE,
    as_json,
    book,
    byaf,
    charx,
    entry,
    exif,
    packed_itxt,
    png,
    text,
    v1,
    v2,
    v3,
    webp,
)

LIMITS = CardLimits(card_mb=1, inflated_mb=1, archive_mb=2, archive_files=20, text_chunks=50)
LORE = book(entry(content="@@depth 1\nBees."), entry(id="x"))
ASSETS = [{"type": "icon", "uri": "embeded://assets/i.png", "name": "main", "ext": "png"}]
PNGS = [
    png(text("chara", v2(character_book=LORE))),
    png(text("ccv3", v3(), kind=b"zTXt"), text("chara", v1())),
    png(packed_itxt("ccv3", base64.b64encode(as_json(v3())))),
    png(text("chara", v1()), text("chara-ext-asset_:a.png", None, raw=base64.b64encode(png()))),
]
ARCHIVES = [
    charx(v3(assets=ASSETS), {"assets/i.png": png(), "module.risum": b"x"}),
    byaf({"name": "A", "persona": "b", "images": [{"path": "i.png"}]}, [{"narrative": "n"}]),
]
OTHERS = [as_json(v1()), as_json(v2(character_book=LORE)), webp(exif=exif(as_json(v2())))]
FILES = [*PNGS, *ARCHIVES, *OTHERS]


def read(data: bytes) -> CardFile | None:
    try:
        file = read_card(data, name="card", limits=LIMITS)
    except InvalidRequest as refusal:
        sentence = refusal.user_message
        assert sentence.startswith("The card card cannot be used: ")
        assert sentence.endswith(".")
        assert "\n" not in sentence
        return None
    written = write_card(file.document, to="json", limits=LIMITS)
    assert read_card(written, name="card", limits=CardLimits()).document == file.document
    return file


def test_every_sample_is_sound() -> None:
    assert all(read(data) is not None for data in FILES)


@given(data=st.binary(max_size=300), start=st.sampled_from([b"", SIGNATURE, b"PK\3\4", b"{", b"["]))
def test_random_bytes(data: bytes, start: bytes) -> None:
    read(start + data)


@pytest.mark.parametrize("sample", range(len(FILES)))
@given(seed=st.integers(0, 2**32), edits=st.integers(1, 12))
def test_damaged_files(sample: int, seed: int, edits: int) -> None:
    read(_damaged(FILES[sample], random.Random(seed), edits))


@pytest.mark.parametrize("sample", range(len(PNGS)))
@given(seed=st.integers(0, 2**32), edits=st.integers(1, 6))
def test_damaged_pictures_with_sound_checksums(sample: int, seed: int, edits: int) -> None:
    read(_resealed(_damaged(PNGS[sample], random.Random(seed), edits)))


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from([*v3(), *v2()["data"], *entry()]), inner, max_size=6)  # type: ignore[misc]
        ),
        max_leaves=20,
    )
)
def test_known_fields_of_any_type(value: object) -> None:
    read(as_json(value))
    read(as_json({"spec": "chara_card_v3", "data": value}))
    read(as_json({"spec": value, "kind": value, "name": value, "data": value, "entries": value}))
    read(as_json(v3(character_book=value, extensions=value, assets=value, tags=value)))
    read(as_json(v3(character_book={"entries": [value, value]})))
    read(as_json({"name": "A", "persona": value, "greeting": "hi", "characterBook": value}))
    read(byaf({"name": value, "loreItems": value, "images": value}, [{"firstMessages": value}]))


def _damaged(data: bytes, chance: random.Random, edits: int) -> bytes:
    raw = bytearray(data)
    for _ in range(edits):
        if not raw:
            break
        place = chance.randrange(len(raw))
        match chance.randrange(5):
            case 0:
                raw[place] = chance.randrange(256)
            case 1:
                raw[place] ^= 1 << chance.randrange(8)
            case 2:
                del raw[place : place + chance.randrange(1, 40)]
            case 3:
                raw[place:place] = raw[place : place + chance.randrange(1, 40)]
            case _:
                raw[place : place + 4] = struct.pack(">I", chance.choice([0, 1, 2**31, 2**32 - 1]))
    return bytes(raw)


def _resealed(data: bytes) -> bytes:
    """Give every chunk the checksum of what is in it, as far as the chunks can be followed."""
    raw, place = bytearray(data), len(SIGNATURE)
    while place + 12 <= len(raw):
        [length] = struct.unpack(">I", raw[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(raw):
            break
        raw[end : end + 4] = struct.pack(">I", zlib.crc32(raw[place + 4 : end]))
        place = end + 4
    return bytes(raw)
