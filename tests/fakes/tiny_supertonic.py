"""A release of Supertonic with tiny networks that have the names and shapes of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.fakes.tiny_onnx import FLOAT, INT64, Network, Node

RATE = 44100
CHUNK, FACTOR, LATENT = 512, 6, 24
ROWS, STEP = LATENT * FACTOR, CHUNK * FACTOR
VOICES = {"F1": (0.06, 0.25), "M1": (0.12, 0.5)}
"""Seconds for each character, and loudness."""

_FIRST, _LAST = 0x20, 0x7E
_BOTH: dict[str, int | list[int]] = {"axes": [1, 2], "keepdims": 1}


def tiny_supertonic(
    folder: Path, *, version: str = "v1.7.3", split: str = "opensource-multilingual"
) -> Path:
    """Write a release whose speech is a level: the voice's loudness, as long as its pace says."""
    onnx = folder / "onnx"
    _duration_predictor(onnx / "duration_predictor.onnx")
    _text_encoder(onnx / "text_encoder.onnx")
    _vector_estimator(onnx / "vector_estimator.onnx")
    _vocoder(onnx / "vocoder.onnx")
    config = {
        "tts_version": version,
        "split": split,
        "ae": {"sample_rate": RATE, "base_chunk_size": CHUNK},
        "ttl": {"latent_dim": LATENT, "chunk_compress_factor": FACTOR},
    }
    (onnx / "tts.json").write_text(json.dumps(config))
    numbers = [code - _FIRST + 1 if _FIRST <= code <= _LAST else -1 for code in range(256)]
    (onnx / "unicode_indexer.json").write_text(json.dumps(numbers))
    for name, (pace, loudness) in VOICES.items():
        style(folder, name, pace=pace, loudness=loudness)
    return folder


def style(folder: Path, name: str, *, pace: float, loudness: float) -> Path:
    """Write a voice."""
    said = {
        "style_ttl": {"dims": [1, 50, 256], "data": np.full((1, 50, 256), loudness).tolist()},
        "style_dp": {"dims": [1, 8, 16], "data": np.full(8 * 16, pace).tolist()},
    }
    path = folder / "voice_styles" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said))
    return path


def _duration_predictor(path: Path) -> None:
    """Characters times the mean of the style."""
    Network(
        inputs=[
            ("text_ids", INT64, ("b", "t")),
            ("style_dp", FLOAT, ("b", 8, 16)),
            ("text_mask", FLOAT, ("b", 1, "t")),
        ],
        outputs=[("duration", FLOAT, ("b",))],
        nodes=[
            Node(
                kind="ReduceSum",
                inputs=["text_mask", "both"],
                output="count",
                attributes={"keepdims": 0},
            ),
            Node(
                kind="ReduceMean",
                inputs=["style_dp"],
                output="pace",
                attributes={"axes": [1, 2], "keepdims": 0},
            ),
            Node(kind="Mul", inputs=["count", "pace"], output="duration"),
        ],
        constants={"both": np.array([1, 2], np.int64)},
    ).write(path)


def _text_encoder(path: Path) -> None:
    """The mean of the style for each character."""
    Network(
        inputs=[
            ("text_ids", INT64, ("b", "t")),
            ("style_ttl", FLOAT, ("b", 50, 256)),
            ("text_mask", FLOAT, ("b", 1, "t")),
        ],
        outputs=[("text_emb", FLOAT, ("b", 1, "t"))],
        nodes=[
            Node(kind="ReduceMean", inputs=["style_ttl"], output="mean", attributes=_BOTH),
            Node(kind="Mul", inputs=["text_mask", "mean"], output="text_emb"),
        ],
        constants={},
    ).write(path)


def _vector_estimator(path: Path) -> None:
    """An Euler step towards the mean of the text's embedding, which only the last one reaches."""
    Network(
        inputs=[
            ("noisy_latent", FLOAT, ("b", ROWS, "l")),
            ("text_emb", FLOAT, ("b", "e", "t")),
            ("style_ttl", FLOAT, ("b", 50, 256)),
            ("latent_mask", FLOAT, ("b", 1, "l")),
            ("text_mask", FLOAT, ("b", 1, "t")),
            ("current_step", FLOAT, ("b",)),
            ("total_step", FLOAT, ("b",)),
        ],
        outputs=[("denoised_latent", FLOAT, ("b", ROWS, "l"))],
        nodes=[
            Node(kind="Sub", inputs=["total_step", "current_step"], output="left"),
            Node(kind="Reciprocal", inputs=["left"], output="share"),
            Node(kind="Reshape", inputs=["share", "single"], output="factor"),
            Node(kind="ReduceMean", inputs=["text_emb"], output="level", attributes=_BOTH),
            Node(kind="Mul", inputs=["latent_mask", "level"], output="target"),
            Node(kind="Sub", inputs=["target", "noisy_latent"], output="away"),
            Node(kind="Mul", inputs=["away", "factor"], output="step"),
            Node(kind="Add", inputs=["noisy_latent", "step"], output="denoised_latent"),
        ],
        constants={"single": np.array([-1, 1, 1], np.int64)},
    ).write(path)


def _vocoder(path: Path) -> None:
    """Each step of the latent as a level."""
    Network(
        inputs=[("latent", FLOAT, ("b", ROWS, "l"))],
        outputs=[("wav_tts", FLOAT, ("b", "n"))],
        nodes=[
            Node(
                kind="ReduceMean",
                inputs=["latent"],
                output="mean",
                attributes={"axes": [1], "keepdims": 1},
            ),
            Node(kind="Transpose", inputs=["mean"], output="tall", attributes={"perm": [0, 2, 1]}),
            Node(kind="Tile", inputs=["tall", "samples"], output="wide"),
            Node(kind="Reshape", inputs=["wide", "line"], output="wav_tts"),
        ],
        constants={
            "samples": np.array([1, 1, STEP], np.int64),
            "line": np.array([1, -1], np.int64),
        },
    ).write(path)
