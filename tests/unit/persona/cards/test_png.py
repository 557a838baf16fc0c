"""Cards in PNG: which text counts, what is tolerated, what is refused."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from services.domain.errors import InvalidRequest
from services.persona.cards.limits import CardLimits
from services.persona.cards.png import write_png
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.writing import write_card
from tests.fakes.card_files import (
    END,
    SIGNATURE,
    as_json,
    chunk,
    header,
    packed_itxt,
    pixels,
    png,
    text,
    v2,
    v3,
)


def read(data: bytes, **limits: float) -> CardFile:
    return read_card(data, name="ada.png", limits=CardLimits(**limits))  # type: ignore[arg-type]


def refused(data: bytes, **limits: float) -> str:
    with pytest.raises(InvalidRequest) as refusal:
        read(data, **limits)
    sentence = refusal.value.user_message
    assert sentence.startswith("The card ada.png ")
    assert sentence.endswith(".")
    assert ". " not in sentence
    return sentence


def test_ccv3_counts_over_chara_in_either_order() -> None:
    old, new = text("chara", v2(name="Old")), text("ccv3", v3(name="New"))
    assert read(png(old, new)).document.name == "New"
    assert read(png(new, old)).document.name == "New"


def test_the_first_of_several_chara_counts() -> None:
    file = read(png(text("chara", v2(name="First")), text("chara", v2(name="Second"))))
    assert file.document.name == "First"
    assert any("several" in warning for warning in file.warnings)


def test_chara_may_hold_a_v3_card() -> None:
    assert read(png(text("chara", v3(nickname="Nick")))).document.called == "Nick"


@pytest.mark.parametrize("keyword", ["chara", "Chara", "CHARA", "CCv3"])
def test_keywords_in_any_case(keyword: str) -> None:
    assert read(png(text(keyword, v2()))).document.name == "Ada"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_all_kinds_of_text(kind: bytes) -> None:
    assert read(png(text("chara", v2(name="凛"), kind=kind))).document.name == "凛"


def test_packed_international_text() -> None:
    packed = packed_itxt("ccv3", base64.b64encode(as_json(v3(name="凛"))))
    assert read(png(packed)).document.name == "凛"


def test_json_without_base64() -> None:
    assert read(png(text("chara", None, raw=as_json(v2(name="凛"))))).document.name == "凛"


@pytest.mark.parametrize("length", range(4))
def test_lost_padding_other_alphabets_and_line_ends(length: int) -> None:
    card = v2(name="a" * length + "?>~?>~凛" * 9)
    stored = base64.urlsafe_b64encode(as_json(card)).rstrip(b"=")
    wrapped = b"\r\n ".join(stored[start : start + 76] for start in range(0, len(stored), 76))
    assert read(png(text("chara", None, raw=wrapped))).document.plain()["data"] == {
        **card["data"],  # type: ignore[dict-item]
        "group_only_greetings": [],
    }


def test_a_byte_order_mark_before_the_json() -> None:
    raw = base64.b64encode(b"\xef\xbb\xbf" + as_json(v2()))
    assert read(png(text("chara", None, raw=raw))).document.name == "Ada"


def test_bytes_after_the_end_are_ignored() -> None:
    file = read(png(text("chara", v2()), after=b"PK\x03\x04 and more"))
    assert file.document.name == "Ada"
    assert file.picture == png()


def test_a_damaged_ccv3_gives_way_to_a_sound_chara() -> None:
    file = read(png(text("ccv3", None, raw=b"!!!"), text("chara", v2())))
    assert file.document.name == "Ada"
    assert any("damaged" in warning for warning in file.warnings)


def test_an_animated_picture_keeps_its_frames() -> None:
    control = chunk(b"acTL", struct.pack(">II", 2, 0))
    frame = chunk(b"fcTL", b"\0" * 26)
    more = chunk(b"fdAT", b"\0\0\0\1" + zlib.compress(b"\0" * 52))
    whole = SIGNATURE + header() + control + frame + pixels() + frame + more
    card = text("chara", v2())
    assert read(whole + card + END).picture == whole + END


def test_files_of_older_cards_between_the_chunks() -> None:
    one = text("chara-ext-asset_:assets/Icon.PNG", None, raw=base64.b64encode(b"one"))
    two = text("chara-ext-asset_:../evil", None, raw=base64.b64encode(b"two"))
    file = read(png(text("chara", v2()), one, two))
    assert file.assets == {"assets/Icon.PNG": b"one"}
    assert any("impossible name" in warning for warning in file.warnings)


def test_writing_replaces_old_cards_and_nothing_else() -> None:
    comment = text("Comment", None, raw=b"by hand")
    before = png(text("chara", v2(name="Old")), comment, text("ccv3", v3(name="Older")))
    written = write_card(read(png(text("chara", v2()))).document, to="png", picture=before)
    assert written.startswith((SIGNATURE + header() + pixels() + comment)[:-1])
    tail = written.removeprefix(SIGNATURE + header() + pixels() + comment)
    assert tail.index(b"chara\0") < tail.index(b"ccv3\0")
    assert tail.endswith(END)
    assert b"Old" not in base64.b64decode(tail[tail.index(b"chara\0") + 6 :][:400])
    file = read(written)
    assert file.document.name == "Ada"
    assert file.picture == png(comment)


def test_a_card_without_a_picture_gets_a_plain_one() -> None:
    from PIL import Image

    written = write_card(read(png(text("chara", v2()))).document, to="png")
    import io

    with Image.open(io.BytesIO(written)) as picture:
        picture.load()
        assert picture.size == (400, 600)


def test_writing_into_what_is_no_picture_is_refused() -> None:
    document = read(png(text("chara", v2()))).document
    with pytest.raises(InvalidRequest):
        write_card(document, to="png", picture=b"no picture")
    with pytest.raises(InvalidRequest):
        write_png(b"no picture", chara=b"{}", ccv3=b"{}")


class TestRefused:
    def test_no_card(self) -> None:
        assert "no card" in refused(png())

    def test_a_chunk_of_4_gb(self) -> None:
        huge = struct.pack(">I", 0xFFFFFFFF) + b"tEXtchara\0"
        assert "longer than the file" in refused(SIGNATURE + header() + huge + b"A" * 100)

    def test_a_truncated_chunk(self) -> None:
        whole = png(text("chara", v2()))
        for cut in (8, 9, 30, 40, 60, len(whole) // 2, len(whole) - 13, len(whole) - 5):
            refused(whole[:cut])

    def test_a_wrong_checksum(self) -> None:
        raw = base64.b64encode(as_json(v2()))
        assert "checksum" in refused(png(chunk(b"tEXt", b"chara\0" + raw, checksum=1)))
        broken = bytearray(png(text("chara", v2())))
        broken[broken.index(b"IDAT") + 6] ^= 1
        assert "checksum" in refused(bytes(broken))

    def test_ten_thousand_texts(self) -> None:
        many = b"".join(text("note", None, raw=b"x") for _ in range(10_000))
        assert "texts" in refused(png(many, text("chara", v2())))

    @pytest.mark.parametrize("wrap", [text, None])
    def test_a_text_that_inflates_beyond_the_limit(self, wrap: object) -> None:
        blank = base64.b64encode(b'{"name":"' + b" " * (9 * 1024 * 1024) + b'"}')
        bomb = text("ccv3", None, kind=b"zTXt", raw=blank) if wrap else packed_itxt("ccv3", blank)
        assert "8 MB once inflated" in refused(png(bomb, text("chara", v2())))

    def test_another_text_is_never_inflated(self) -> None:
        bomb = text("Comment", None, kind=b"zTXt", raw=b" " * (9 * 1024 * 1024))
        assert read(png(bomb, text("chara", v2()))).document.name == "Ada"

    def test_900_megapixels(self) -> None:
        whole = SIGNATURE + header(30_000, 30_000) + pixels() + text("chara", v2()) + END
        assert "25 million pixels" in refused(whole)

    def test_the_file_limit(self) -> None:
        assert "10 MB" in refused(png(text("chara", v2())) + b"\0" * (10 * 1024 * 1024))
        assert "0.001 MB" in refused(png(text("chara", v2())) + b"\0" * 2000, card_mb=0.001)

    def test_a_picture_without_pixels(self) -> None:
        refused(SIGNATURE + header() + text("chara", v2()) + END)
        refused(SIGNATURE + header() + chunk(b"IDAT", b"junk") + text("chara", v2()) + END)

    def test_neither_base64_nor_json(self) -> None:
        refused(png(text("chara", None, raw=b"***")))
        refused(png(text("chara", None, raw=base64.b64encode(b"not json"))))
        refused(png(text("chara", None, raw=b"", kind=b"zTXt")))
        refused(png(chunk(b"iTXt", b"chara\0\1")))
        refused(png(chunk(b"zTXt", b"chara\0\0junk")))

    def test_too_much_lore(self) -> None:
        from tests.fakes.card_files import book, entry

        card = v2(character_book=book(*(entry(id=n) for n in range(11))))
        assert "10 entries" in refused(png(text("chara", card)), lore_entries=10)
