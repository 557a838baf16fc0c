"""Networks of a few nodes as ONNX files, written by hand: the format is protocol buffers.

Field numbers are those of ``onnx.proto``: ModelProto(1 ir_version, 7 graph, 8 opset_import),
GraphProto(1 node, 2 name, 5 initializer, 11 input, 12 output), NodeProto(1 input, 2 output,
4 op_type, 5 attribute), TensorProto(1 dims, 2 data_type, 8 name, 9 raw_data).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64 = 1, 7
_IR_VERSION, _OPSET = 8, 17
_TYPES = {"float32": FLOAT, "int64": INT64}

Shape = Sequence[int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation; attributes are integers or lists of them."""

    kind: str
    inputs: Sequence[str]
    output: str
    attributes: dict[str, int | list[int]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``inputs`` and ``outputs`` are (name, element type, shape)."""

    inputs: Sequence[tuple[str, int, Shape]]
    outputs: Sequence[tuple[str, int, Shape]]
    nodes: Sequence[Node]
    constants: dict[str, NDArray[np.float32] | NDArray[np.int64]]

    def write(self, path: Path) -> Path:
        graph = b"".join(_field(1, _node(node)) for node in self.nodes) + _field(2, b"tiny")
        graph += b"".join(_field(5, _tensor(name, it)) for name, it in self.constants.items())
        graph += b"".join(_field(11, _value(*each)) for each in self.inputs)
        graph += b"".join(_field(12, _value(*each)) for each in self.outputs)
        opset = _field(8, _field(1, b"") + _number(2, _OPSET))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_number(1, _IR_VERSION) + _field(7, graph) + opset)
        return path


def content_network(path: Path, *, features: int = 768) -> Path:
    """Sound (1, 1, n) becomes features (1, n/320, 768), each the frame's mean loudness."""
    width = np.array([1, 1, features], np.int64)
    return Network(
        inputs=[("source", FLOAT, (1, 1, "n"))],
        outputs=[("embed", FLOAT, (1, "t", features))],
        nodes=[
            Node(kind="Abs", inputs=["source"], output="loud"),
            Node(
                kind="AveragePool",
                inputs=["loud"],
                output="means",
                attributes={"kernel_shape": [320], "strides": [320]},
            ),
            Node(kind="Transpose", inputs=["means"], output="rows", attributes={"perm": [0, 2, 1]}),
            Node(kind="Tile", inputs=["rows", "width"], output="embed"),
        ],
        constants={"width": width},
    ).write(path)


def voice_network(path: Path, *, hop: int = 400, features: int = 768) -> Path:
    """What RVC exports: every 10 ms become ``hop`` samples of the pitch in Hz over 2000."""
    return Network(
        inputs=[
            ("phone", FLOAT, (1, "t", features)),
            ("phone_lengths", INT64, (1,)),
            ("pitch", INT64, (1, "t")),
            ("pitchf", FLOAT, (1, "t")),
            ("ds", INT64, (1,)),
            ("rnd", FLOAT, (1, 192, "t")),
        ],
        outputs=[("audio", FLOAT, (1, 1, "m"))],
        nodes=[
            Node(kind="Mul", inputs=["pitchf", "small"], output="level"),
            Node(kind="Reshape", inputs=["level", "column"], output="tall"),
            Node(kind="Tile", inputs=["tall", "hop"], output="wide"),
            Node(kind="Reshape", inputs=["wide", "line"], output="audio"),
        ],
        constants={
            "small": np.array([1 / 2000], np.float32),
            "column": np.array([1, -1, 1], np.int64),
            "hop": np.array([1, 1, hop], np.int64),
            "line": np.array([1, 1, -1], np.int64),
        },
    ).write(path)


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _number(place: int, number: int) -> bytes:
    return _varint(place << 3) + _varint(number)


def _field(place: int, data: bytes) -> bytes:
    return _varint(place << 3 | 2) + _varint(len(data)) + data


def _node(node: Node) -> bytes:
    out = b"".join(_field(1, name.encode()) for name in node.inputs)
    out += _field(2, node.output.encode()) + _field(4, node.kind.encode())
    for name, value in (node.attributes or {}).items():
        one = _field(1, name.encode())
        if isinstance(value, list):
            one += b"".join(_number(8, each) for each in value) + _number(20, 7)
        else:
            one += _number(3, value) + _number(20, 2)
        out += _field(5, one)
    return out


def _tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    dims = b"".join(_number(1, size) for size in array.shape)
    return (
        dims
        + _number(2, _TYPES[str(array.dtype)])
        + _field(8, name.encode())
        + _field(9, array.tobytes())
    )


def _value(name: str, kind: int, shape: Shape) -> bytes:
    dims = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode()))
        for size in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, kind) + _field(2, dims)))
