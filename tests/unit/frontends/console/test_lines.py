"""Lines of standard input."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontends.console.lines import read_lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


async def _lines(fd: int, *, longest: int = 100) -> list[str]:
    return [line async for line in read_lines(fd, longest=longest)]


async def test_bytes_that_are_not_text_are_replaced_and_the_next_line_still_comes(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    os.write(writing, b"caf\xff\xc3\nnext\n")
    os.close(writing)
    assert await _lines(reading) == ["caf\ufffd\ufffd", "next"]


async def test_line_ends_of_other_systems_and_their_marks_are_not_part_of_the_text(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    os.write(writing, "\ufeffone\r\ntwo".encode())
    os.close(writing)
    assert await _lines(reading) == ["one", "two"]


async def test_a_character_cut_between_two_reads_is_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    async with asyncio.TaskGroup() as group:
        reader = group.create_task(_lines(reading))
        os.write(writing, "ü".encode()[:1])
        await asyncio.sleep(0.01)
        os.write(writing, "ü".encode()[1:] + b"\n")
        os.close(writing)
    assert reader.result() == ["ü"]


async def test_of_a_huge_line_only_enough_to_refuse_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes("ü".encode() * 5_000_000 + b"\nshort\n")
    opened = os.open(file, os.O_RDONLY)
    huge, short = await _lines(opened, longest=100)
    os.close(opened)
    assert 100 < len(huge) < 5_000_000
    assert short == "short"


async def test_nothing_to_read_ends_at_once() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    assert await _lines(nothing) == []
    os.close(nothing)


async def test_a_line_is_there_before_the_input_ends(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = read_lines(reading, longest=100)
    os.write(writing, b"first\n")
    async with asyncio.timeout(20):
        assert await anext(lines) == "first"
    await lines.aclose()


async def test_waiting_for_a_line_can_be_given_up(pipe: tuple[int, int]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _lines(pipe[0])
