"""llama.cpp itself, loaded into this process; only the server's child process imports this."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import xllamacpp

# Work is cut off between two batches. On one core 32 tokens of a 1.5B model take 0.9 s; batches of
# 512 were 13 % faster over a whole prompt but could not be stopped for 14 s.
_CPU_BATCH = 32
_SLOTS = 2
_WARNINGS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How the model is loaded; ``num_ctx`` tokens are held for each of the two slots."""

    model: Path
    num_ctx: int
    threads: int
    prefixes: Path


def version() -> str:
    """Return the version that prompt snapshots depend on."""
    return str(xllamacpp.__version__)


def knows_lark() -> bool:
    """Say whether grammars may be written in llguidance's Lark, which this build then has."""
    return str(xllamacpp.json_schema_to_grammar({"type": "object"})).startswith("%llguidance")


class Engine:
    """A loaded model behind llama.cpp's HTTP server on a free loopback port.

    Construction blocks for the time of the load (0.5 s to 10 s, without holding the interpreter)
    and raises ``RuntimeError`` when llama.cpp refuses the file.
    """

    def __init__(self, options: EngineOptions) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(options.model)
        # Separate caches: each slot holds exactly num_ctx tokens, whatever the other one does.
        params.n_parallel = _SLOTS
        params.kv_unified = False
        params.n_ctx = _SLOTS * options.num_ctx
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.threads
        if not _has_gpu():
            params.n_gpu_layers = 0
            params.fit_params = False
            params.n_batch = _CPU_BATCH
            params.n_ubatch = _CPU_BATCH
        params.warmup = False
        params.ui = False
        params.cache_ram_mib = 0
        params.cache_idle_slots = False
        params.endpoint_slots = True
        params.slot_save_path = f"{options.prefixes}/"
        params.verbosity = _WARNINGS
        self._key = secrets.token_hex()
        params.api_keys = [self._key]
        self._server = xllamacpp.Server(params)

    @property
    def key(self) -> str:
        """Return the bearer token without which the server refuses everybody."""
        return self._key

    @property
    def address(self) -> str:
        """Return the base URL of llama.cpp's server."""
        return str(self._server.listening_address)


def _has_gpu() -> bool:
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in xllamacpp.get_device_info())
