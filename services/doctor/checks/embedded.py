"""The built-in model: its engine, its file, memory for it, prepared prompts."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
from pathlib import Path

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.endpoints import EMBEDDED, default_endpoint
from services.doctor.places import readable_size
from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.catalog import SMALL
from services.llm.embedded.models import HubModel, ModelFile, ModelStore, check

_MAKE = "Run `make model`, which fetches it, or set OLLAMA_HOST to an Ollama server."
# On top of the file: the context's cache and llama.cpp's own buffers.
_BESIDES_THE_FILE = 300 * 2**20
_AVAILABLE = re.compile(r"(?m)^MemAvailable:\s+(\d+) kB")
_UNUSED = "Another model answers; the built-in one is not needed."


async def _engine(case: Case) -> Finding:
    if importlib.util.find_spec("xllamacpp") is not None:
        return fine("The engine of the built-in model is installed.")
    sentence = "The engine of the built-in model (xllamacpp) is not installed."
    if _answers(case):
        return problem(sentence, fix="Run `make setup`.", cause="dependency")
    return skipped(sentence)


async def _model(case: Case) -> Found:
    found = await asyncio.to_thread(_file, case)
    if isinstance(found, ProviderError):
        missing = found.fault is ProviderFault.MODEL_MISSING
        if missing and not _answers(case):
            return skipped("The built-in model is not installed; another one answers.")
        if missing:
            return problem(_missing(case), fix=_MAKE, cause="dependency")
        sentence, _, fix = found.user_message.partition(". ")
        return problem(f"{sentence}.", fix=f"{fix} {_MAKE}", cause="data")
    if isinstance(found, HubModel):
        return warning(
            "The built-in model is not here yet; the first start fetches it.",
            fix="Start acore once while the network is there.",
            cause="dependency",
        )
    return _remarks(case, found)


def _missing(case: Case) -> str:
    if case.loaded.embedded.model:
        return "The built-in model that embedded.model names is not there."
    return "There is no built-in model, and no other one is configured."


def _remarks(case: Case, model: ModelFile) -> Found:
    findings: list[Finding] = []
    wanted, trained = case.loaded.embedded.num_ctx, model.header.context_length
    if trained and wanted > trained:
        findings.append(
            warning(
                f"embedded.num_ctx is {wanted}, but {model.name} was trained for {trained} tokens; "
                f"acore uses {trained}.",
                fix=f"Set embedded.num_ctx to {trained} or less.",
                cause="settings",
            )
        )
    if model.path.name == SMALL.file_name and case.loaded.embedded.model is None and _answers(case):
        findings.append(
            warning(
                f"Only the small model {model.name} is installed; it talks, but poorly.",
                fix="Run `make model`, which fetches the larger one.",
                cause="dependency",
            )
        )
    size = readable_size(model.path.stat().st_size)
    return findings or fine(f"The built-in model {model.name} ({size}) is whole.")


async def _memory(case: Case) -> Finding:
    if not _answers(case):
        return skipped(_UNUSED)
    found = await asyncio.to_thread(_file, case)
    match = _AVAILABLE.search(await asyncio.to_thread(case.memory_table))
    if not isinstance(found, ModelFile) or match is None:
        return skipped("How much memory the built-in model needs cannot be told here.")
    needed = found.path.stat().st_size + _BESIDES_THE_FILE
    available = int(match[1]) * 1024
    sentence = f"{found.name} needs about {readable_size(needed)} of memory"
    if available < needed:
        return warning(
            f"{sentence}, but {readable_size(available)} are available.",
            fix="Close other programs, take a smaller model (`make model MODEL=small`), or ask an "
            "Ollama server with OLLAMA_HOST. While acore runs, its model is part of what is used.",
            cause="dependency",
        )
    return fine(f"{sentence}; {readable_size(available)} are available.")


async def _prefixes(case: Case) -> Finding:
    if not _answers(case):
        return skipped(_UNUSED)
    found = await asyncio.to_thread(_file, case)
    if not isinstance(found, ModelFile):
        return skipped("There is no built-in model to prepare.")
    folder = _prefix_folder(case, found.path.parent)
    count = await asyncio.to_thread(lambda: len(list(folder.glob("*.bin"))))
    if not count:
        return warning(
            "No character is prepared, so first answers take longer.",
            fix="Run `main.py warm`.",
            cause="data",
        )
    return fine(f"{count} prepared prompts of characters lie ready.")


def _file(case: Case) -> ModelFile | HubModel | ProviderError:
    try:
        found = ModelStore(case.loaded.embedded, data=case.data).find()
        return found if isinstance(found, HubModel) else check(found)
    except ProviderError as error:
        return error


def _prefix_folder(case: Case, beside_model: Path) -> Path:
    if case.loaded.embedded.prefixes is not None:
        return case.loaded.embedded.prefixes
    return (beside_model if os.access(beside_model, os.W_OK) else case.data) / "prefixes"


def _answers(case: Case) -> bool:
    return default_endpoint(case.loaded) == EMBEDDED


CHECKS = (
    Check(name="embedded_engine", area="model", examine=_engine),
    Check(name="embedded_model", area="model", examine=_model),
    Check(name="embedded_memory", area="model", examine=_memory),
    Check(name="embedded_prepared", area="model", examine=_prefixes),
)
