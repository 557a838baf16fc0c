"""The engines that run in processes of their own, by name; constructing one starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.voice.engines.engine_process import EngineSpec
from services.voice.engines.process_ears import ProcessEars
from services.voice.engines.process_speech import ProcessSpeech

_WORKERS = "services.voice.engines.workers"
_EDGE_AT_A_TIME = 4
_EDGE_SILENCE_SECONDS = 10.0


def faster_whisper(
    model: Path,
    *,
    device: str = "auto",
    compute_type: str = "default",
    threads: int = 1,
    short_windows: bool = True,
    log: Path | None = None,
) -> ProcessEars:
    """Return Whisper over the CTranslate2 model in the folder ``model``.

    ``device`` is ``auto`` (a GPU where there is one), ``cuda`` or ``cpu``; ``compute_type`` one of
    CTranslate2's, by default int8 on a processor and float16 on a GPU. Without ``short_windows``
    every clip is decoded in Whisper's full 30 s.
    """
    options = {
        "model": str(model),
        "device": device,
        "compute_type": compute_type,
        "threads": threads,
        "short_windows": short_windows,
    }
    factory = f"{_WORKERS}.whisper:open_whisper"
    spec = EngineSpec(name="whisper", factory=factory, options=options, threads=threads)
    return ProcessEars(spec, log=log)


def onnx_ears(
    model: str,
    *,
    folder: Path | None = None,
    quantization: str | None = None,
    threads: int = 1,
    log: Path | None = None,
) -> ProcessEars:
    """Return a model of the package ``onnx-asr``, such as ``nemo-parakeet-tdt-0.6b-v3``.

    ``folder`` holds its files; without it the package fetches them.
    """
    options = {
        "model": model,
        "folder": str(folder) if folder else None,
        "quantization": quantization,
        "threads": threads,
    }
    factory = f"{_WORKERS}.onnx_asr_models:open_onnx_asr"
    spec = EngineSpec(name="onnx-asr", factory=factory, options=options, threads=threads)
    return ProcessEars(spec, log=log)


def piper(
    folders: Sequence[Path],
    *,
    default_voice: str | None = None,
    noise: float | None = None,
    threads: int = 1,
    log: Path | None = None,
) -> ProcessSpeech:
    """Return Piper over the voices (``NAME.onnx`` beside ``NAME.onnx.json``) in ``folders``.

    ``noise=0`` makes it say the same text the same way each time.
    """
    options = {
        "folders": [str(folder) for folder in folders],
        "voice": default_voice,
        "noise": noise,
        "threads": threads,
    }
    factory = f"{_WORKERS}.piper_voices:open_piper"
    return ProcessSpeech(
        EngineSpec(name="piper", factory=factory, options=options, threads=threads), log=log
    )


def kokoro(
    model: Path,
    voices: Path,
    *,
    default_voice: str = "af_heart",
    threads: int = 1,
    log: Path | None = None,
) -> ProcessSpeech:
    """Return Kokoro over its model and voice files."""
    options = {
        "model": str(model),
        "voices": str(voices),
        "voice": default_voice,
        "threads": threads,
    }
    factory = f"{_WORKERS}.kokoro_voices:open_kokoro"
    return ProcessSpeech(
        EngineSpec(name="kokoro", factory=factory, options=options, threads=threads), log=log
    )


def supertonic(
    folder: Path,
    *,
    default_voice: str = "F1",
    steps: int = 5,
    threads: int = 1,
    log: Path | None = None,
) -> ProcessSpeech:
    """Return Supertonic over the release in ``folder``; see ``supertonic_files`` for its layout.

    More ``steps`` sound cleaner and take longer, about in proportion.
    """
    options = {
        "folder": str(folder),
        "voice": default_voice,
        "steps": steps,
        "threads": threads,
    }
    factory = f"{_WORKERS}.supertonic_voices:open_supertonic"
    spec = EngineSpec(name="supertonic", factory=factory, options=options, threads=threads)
    return ProcessSpeech(spec, log=log)


def edge(
    *,
    default_voice: str = "en-US-EmmaMultilingualNeural",
    url: str | None = None,
    proxy: str | None = None,
    log: Path | None = None,
) -> ProcessSpeech:
    """Return the online voices of Edge, which must not be the only engine.

    ``url`` is another server's address for it, ending in a query.
    """
    options = {"voice": default_voice, "url": url, "proxy": proxy}
    spec = EngineSpec(
        name="edge",
        factory=f"{_WORKERS}.edge_voices:open_edge",
        options=options,
        concurrency=_EDGE_AT_A_TIME,
        silence_seconds=_EDGE_SILENCE_SECONDS,
    )
    return ProcessSpeech(spec, log=log)
