"""Writes tiny GGUF files."""

import struct
from pathlib import Path


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf(
    *,
    version: int = 3,
    architecture: str = "llama",
    context: int = 512,
    tensors: dict[str, tuple[tuple[int, ...], int]] | None = None,
    words: int = 3,
) -> bytes:
    """Return a file with a vocabulary of ``words`` and ``tensors`` (name: shape, type), zeroed.

    Only F32 (type 0) and Q4_0 (type 2) tensors are laid out.
    """
    tensors = {"weights": ((32, 2), 0)} if tensors is None else tensors
    entries = [
        text("general.architecture") + struct.pack("<I", 8) + text(architecture),
        text(f"{architecture}.context_length") + struct.pack("<II", 4, context),
        text("general.file_type") + struct.pack("<II", 4, 15),
        text("tokenizer.ggml.tokens")
        + struct.pack("<IIQ", 9, 8, words)
        + b"".join(text(f"word{n}") for n in range(words)),
        text("tokenizer.ggml.scores") + struct.pack("<IIQ", 9, 6, 2) + struct.pack("<ff", 1, 2),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{% if tools %}{% endif %}"),
    ]
    infos, body = b"", b""
    for name, (shape, kind) in tensors.items():
        elements = 1
        for length in shape:
            elements *= length
        infos += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        infos += struct.pack("<IQ", kind, len(body))
        body += bytes(elements * 4 if kind == 0 else elements // 32 * 18)
        body += bytes(-len(body) % 32)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join(entries)
    head += infos
    return head + bytes(-len(head) % 32) + body


def write_model(path: Path, content: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf() if content is None else content)
    return path
