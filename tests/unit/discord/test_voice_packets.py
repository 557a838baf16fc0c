"""Packets are read as the stand-in's own reader reads them, and no bytes make the reader fail."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.discord.voice.packets import MODE, SILENCE, Unsealer, is_end_to_end, read_header
from tests.discord_standin.voice.rtp import Header, padding
from tests.discord_standin.voice.sealing import XCHACHA, Sealing

pytestmark = pytest.mark.property

KEY = bytes(range(32))


def sealed(
    frame: bytes, *, extension: bytes = b"", pad: int = 0, sequence: int = 7, ssrc: int = 9
) -> bytes:
    header = Header(
        sequence=sequence,
        timestamp=960 * sequence,
        ssrc=ssrc,
        extension_words=len(extension) // 4 if extension else None,
        padded=pad > 0,
    )
    return Sealing(XCHACHA, KEY).seal(header.pack(), extension + frame + padding(pad))


def read(packet: bytes, key: bytes = KEY) -> bytes | None:
    header = read_header(packet)
    return None if header is None else Unsealer().unseal(packet, header, key)


@given(
    frame=st.binary(max_size=300),
    extension=st.binary(max_size=10).map(lambda each: each * 4),
    pad=st.integers(0, 255),
    sequence=st.integers(0, 65_535),
    ssrc=st.integers(0, 2**32 - 1),
)
def test_what_was_sealed_comes_out_without_extension_and_padding(
    frame, extension, pad, sequence, ssrc
):
    packet = sealed(frame, extension=extension, pad=pad, sequence=sequence, ssrc=ssrc)
    header = read_header(packet)
    assert header is not None
    assert (header.sequence, header.ssrc) == (sequence, ssrc)
    assert header.timestamp == 960 * sequence
    assert Unsealer().unseal(packet, header, KEY) == frame


@given(data=st.binary(max_size=400))
def test_no_bytes_make_it_fail(data):
    read(data)
    read(b"\x80\x78" + data)
    read(b"\xbf\x78" + data)


@given(frame=st.binary(min_size=1, max_size=60), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_packet_that_was_changed_anywhere_is_not_opened(frame, at, bit):
    packet = bytearray(sealed(frame, extension=b"abcd", pad=3))
    packet[at % len(packet)] ^= 1 << bit
    assert read(bytes(packet)) is None


def test_contributing_sources_are_part_of_the_header():
    fixed = bytearray(Header(sequence=1, timestamp=2, ssrc=3).pack())
    fixed[0] |= 2
    packet = Sealing(XCHACHA, KEY).seal(bytes(fixed) + b"source01", b"frame")
    assert read(packet) == b"frame"


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(bytes([0x80, 200]) + bytes(60), id="control packet"),
        pytest.param(bytes([0x40, 0x78]) + bytes(60), id="another version"),
        pytest.param(bytes([0x80, 0x65]) + bytes(60), id="video"),
        pytest.param(bytes(8), id="keepalive"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_sound_has_no_header(strange):
    assert read_header(strange) is None


def test_more_padding_or_extension_than_there_is_gives_nothing():
    sealing = Sealing(XCHACHA, KEY)
    padded = Header(sequence=1, timestamp=960, ssrc=9, padded=True).pack()
    assert read(sealing.seal(padded, padding(16))) == b""
    assert read(sealing.seal(padded, bytes(8) + b"\xff")) is None
    extended = Header(sequence=1, timestamp=960, ssrc=9, extension_words=40).pack()
    assert read(sealing.seal(extended, bytes(12))) is None


def test_another_key_opens_nothing():
    assert read(sealed(b"frame"), secrets.token_bytes(32)) is None


def test_the_way_of_sealing_is_the_one_the_stand_in_calls_so():
    assert MODE == XCHACHA


def test_only_what_ends_like_an_encrypted_frame_is_one():
    assert is_end_to_end(b"\x78" * 20 + bytes(8) + b"\x01\x0c\xfa\xfa")
    assert not is_end_to_end(SILENCE)
    assert not is_end_to_end(b"\x78" * 40)
    assert not is_end_to_end(b"\x78" * 20 + b"\x00\xfa\xfa")
    assert not is_end_to_end(b"\x78" * 20 + b"\xff\xfa\xfa")
