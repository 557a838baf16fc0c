from pathlib import Path

import pytest

from services.llm.embedded.gguf import NotGguf, read_header
from tests.unit.llm.embedded.gguf_files import gguf, write_model


def test_header_tells_what_the_model_is(tmp_path: Path):
    header = read_header(write_model(tmp_path / "m.gguf"))

    assert header.architecture == "llama"
    assert header.context_length == 512
    assert header.quantization == "Q4_K_M"
    assert header.tools
    assert header.parameters == 64


def test_blocks_of_quantized_tensors_count_towards_the_size(tmp_path: Path):
    content = gguf(tensors={"a": ((32, 3), 0), "b": ((64, 2), 2)})
    path = write_model(tmp_path / "m.gguf", content)

    # 4 blocks of Q4_0 are 72 bytes, padded to 96 at the end of the file.
    assert read_header(path).expected_size == len(content) - 24


def test_file_without_the_last_byte_of_its_last_tensor_is_refused(tmp_path: Path):
    whole = gguf()

    with pytest.raises(NotGguf, match="cut off: "):
        read_header(write_model(tmp_path / "m.gguf", whole[:-1]))


@pytest.mark.parametrize("length", [5, 20, 60, 150, 300])
def test_file_cut_inside_its_header_is_refused(tmp_path: Path, length: int):
    with pytest.raises(NotGguf, match="cut off or damaged"):
        read_header(write_model(tmp_path / "m.gguf", gguf()[:length]))


@pytest.mark.parametrize("content", [b"", b"GG", b"<html>Not found</html>"])
def test_anything_else_is_no_model(tmp_path: Path, content: bytes):
    with pytest.raises(NotGguf, match="is not a GGUF file"):
        read_header(write_model(tmp_path / "m.gguf", content))


def test_unknown_version_is_named(tmp_path: Path):
    with pytest.raises(NotGguf, match="GGUF version 9"):
        read_header(write_model(tmp_path / "m.gguf", gguf(version=9)))


def test_absurd_counts_end_quickly(tmp_path: Path):
    content = bytearray(gguf())
    content[8:16] = b"\xff" * 8

    with pytest.raises(NotGguf, match="damaged"):
        read_header(write_model(tmp_path / "m.gguf", bytes(content)))
