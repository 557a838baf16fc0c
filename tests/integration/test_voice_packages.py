"""Engines whose package or model is not there say in one sentence what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.domain.audio import AudioClip
from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.process_ears import ProcessEars
from services.voice.engines.process_engines import edge, faster_whisper, kokoro, onnx_ears, piper
from services.voice.engines.process_speech import ProcessSpeech
from tests.fakes.tiny_onnx import FLOAT, INT64, Network, Node

pytestmark = pytest.mark.timeout(60)
_EIGHTHS: dict[str, int | list[int]] = {"kernel_shape": [8], "strides": [8], "ceil_mode": 1}
_ZEROS = np.zeros((1, 1, 3), np.float32)
_SCORES = np.array([[[0.0, -9.0, -9.0]]], np.float32)
Made = Callable[[Path], ProcessEars | ProcessSpeech]

ENGINES: list[tuple[str, str, Made]] = [
    ("edge_tts", "edge-tts", lambda folder: edge()),
    ("piper", "piper-tts", lambda folder: piper([folder])),
    ("kokoro_onnx", "kokoro-onnx", lambda folder: kokoro(folder / "model.bin", folder / "v.npz")),
    ("faster_whisper", "faster-whisper", faster_whisper),
    ("onnx_asr", "onnx-asr", lambda folder: onnx_ears("whisper", folder=folder)),
]


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package look as if it were not installed, for processes that are started."""
    folder = tmp_path / "hiding"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def hide(module: str) -> None:
        (folder / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})")

    return hide


@pytest.mark.parametrize(
    ("module", "package", "made"), ENGINES, ids=[package for _, package, _ in ENGINES]
)
async def test_a_missing_package_is_named(
    tmp_path: Path, hidden: Callable[[str], None], module: str, package: str, made: Made
):
    hidden(module)
    (tmp_path / "model.bin").write_bytes(b"")
    (tmp_path / "v.npz").write_bytes(b"")
    engine = made(tmp_path)
    with pytest.raises(ProviderError, match=f"needs the package {package}") as caught:
        await engine.open()
    assert caught.value.fault is ProviderFault.UNSUPPORTED
    await engine.close()


@pytest.mark.parametrize(
    "made",
    [
        lambda folder: piper([folder]),
        lambda folder: kokoro(folder / "model.onnx", folder / "voices.bin"),
        faster_whisper,
    ],
    ids=["piper", "kokoro", "whisper"],
)
async def test_a_missing_model_is_named(tmp_path: Path, made: Made):
    engine = made(tmp_path)
    with pytest.raises(ProviderError, match="put ") as caught:
        await engine.open()
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    await engine.close()


async def test_a_model_of_onnx_asr_is_loaded_and_heard(tmp_path: Path):
    # A recogniser of Parakeet's kind that takes every frame for the first word of its vocabulary.
    Network(
        inputs=[("audio_signal", FLOAT, (1, 80, "t")), ("length", INT64, (1,))],
        outputs=[("logprobs", FLOAT, (1, "s", 3))],
        nodes=[
            Node(kind="AveragePool", inputs=["audio_signal"], output="few", attributes=_EIGHTHS),
            Node(kind="ReduceMax", inputs=["few"], output="peaks", attributes={"axes": [1]}),
            Node(kind="Transpose", inputs=["peaks"], output="rows", attributes={"perm": [0, 2, 1]}),
            Node(kind="Mul", inputs=["rows", "nothing"], output="zeros"),
            Node(kind="Add", inputs=["zeros", "scores"], output="logprobs"),
        ],
        constants={"nothing": _ZEROS, "scores": _SCORES},
    ).write(tmp_path / "model.onnx")
    (tmp_path / "vocab.txt").write_text("\u2581hello 0\n\u2581world 1\n<blk> 2\n", encoding="utf-8")
    ears = onnx_ears("nemo-conformer-ctc", folder=tmp_path)
    heard = await ears.transcribe(AudioClip(pcm=bytes(64000), rate=16000))
    assert heard.text == "hello"
    await ears.close()
